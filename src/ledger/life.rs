//! A row's life, as one match: what state an event leads to, and what remains in doubt.
//!
//! The live run and the recovery after a crash both come through here; nothing else decides a state.
//!
//! Invariant: once an answer is lost, a row can end `reset` or `in_doubt`, never `failed`.

use crate::password::Password;

/// Where a row stands in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// To be sent, now or later.
    Planned,
    /// Perhaps sent: the intent is on disk.
    InFlight,
    /// Graph confirmed the password.
    Reset,
    /// Graph refused it.
    Failed,
    /// Given up, with an answer lost.
    InDoubt,
    /// Never to be sent.
    Skipped,
}

impl State {
    /// The word in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InFlight => "in_flight",
            Self::Reset => "reset",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
            Self::Skipped => "skipped",
        }
    }

    /// The reverse of [`State::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Planned, Self::InFlight, Self::Reset, Self::Failed, Self::InDoubt, Self::Skipped]
            .into_iter()
            .find(|state| state.as_str() == word)
    }

    /// Whether the row was sent and has ended.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Reset | Self::Failed | Self::InDoubt)
    }
}

/// Which passwords of a row may be in force although no answer confirmed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// The one in column `password`.
    pub current: bool,
    /// One that has been replaced since.
    pub earlier: bool,
}

impl Doubt {
    /// As the ledger keeps it: 1 for the current password, 2 for an earlier one, 3 for both.
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
    /// The batch never left.
    Unsent,
    /// To be sent again, not before a time in milliseconds since 1970.
    Again {
        /// The earliest time.
        not_before: i64,
        /// Whether the write may have taken effect.
        maybe_written: bool,
        /// Whether this counts against the row's patience.
        trouble: bool,
    },
    /// Graph refused the password as too weak: send this one instead.
    Replaced(Password),
    /// Graph refused the write for good.
    Refused,
}

impl Event {
    /// The state after the event, and what is in doubt from then on.
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
    fn a_lost_answer_is_never_forgotten() {
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
    fn a_refusal_without_a_doubt_leaves_the_old_password() {
        assert_eq!(Event::Refused.outcome(Doubt::default()).0, State::Failed);
    }

    #[test]
    fn a_new_password_keeps_the_doubt_about_the_old_one() {
        let replaced = Event::Replaced(Password::new("x".into()));
        assert_eq!(replaced.outcome(Doubt::from_bits(1)), (State::Planned, Doubt::from_bits(2)));
        assert_eq!(replaced.outcome(Doubt::from_bits(3)), (State::Planned, Doubt::from_bits(2)));
        assert_eq!(replaced.outcome(Doubt::default()), (State::Planned, Doubt::default()));
        let lost = Event::Again { not_before: 0, maybe_written: true, trouble: true };
        assert_eq!(lost.outcome(Doubt::from_bits(2)).1, Doubt::from_bits(3));
    }
}
