//! Rows that a crash left in doubt: the directory is asked before they are sent again.
//!
//! Sending the same password once more does no harm, unless its person has used it and chosen another since. So a
//! password that was changed after the intent is left alone. The change was ours if it came as soon as a batch takes
//! effect, and in company: Graph works through a batch at once, so a change that stands alone may as well be that of a
//! person whose batch never left, and stays in doubt. It never takes silence for an answer: what cannot be read is sent
//! again.
//!
//! Another run over the same accounts changes them in company, too. So rows beside those in doubt are read as witnesses:
//! if passwords that this run never sent, or had set before, were changed in company at about that time, nothing is taken
//! for ours.

use super::{RunEnd, RunError, RunEvent, RunOptions, tell_accounts};
use crate::{
    clock::{Clock, Offset},
    graph::{Graph, user::User},
    ledger::{Doubtful, Ledger, LedgerError},
    plan::Lookup,
    reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    traffic::SEEMS_BEFORE,
    upn::Upn,
    verify,
};
use futures_util::future::FusedFuture;
use jiff::Timestamp;
use std::collections::HashMap;

/// How long after the intent a batch can still take effect, in milliseconds: an exchange takes 75 s at most, and then some.
pub(super) const IN_FLIGHT_MAX: i64 = 120_000;
/// How long after the intent a change is taken for ours, in milliseconds: a batch of 20 writes takes a second or two. One
/// that hung for longer stays in doubt.
const OURS_WITHIN: i64 = 5_000;
/// How far a witness's change may lie from one in doubt to speak against it, in milliseconds.
const NEAR: i64 = 60_000;
/// Witnesses of each kind.
const WITNESSES: usize = 20;
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
    let (away, changes, foreign) = Default::default();
    let (clock, stage) = (options.pace.clock, Stage::InDoubt);
    let mut doubts = Doubts { ledger, clock, after: 0, first: None, stage, away, rows: 0, changes, foreign };
    let mut tell = |event| {
        if let ReadEvent::Waiting(wait) = event {
            emit(RunEvent::Waiting(wait));
        }
    };
    let end = reader::read(graph, &options.pace, &mut doubts, stop, &mut tell).await;
    let Doubts { rows, changes, foreign, .. } = doubts;
    match end {
        Ok(ReadEnd::Finished) => {
            ledger.settle_doubts(&told(&changes, &foreign))?;
            tell_accounts(ledger, options, changes.iter().map(|change| change.row), emit)?;
            emit(RunEvent::DoubtsLookedAt { rows, settled: changes.len() as u64 });
        }
        // Where nothing can be read, the same password is sent again.
        Ok(ReadEnd::Denied(_)) | Err(ReadError::Unclear(_)) => {}
        Ok(ReadEnd::Interrupted) => return Ok(Some(RunEnd::Interrupted)),
        Err(ReadError::Ledger(error)) => return Err(error.into()),
        Err(ReadError::Traffic(error)) => return Err(error.into()),
    }
    Ok(None)
}

struct Doubts<'a> {
    ledger: &'a mut Ledger,
    clock: Clock,
    after: u64,
    /// The first row in doubt.
    first: Option<u64>,
    stage: Stage,
    away: HashMap<u64, (Stage, Doubtful)>,
    rows: u64,
    changes: Vec<Change>,
    /// Times of changes that this run did not make, by the directory's clock.
    foreign: Vec<i64>,
}

/// Which rows are read, in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    InDoubt,
    /// Witnesses behind those in doubt: this run has never written to their accounts.
    NeverSent,
    /// Witnesses before those in doubt: what this run set is known.
    Reset,
    Over,
}

impl Doubts<'_> {
    /// The next rows of the stage; if there are none, the next stage has come.
    fn stage_rows(&mut self, most: usize) -> Result<Vec<Doubtful>, LedgerError> {
        let first = self.first.unwrap_or_default();
        let (rows, next) = match self.stage {
            Stage::InDoubt => {
                let rows = self.ledger.doubtful(self.after, most)?;
                let next = if rows.is_empty() { Stage::NeverSent } else { Stage::InDoubt };
                (rows, next)
            }
            Stage::NeverSent => (self.ledger.never_sent(self.after, WITNESSES)?, Stage::Reset),
            Stage::Reset => {
                let after = first.saturating_sub(WITNESSES as u64 + 1);
                (self.ledger.to_verify(false, after, WITNESSES)?, Stage::Over)
            }
            Stage::Over => (Vec::new(), Stage::Over),
        };
        self.stage = next;
        Ok(rows)
    }

    /// The time of a witness's change, if this run did not make it.
    fn foreign(&self, stage: Stage, witness: &Doubtful, user: &User, offset: Option<Offset>) -> Option<i64> {
        let at = user.password_changed?.as_millisecond();
        let is_foreign = match stage {
            Stage::NeverSent => witness.changed_before.is_some_and(|before| at > before),
            _ => verify::is_changed_since(witness, user, self.ledger, offset),
        };
        is_foreign.then_some(at)
    }
}

