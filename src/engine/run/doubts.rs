//! Rows that a crash left in doubt: checks the directory before sending them again.
//!
//! Sending the same password again does no harm, unless its user has already used it and chosen another. So a password
//! that changed after the intent is left alone. The change counts as ours if it happened within the time that a batch
//! takes, and if other accounts changed at the same time. Graph works through a batch at once, so a single change may
//! just as well come from a user while our batch was never sent; it stays in doubt. A missing answer proves nothing: if
//! an account cannot be read, its password is sent again.
//!
//! Another run over the same accounts also changes many at once. So some rows that are not in doubt are read as
//! witnesses. If several of them changed at about that time, and this run never sent their passwords or had set them
//! before, no change counts as ours.

use super::{RunEnd, RunError, RunEvent, RunOptions, tell_accounts};
use crate::{
    account::upn::Upn,
    engine::{
        dispatch::SEEMS_BEFORE,
        reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
        verify,
    },
    graph::{Graph, user::User},
    ledger::{InDoubtRow, Ledger, LedgerError, ToVerify},
    plan::Lookup,
    util::clock::{Clock, Offset, SECOND},
};
use futures_util::future::FusedFuture;
use jiff::Timestamp;
use std::collections::HashMap;

/// How long after the intent a batch can still take effect, in milliseconds: an exchange takes at most 75 s, plus a
/// margin.
pub(super) const IN_FLIGHT_MAX: i64 = 120_000;
/// How long after the intent a change counts as ours, in milliseconds: a batch of 20 writes takes a second or two. If a
/// batch hung for longer, its rows stay in doubt.
const OURS_WITHIN: i64 = 5_000;
/// How close in time a witness's change must be to count against one in doubt, in milliseconds.
const NEAR: i64 = 60_000;
/// Witnesses of each kind.
const WITNESSES: usize = 20;
/// Maximum time between the changes of one batch, in milliseconds.
const TOGETHER_WITHIN: i64 = 2_000;

/// Checks the rows in doubt, if there are any. Returns how the run ends if it is asked to stop meanwhile.
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
            ledger.settle_doubts(&conclusions(&changes, &foreign))?;
            tell_accounts(ledger, options, changes.iter().map(|change| change.row), emit)?;
            emit(RunEvent::DoubtsLookedAt { rows, settled: changes.len() as u64 });
        }
        // If nothing can be read, the same password is sent again.
        Ok(ReadEnd::Denied(_)) | Err(ReadError::Unclear(_)) => {}
        Ok(ReadEnd::Interrupted) => return Ok(Some(RunEnd::Interrupted)),
        Err(ReadError::Ledger(error)) => return Err(error.into()),
        Err(ReadError::Dispatcher(error)) => return Err(error.into()),
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
    away: HashMap<u64, (Stage, InDoubtRow)>,
    rows: u64,
    changes: Vec<Change>,
    /// Times of changes that this run did not make, by the directory's clock.
    foreign: Vec<i64>,
}

/// Which rows are read, in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    InDoubt,
    /// Witnesses after the rows in doubt: this run has never written to their accounts.
    NeverSent,
    /// Witnesses before the rows in doubt: this run knows what it set.
    Reset,
    Over,
}

