//! Verifying: what the directory says of each account after it was reset.
//!
//! It reads `lastPasswordChangeDateTime` back and compares it with when the password was sent and confirmed. The
//! directory answers from copies that lag behind, so what is not visible yet is asked for again, for a while. It changes
//! no account, and nothing of how a row ended.

use crate::{
    clock::Clock,
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
/// How long after the confirmation a change still counts as ours, in milliseconds: clocks differ, and lag.
const OURS_WITHIN: i64 = 60_000;

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

    fn keep(&mut self, found: Vec<(u64, Found)>, skew: Option<i64>) -> Result<(), LedgerError> {
        let now = self.clock.millis();
        let mut seen = Vec::with_capacity(found.len());
        for (row, found) in found {
            let Some(reset) = self.away.remove(&row) else { continue };
            let (verdict, message) = match found {
                Found::User(user) => compared(&reset, &user, skew.unwrap_or_default()),
                Found::Missing => (Verdict::Unread, "the directory has no such account any more".into()),
                Found::Unread(said) => (Verdict::Unread, said),
            };
            self.invisible += u64::from(verdict == Verdict::NotYetVisible);
            seen.push((row, verdict, message));
        }
        self.ledger.keep_verdicts(&seen, now)
    }
}

/// What an account shows of our change. `sent_at` is by the directory's clock, `settled_at` by ours, which is `skew`
/// milliseconds behind it.
fn compared(reset: &Doubtful, user: &User, skew: i64) -> (Verdict, String) {
    let Some(changed) = user.password_changed else {
        return (Verdict::Unread, "the directory does not tell when the password was changed".into());
    };
    let at = changed.as_millisecond();
    // Where clocks were wrong when it was sent, a newer change than the one before still shows.
    let is_new = reset.changed_before.map_or(at >= reset.sent_at - SEEMS_BEFORE, |before| at > before);
    let latest = reset.settled_at.unwrap_or(reset.sent_at) + skew + OURS_WITHIN;
    match () {
        () if at > latest => {
            (Verdict::ChangedSince, format!("somebody, perhaps its person, changed the password again at {changed}"))
        }
        () if is_new => (Verdict::Confirmed, String::new()),
        () => (
            Verdict::NotYetVisible,
            format!("Graph confirmed the password, and the directory still shows that of {changed}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(changed: i64, changed_before: Option<i64>, skew: i64) -> Verdict {
        let nobody = String::new;
        let (sent_at, settled_at, object_id) = (100_300, Some(101_000 - skew), None);
        let reset = Doubtful { row: 1, user_principal_name: nobody(), object_id, sent_at, settled_at, changed_before };
        let user = User {
            id: nobody(),
            user_principal_name: nobody(),
            is_enabled: true,
            is_guest: false,
            is_synced: false,
            password_changed: jiff::Timestamp::from_millisecond(changed).ok(),
        };
        compared(&reset, &user, skew).0
    }

    #[test]
    fn a_change_shows_when_it_was_made() {
        for (changed, before, expected) in [
            (97_000, None, Verdict::NotYetVisible),
            (98_000, None, Verdict::Confirmed),
            (99_000, Some(99_000), Verdict::NotYetVisible),
            (99_000, Some(50_000), Verdict::Confirmed),
            (100_000, None, Verdict::Confirmed),
            (101_000, None, Verdict::Confirmed),
            (161_000, None, Verdict::Confirmed),
            (162_000, None, Verdict::ChangedSince),
        ] {
            assert_eq!(verdict(changed, before, 0), expected, "{changed} {before:?}");
            assert_eq!(verdict(changed, before, -3_600_000), expected, "{changed} {before:?}, clocks apart");
        }
    }
}