impl Reading for Doubts<'_> {
    fn ledger(&self) -> &Ledger {
        self.ledger
    }

    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError> {
        let mut asked = Vec::new();
        while asked.is_empty() && self.stage != Stage::Over {
            let stage = self.stage;
            for row in self.stage_rows(most)? {
                let number = row.row;
                if stage == Stage::InDoubt {
                    self.after = number;
                    self.first.get_or_insert(number);
                }
                let key = row.object_id.as_deref().unwrap_or(&row.user_principal_name);
                asked.push((number, Upn::parse(key).map_err(|_| LedgerError::BadAddress(number))?));
                self.away.insert(number, (stage, row));
            }
        }
        Ok(asked)
    }

    fn keep(&mut self, found: Vec<(u64, Found)>, offset: Option<Offset>) -> Result<(), LedgerError> {
        offset.into_iter().for_each(|offset| self.ledger.learn_clock(offset, self.clock.millis()));
        for (row, found) in found {
            let Some((stage, asked)) = self.away.remove(&row) else { continue };
            self.rows += u64::from(stage == Stage::InDoubt);
            let Found::User(user) = found else { continue };
            match stage {
                Stage::InDoubt => self.changes.extend(changed_after(&asked, &user)),
                _ => self.foreign.extend(self.foreign(stage, &asked, &user, offset)),
            }
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

/// Whether at least two of these times, in order, lie close to `at`.
fn is_company(times: &[i64], at: i64) -> bool {
    let first = times.partition_point(|time| *time < at - COMPANY_WITHIN);
    let end = times.partition_point(|time| *time <= at + COMPANY_WITHIN);
    end - first > 1
}

/// What the changes mean: those that came in time and in company were ours, unless there are `foreign` ones in company at
/// about that time.
fn told(changes: &[Change], foreign: &[i64]) -> Vec<(u64, i64, Option<String>)> {
    let mut times: Vec<i64> = changes.iter().filter(|change| change.in_time).map(|change| change.at).collect();
    times.sort_unstable();
    let mut foreign = foreign.to_vec();
    foreign.sort_unstable();
    let is_another_run = |at: i64| foreign.iter().any(|time| (time - at).abs() <= NEAR && is_company(&foreign, *time));
    let message = |change: &Change| {
        let when = match change {
            Change { in_time: false, .. } => "some time after it was sent",
            Change { at, .. } if is_another_run(*at) => "while another run wrote to accounts of this one",
            Change { at, .. } if is_company(&times, *at) => return None,
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
        let doubtful = Doubtful {
            row: 1,
            user_principal_name: nobody(),
            object_id,
            sent_at,
            settled_at,
            changed_before,
            attempts: 1,
        };
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
        assert_eq!(look(60_400, 65_400, None), Some((65_400, true)));
        assert_eq!(look(60_400, 66_000, None), Some((66_000, false)), "too late to be ours");
    }

    #[test]
    fn only_a_change_in_company_is_taken_for_ours() {
        let in_time = [(1, 10_000), (2, 12_000), (3, 40_000), (4, 100_000), (5, 102_001)];
        let mut changes: Vec<_> = in_time.map(|(row, at)| Change { row, at, in_time: true }).into();
        changes.push(Change { row: 6, at: 11_000, in_time: false });
        let told = told(&changes, &[]);
        let ours: Vec<_> = told.iter().filter(|told| told.2.is_none()).map(|told| told.0).collect();
        assert_eq!(ours, [1, 2]);
        let others = ["just after", "just after", "just after", "some time after"];
        for (told, when) in told[2..].iter().zip(others) {
            assert!(told.2.as_ref().is_some_and(|said| said.contains(when)), "row {}: {:?}", told.0, told.2);
        }
    }

    #[test]
    fn another_run_speaks_against_ours() {
        let changes: Vec<_> = (1..=3).map(|row| Change { row, at: 10_000, in_time: true }).collect();
        let ours = |foreign: &[i64]| told(&changes, foreign).iter().filter(|told| told.2.is_none()).count();
        assert_eq!(ours(&[]), 3);
        assert_eq!(ours(&[12_000]), 3, "a person changed one password");
        assert_eq!(ours(&[12_000, 40_000]), 3, "two people did");
        assert_eq!(ours(&[12_000, 13_000]), 0, "another run is at work");
        assert_eq!(ours(&[80_000, 81_000]), 3, "another run was at work later");
    }
}
