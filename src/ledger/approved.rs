//! The plan as this process found it, and the check of each outgoing row against it.
//!
//! One pass over the ledger checks every row by itself, so it can name a change; it also takes the fingerprint over all
//! rows, and keeps each row's mark in memory. A row that is claimed later is compared with that memory in the same
//! transaction, so changes while the process runs are found, too.
//!
//! Invariant: every password that is sent is the plan's own, according to its row's mark, or was made by this very
//! process.

use super::{
    FILE_NAME, LedgerError, ReadLedger,
    fingerprint::Fingerprint,
    marks::{End, Marks, PLANNED_COLUMNS, Planned, mark_of, planned_columns},
    note::{self, NoteKey},
    removed::Removal,
    state::State,
    words::Word,
};
use rusqlite::{Connection, OptionalExtension, Row};

/// The plan as it was approved or found.
pub(super) struct Approved {
    pub fingerprint: String,
    known: Known,
}

/// The marks of all rows, in roster order.
#[derive(Default)]
pub(super) struct Known {
    /// The numbers of the rows; empty if they are 1, 2, 3 and so on.
    rows: Vec<u64>,
    marks: Vec<i64>,
}

impl Known {
    pub(super) fn push(&mut self, row: u64, mark: i64) {
        if self.rows.is_empty() && row != self.marks.len() as u64 + 1 {
            self.rows = (1..=self.marks.len() as u64).collect();
            self.rows.push(row);
        } else if !self.rows.is_empty() {
            self.rows.push(row);
        }
        self.marks.push(mark);
    }

    fn place(&self, row: u64) -> Option<usize> {
        match self.rows.is_empty() {
            true => usize::try_from(row).ok()?.checked_sub(1).filter(|at| *at < self.marks.len()),
            false => self.rows.binary_search(&row).ok(),
        }
    }

    fn row(&self, at: usize) -> u64 {
        self.rows.get(at).copied().unwrap_or(at as u64 + 1)
    }
}

impl Approved {
    pub(super) fn new(fingerprint: String, known: Known) -> Self {
        Self { fingerprint, known }
    }

    /// Changes the mark of a row, because this process looked up its account.
    pub(super) fn set(&mut self, row: u64, mark: i64) {
        if let Some(at) = self.known.place(row) {
            self.known.marks[at] = mark;
        }
    }

    fn holds(&self, row: u64, mark: i64) -> bool {
        self.known.place(row).is_some_and(|at| self.known.marks[at] == mark)
    }

    /// Checks that another pass found the same plan, row by row.
    pub(super) fn must_be(&self, other: &Self) -> Result<(), LedgerError> {
        let (known, found) = (&self.known, &other.known);
        let differs = known.marks.iter().zip(&found.marks).position(|(known, found)| known != found);
        let (shorter, longer) = (known.marks.len().min(found.marks.len()), known.marks.len().max(found.marks.len()));
        let at = differs.or((shorter < longer).then_some(shorter));
        at.map_or(Ok(()), |at| Err(changed(known.row(at), "it was changed while its account was looked up")))
    }

    /// Checks that the row is as approved.
    pub(super) fn must_hold(&self, marks: &Marks, planned: &Planned<'_>) -> Result<(), LedgerError> {
        if self.holds(planned.row, mark_of(&marks.tag_of(planned))) {
            return Ok(());
        }
        Err(changed(planned.row, WRONG_PLAN))
    }
}

/// The error for a row whose mark does not match.
const WRONG_PLAN: &str = "its account, its password or its action is not what was planned";

pub(super) fn changed(row: u64, what: &str) -> LedgerError {
    LedgerError::Changed { row, what: what.to_owned() }
}

/// Whether the results of the lookup are part of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LookupState {
    /// They are.
    Ended,
    /// Not yet: the plan is as it was stored.
    Unfinished,
}

/// Reads the plan as it is now; the first changed row is an error.
pub(super) fn take(ledger: &ReadLedger) -> Result<Approved, LedgerError> {
    let lookup = if ledger.lookup_has_ended()? { LookupState::Ended } else { LookupState::Unfinished };
    take_from(&ledger.connection, &ledger.settings_text, &ledger.marks, lookup)
}

