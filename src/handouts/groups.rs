//! Who gets a slip, and in which file: the rows of a run by the value of one column.
//!
//! A slip is for an account that Graph has reset and whose password nobody has seen to be changed since. All others are
//! counted, by why they have none.

use super::{
    HandoutError, Order,
    collate::{natural_key, sort_key},
    file_name::FileNames,
    selection::Selection,
};
use crate::{
    clean,
    language::Language,
    ledger::{Ledger, ReportRow, Verdict},
    outcome::{Skip, Status},
    roster::NameColumns,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

/// The accounts that share a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// What the column says of all of them, trimmed; it may be empty.
    pub value: String,
    /// The file's name without its ending.
    pub file: String,
    /// Their rows, in the order of the slips.
    pub rows: Vec<u64>,
}

/// Rows of the roster without a slip, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The run has not ended for them.
    pub pending: u64,
    /// The password may be in force, or not.
    pub in_doubt: u64,
    /// Graph refused them.
    pub failed: u64,
    /// Never sent, and somebody must look why.
    pub skipped: u64,
    /// The password was changed after the reset, most likely by its person.
    pub changed_since: u64,
    /// Never sent, as it should be: duplicates, and excluded accounts.
    pub well: u64,
}

impl LeftOut {
    /// Whether somebody waits for a slip.
    #[must_use]
    pub const fn needs_a_look(&self) -> bool {
        self.pending + self.in_doubt + self.failed + self.skipped > 0
    }
}

/// Columns of the roster by what they are for.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) by: Option<usize>,
    pub(super) language: Option<usize>,
    pub(super) names: NameColumns,
}

impl Columns {
    /// The language that a row asks for: none where it asks for nothing, an error where it is not built in.
    pub(super) fn language(&self, cells: &[Cow<'_, str>]) -> Result<Option<Language>, String> {
        let told = self.language.map_or("", |at| cell(cells, at));
        if told.is_empty() { Ok(None) } else { told.parse().map(Some).map_err(|_| told.to_owned()) }
    }
}

/// A row's trimmed cell; an empty one where it has none.
pub(super) fn cell<'c>(cells: &'c [Cow<'_, str>], at: usize) -> &'c str {
    cells.get(at).map_or("", |cell| clean::trim(cell))
}

/// What one look at all rows shows.
#[derive(Default)]
pub(super) struct Survey {
    pub(super) groups: Vec<Group>,
    pub(super) left_out: LeftOut,
    /// Languages that are not built in, with how many slips ask for each.
    pub(super) unknown_languages: BTreeMap<String, u64>,
    /// Passwords that cannot be read here.
    pub(super) sealed: u64,
}

/// The rows of one group before they are put in order.
type Sortable = Vec<(String, u64)>;

/// Looks at the rows of the selection. Groups come in natural order, the one of rows without a value last.
pub(super) fn survey(
    ledger: &Ledger,
    columns: &Columns,
    order: Order,
    selection: &Selection,
    otherwise: &str,
) -> Result<Survey, HandoutError> {
    let mut survey = Survey::default();
    let (mut places, mut found) = (HashMap::<String, usize>::new(), Vec::<(String, Sortable)>::new());
    ledger.for_each_row(|row| {
        let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
        let value = columns.by.map_or("", |at| cell(&cells, at));
        if !selection.has(&row, value) || !survey.left_out.admits(&row) {
            return Ok(());
        }
        survey.sealed += u64::from(row.password.is_none());
        if let Err(unknown) = columns.language(&cells) {
            *survey.unknown_languages.entry(unknown).or_default() += 1;
        }
        let key = match order {
            Order::Roster => String::new(),
            Order::Name => sort_key(&columns.names.sorted(|at| cell(&cells, at))),
        };
        let place = places.get(value).copied().unwrap_or_else(|| {
            places.insert(value.to_owned(), found.len());
            found.push((value.to_owned(), Vec::new()));
            found.len() - 1
        });
        found[place].1.push((key, row.row));
        Ok::<_, HandoutError>(())
    })?;
    survey.groups = groups(found, otherwise);
    Ok(survey)
}

fn groups(mut found: Vec<(String, Sortable)>, otherwise: &str) -> Vec<Group> {
    found.sort_by_cached_key(|(value, _)| (value.is_empty(), natural_key(value), value.clone()));
    let mut names = FileNames::default();
    let mut group = |(value, mut rows): (String, Sortable)| {
        rows.sort();
        Group { file: names.add(&value, otherwise), value, rows: rows.into_iter().map(|(_, row)| row).collect() }
    };
    found.into_iter().map(&mut group).collect()
}

impl LeftOut {
    /// Whether a row gets a slip; it is counted where it does not.
    fn admits(&mut self, row: &ReportRow) -> bool {
        let why = match row.status.as_str() {
            status if status == Status::Reset.as_str() => {
                if !is_changed_since(row) {
                    return true;
                }
                &mut self.changed_since
            }
            status if status == Status::Failed.as_str() => &mut self.failed,
            status if status == Status::InDoubt.as_str() => &mut self.in_doubt,
            status if status == Status::Skipped.as_str() => {
                let skip = row.error_code.as_deref().and_then(Skip::from_code);
                if skip.is_some_and(|skip| !skip.needs_a_look()) { &mut self.well } else { &mut self.skipped }
            }
            _ => &mut self.pending,
        };
        *why += 1;
        false
    }
}

/// Whether the directory has shown a later change than ours.
fn is_changed_since(row: &ReportRow) -> bool {
    row.verdict.as_deref() == Some(Verdict::ChangedSince.as_str())
}

/// Whether a row still gets a slip.
pub(super) fn is_handed_out(row: &ReportRow) -> bool {
    LeftOut::default().admits(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Form;

    fn row(status: &str, code: Option<&str>, verdict: Option<Verdict>) -> ReportRow {
        ReportRow {
            row: 1,
            user_principal_name: "ann@contoso.com".into(),
            roster_name: "ann@contoso.com".into(),
            form: Form::default(),
            status: status.into(),
            password: None,
            is_sealed: false,
            ambiguous: false,
            earlier: Vec::new(),
            error_code: code.map(str::to_owned),
            error_message: None,
            attempts: 1,
            request_id: None,
            changed_at: None,
            verified_at: None,
            verdict: verdict.map(|verdict| verdict.as_str().to_owned()),
            sessions: None,
            sessions_code: None,
            cells: "[]".into(),
        }
    }

    #[test]
    fn a_slip_is_for_a_password_in_force() {
        for verdict in [None, Some(Verdict::Confirmed), Some(Verdict::NotYetVisible), Some(Verdict::Unread)] {
            assert!(is_handed_out(&row("reset", None, verdict)));
        }
        let mut left_out = LeftOut::default();
        for (status, code, verdict) in [
            ("reset", None, Some(Verdict::ChangedSince)),
            ("failed", Some("http_403"), None),
            ("in_doubt", None, None),
            ("pending", None, None),
            ("skipped", Some("missing"), None),
            ("skipped", Some("of another version"), None),
            ("skipped", Some("duplicate"), None),
            ("skipped", Some("excluded"), None),
        ] {
            assert!(!left_out.admits(&row(status, code, verdict)), "{status} {code:?}");
        }
        let counted = LeftOut { pending: 1, in_doubt: 1, failed: 1, skipped: 2, changed_since: 1, well: 2 };
        assert_eq!(left_out, counted);
        assert!(counted.needs_a_look());
        assert!(!LeftOut { changed_since: 3, well: 4, ..LeftOut::default() }.needs_a_look());
    }
}