impl Doubts<'_> {
    /// The next rows of the stage; moves on to the next stage when there are none.
    fn stage_rows(&mut self, most: usize) -> Result<Vec<InDoubtRow>, LedgerError> {
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
                (self.ledger.to_verify(ToVerify::All, after, WITNESSES)?, Stage::Over)
            }
            Stage::Over => (Vec::new(), Stage::Over),
        };
        self.stage = next;
        Ok(rows)
    }

    /// The time of a witness's change, if this run did not make it.
    fn foreign(&self, stage: Stage, witness: &InDoubtRow, user: &User, offset: Option<Offset>) -> Option<i64> {
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

/// A password that changed after the intent, by the directory's clock.
struct Change {
    row: u64,
    at: i64,
    /// Whether it happened while the batch may have been in flight.
    in_time: bool,
}

/// The change of an account's password after the intent, if there was one.
fn changed_after(doubtful: &InDoubtRow, user: &User) -> Option<Change> {
    let at = user.password_changed?.as_millisecond();
    let is_new = match doubtful.changed_before {
        Some(before) => at != before && at >= doubtful.sent_at - SEEMS_BEFORE,
        // Only the time is known, and sending the same password again does less harm than mistaking a change for ours.
        // Changes are reported in whole seconds.
        None => at >= doubtful.sent_at - doubtful.sent_at.rem_euclid(SECOND),
    };
    is_new.then(|| Change { row: doubtful.row, at, in_time: at <= doubtful.sent_at + OURS_WITHIN })
}

/// Whether at least two of these sorted times are close to `at`.
fn happened_together(times: &[i64], at: i64) -> bool {
    let first = times.partition_point(|time| *time < at - TOGETHER_WITHIN);
    let end = times.partition_point(|time| *time <= at + TOGETHER_WITHIN);
    end - first > 1
}

/// What the changes mean: those within the time, and with others close to them, were ours, unless several `foreign`
/// changes happened at about that time.
fn conclusions(changes: &[Change], foreign: &[i64]) -> Vec<(u64, i64, Option<String>)> {
    let mut times: Vec<i64> = changes.iter().filter(|change| change.in_time).map(|change| change.at).collect();
    times.sort_unstable();
    let mut foreign = foreign.to_vec();
    foreign.sort_unstable();
    let is_another_run =
        |at: i64| foreign.iter().any(|time| (time - at).abs() <= NEAR && happened_together(&foreign, *time));
    let message = |change: &Change| {
        let when = match change {
            Change { in_time: false, .. } => "some time after it was sent",
            Change { at, .. } if is_another_run(*at) => "while another run wrote to accounts of this one",
            Change { at, .. } if happened_together(&times, *at) => return None,
            _ => "just after it was sent, by this run or by the user",
        };
        let at = Timestamp::from_millisecond(change.at).unwrap_or_default();
        Some(format!("no answer came, and the password was changed at {at}, {when}; it was left alone"))
    };
    changes.iter().map(|change| (change.row, change.at, message(change))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sample_tests;

    fn look(sent_at: i64, changed_at: i64, changed_before: Option<i64>) -> Option<(i64, bool)> {
        let (doubtful, user) = (sample_tests::row(sent_at, None, changed_before, 1), sample_tests::user(changed_at));
        changed_after(&doubtful, &user).map(|change| (change.at, change.in_time))
    }

    #[test]
    fn only_later_changes_count() {
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
    fn only_joint_changes_are_ours() {
        let in_time = [(1, 10_000), (2, 12_000), (3, 40_000), (4, 100_000), (5, 102_001)];
        let mut changes: Vec<_> = in_time.map(|(row, at)| Change { row, at, in_time: true }).into();
        changes.push(Change { row: 6, at: 11_000, in_time: false });
        let told = conclusions(&changes, &[]);
        let ours: Vec<_> = told.iter().filter(|told| told.2.is_none()).map(|told| told.0).collect();
        assert_eq!(ours, [1, 2]);
        let others = ["just after", "just after", "just after", "some time after"];
        for (told, when) in told[2..].iter().zip(others) {
            assert!(told.2.as_ref().is_some_and(|said| said.contains(when)), "row {}: {:?}", told.0, told.2);
        }
    }

    #[test]
    fn other_runs_contradict_our_changes() {
        let changes: Vec<_> = (1..=3).map(|row| Change { row, at: 10_000, in_time: true }).collect();
        let ours = |foreign: &[i64]| conclusions(&changes, foreign).iter().filter(|told| told.2.is_none()).count();
        assert_eq!(ours(&[]), 3);
        assert_eq!(ours(&[12_000]), 3, "a person changed one password");
        assert_eq!(ours(&[12_000, 40_000]), 3, "two people did");
        assert_eq!(ours(&[12_000, 13_000]), 0, "another run is at work");
        assert_eq!(ours(&[80_000, 81_000]), 3, "another run was at work later");
    }
}