/// The same within a transaction that may have just ended the lookup.
pub(super) fn take_from(
    connection: &Connection,
    settings: &str,
    marks: &Marks,
    lookup: LookupState,
) -> Result<Approved, LedgerError> {
    pass(connection, settings, marks, lookup, &mut |fault, _| Err(fault))
}

/// Reads all rows; calls `fault` for each changed row, with its state.
pub(super) fn pass(
    connection: &Connection,
    settings: &str,
    marks: &Marks,
    lookup: LookupState,
    fault: &mut dyn FnMut(LedgerError, Option<State>) -> Result<(), LedgerError>,
) -> Result<Approved, LedgerError> {
    let mut fingerprint = Fingerprint::new(connection, settings, marks)?;
    let mut known = Known::default();
    let has_passwords = Removal::read(connection)? == Removal::Kept;
    let mut select = connection.prepare(concat!(
        "SELECT ",
        planned_columns!(),
        ", state, nth, doubt, settled_at, proof, password
         FROM roster LEFT JOIN account USING (row) LEFT JOIN looked_up USING (row) ORDER BY roster.row"
    ))?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let at: u64 = row.get(0)?;
        let Some(state) = row.get_ref(PLANNED_COLUMNS)?.as_str_or_null().map_err(rusqlite::Error::from)? else {
            known.push(at, 0);
            fault(changed(at, "the ledger has no valid action for it"), None)?;
            continue;
        };
        let (mut planned, mark) = Planned::read(row)?;
        let mut tag = marks.tag_of(&planned);
        let taken = mark_of(&tag);
        known.push(at, taken);
        let wrong = match () {
            () if has_passwords && has_lost_its_first(&planned, row)? => {
                Some("its first password is not the one of the plan")
            }
            () if taken != mark => Some(WRONG_PLAN),
            () => wrong_end(marks, at, state, row)?,
        };
        wrong.map_or(Ok(()), |what| fault(changed(at, what), State::parse(state)))?;
        if lookup == LookupState::Unfinished && planned.looked.take().is_some() {
            // The results of the lookup so far are not part of the plan as stored.
            planned.skip = None;
            tag = marks.tag_of(&planned);
        }
        fingerprint.add(&tag);
    }
    Ok(Approved::new(fingerprint.finish(), known))
}

/// Whether another password replaced the planned one, and nothing shows what the planned one was.
fn has_lost_its_first(planned: &Planned<'_>, row: &Row<'_>) -> Result<bool, LedgerError> {
    Ok(planned.skip.is_none() && planned.first.is_none() && row.get::<_, u32>(PLANNED_COLUMNS + 1)? > 0)
}

/// What is wrong with how a row ended, or with its doubts.
fn wrong_end(marks: &Marks, number: u64, state: &str, row: &Row<'_>) -> Result<Option<&'static str>, LedgerError> {
    if state == State::Skipped.as_str() {
        return Ok(None);
    }
    let proof: Option<i64> = row.get(PLANNED_COLUMNS + 4)?;
    if State::parse(state).is_some_and(State::is_settled) {
        let is_proven = proof == Some(marks.proof(number, &end_of(row, state)?));
        return Ok((!is_proven).then_some("how it ended was changed"));
    }
    let is_proven = is_doubt_proven(marks, number, proof, &end_of(row, state)?);
    Ok((!is_proven).then_some(WRONG_DOUBT))
}

/// The error for a row that has not ended and whose proof does not match.
pub(super) const WRONG_DOUBT: &str = "what is in doubt about it was changed";

/// Whether the doubts of a row that has not ended are unchanged. A row that was never sent, or certainly sent without
/// effect, needs no proof.
pub(super) fn is_doubt_proven(marks: &Marks, row: u64, proof: Option<i64>, end: &End<'_>) -> bool {
    let is_untouched = proof.is_none() && end.doubt == 0;
    is_untouched || proof == Some(marks.proof(row, end))
}

/// How a row ended, from the columns after those of its plan.
pub(super) fn end_of<'a>(row: &'a Row<'_>, state: &'a str) -> Result<End<'a>, LedgerError> {
    Ok(End {
        state,
        nth: row.get(PLANNED_COLUMNS + 1)?,
        doubt: row.get(PLANNED_COLUMNS + 2)?,
        settled_at: row.get(PLANNED_COLUMNS + 3)?,
        password: row.get_ref(PLANNED_COLUMNS + 5)?,
    })
}

