//! Verification: checks each account in the directory after its reset.
//!
//! It reads `lastPasswordChangeDateTime` and compares it with the times when the password was sent and confirmed. A
//! later change was made by someone else: the user, or another run with the same accounts. The directory answers from
//! replicas that lag behind, so changes that are not visible yet are checked again for a while. It changes no account,
//! and no row's result.
//!
//! Invariant: a row is confirmed only if one of this run's own attempts explains the time of the change.

use crate::{
    account::upn::Upn,
    engine::{
        dispatch::{Pace, SEEMS_BEFORE},
        reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    },
    graph::{Graph, user::User},
    ledger::{InDoubtRow, Ledger, LedgerError, ToVerify, Verdict},
    util::clock::{Clock, Offset, SECOND, SERVERS_APART},
};
use futures_util::{FutureExt, future::FusedFuture};
use std::{collections::HashMap, iter, time::Duration};
use tokio::time::{Instant, sleep};

/// How long to wait for a change to become visible: replication takes seconds, or a few minutes at worst.
const PATIENCE: Duration = Duration::from_secs(300);
/// The wait between the first two attempts; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// How long after the confirmation a change counts as ours, in milliseconds, if the offset of the clocks at that time
/// is not known, because an older release did not note it.
const UNKNOWN_CLOCKS: i64 = 60_000;

/// Progress of the verification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum VerifyEvent {
    /// This many accounts will be read.
    Begins(u64),
    /// Progress of reading.
    Reading(ReadEvent),
    /// This many changes are not visible yet, and are checked again after a wait.
    NotYetVisible(u64, Duration),
}

/// How the verification ended. It is exhaustive on purpose, as [`RunEnd`](crate::engine::run::RunEnd) is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyEnd {
    /// Every account that was reset was checked.
    Finished,
    /// The caller asked it to stop.
    Interrupted,
    /// The application may not read accounts; the text says why.
    Denied(String),
}

/// Checks every account that was reset, and stores what the directory shows.
///
/// # Errors
/// Says why it cannot continue; the results so far are kept.
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
    for which in iter::once(ToVerify::All).chain(iter::repeat(ToVerify::NotYetVisible)) {
        match pass(ledger, graph, pace, which, &mut stop, emit).await? {
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

/// Checks these accounts once; returns how many changes are not visible.
async fn pass<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    pace: &Pace,
    which: ToVerify,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(VerifyEvent),
) -> Result<(ReadEnd, u64), ReadError> {
    let mut resets = Resets { ledger, clock: pace.clock, which, after: 0, away: HashMap::new(), invisible: 0 };
    let end = reader::read(graph, pace, &mut resets, stop, &mut |event| emit(VerifyEvent::Reading(event))).await?;
    Ok((end, resets.invisible))
}

struct Resets<'a> {
    ledger: &'a mut Ledger,
    clock: Clock,
    which: ToVerify,
    after: u64,
    away: HashMap<u64, InDoubtRow>,
    invisible: u64,
}

impl Reading for Resets<'_> {
    fn ledger(&self) -> &Ledger {
        self.ledger
    }

    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError> {
        let mut next = Vec::new();
        for reset in self.ledger.to_verify(self.which, self.after, most)? {
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
                Found::Missing => (Verdict::Unread, "the account is no longer in the directory".into()),
                Found::Unread(said) | Found::Unclear(said) => (Verdict::Unread, said),
            };
            self.invisible += u64::from(verdict == Verdict::NotYetVisible);
            seen.push((row, verdict, message));
        }
        self.ledger.keep_verdicts(&seen, now)
    }
}

/// The times of a change that our own attempts explain, by the directory's clock.
struct Explained {
    /// The earliest time, or `None` for any change after the lookup before the run.
    from: Option<i64>,
    to: i64,
}

/// A write takes effect between the time it is sent and the time its answer arrives. The first is noted by the
/// directory's clock, the second by ours, so the second is shifted by the offset that was known then. The remaining
/// tolerance is the difference between the directory's own servers.
fn explained(reset: &InDoubtRow, ledger: &Ledger, offset_now: Option<Offset>) -> Explained {
    let settled_at = reset.settled_at.unwrap_or(reset.sent_at);
    let (offset, tolerance) = match ledger.clock_at(settled_at) {
        Some(offset) => (Some(offset), SERVERS_APART),
        None => (offset_now, UNKNOWN_CLOCKS),
    };
    let most = offset.map_or(0, |offset| offset.most);
    // If it was sent several times, the earlier times are not known, so any newer change may come from an earlier
    // attempt. The last time is not certain either if no answer had shown the clocks' offset.
    let is_certain = tolerance == SERVERS_APART && reset.attempts <= 1;
    let from = reset.sent_at - SEEMS_BEFORE;
    Explained {
        from: (is_certain || reset.changed_before.is_none()).then_some(from),
        to: reset.sent_at.max(settled_at + most) + tolerance,
    }
}

/// Whether an account shows a change that none of our attempts explains. The directory's clock is currently ahead of
/// ours by `offset`.
pub(crate) fn is_changed_since(reset: &InDoubtRow, user: &User, ledger: &Ledger, offset: Option<Offset>) -> bool {
    compared(reset, user, &explained(reset, ledger, offset)).0 == Verdict::ChangedSince
}

/// Whether our change can bear the same time as the one `before` it. The directory shows whole seconds, so an account
/// that was changed in the second in which we sent ours looks the same before and after, for good.
const fn in_one_second(reset: &InDoubtRow, before: i64) -> bool {
    reset.sent_at < before + SECOND + SERVERS_APART
}

/// What an account shows about our change.
fn compared(reset: &InDoubtRow, user: &User, explained: &Explained) -> (Verdict, String) {
    let Some(changed) = user.password_changed else {
        return (Verdict::Unread, "the directory does not say when the password was changed".into());
    };
    let at = changed.as_millisecond();
    let is_new =
        reset.changed_before.is_none_or(|before| at > before || (at == before && in_one_second(reset, before)));
    match () {
        () if at > explained.to => (
            Verdict::ChangedSince,
            format!("the password was changed again at {changed}, by the user or by another run"),
        ),
        () if is_new && explained.from.is_none_or(|from| at >= from) => (Verdict::Confirmed, String::new()),
        () => (
            Verdict::NotYetVisible,
            format!("Graph confirmed the password, but the directory still shows the change of {changed}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sample_tests;

    /// Sent at 100.3 s and confirmed at 101.0 s, by the directory's clock.
    fn verdict(changed: i64, changed_before: Option<i64>, attempts: u64) -> Verdict {
        let sent_at = 100_300;
        let reset = sample_tests::row(sent_at, Some(101_000), changed_before, attempts);
        let user = sample_tests::user(changed);
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
            // The run before ours changed it in the same second.
            (100_000, Some(100_000), 1, Verdict::Confirmed),
            (100_000, Some(100_000), 2, Verdict::Confirmed),
            (100_000, None, 1, Verdict::Confirmed),
            (101_000, None, 1, Verdict::Confirmed),
            (102_000, None, 1, Verdict::ChangedSince),
            (102_000, Some(50_000), 3, Verdict::ChangedSince),
        ] {
            assert_eq!(verdict(changed, before, attempts), expected, "{changed} {before:?} {attempts}");
        }
    }
}
