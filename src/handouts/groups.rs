//! Who gets a slip, and in which file: the rows of a run, grouped by one column.
//!
//! An account gets a slip if Graph has reset it and no later change of its password was seen. All others are counted by
//! the reason why they have none.

use super::{
    HandoutError, Order,
    collate::{natural_key, sort_key},
    columns::{Columns, cell},
    file_name::FileNames,
    selection::Selection,
};
use crate::{
    ledger::{ReadLedger, ReportRow, Verdict},
    outcome::{Skip, Status},
    report::{accepted, is_accepted},
};
use std::collections::{BTreeMap, HashMap};

/// The accounts in one file.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// Their value in the column, trimmed; may be empty.
    pub value: String,
    /// The file's name without extension.
    pub file: String,
    /// Their rows, in the order of the slips.
    pub rows: Vec<u64>,
}

/// Rows of the roster without a slip, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// The run has not ended for them.
    pub pending: u64,
    /// The password may or may not be in force.
    pub in_doubt: u64,
    /// Graph refused them.
    pub failed: u64,
    /// Never sent, and they need attention.
    pub skipped: u64,
    /// The password changed after the reset, most likely by the user.
    pub changed_since: u64,
    /// Never sent, and they need no attention: duplicates, excluded accounts, and skips that the run accepts.
    pub well: u64,
}

impl LeftOut {
    /// Whether someone is still without a slip who should have one.
    #[must_use]
    pub const fn needs_a_look(&self) -> bool {
        self.pending + self.in_doubt + self.failed + self.skipped > 0
    }
}

/// The result of one pass over all rows.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) groups: Vec<Group>,
    pub(super) left_out: LeftOut,
    /// Languages that are not built in, and how many slips ask for each.
    pub(super) unknown_languages: BTreeMap<String, u64>,
    /// Passwords that cannot be read here.
    pub(super) sealed: u64,
}

/// The rows of one group before they are sorted.
type Sortable = Vec<(String, u64)>;

/// Reads the selected rows. Groups come in natural order; the rows without a value come last.
pub(super) fn survey(
    ledger: &ReadLedger,
    columns: &Columns,
    order: Order,
    selection: &Selection,
    otherwise: &str,
) -> Result<Scan, HandoutError> {
    let mut survey = Scan::default();
    let (mut places, mut found) = (HashMap::<String, usize>::new(), Vec::<(String, Sortable)>::new());
    let accepted = accepted(ledger)?;
    ledger.for_each_row(|row| {
        let cells = row.roster_cells()?;
        let value = columns.by.map_or("", |at| cell(&cells, at));
        if !selection.has(&row, &cells, value) || !survey.left_out.admits(&row, &accepted) {
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
    /// Whether a row gets a slip; otherwise it is counted.
    fn admits(&mut self, row: &ReportRow, accepted: &[String]) -> bool {
        let why = match row.status {
            Status::Reset if !is_changed_since(row) => return true,
            Status::Reset => &mut self.changed_since,
            Status::Failed => &mut self.failed,
            Status::InDoubt => &mut self.in_doubt,
            Status::Skipped => {
                let code = row.error_code.as_deref().unwrap_or_default();
                let is_well = Skip::from_code(code).is_some_and(|skip| !skip.needs_a_look());
                if is_well || is_accepted(row.status, code, accepted) { &mut self.well } else { &mut self.skipped }
            }
            Status::Pending => &mut self.pending,
        };
        *why += 1;
        false
    }
}

/// Whether the directory has shown a later change than ours.
fn is_changed_since(row: &ReportRow) -> bool {
    row.verdict == Some(Verdict::ChangedSince)
}

/// Whether a row still gets a slip.
pub(super) fn is_handed_out(row: &ReportRow) -> bool {
    LeftOut::default().admits(row, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Form;

    fn row(status: Status, code: Option<&str>, verdict: Option<Verdict>) -> ReportRow {
        ReportRow {
            row: 1,
            user_principal_name: "ann@contoso.com".into(),
            roster_name: "ann@contoso.com".into(),
            form: Form::default(),
            status,
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
            verdict,
            method: None,
            sessions: None,
            sessions_code: None,
            claimed: None,
            claimed_at: None,
            cells: "[]".into(),
        }
    }

    #[test]
    fn slips_need_a_valid_password() {
        for verdict in [None, Some(Verdict::Confirmed), Some(Verdict::NotYetVisible), Some(Verdict::Unread)] {
            assert!(is_handed_out(&row(Status::Reset, None, verdict)));
        }
        let mut left_out = LeftOut::default();
        for (status, code, verdict) in [
            (Status::Reset, None, Some(Verdict::ChangedSince)),
            (Status::Failed, Some("http_403"), None),
            (Status::InDoubt, None, None),
            (Status::Pending, None, None),
            (Status::Skipped, Some("missing"), None),
            (Status::Skipped, Some("of another version"), None),
            (Status::Skipped, Some("duplicate"), None),
            (Status::Skipped, Some("excluded"), None),
        ] {
            assert!(!left_out.admits(&row(status, code, verdict), &[]), "{status:?} {code:?}");
        }
        let counted = LeftOut { pending: 1, in_doubt: 1, failed: 1, skipped: 2, changed_since: 1, well: 2 };
        assert_eq!(left_out, counted);
        assert!(counted.needs_a_look());
        assert!(!LeftOut { changed_since: 3, well: 4, ..LeftOut::default() }.needs_a_look());
    }
}