/// Updates the mark of a row after its plan has changed, and returns it.
pub(super) fn mark_again(connection: &Connection, marks: &Marks, row: u64) -> Result<i64, LedgerError> {
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        planned_columns!(),
        " FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row) WHERE roster.row = ?1"
    ))?;
    let mut rows = select.query([row])?;
    let Some(found) = rows.next()? else { return Err(LedgerError::OutOfStep(row)) };
    let mark = mark_of(&marks.tag_of(&Planned::read(found)?.0));
    connection.prepare_cached("UPDATE account SET mark = ?2 WHERE row = ?1")?.execute((row, mark))?;
    Ok(mark)
}

/// Writes the proof of how a row ended; call it in the transaction in which the row ends.
pub(super) fn prove(connection: &Connection, marks: &Marks, row: u64) -> Result<(), LedgerError> {
    let mut select =
        connection.prepare_cached("SELECT state, nth, doubt, settled_at, password FROM account WHERE row = ?1")?;
    let read = |found: &Row<'_>| {
        let state = found.get_ref(0)?.as_str()?;
        let (nth, doubt, settled_at, password) = (found.get(1)?, found.get(2)?, found.get(3)?, found.get_ref(4)?);
        Ok(marks.proof(row, &End { state, nth, doubt, settled_at, password }))
    };
    let proof = select.query_row([row], read).optional()?.ok_or(LedgerError::OutOfStep(row))?;
    connection.prepare_cached("UPDATE account SET proof = ?2 WHERE row = ?1")?.execute((row, proof))?;
    Ok(())
}

impl ReadLedger {
    /// For readers that want to see the ledger even if someone changed it. Counts rows whose ending was changed as in
    /// doubt, as each report does for the rows themselves. Returns the first change, if any.
    pub fn accept_changes(&mut self) -> Result<Option<LedgerError>, LedgerError> {
        if !self.lookup_has_ended()? {
            return Ok(None);
        }
        let (mut first, mut counts) = (None, self.counts);
        let mut fault = |error, state| {
            first.get_or_insert(error);
            if let Some(state @ (State::Reset | State::Failed)) = state {
                counts.moved(state, State::InDoubt, 1);
            }
            Ok(())
        };
        let found = pass(&self.connection, &self.settings_text, &self.marks, LookupState::Ended, &mut fault)?;
        self.counts = counts;
        Ok(first.or(self.must_be_as_noted(&found.fingerprint).err()))
    }

    /// Checks that the settings in the file are still those that this process read. It uses those in any case, and
    /// stops if someone changes them.
    pub(super) fn settings_must_stand(&self) -> Result<(), LedgerError> {
        if note::read(&self.connection, NoteKey::Settings)?.as_deref() == Some(&self.settings_text) {
            return Ok(());
        }
        Err(LedgerError::Damaged {
            file: self.folder.join(FILE_NAME),
            why: "its settings were changed while passwave worked on it".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(row: u64) -> i64 {
        i64::try_from(row * 10).expect("a small number")
    }

    #[test]
    fn gaps_do_not_hide_rows() {
        for rows in [vec![1, 2, 3, 4], vec![1, 2, 5, 9], vec![3, 4, 5], vec![]] {
            let mut known = Known::default();
            rows.iter().for_each(|row| known.push(*row, mark(*row)));
            let mut approved = Approved::new(String::new(), known);
            for row in 0..11 {
                assert_eq!(approved.holds(row, mark(row)), rows.contains(&row), "{row} of {rows:?}");
                approved.set(row, 7);
                assert_eq!(approved.holds(row, 7), rows.contains(&row), "{row} of {rows:?}");
            }
            assert!((0..rows.len()).all(|at| approved.known.row(at) == rows[at]));
        }
    }
}
