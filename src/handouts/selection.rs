//! Which rows get a slip, if not all: single groups or single accounts.
//!
//! An unknown value or name is refused, with the most similar one: a user who prints one slip again must not silently
//! get none.

use super::{
    HandoutError, Wishes,
    collate::natural_key,
    columns::{Columns, cell},
};
use crate::{
    ledger::{ClaimState, ReadLedger, ReportRow},
    plan::Settings,
    report::CLAIMED_COLUMNS,
    roster::{self, ColumnRole, Condition, Filter, RosterError},
    util::{sanitize, suggest::nearest},
};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    fmt,
};

/// What a selection names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The value of a group.
    Group,
    /// An account.
    User,
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "the group",
            Self::User => "the account",
        })
    }
}

/// The requested rows.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Values of the column that makes the groups; all of them if `None`.
    values: Option<HashSet<String>>,
    /// Account names in lower case; all accounts if empty.
    users: HashSet<String>,
    /// Conditions on columns of the roster.
    filters: Vec<Filter>,
    /// Conditions on what the last sweep has found.
    claims: Vec<Filter>,
    /// Whether it asks for users who have not chosen a password of their own.
    pub(super) reminds: bool,
}

impl Selection {
    /// The requested selection. Every part of it must exist in the run.
    ///
    /// # Errors
    /// Fails if a value or an account is not in the run, or the ledger cannot be read.
    pub(super) fn of(ledger: &ReadLedger, columns: &Columns, wishes: &Wishes) -> Result<Self, HandoutError> {
        let conditions = Self::meeting(ledger, &wishes.conditions)?;
        if wishes.only.is_empty() && wishes.users.is_empty() {
            return Ok(conditions);
        }
        let (mut values, mut names) = (BTreeSet::new(), BTreeSet::new());
        ledger.for_each_row(|row| {
            let cells = row.roster_cells()?;
            values.insert(columns.by.map_or("", |at| cell(&cells, at)).to_owned());
            names.extend([lower(&row.user_principal_name), lower(&row.roster_name)]);
            Ok::<_, HandoutError>(())
        })?;
        let users: HashSet<String> = wishes.users.iter().map(|user| lower(user)).collect();
        for (user, wanted) in wishes.users.iter().map(|user| (user, lower(user))) {
            if !names.contains(&wanted) {
                return Err(unknown(Sought::User, user, names.iter().map(String::as_str)));
            }
        }
        let mut chosen = HashSet::new();
        for value in &wishes.only {
            let alike = alike(value, &values);
            if alike.is_empty() {
                return Err(unknown(Sought::Group, value, values.iter().map(String::as_str)));
            }
            chosen.extend(alike);
        }
        Ok(Self { values: (!wishes.only.is_empty()).then_some(chosen), users, ..conditions })
    }

    /// The rows that meet all of these conditions.
    fn meeting(ledger: &ReadLedger, conditions: &[Condition]) -> Result<Self, HandoutError> {
        let (settings, mut selection) = (ledger.settings(), Self::default());
        let is_swept = ledger.is_swept()?;
        for Condition { column, values } in conditions {
            // Whatever the column is, the user meant a column of passwords.
            if roster::speaks_of_passwords(column) {
                return Err(on_passwords(settings, column));
            }
            let is_claimed = sanitize::trim(column).eq_ignore_ascii_case(CLAIMED_COLUMNS[0]);
            if is_claimed && is_swept {
                let filter = Filter::new(0, values);
                selection.reminds |= filter.matched(ClaimState::No.as_str()).is_some();
                selection.claims.push(filter);
                continue;
            }
            let at = match roster::column_named(&settings.roster, &settings.header, ColumnRole::Condition, column) {
                Err(_) if is_claimed => return Err(HandoutError::NotSwept),
                at => at?,
            };
            if roster::speaks_of_passwords(&settings.header[at]) {
                return Err(on_passwords(settings, column));
            }
            selection.filters.push(Filter::new(at, values));
        }
        Ok(selection)
    }

    /// Whether a row with `value` in the column that makes the groups is selected.
    pub(super) fn has(&self, row: &ReportRow, cells: &[Cow<'_, str>], value: &str) -> bool {
        let is_named =
            || [&row.user_principal_name, &row.roster_name].iter().any(|name| self.users.contains(&lower(name)));
        self.values.as_ref().is_none_or(|values| values.contains(value))
            && (self.users.is_empty() || is_named())
            && self.filters.iter().all(|filter| filter.matched(cell(cells, filter.column)).is_some())
            && self.is_claimed_as_asked(row)
    }

    fn is_claimed_as_asked(&self, row: &ReportRow) -> bool {
        let claimed = row.claimed.map_or("", ClaimState::as_str);
        self.claims.iter().all(|filter| filter.matched(claimed).is_some())
    }

    /// The row if a sweep that ended meanwhile has not changed whether it is selected.
    pub(super) fn still_meets(&self, row: ReportRow) -> Option<ReportRow> {
        Some(row).filter(|row| self.is_claimed_as_asked(row))
    }
}

/// No condition tells anything about a password.
fn on_passwords(settings: &Settings, column: &str) -> HandoutError {
    RosterError::ConditionOnPasswords { name: settings.roster.clone(), column: column.to_owned() }.into()
}

/// The value itself if the run has it, otherwise those that differ only in case, accents or leading zeros.
fn alike(wanted: &str, values: &BTreeSet<String>) -> Vec<String> {
    let wanted = sanitize::trim(wanted);
    if values.contains(wanted) {
        return vec![wanted.to_owned()];
    }
    values.iter().filter(|value| natural_key(value) == natural_key(wanted)).cloned().collect()
}

fn lower(name: &str) -> String {
    sanitize::trim(name).to_lowercase()
}

fn unknown<'a>(what: Sought, wanted: &str, known: impl Iterator<Item = &'a str>) -> HandoutError {
    let near = nearest(wanted, known).map(sanitize::for_terminal);
    HandoutError::NotInRun { what, wanted: sanitize::for_terminal(wanted), near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_values_in_any_spelling() {
        let values: BTreeSet<String> = ["7A", "7a", "07B", "École", ""].map(str::to_owned).into();
        for (wanted, found) in
            [("7A", &["7A"][..]), (" 7a ", &["7a"]), ("7b", &["07B"]), ("ecole", &["École"]), ("", &[""]), ("8A", &[])]
        {
            assert_eq!(alike(wanted, &values), found, "{wanted}");
        }
    }

    #[test]
    fn nearest_name_is_suggested() {
        let near = |error| match error {
            HandoutError::NotInRun { near, .. } => near,
            other => panic!("{other}"),
        };
        let error = unknown(Sought::Group, "Cromwel", ["Cromwell", "Nightingale"].into_iter());
        assert!(error.to_string().starts_with("the group \"Cromwel\" is not in this run"), "{error}");
        assert_eq!(near(error).as_deref(), Some("Cromwell"));
        assert_eq!(near(unknown(Sought::User, "x@y", ["ann@contoso.com"].into_iter())), None);
    }
}
