//! Which rows get a slip, if not all of them: single classes (`--only`) or single accounts (`--user`).
//!
//! A value or a name that is nowhere in the run is refused, with the nearest one that is: whoever prints one slip again must
//! not get none without a word.

use super::{
    HandoutError, Wishes,
    collate::natural_key,
    groups::{Columns, cell},
};
use crate::{
    clean,
    ledger::{Ledger, ReportRow},
    nearest::nearest,
};
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};

/// The rows that are wanted.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Values of the column of `--by`; all of them if there is none.
    values: Option<HashSet<String>>,
    /// Names of accounts, in lower case; all of them if there is none.
    users: HashSet<String>,
}

impl Selection {
    /// The selection that is wished for, once each part of it is found in the run.
    ///
    /// # Errors
    /// If a value or an account is not in the run, or the ledger cannot be read.
    pub(super) fn of(ledger: &Ledger, columns: &Columns, wishes: &Wishes) -> Result<Self, HandoutError> {
        if wishes.only.is_empty() && wishes.users.is_empty() {
            return Ok(Self::default());
        }
        let (mut values, mut names) = (BTreeSet::new(), BTreeSet::new());
        ledger.for_each_row(|row| {
            let cells: Vec<Cow<'_, str>> = serde_json::from_str(&row.cells)?;
            values.insert(columns.by.map_or("", |at| cell(&cells, at)).to_owned());
            names.extend([lower(&row.user_principal_name), lower(&row.roster_name)]);
            Ok::<_, HandoutError>(())
        })?;
        let users: HashSet<String> = wishes.users.iter().map(|user| lower(user)).collect();
        for (user, wanted) in wishes.users.iter().map(|user| (user, lower(user))) {
            if !names.contains(&wanted) {
                return Err(unknown("--user", user, names.iter().map(String::as_str)));
            }
        }
        let mut chosen = HashSet::new();
        for value in &wishes.only {
            let alike = alike(value, &values);
            if alike.is_empty() {
                return Err(unknown("--only", value, values.iter().map(String::as_str)));
            }
            chosen.extend(alike);
        }
        Ok(Self { values: (!wishes.only.is_empty()).then_some(chosen), users })
    }

    /// Whether a row is wanted, whose column of `--by` holds `value`.
    pub(super) fn has(&self, row: &ReportRow, value: &str) -> bool {
        let is_named =
            || [&row.user_principal_name, &row.roster_name].iter().any(|name| self.users.contains(&lower(name)));
        self.values.as_ref().is_none_or(|values| values.contains(value)) && (self.users.is_empty() || is_named())
    }
}

/// The value itself if the run has it, or else those that only differ in case, accents or leading zeros.
fn alike(wanted: &str, values: &BTreeSet<String>) -> Vec<String> {
    let wanted = clean::trim(wanted);
    if values.contains(wanted) {
        return vec![wanted.to_owned()];
    }
    values.iter().filter(|value| natural_key(value) == natural_key(wanted)).cloned().collect()
}

fn lower(name: &str) -> String {
    clean::trim(name).to_lowercase()
}

fn unknown<'a>(flag: &'static str, wanted: &str, known: impl Iterator<Item = &'a str>) -> HandoutError {
    let near = nearest(wanted, known).map(clean::for_terminal);
    HandoutError::NotInRun { flag, wanted: clean::for_terminal(wanted), near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_how_people_write_them() {
        let values: BTreeSet<String> = ["7A", "7a", "07B", "École", ""].map(str::to_owned).into();
        for (wanted, found) in
            [("7A", &["7A"][..]), (" 7a ", &["7a"]), ("7b", &["07B"]), ("ecole", &["École"]), ("", &[""]), ("8A", &[])]
        {
            assert_eq!(alike(wanted, &values), found, "{wanted}");
        }
    }

    #[test]
    fn the_nearest_one_is_named() {
        let error = unknown("--only", "Cromwel", ["Cromwell", "Nightingale"].into_iter()).to_string();
        assert!(error.contains("--only") && error.contains("did you mean \"Cromwell\"?"), "{error}");
        assert!(!unknown("--user", "x@y", ["ann@contoso.com"].into_iter()).to_string().contains("did you mean"));
    }
}
