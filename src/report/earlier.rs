//! The rows of a run as the roster of another one, if `ROSTER` is a run folder.
//!
//! It only reads, needs no key, and copies no password: neither from the report's own column nor from a roster's.
//! Invariant: each row of the run comes out exactly once, in order, with its account.

use super::{
    Fault, ReportError,
    columns::{Columns, Kind, Passwords, Value},
    sink::Cells,
    time,
};
use crate::{
    account::upn,
    ledger::{ReadLedger, ReportRow},
    outcome::Skip,
    roster::{Earlier, EarlierRow},
};

/// The position of the account's name among the copied report columns.
const NAME_AT: usize = 1;

/// What the new run copies from each row.
#[derive(Clone, Copy, Debug)]
pub struct TakeOver {
    /// Address accounts by the object ids from the lookup, if there was one.
    pub object_ids: bool,
    /// Make passwords with the row's profile and language.
    pub forms: bool,
}

/// All rows of the run in `ledger`, under the name of its folder.
///
/// # Errors
/// Fails if the ledger cannot be read, or has more rows than can be read at once.
pub fn as_roster(ledger: &ReadLedger, take_over: TakeOver) -> Result<Earlier, ReportError> {
    collect_rows(ledger, take_over).map_err(|fault| fault.about(ledger.folder().to_owned()))
}

fn collect_rows(ledger: &ReadLedger, take_over: TakeOver) -> Result<Earlier, Fault> {
    let (columns, settings) = (Columns::of(ledger, Passwords::Withheld)?, ledger.settings());
    let width = ledger.widest_row()?.max(settings.header.len());
    let all: Vec<(&str, Kind)> = columns.names().collect();
    let told = &all[..all.len() - width];
    let names = told.iter().filter(|(_, kind)| *kind != Kind::Secret).map(|(name, _)| (*name).to_owned()).collect();
    // A rehearsal looks up no tenant, so its object ids belong to nobody.
    let object_ids = take_over.object_ids && !settings.rehearsal && ledger.is_looked_up()?;
    let own = settings.own_header().to_vec();
    // A run that was made from a run, without a lookup, knows its accounts by id. Their names are in the columns of
    // the earlier run's report.
    let name_at = settings.earlier_columns.map(|_| settings.own_header().len() + NAME_AT);
    let mut earlier = Earlier::new(&name_of(ledger), own, settings.password_column, names);
    ledger.for_each_row(|row| {
        let known = ledger.identity(row.row)?;
        let id = known.object_id.as_deref().filter(|_| object_ids);
        let address = id.unwrap_or(if settings.rehearsal { &known.roster_name } else { &row.user_principal_name });
        let cells = row.roster_cells()?;
        let mut told = told_values(&columns, &row, &cells, told.len())?;
        let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
        let name = name_at.and_then(|at| cells.get(at)).copied().filter(|name| is_nameless(&row) && !name.is_empty());
        let name = name.unwrap_or(&row.user_principal_name);
        told[NAME_AT] = name.to_owned();
        let row = EarlierRow {
            number: row.row,
            address,
            names: [&known.roster_name, name],
            form: take_over.forms.then_some(row.form),
            own: &cells[..cells.len().min(settings.own_header().len())],
            too_many: too_many(&row, cells.len(), settings.header.len()),
            error_code: row.error_code.as_deref().unwrap_or_default(),
            told: &told,
        };
        earlier.push(&row).map_err(|error| Fault::Other(ReportError::Roster(error.into())))
    })?;
    Ok(earlier)
}

/// Whether the report only knows the account's object id.
fn is_nameless(row: &ReportRow) -> bool {
    upn::is_object_id(&row.user_principal_name)
}

/// The number of a row's cells, if there are more than columns. Such a row must not be read differently now.
fn too_many(row: &ReportRow, cells: usize, columns: usize) -> Option<usize> {
    let was_refused = row.error_code.as_deref() == Some(Skip::Malformed.code());
    (was_refused || cells > columns).then(|| cells.max(columns + 1))
}

/// The report's values for a row, without its passwords.
fn told_values(columns: &Columns, row: &ReportRow, cells: &Cells<'_>, told: usize) -> Result<Vec<String>, Fault> {
    let (mut values, mut nth) = (Vec::with_capacity(told), 0);
    columns.values(row, cells, |value| {
        nth += 1;
        if nth <= told {
            match value {
                Value::Number(number) => values.push(number.to_string()),
                Value::Time(at) => values.push(at.map(time).unwrap_or_default()),
                Value::Text(text) => values.push(text.to_owned()),
                Value::Secret(_) => {}
            }
        }
        Ok(())
    })?;
    Ok(values)
}

/// The folder's own name, even if it was given as `.` or through a link.
fn name_of(ledger: &ReadLedger) -> String {
    let folder = ledger.folder();
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let named = folder.file_name().or_else(|| whole.file_name());
    named.unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
}
