//! Rows whose passwords this process cannot send as they are: sealed ones without a key, and those that an earlier
//! process made to replace a refused one.
//!
//! A password of an earlier process is derived again ([`super::derivation`]) and sent if both are the same. Any other
//! row gets a new password. Rows that have ended keep their password.

use super::{
    RunError, RunEvent,
    derivation::{self, person},
    doubts::IN_FLIGHT_MAX,
};
use crate::{
    ledger::{Ledger, ToReissue},
    password::{Generator, Password, Person},
    util::clock::Clock,
};

/// Rows per commit: few enough to keep memory flat.
const CHUNK_ROWS: usize = 8_192;

/// Checks that a sealed run can continue: passwords from a roster cannot be made again, so their key is required.
///
/// # Errors
/// Returns [`RunError::ProvidedPassword`] if the key is missing.
pub fn must_be_possible(ledger: &Ledger) -> Result<(), RunError> {
    if ledger.settings().password_column.is_some() && !ledger.to_reissue(0, 1)?.is_empty() {
        return Err(RunError::ProvidedPassword(ledger.folder().to_owned()));
    }
    Ok(())
}

/// Makes sure that each row to be sent has a password that this process can read and that the run made.
pub(super) fn reissue(ledger: &mut Ledger, clock: Clock, emit: &mut dyn FnMut(RunEvent)) -> Result<(), RunError> {
    let (policy, columns) = (ledger.settings().policy.clone(), ledger.settings().name_columns.clone());
    let mut generator = Generator::new(&policy)?;
    let (mut rows, mut in_doubt, mut after) = (0, 0, 0);
    loop {
        let chunk = ledger.to_reissue(after, CHUNK_ROWS)?;
        let Some(last) = chunk.last() else { break };
        after = last.row;
        let chunk = derivation::unrecognized(ledger, &policy, &columns, chunk)?;
        rows += chunk.len() as u64;
        let reissued = new_password(&mut generator, &columns, &chunk)?;
        in_doubt += ledger.reissue(reissued, clock.millis(), IN_FLIGHT_MAX)?;
    }
    if rows > 0 {
        emit(RunEvent::Reissued { rows, in_doubt });
    }
    Ok(())
}

fn new_password(
    generator: &mut Generator<'_>,
    columns: &[usize],
    rows: &[ToReissue],
) -> Result<Vec<(u64, Password)>, RunError> {
    let people: Vec<Person<'_>> = rows.iter().map(|row| person(row, columns)).collect();
    let passwords = generator.generate(&people)?;
    Ok(rows.iter().map(|row| row.row).zip(passwords).collect())
}
