//! The states of a row as one match: the state after an event, and what remains in doubt.
//!
//! Both the live run and the recovery after a crash use it; nothing else decides a state.
//!
//! Invariant: once an answer is lost, a row can end as `reset` or `in_doubt`, never as `failed`.

use super::words::{Word, among};
use crate::{outcome::Status, password::Password};

/// The state of a row in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be sent, now or later.
    Planned,
    /// May have been sent: the intent is on disk.
    InFlight,
    /// The service has accepted the password for the on-premises directory, or may have. It is never sent again.
    Accepted,
    /// Graph confirmed the password.
    Reset,
    /// Graph refused it.
    Failed,
    /// Given up after an answer was lost.
    InDoubt,
    /// Never to be sent.
    Skipped,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Planned, Self::InFlight, Self::Accepted, Self::Reset, Self::Failed, Self::InDoubt, Self::Skipped];

    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InFlight => "in_flight",
            Self::Accepted => "accepted",
            Self::Reset => "reset",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
            Self::Skipped => "skipped",
        }
    }

    /// What a report calls it.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Planned | Self::InFlight | Self::Accepted => Status::Pending,
            Self::Reset => Status::Reset,
            Self::Failed => Status::Failed,
            Self::InDoubt => Status::InDoubt,
            Self::Skipped => Status::Skipped,
        }
    }

    /// Whether the row was sent and has ended.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Reset | Self::Failed | Self::InDoubt)
    }
}

impl Word for State {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        among(&Self::ALL, word)
    }
}

/// What became of the sessions of an account that was reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// They are to be revoked.
    Due,
    /// The request to revoke them may have been sent.
    InFlight,
    /// They are revoked.
    Revoked,
    /// They could not be revoked.
    Kept,
}

impl SessionState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Due, Self::InFlight, Self::Revoked, Self::Kept];

    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::InFlight => "in_flight",
            Self::Revoked => "revoked",
            Self::Kept => "kept",
        }
    }
}

impl Word for SessionState {
    fn word(self) -> &'static str {
        self.as_str()
    }

    fn parse(word: &str) -> Option<Self> {
        among(&Self::ALL, word)
    }
}

/// Which passwords of a row may be in force although no answer confirmed them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// The one in column `password`.
    pub current: bool,
    /// One that was replaced.
    pub earlier: bool,
}

impl Doubt {
    /// The ledger's form: 1 for the current password, 2 for an earlier one, 3 for both.
    #[must_use]
    pub const fn to_bits(self) -> u8 {
        self.current as u8 | (self.earlier as u8) << 1
    }

    /// The reverse of [`Doubt::to_bits`].
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self { current: bits & 1 != 0, earlier: bits & 2 != 0 }
    }

    /// Whether there is any.
    #[must_use]
    pub const fn any(self) -> bool {
        self.current || self.earlier
    }
}

/// What happened to a row in flight.
pub enum Event {
    /// Graph confirmed the write.
    Confirmed,
    /// The batch was never sent.
    Unsent,
    /// To be sent again, not before a time in milliseconds since 1970.
    Again {
        /// The earliest time.
        not_before: i64,
        /// Whether the write may have taken effect.
        maybe_written: bool,
        /// Whether this counts as a failed attempt of the row.
        trouble: bool,
    },
    /// Graph refused the password as too weak: send this one instead.
    Replaced(Password),
    /// Graph refused the write for good.
    Refused,
}

impl Event {
    /// The state after the event, and the doubt from then on.
    #[must_use]
    pub fn outcome(&self, doubt: Doubt) -> (State, Doubt) {
        match self {
            Self::Confirmed => (State::Reset, Doubt::default()),
            Self::Unsent => (State::Planned, doubt),
            Self::Again { maybe_written, .. } => {
                (State::Planned, Doubt { current: doubt.current || *maybe_written, ..doubt })
            }
            Self::Replaced(_) => (State::Planned, Doubt { current: false, earlier: doubt.any() }),
            Self::Refused if doubt.any() => (State::InDoubt, doubt),
            Self::Refused => (State::Failed, doubt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_answers_are_never_forgotten() {
        let lost = Event::Again { not_before: 0, maybe_written: true, trouble: true };
        let (state, doubt) = lost.outcome(Doubt::default());
        assert_eq!((state, doubt.to_bits()), (State::Planned, 1));
        let throttled = Event::Again { not_before: 0, maybe_written: false, trouble: false };
        assert_eq!(throttled.outcome(doubt), (State::Planned, doubt));
        assert_eq!(Event::Unsent.outcome(doubt), (State::Planned, doubt));
        assert_eq!(Event::Refused.outcome(doubt), (State::InDoubt, doubt));
        assert_eq!(Event::Confirmed.outcome(doubt), (State::Reset, Doubt::default()));
    }

    #[test]
    fn certain_refusal_keeps_old_password() {
        assert_eq!(Event::Refused.outcome(Doubt::default()).0, State::Failed);
    }

    #[test]
    fn new_password_keeps_older_doubt() {
        let replaced = Event::Replaced(Password::new("x".into()));
        assert_eq!(replaced.outcome(Doubt::from_bits(1)), (State::Planned, Doubt::from_bits(2)));
        assert_eq!(replaced.outcome(Doubt::from_bits(3)), (State::Planned, Doubt::from_bits(2)));
        assert_eq!(replaced.outcome(Doubt::default()), (State::Planned, Doubt::default()));
        let lost = Event::Again { not_before: 0, maybe_written: true, trouble: true };
        assert_eq!(lost.outcome(Doubt::from_bits(2)).1, Doubt::from_bits(3));
    }
}
