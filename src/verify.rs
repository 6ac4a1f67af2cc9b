//! Verifying: what the directory says of each account after it was reset.
//!
//! It reads `lastPasswordChangeDateTime` back and compares it with when the password was sent and confirmed. A later
//! change is somebody else's: of the person, or of another run that has the same accounts. The directory answers from
//! copies that lag behind, so what is not visible yet is asked for again, for a while. It changes no account, and nothing
//! of how a row ended.
//!
//! Invariant: a row is confirmed only if one of this run's own attempts explains the time of the change.

use crate::{
    clock::{Clock, Offset, SERVERS_APART},
    graph::{Graph, user::User},
    ledger::{Doubtful, Ledger, LedgerError, Verdict},
    reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    traffic::{Pace, SEEMS_BEFORE},
    upn::Upn,
};
use futures_util::{FutureExt, future::FusedFuture};
use std::{collections::HashMap, time::Duration};
use tokio::time::{Instant, sleep};

/// How long a change that is not visible is asked for: replication takes seconds, and a few minutes at worst.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between the first two attempts; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// How long after the confirmation a change counts as ours, in milliseconds, if it is not known how the clocks stood to
/// each other then: the run is of an older release, which did not note it.
const UNKNOWN_CLOCKS: i64 = 60_000;

/// What is told while it verifies.
#[derive(Clone, Debug)]
pub enum VerifyEvent {
    /// So many accounts are to be read.
    Begins(u64),
    /// It reads.
    Reading(ReadEvent),
    /// So many changes are not visible yet, and are asked for again after a wait.
    NotYetVisible(u64, Duration),
}

/// How verifying ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyEnd {
    /// Every account that was reset has been looked at.
    Finished,
    /// It was asked to stop.
    Interrupted,
    /// The application may not read accounts, as told.
    Denied(String),
}

/// Looks at every account that was reset, and keeps what the directory shows.
///
/// # Errors
/// Says what stands against going on; what was seen is kept.
pub async fn verify<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    pace: &Pace,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(VerifyEvent),
) -> Result<VerifyEnd, ReadError> {
    let mut stop = std::pin::pin!(stop.fuse());
    let (began, mut wait) = (Instant::now(), FIRST_WAIT);
    ledger.begin_verifying()?;
    emit(VerifyEvent::Begins(ledger.counts().reset));
    for again in std::iter::once(false).chain(std::iter::repeat(true)) {
        match pass(ledger, graph, pace, again, &mut stop, emit).await? {
            (ReadEnd::Interrupted, _) => return Ok(VerifyEnd::Interrupted),
            (ReadEnd::Denied(said), _) => return Ok(VerifyEnd::Denied(said)),
            (ReadEnd::Finished, 0) => break,
            (ReadEnd::Finished, _) if began.elapsed() >= PATIENCE => break,
            (ReadEnd::Finished, invisible) => emit(VerifyEvent::NotYetVisible(invisible, wait)),
        }
        tokio::select! {
            () = &mut stop => return Ok(VerifyEnd::Interrupted),
            () = sleep(wait) => wait = (wait * 2).min(PATIENCE / 5),
        }
    }
    Ok(VerifyEnd::Finished)
}

/// Looks at all accounts once, or `again` at those that were not visible; tells how many are not.
async fn pass<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    pace: &Pace,
    again: bool,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(VerifyEvent),
) -> Result<(ReadEnd, u64), ReadError> {
    let mut resets = Resets { ledger, clock: pace.clock, again, after: 0, away: HashMap::new(), invisible: 0 };
    let end = reader::read(graph, pace, &mut resets, stop, &mut |event| emit(VerifyEvent::Reading(event))).await?;
    Ok((end, resets.invisible))
}

struct Resets<'a> {
    ledger: &'a mut Ledger,
    clock: Clock,
    again: bool,
    after: u64,
    away: HashMap<u64, Doubtful>,
    invisible: u64,
}

impl Reading for Resets<'_> {
    fn ledger(&self) -> &Ledger {
        self.ledger
    }

    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError> {
        let mut next = Vec::new();
        for reset in self.ledger.to_verify(self.again, self.after, most)? {
            let row = reset.row;
            self.after = row;
            let key = reset.object_id.as_deref().unwrap_or(&reset.user_principal_name);
            next.push((row, Upn::parse(key).map_err(|_| LedgerError::BadAddress(row))?));
            self.away.insert(row, reset);
        }
        Ok(next)
    }

    fn keep(&mut self, found: Vec<(u64, Found)>, offset: Option<Offset>) -> Result<(), LedgerError> {
        let now = self.clock.millis();
        let mut seen = Vec::with_capacity(found.len());
        for (row, found) in found {
            let Some(reset) = self.away.remove(&row) else { continue };
            let (verdict, message) = match found {
                Found::User(user) => compared(&reset, &user, &explained(&reset, self.ledger, offset)),
                Found::Missing => (Verdict::Unread, "the directory has no such account any more".into()),
                Found::Unread(said) | Found::Unclear(said) => (Verdict::Unread, said),
            };
            self.invisible += u64::from(verdict == Verdict::NotYetVisible);
            seen.push((row, verdict, message));
        }
        self.ledger.keep_verdicts(&seen, now)
    }
}

