//! Rows that a crash left in doubt: the directory is asked before they are sent again.
//!
//! Sending the same password once more does no harm, unless its person has used it and chosen another since. So a
//! password that was changed after the intent is left alone. The change was ours where it came while the batch can have
//! been on its way, and in company: Graph works through a batch at once, so a change that stands alone may as well be
//! that of a person whose batch never left, and stays in doubt. It never takes silence for an answer: what cannot be read
//! is sent again.

use super::{RunEnd, RunError, RunEvent, RunOptions, tell_accounts};
use crate::{
    graph::{Graph, user::User},
    ledger::{Doubtful, Ledger, LedgerError},
    plan::Lookup,
    reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    traffic::SEEMS_BEFORE,
    upn::Upn,
};
use futures_util::future::FusedFuture;
use jiff::Timestamp;
use std::collections::HashMap;

/// How long after the intent a change can be ours, in milliseconds: an exchange takes 75 s at most, and then some.
pub(super) const OURS_WITHIN: i64 = 120_000;
/// How far apart the changes of one batch lie at most, in milliseconds.
const COMPANY_WITHIN: i64 = 2_000;
/// Changes are told in whole seconds.
const SECOND: i64 = 1_000;

/// Looks at the rows in doubt, where there are any; tells how the run ends where it is asked to stop meanwhile.
pub(super) async fn settle<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(RunEvent),
) -> Result<Option<RunEnd>, RunError> {
    if ledger.settings().rules.lookup == Lookup::Off || ledger.doubtful(0, 1)?.is_empty() {
        return Ok(None);
    }
    let mut doubts = Doubts { ledger, after: 0, away: HashMap::new(), rows: 0, changes: Vec::new() };
    let mut tell = |event| {
        if let ReadEvent::Waiting(wait) = event {
            emit(RunEvent::Waiting(wait));
        }
    };
    let end = reader::read(graph, &options.pace, &mut doubts, stop, &mut tell).await;
    let Doubts { rows, changes, .. } = doubts;
    match end {
        Ok(ReadEnd::Finished) => {
            ledger.settle_doubts(&told(&changes))?;
            tell_accounts(ledger, options, changes.iter().map(|change| change.row), emit)?;
            emit(RunEvent::DoubtsLookedAt { rows, settled: changes.len() as u64 });
        }
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
    changes: Vec<Change>,
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
        for (row, found) in found {
            let (Some(doubtful), Found::User(user)) = (self.away.remove(&row), found) else { continue };
            self.changes.extend(changed_after(&doubtful, &user));
        }
        Ok(())
    }
}

/// A password that was changed after the intent, by the directory's clock.
struct Change {
    row: u64,
    at: i64,
    /// Whether it came while the batch can have been on its way.
    in_time: bool,
}

/// The change of an account's password that came after the intent, if there is one.
fn changed_after(doubtful: &Doubtful, user: &User) -> Option<Change> {
    let at = user.password_changed?.as_millisecond();
    let is_new = match doubtful.changed_before {
        Some(before) => at != before && at >= doubtful.sent_at - SEEMS_BEFORE,
        // Only the time tells, and the same password once more does less harm than a change taken for ours.
        None => at >= doubtful.sent_at - doubtful.sent_at.rem_euclid(SECOND),
    };
    is_new.then(|| Change { row: doubtful.row, at, in_time: at <= doubtful.sent_at + OURS_WITHIN })
}

/// What the changes mean: those that came in time and in company were ours.
fn told(changes: &[Change]) -> Vec<(u64, i64, Option<String>)> {
    let mut times: Vec<i64> = changes.iter().filter(|change| change.in_time).map(|change| change.at).collect();
    times.sort_unstable();
    let in_company = |at: i64| {
        let (first, end) = (
            times.partition_point(|time| *time < at - COMPANY_WITHIN),
            times.partition_point(|time| *time <= at + COMPANY_WITHIN),
        );
        end - first > 1
    };
    let message = |change: &Change| {
        let when = match change {
            Change { in_time: false, .. } => "some time after it was sent",
            Change { at, .. } if in_company(*at) => return None,
            _ => "just after it was sent, by this run or by its person",
        };
        let at = Timestamp::from_millisecond(change.at).unwrap_or_default();
        Some(format!("no answer came, and the password was changed at {at}, {when}; it was left alone"))
    };
    changes.iter().map(|change| (change.row, change.at, message(change))).collect()
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
        changed_after(&doubtful, &user).map(|change| (change.at, change.in_time))
    }

    #[test]
    fn only_a_change_after_the_intent_counts() {
        assert_eq!(look(60_400, 59_000, None), None);
        assert_eq!(look(60_400, 60_000, None), Some((60_000, true)), "told in whole seconds");
        assert_eq!(look(60_400, 60_000, Some(60_000)), None, "it was so before");
        assert_eq!(look(60_400, 58_000, Some(50_000)), Some((58_000, true)), "the clocks differ a little");
        assert_eq!(look(60_400, 57_000, Some(50_000)), None, "somebody else's, before ours");
        assert_eq!(look(60_400, 61_000, Some(60_000)), Some((61_000, true)));
        assert_eq!(look(60_400, 180_400, None), Some((180_400, true)));
        assert_eq!(look(60_400, 181_000, None), Some((181_000, false)), "too late to be ours");
    }

    #[test]
    fn only_a_change_in_company_is_taken_for_ours() {
        let in_time = [(1, 10_000), (2, 12_000), (3, 40_000), (4, 100_000), (5, 102_001)];
        let mut changes: Vec<_> = in_time.map(|(row, at)| Change { row, at, in_time: true }).into();
        changes.push(Change { row: 6, at: 11_000, in_time: false });
        let told = told(&changes);
        let ours: Vec<_> = told.iter().filter(|told| told.2.is_none()).map(|told| told.0).collect();
        assert_eq!(ours, [1, 2]);
        let others = ["just after", "just after", "just after", "some time after"];
        for (told, when) in told[2..].iter().zip(others) {
            assert!(told.2.as_ref().is_some_and(|said| said.contains(when)), "row {}: {:?}", told.0, told.2);
        }
    }
}
