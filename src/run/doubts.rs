//! Rows that a crash left in doubt: the directory is asked before they are sent again.
//!
//! Sending the same password once more does no harm, unless its person has used it and chosen another since. So a
//! password that was changed after the intent is left alone: ours, where the change came while the batch can have been
//! on its way; else in doubt. It never takes silence for an answer: what cannot be read is sent again.

use super::{RunEnd, RunError, RunEvent};
use crate::{
    graph::{Graph, user::User},
    ledger::{Doubtful, Ledger, LedgerError},
    plan::Lookup,
    reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    traffic::Pace,
    upn::Upn,
};
use futures_util::future::FusedFuture;
use std::collections::HashMap;

/// How long after the intent a change can be ours, in milliseconds: an exchange takes 75 s at most, and then some.
const OURS_WITHIN: i64 = 120_000;
/// Changes are told in whole seconds.
const SECOND: i64 = 1_000;

/// Looks at the rows in doubt, where there are any; tells how the run ends where it is asked to stop meanwhile.
pub(super) async fn settle<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    pace: &Pace,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(RunEvent),
) -> Result<Option<RunEnd>, RunError> {
    if ledger.settings().rules.lookup == Lookup::Off || ledger.doubtful(0, 1)?.is_empty() {
        return Ok(None);
    }
    let mut doubts = Doubts { ledger, after: 0, away: HashMap::new(), rows: 0, settled: 0 };
    let mut tell = |event| {
        if let ReadEvent::Waiting(wait) = event {
            emit(RunEvent::Waiting(wait));
        }
    };
    let end = reader::read(graph, pace, &mut doubts, stop, &mut tell).await;
    let Doubts { rows, settled, .. } = doubts;
    match end {
        Ok(ReadEnd::Finished) => emit(RunEvent::DoubtsLookedAt { rows, settled }),
        // Without the permission to read, the same password is sent again.
        Ok(ReadEnd::Denied(_)) => {}
        Ok(ReadEnd::Interrupted) => return Ok(Some(RunEnd::Interrupted)),
        Err(ReadError::Ledger(error)) => return Err(error.into()),
        Err(ReadError::Traffic(error)) => return Err(error.into()),
    }
    Ok(None)
}

struct Doubts<'a> {
    ledger: &'a mut Ledger,
    after: u64,
    away: HashMap<u64, Doubtful>,
    rows: u64,
    settled: u64,
}

impl Reading for Doubts<'_> {
    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError> {
        let mut asked = Vec::new();
        for doubtful in self.ledger.doubtful(self.after, most)? {
            let row = doubtful.row;
            self.after = row;
            let key = doubtful.object_id.as_deref().unwrap_or(&doubtful.user_principal_name);
            asked.push((row, Upn::parse(key).map_err(|_| LedgerError::BadAddress(row))?));
            self.away.insert(row, doubtful);
        }
        Ok(asked)
    }

    fn keep(&mut self, found: Vec<(u64, Found)>, skew: Option<i64>) -> Result<(), LedgerError> {
        skew.into_iter().for_each(|skew| self.ledger.set_clock_ahead(skew));
        self.rows += found.len() as u64;
        let mut settled = Vec::new();
        for (row, found) in found {
            let (Some(doubtful), Found::User(user)) = (self.away.remove(&row), found) else { continue };
            settled.extend(changed_after(&doubtful, &user).map(|changed| (row, changed)));
        }
        self.settled += settled.len() as u64;
        let told: Vec<_> = settled.iter().map(|(row, change)| (*row, change.at, change.message.as_deref())).collect();
        self.ledger.settle_doubts(&told)
    }
}

struct Change {
    at: i64,
    /// Where it is not ours for certain.
    message: Option<String>,
}

/// The change of an account's password that came after the intent, if there is one. Both times are the directory's; the
/// change is told in whole seconds, so it may seem to lie within the second before.
fn changed_after(doubtful: &Doubtful, user: &User) -> Option<Change> {
    let changed = user.password_changed?;
    let at = changed.as_millisecond();
    let is_new = doubtful.changed_before != Some(at);
    let intent = doubtful.sent_at - doubtful.sent_at.rem_euclid(SECOND);
    (is_new && at >= intent).then(|| Change {
        at,
        message: (at > doubtful.sent_at + OURS_WITHIN).then(|| {
            format!("the password was changed at {changed}, some time after it was sent and no answer came; it was left alone")
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(sent_at: i64, changed_at: i64, changed_before: Option<i64>) -> Option<(i64, bool)> {
        let nobody = String::new;
        let (object_id, settled_at) = (None, None);
        let doubtful =
            Doubtful { row: 1, user_principal_name: nobody(), object_id, sent_at, settled_at, changed_before };
        let user = User {
            id: nobody(),
            user_principal_name: nobody(),
            is_enabled: true,
            is_guest: false,
            is_synced: false,
            password_changed: jiff::Timestamp::from_millisecond(changed_at).ok(),
        };
        changed_after(&doubtful, &user).map(|change| (change.at, change.message.is_some()))
    }

    #[test]
    fn only_a_change_after_the_intent_counts() {
        assert_eq!(look(60_400, 59_000, None), None);
        assert_eq!(look(60_400, 60_000, None), Some((60_000, false)), "told in whole seconds");
        assert_eq!(look(60_400, 60_000, Some(60_000)), None, "it was so before");
        assert_eq!(look(60_400, 61_000, Some(60_000)), Some((61_000, false)));
        assert_eq!(look(60_400, 180_400, None), Some((180_400, false)));
        assert_eq!(look(60_400, 181_000, None), Some((181_000, true)), "too late to be ours");
    }
}