/// The times of change that our own attempts explain, by the directory's clock.
struct Explained {
    /// From here on, or `None` for whatever is newer than what the look before the run found.
    from: Option<i64>,
    to: i64,
}

/// A write takes effect between the moment when it leaves and the moment when its answer is here. The first is noted by
/// the directory's clock, the second by ours, so that one is moved by the offset that was known then. What is left is how
/// much the directory's own servers differ.
fn explained(reset: &Doubtful, ledger: &Ledger, offset_now: Option<Offset>) -> Explained {
    let settled_at = reset.settled_at.unwrap_or(reset.sent_at);
    let (offset, tolerance) = match ledger.clock_at(settled_at) {
        Some(offset) => (Some(offset), SERVERS_APART),
        None => (offset_now, UNKNOWN_CLOCKS),
    };
    let most = offset.map_or(0, |offset| offset.most);
    // If it was sent several times, the earlier times are not known: any newer change may be that of an earlier attempt.
    // Nor is the last one known for sure, if no answer had told how the clocks stand.
    let is_certain = tolerance == SERVERS_APART && reset.attempts <= 1;
    let from = reset.sent_at - SEEMS_BEFORE;
    Explained {
        from: (is_certain || reset.changed_before.is_none()).then_some(from),
        to: reset.sent_at.max(settled_at + most) + tolerance,
    }
}

/// Whether an account shows a change that none of our attempts explains. The directory's clock is ahead of ours by
/// `offset` now.
pub(crate) fn is_changed_since(reset: &Doubtful, user: &User, ledger: &Ledger, offset: Option<Offset>) -> bool {
    compared(reset, user, &explained(reset, ledger, offset)).0 == Verdict::ChangedSince
}

/// What an account shows of our change.
fn compared(reset: &Doubtful, user: &User, explained: &Explained) -> (Verdict, String) {
    let Some(changed) = user.password_changed else {
        return (Verdict::Unread, "the directory does not tell when the password was changed".into());
    };
    let at = changed.as_millisecond();
    let is_new = reset.changed_before.is_none_or(|before| at > before);
    match () {
        () if at > explained.to => (
            Verdict::ChangedSince,
            format!("somebody changed the password again at {changed}: its person, or another run"),
        ),
        () if is_new && explained.from.is_none_or(|from| at >= from) => (Verdict::Confirmed, String::new()),
        () => (
            Verdict::NotYetVisible,
            format!("Graph confirmed the password, and the directory still shows that of {changed}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sent at 100.3 s and confirmed at 101.0 s, by the directory's clock.
    fn verdict(changed: i64, changed_before: Option<i64>, attempts: u64) -> Verdict {
        let nobody = String::new;
        let (sent_at, settled_at, object_id) = (100_300, Some(101_000), None);
        let reset = Doubtful {
            row: 1,
            user_principal_name: nobody(),
            object_id,
            sent_at,
            settled_at,
            changed_before,
            attempts,
        };
        let user = User {
            id: nobody(),
            user_principal_name: nobody(),
            is_enabled: true,
            is_guest: false,
            is_synced: false,
            password_changed: jiff::Timestamp::from_millisecond(changed).ok(),
        };
        let is_certain = attempts <= 1 || changed_before.is_none();
        let explained = Explained { from: is_certain.then_some(sent_at - SEEMS_BEFORE), to: 101_000 + SERVERS_APART };
        compared(&reset, &user, &explained).0
    }

    #[test]
    fn only_our_own_attempts_are_confirmed() {
        for (changed, before, attempts, expected) in [
            (97_000, None, 1, Verdict::NotYetVisible),
            (98_000, None, 1, Verdict::Confirmed),
            (99_000, Some(99_000), 1, Verdict::NotYetVisible),
            (99_000, Some(50_000), 1, Verdict::Confirmed),
            (80_000, Some(50_000), 1, Verdict::NotYetVisible),
            (80_000, Some(50_000), 2, Verdict::Confirmed),
            (100_000, None, 1, Verdict::Confirmed),
            (101_000, None, 1, Verdict::Confirmed),
            (102_000, None, 1, Verdict::ChangedSince),
            (102_000, Some(50_000), 3, Verdict::ChangedSince),
        ] {
            assert_eq!(verdict(changed, before, attempts), expected, "{changed} {before:?} {attempts}");
        }
    }
}
