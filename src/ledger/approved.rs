//! The plan as this process found it, and the comparison of each row that leaves with it.
//!
//! One pass over the ledger checks every row by itself, so that a change is named, takes the fingerprint over all of them,
//! and keeps the mark of each row in memory. A row that is claimed later is compared with that memory in the transaction
//! that claims it, so a change while the process runs is found, too.
//!
//! Invariant: the passwords that leave are the plan's own, by their commitments, or were made by this very process.

use super::{
    FILE_NAME, Ledger, LedgerError,
    fingerprint::Fingerprint,
    life::State,
    marks::{End, Marks, PLANNED_COLUMNS, Planned, planned_columns, stored},
    read,
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
    /// The numbers of the rows; empty as long as they are 1, 2, 3 and so on.
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

    /// The mark of a row changes, since its account was looked up by this process.
    pub(super) fn set(&mut self, row: u64, mark: i64) {
        if let Some(at) = self.known.place(row) {
            self.known.marks[at] = mark;
        }
    }

    fn holds(&self, row: u64, mark: i64) -> bool {
        self.known.place(row).is_some_and(|at| self.known.marks[at] == mark)
    }

    /// Whether another look found the same plan, row by row.
    pub(super) fn must_be(&self, other: &Self) -> Result<(), LedgerError> {
        let (known, found) = (&self.known, &other.known);
        let differs = known.marks.iter().zip(&found.marks).position(|(known, found)| known != found);
        let (shorter, longer) = (known.marks.len().min(found.marks.len()), known.marks.len().max(found.marks.len()));
        let at = differs.or((shorter < longer).then_some(shorter));
        at.map_or(Ok(()), |at| Err(changed(known.row(at), "it was changed while its account was looked up")))
    }

    /// Whether the row is as it was approved.
    pub(super) fn must_hold(&self, marks: &Marks, planned: &Planned<'_>) -> Result<(), LedgerError> {
        let mut encoded = Vec::with_capacity(256);
        planned.encode(&mut encoded);
        if self.holds(planned.row, marks.mark(&encoded)) {
            return Ok(());
        }
        Err(changed(planned.row, "its account or what is to be done with it is not what was planned"))
    }
}

pub(super) fn changed(row: u64, what: &str) -> LedgerError {
    LedgerError::Changed { row, what: what.to_owned() }
}

/// Takes the plan as it stands; the first row that was changed is an error.
pub(super) fn take(ledger: &Ledger) -> Result<Approved, LedgerError> {
    take_from(&ledger.connection, &ledger.settings_text, &ledger.marks, ledger.lookup_has_ended()?)
}

/// The same for a transaction that may have just ended the look-up.
pub(super) fn take_from(
    connection: &Connection,
    settings: &str,
    marks: &Marks,
    is_complete: bool,
) -> Result<Approved, LedgerError> {
    pass(connection, settings, marks, is_complete, &mut |fault, _| Err(fault))
}

/// Goes through all rows; `fault` hears of each that was changed, with the state that it has.
pub(super) fn pass(
    connection: &Connection,
    settings: &str,
    marks: &Marks,
    is_complete: bool,
    fault: &mut dyn FnMut(LedgerError, Option<State>) -> Result<(), LedgerError>,
) -> Result<Approved, LedgerError> {
    let mut fingerprint = Fingerprint::new(connection, settings, marks)?;
    let (mut known, mut encoded) = (Known::default(), Vec::new());
    let mut select = connection.prepare(concat!(
        "SELECT ",
        planned_columns!(),
        ", state, nth, doubt, settled_at, proof, password
         FROM roster LEFT JOIN account USING (row) LEFT JOIN looked_up USING (row) ORDER BY roster.row"
    ))?;
    let is_sealed = connection.query_row("SELECT EXISTS (SELECT 1 FROM data_key)", (), |row| row.get(0))?;
    let mut rows = select.query(())?;
    while let Some(row) = rows.next()? {
        let at: u64 = row.get(0)?;
        let Some(state) = row.get_ref(PLANNED_COLUMNS)?.as_str_or_null().map_err(rusqlite::Error::from)? else {
            known.push(at, 0);
            fault(changed(at, "the ledger does not say what is to be done with it"), None)?;
            continue;
        };
        let (mut planned, mark) = Planned::read(row)?;
        planned.encode(&mut encoded);
        let taken = marks.mark(&encoded);
        known.push(at, taken);
        let wrong = if taken != mark {
            Some("its account or what is to be done with it is not what was planned")
        } else {
            wrong_password((connection, is_sealed), marks, &planned, state, row)?.or(wrong_end(marks, at, state, row)?)
        };
        wrong.map_or(Ok(()), |what| fault(changed(at, what), State::parse(state)))?;
        if !is_complete && planned.looked.take().is_some() {
            // What the look-up found so far is not part of the plan as it was stored.
            planned.skip = None;
            planned.encode(&mut encoded);
        }
        fingerprint.add(&encoded);
    }
    Ok(Approved::new(fingerprint.finish(), known))
}

