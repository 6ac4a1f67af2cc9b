//! Splits a roster by the values of a column: each part has some of the rows, and reads the same source.
//!
//! It does not interpret the values, beyond trimming them. Invariant: each row of the roster is in exactly one group, and
//! keeps its number and line in the part.

use super::{
    Roster, RosterError,
    earlier::{self, Kind},
    naming::Names,
    records::Mark,
    role::ColumnRole,
};
use crate::{outcome::Skip, util::sanitize};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// A row of the source: where it is, and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick {
    pub(super) at: Mark,
    pub(super) number: u64,
    /// The reason why it is not sent, if there is one.
    pub(super) reason: Option<u32>,
}

/// The rows with one value in a column.
pub struct Group {
    /// The value, trimmed; empty if these cells are empty.
    pub value: String,
    rows: Vec<Pick>,
}

impl Group {
    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Some rows of a roster, in its order.
#[derive(Clone, Default)]
pub struct Part {
    pub(super) rows: Arc<[Pick]>,
    /// Why some of them are not sent.
    pub(super) reasons: Arc<[(Skip, String)]>,
}

impl Part {
    /// The rows of all these groups.
    #[must_use]
    pub fn of(groups: &[&Group]) -> Self {
        Self::of_refused(groups.iter().map(|group| (*group, None)))
    }

    /// The rows of all these groups; those of a group with a reason are not sent.
    #[must_use]
    pub fn of_refused<'g>(groups: impl IntoIterator<Item = (&'g Group, Option<(Skip, String)>)>) -> Self {
        let (mut rows, mut reasons): (Vec<Pick>, Vec<(Skip, String)>) = (Vec::new(), Vec::new());
        for (group, reason) in groups {
            let at = reason.is_some().then(|| u32::try_from(reasons.len()).unwrap_or(u32::MAX));
            reasons.extend(reason);
            rows.extend(group.rows.iter().map(|row| Pick { reason: at, ..*row }));
        }
        rows.sort_unstable_by_key(|row| row.number);
        Self { rows: rows.into(), reasons: reasons.into() }
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Why this one of its rows is not sent.
    pub(super) fn reason(&self, nth: usize) -> Option<&(Skip, String)> {
        self.reasons.get(usize::try_from(self.rows.get(nth)?.reason?).ok()?)
    }
}

impl Roster {
    /// The rows by their values in the column that `wanted` names, in the order in which the values first appear. Case is
    /// ignored.
    ///
    /// # Errors
    /// Fails if there is no such column, if it may hold passwords, or if a quotation mark is not closed.
    pub fn groups_by(&self, wanted: &str) -> Result<Vec<Group>, RosterError> {
        let column = self.tenant_column(wanted)?;
        let (mut groups, mut known): (Vec<Group>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
        let mut rows = self.rows();
        while let Some(row) = rows.next() {
            let row = row?;
            let value = sanitize::trim(row.cells.get(column).unwrap_or_default());
            let at = *known.entry(value.to_lowercase()).or_insert_with(|| {
                groups.push(Group { value: value.to_owned(), rows: Vec::new() });
                groups.len() - 1
            });
            groups[at].rows.push(Pick { at: rows.start(), number: row.number, reason: None });
        }
        Ok(groups)
    }

    /// The position of the column that `wanted` names.
    fn tenant_column(&self, wanted: &str) -> Result<usize, RosterError> {
        let role = ColumnRole::Tenants;
        let at = match &self.kind {
            Kind::Run { own, .. } => earlier::column_of_run(&self.name, &self.header, *own, role, wanted)?,
            _ => Names { file: &self.name, names: &self.header }.named(role, wanted)?,
        };
        if self.password_column == Some(at) || super::speaks_of_passwords(&self.header[at]) {
            let (name, column) = (self.name.clone(), self.header[at].clone());
            return Err(RosterError::ConditionOnPasswords { name, column });
        }
        Ok(at)
    }

    /// The same roster with only these rows. Remarks about the whole are not repeated.
    #[must_use]
    pub fn part(&self, part: Part) -> Self {
        Self {
            name: self.name.clone(),
            source: Arc::clone(&self.source),
            kind: self.kind.clone(),
            body: self.body,
            header: self.header.clone(),
            form: self.form,
            name_columns: self.name_columns.clone(),
            own: self.own.clone(),
            remarks: Vec::new(),
            only: self.only.clone(),
            filters: Vec::new(),
            part: Some(part),
            notes: OnceLock::new(),
            ..*self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::RosterOptions;

    const TEXT: &str =
        "upn,Tenant\nann@a.com,a.com\n\"bob@b.com\",b.com\r\n\ncat@a.com, A.com \ndan@c.com,\nann@a.com,a.com\n";

    fn roster() -> Roster {
        Roster::from_bytes("r.csv", TEXT.into(), &RosterOptions::default()).expect("a roster")
    }

    fn rows(roster: &Roster) -> Vec<(u64, u64, String)> {
        let row = |row: Result<crate::roster::Row, RosterError>| row.expect("a row");
        let told = |address: Result<crate::account::upn::Upn, crate::roster::Refusal>| {
            address.map_or_else(|refusal| refusal.skip.code().to_owned(), |upn| upn.as_str().to_owned())
        };
        roster.rows().map(row).map(|row| (row.number, row.line, told(row.address))).collect()
    }

    #[test]
    fn parts_keep_numbers_and_lines() {
        let roster = roster();
        let groups = roster.groups_by("tenant").expect("groups");
        let named: Vec<_> = groups.iter().map(|group| (group.value.as_str(), group.len())).collect();
        assert_eq!(named, [("a.com", 3), ("b.com", 1), ("", 1)]);
        let part = |groups: &[&Group]| rows(&roster.part(Part::of(groups)));
        let (ann, again) = ((1, 2, "ann@a.com".to_owned()), (5, 7, "duplicate".to_owned()));
        assert_eq!(part(&[&groups[0]]), [ann.clone(), (3, 5, "cat@a.com".into()), again.clone()]);
        let both = part(&[&groups[1], &groups[0]]);
        assert_eq!(both.iter().map(|row| row.0).collect::<Vec<_>>(), [1, 2, 3, 5], "in the roster's order");
    }

    #[test]
    fn refused_parts_send_nothing() {
        let roster = roster();
        let groups = roster.groups_by("2").expect("groups");
        let reason = (Skip::TenantMissing, "this row names no tenant".to_owned());
        let part = Part::of_refused([(&groups[2], Some(reason)), (&groups[1], None)]);
        let told: Vec<_> = roster.part(part).rows().map(|row| row.expect("a row").address).collect();
        assert!(told[0].is_ok());
        let refusal = told[1].as_ref().expect_err("refused");
        assert_eq!((refusal.skip, refusal.message.as_str()), (Skip::TenantMissing, "line 6: this row names no tenant"));
    }

    #[test]
    fn password_columns_name_no_tenants() {
        let text = b"upn,Password\nann@a.com,x\n".to_vec();
        let roster = Roster::from_bytes("r.csv", text, &RosterOptions::default()).expect("a roster");
        assert!(matches!(roster.groups_by("password"), Err(RosterError::ConditionOnPasswords { .. })));
        assert!(matches!(roster.groups_by("school"), Err(RosterError::UnknownColumn { .. })));
    }
}
