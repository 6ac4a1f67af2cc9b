//! Passwords that a run makes to replace those that Graph refused as too weak.
//!
//! In an unsealed run, each one is derived from a secret of the run, the row, its number and the attempt. So a later
//! process can derive the same password again and send it again, instead of making another. It sends a password from
//! the ledger only if it derives the same one, so an edited password is never sent.
//!
//! The seed has 256 bits and feeds a cryptographic generator, so the password is as strong as any other and follows the
//! same rules. In a sealed run, a seed would reveal the sealed passwords, so passwords there are random.

use super::RunError;
use crate::{
    ledger::{Ledger, ToReissue},
    password::{Generator, Password, PasswordError, PasswordPolicy, Person},
    plan::names_of,
};

/// Maximum number of attempts to find a password that no other row has.
const ATTEMPTS_MAX: u32 = 4;

/// A password for `person` that replaces the one of `row`.
pub(super) fn make(ledger: &Ledger, row: u64, person: Person<'_>) -> Result<Option<Password>, RunError> {
    let policy = &ledger.settings().policy;
    let nth = ledger.nth(row)? + 1;
    for attempt in 0..ATTEMPTS_MAX {
        let Some(password) = derived(ledger, policy, (row, nth, attempt), person)? else { break };
        if !ledger.is_used(&password)? {
            return Ok(Some(password));
        }
    }
    let mut generator = Generator::new(policy)?;
    loop {
        match generator.generate(&[person])?.pop() {
            Some(password) if ledger.is_used(&password)? => drop(password),
            other => return Ok(other),
        }
    }
}

/// Those of `rows` whose password is not derived from the run's secret. All others may be sent from now on.
pub(super) fn unrecognized(
    ledger: &mut Ledger,
    policy: &PasswordPolicy,
    columns: &[usize],
    rows: Vec<ToReissue>,
) -> Result<Vec<ToReissue>, RunError> {
    let mut left = Vec::new();
    for row in rows {
        if row.nth == 0 || !is_recognized(ledger, policy, columns, &row)? {
            left.push(row);
        }
    }
    Ok(left)
}

/// The user of a row's password.
pub(super) fn person<'r>(row: &'r ToReissue, columns: &[usize]) -> Person<'r> {
    let cell = |column: usize| row.cells.get(column).map_or("", String::as_str);
    Person { upn: &row.user_principal_name, names: names_of(columns, cell), form: row.form }
}

fn is_recognized(
    ledger: &mut Ledger,
    policy: &PasswordPolicy,
    columns: &[usize],
    row: &ToReissue,
) -> Result<bool, RunError> {
    for attempt in 0..ATTEMPTS_MAX {
        let Some(made) = derived(ledger, policy, (row.row, row.nth, attempt), person(row, columns))? else { break };
        if ledger.recognize(row.row, row.nth, &made)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The password that is derived from the run's secret; `None` in a sealed run.
fn derived(
    ledger: &Ledger,
    policy: &PasswordPolicy,
    (row, nth, attempt): (u64, u32, u32),
    person: Person<'_>,
) -> Result<Option<Password>, PasswordError> {
    let Some(seed) = ledger.reissue_seed(row, nth, attempt) else { return Ok(None) };
    Ok(Generator::of_seed(policy, *seed).generate(&[person])?.pop())
}