/// What is wrong with a row's password, as far as the plan tells.
fn wrong_password(
    (connection, is_sealed): (&Connection, bool),
    marks: &Marks,
    planned: &Planned<'_>,
    state: &str,
    row: &Row<'_>,
) -> Result<Option<&'static str>, LedgerError> {
    if state == State::Skipped.as_str() {
        return Ok(None);
    }
    let (nth, password) = (row.get::<_, u32>(PLANNED_COLUMNS + 1)?, row.get_ref(PLANNED_COLUMNS + 5)?);
    let is_planned = |bytes: &[u8]| planned.commitment == Some(marks.commitment(planned.row, 0, bytes).as_slice());
    if nth == 0 {
        return Ok((!stored(password).is_some_and(is_planned)).then_some("its password is not the one of the plan"));
    }
    let mut select = connection.prepare_cached("SELECT password FROM replaced WHERE row = ?1 AND nth = 0")?;
    let mut rows = select.query([planned.row])?;
    let is_wrong = match rows.next()? {
        Some(first) => !stored(first.get_ref(0)?).is_some_and(is_planned),
        // In the clear, a first password is kept whenever another one takes its place.
        None => !is_sealed || stored(password).is_none(),
    };
    Ok(is_wrong.then_some("its first password is not the one of the plan"))
}

/// What is wrong with how a row ended.
fn wrong_end(marks: &Marks, number: u64, state: &str, row: &Row<'_>) -> Result<Option<&'static str>, LedgerError> {
    if !State::parse(state).is_some_and(State::is_settled) {
        return Ok(None);
    }
    let is_proven = row.get::<_, Option<i64>>(PLANNED_COLUMNS + 4)? == Some(marks.proof(number, &end_of(row, state)?));
    Ok((!is_proven).then_some("how it ended was changed"))
}

/// How a row ended, from the columns that follow those of its plan.
pub(super) fn end_of<'a>(row: &'a Row<'_>, state: &'a str) -> Result<End<'a>, LedgerError> {
    Ok(End {
        state,
        nth: row.get(PLANNED_COLUMNS + 1)?,
        doubt: row.get(PLANNED_COLUMNS + 2)?,
        settled_at: row.get(PLANNED_COLUMNS + 3)?,
        password: row.get_ref(PLANNED_COLUMNS + 5)?,
    })
}

/// Writes the mark of a row anew, after what was planned for it has changed, and returns it.
pub(super) fn mark_again(connection: &Connection, marks: &Marks, row: u64) -> Result<i64, LedgerError> {
    let mut select = connection.prepare_cached(concat!(
        "SELECT ",
        planned_columns!(),
        " FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row) WHERE roster.row = ?1"
    ))?;
    let mut rows = select.query([row])?;
    let mut encoded = Vec::with_capacity(256);
    match rows.next()? {
        Some(found) => Planned::read(found)?.0.encode(&mut encoded),
        None => return Err(LedgerError::OutOfStep(row)),
    }
    let mark = marks.mark(&encoded);
    connection.prepare_cached("UPDATE account SET mark = ?2 WHERE row = ?1")?.execute((row, mark))?;
    Ok(mark)
}

/// Proves how a row ended; to be called in the transaction in which it ends.
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

impl Ledger {
    /// For a reader who wants to know what can be told even if somebody changed the ledger: counts rows whose end was changed
    /// as in doubt, and returns what is wrong first, if anything is. The rows themselves are told so by each report.
    ///
    /// # Errors
    /// Returns an error if the ledger cannot be read.
    pub fn mind_changes(&mut self) -> Result<Option<LedgerError>, LedgerError> {
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
        let found = pass(&self.connection, &self.settings_text, &self.marks, true, &mut fault)?;
        self.counts = counts;
        Ok(first.or(self.must_be_as_noted(&found.fingerprint).err()))
    }

    /// The settings in the file must still be those that this process read: it goes by those anyway, and stops if somebody
    /// changes them.
    pub(super) fn settings_must_stand(&self) -> Result<(), LedgerError> {
        if read::note(&self.connection, read::SETTINGS)?.as_deref() == Some(&self.settings_text) {
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
    fn rows_are_found_with_and_without_gaps() {
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
