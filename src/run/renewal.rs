//! Rows whose passwords are sealed, in a process that was given no key: it makes new ones, and seals them in turn.
//!
//! It never touches a row that has ended: its password stays sealed as it is, for whoever holds the key.

use super::{RunError, RunEvent, doubts::IN_FLIGHT_MAX};
use crate::{
    clock::Clock,
    ledger::{Ledger, ToRenew},
    password::{Generator, Password, Person},
    plan::names_of,
};

/// Rows that share a commit: little enough to stay flat in memory.
const CHUNK_ROWS: usize = 8_192;

/// Passwords that a roster brought cannot be made anew: where they are sealed, going on takes their key.
///
/// # Errors
/// [`RunError::Brought`] where the key is missing.
pub fn must_be_possible(ledger: &Ledger) -> Result<(), RunError> {
    if ledger.settings().password_column.is_some() && !ledger.to_renew(0, 1)?.is_empty() {
        return Err(RunError::Brought(ledger.folder().to_owned()));
    }
    Ok(())
}

/// Gives every row that is to be sent a password that this process can read.
pub(super) fn renew(ledger: &mut Ledger, clock: Clock, emit: &mut dyn FnMut(RunEvent)) -> Result<(), RunError> {
    let (policy, columns) = (ledger.settings().policy.clone(), ledger.settings().name_columns.clone());
    let mut generator = Generator::new(&policy)?;
    let (mut rows, mut in_doubt, mut after) = (0, 0, 0);
    loop {
        let chunk = ledger.to_renew(after, CHUNK_ROWS)?;
        let Some(last) = chunk.last() else { break };
        after = last.row;
        rows += chunk.len() as u64;
        let renewed = made(&mut generator, &columns, &chunk)?;
        in_doubt += ledger.renew(renewed, clock.millis(), IN_FLIGHT_MAX)?;
    }
    if rows > 0 {
        emit(RunEvent::Renewed { rows, in_doubt });
    }
    Ok(())
}

fn made(generator: &mut Generator<'_>, columns: &[usize], rows: &[ToRenew]) -> Result<Vec<(u64, Password)>, RunError> {
    fn person<'r>(row: &'r ToRenew, columns: &[usize]) -> Person<'r> {
        let cell = |column: usize| row.cells.get(column).map_or("", String::as_str);
        Person { upn: &row.user_principal_name, names: names_of(columns, cell), form: row.form }
    }
    let people: Vec<Person<'_>> = rows.iter().map(|row| person(row, columns)).collect();
    let passwords = generator.generate(&people)?;
    Ok(rows.iter().map(|row| row.row).zip(passwords).collect())
}
