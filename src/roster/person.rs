//! Users' names for display and for sorting, from the columns with their parts.
//!
//! It never splits a cell and never guesses an order within one: "van der Berg, Ann" stays as the roster spells it.

use super::names::Part;
use crate::util::sanitize;

/// The columns that make up a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameColumns {
    whole: Vec<usize>,
    given: Vec<usize>,
    family: Vec<usize>,
}

impl NameColumns {
    /// Interprets the names of `columns` in `header`. A column just called "name" is the family name if the given name
    /// has its own column, as in German and French lists.
    #[must_use]
    pub fn of(header: &[String], columns: &[usize]) -> Self {
        let part = |at: &usize| header.get(*at).map_or(Part::Whole, |name| Part::of(name));
        let has = |wanted: Part| columns.iter().any(|at| part(at) == wanted);
        let (has_given, has_family) = (has(Part::Given), has(Part::Family));
        let mut found = Self::default();
        for at in columns {
            let list = match part(at) {
                Part::Given => &mut found.given,
                Part::Family => &mut found.family,
                Part::WholeOrFamily if has_given && !has_family => &mut found.family,
                Part::WholeOrGiven if has_family && !has_given => &mut found.given,
                Part::Whole | Part::WholeOrFamily | Part::WholeOrGiven => &mut found.whole,
            };
            list.push(*at);
        }
        found
    }

    /// These columns, one after another.
    #[must_use]
    pub fn in_order(columns: Vec<usize>) -> Self {
        Self { given: columns, ..Self::default() }
    }

    /// The name for display: the first complete one in the row, otherwise its parts, given name first.
    #[must_use]
    pub fn read<'r>(&self, cell: impl Fn(usize) -> &'r str) -> String {
        let whole = self.whole.iter().map(|at| sanitize::trim(cell(*at))).find(|name| !name.is_empty());
        whole.map_or_else(|| joined(self.given.iter().chain(&self.family), &cell), str::to_owned)
    }

    /// The name for sorting: family name first, if the roster has it separately.
    #[must_use]
    pub fn sorted<'r>(&self, cell: impl Fn(usize) -> &'r str) -> String {
        let parts = joined(self.family.iter().chain(&self.given), &cell);
        if parts.is_empty() { self.read(cell) } else { parts }
    }
}

fn joined<'r>(
    columns: impl Iterator<Item = impl std::borrow::Borrow<usize>>,
    cell: impl Fn(usize) -> &'r str,
) -> String {
    let parts: Vec<&str> =
        columns.map(|at| sanitize::trim(cell(*at.borrow()))).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first row's name for display and for sorting, in a roster with these columns.
    fn name(header: &[&str], row: &[&str]) -> (String, String) {
        let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
        let columns = NameColumns::of(&header, &(0..header.len()).collect::<Vec<_>>());
        let cell = |at: usize| row.get(at).copied().unwrap_or_default();
        (columns.read(cell), columns.sorted(cell))
    }

    #[test]
    fn name_parts_follow_each_language() {
        for (header, row, read, sorted) in [
            (&["Given name", "Surname"][..], &["Zoë", "Müller"][..], "Zoë Müller", "Müller Zoë"),
            (&["Name", "Vorname"], &["Müller", "Zoë"], "Zoë Müller", "Müller Zoë"),
            (&["Nom", "Prénom"], &["Martin", "Aïcha"], "Aïcha Martin", "Martin Aïcha"),
            (&["Nombre", "Apellidos"], &["José", "García Ruiz"], "José García Ruiz", "García Ruiz José"),
            (&["Name"], &["Ann Smith"], "Ann Smith", "Ann Smith"),
            (&["displayName", "givenName", "surname"], &["Ann S.", "Ann", "Smith"], "Ann S.", "Smith Ann"),
            (&["displayName", "givenName", "surname"], &[" ", "Ann", "Smith"], "Ann Smith", "Smith Ann"),
            (&["First name"], &["Ann"], "Ann", "Ann"),
            (&["Surname"], &[""], "", ""),
            (&["Surname"], &[], "", ""),
        ] {
            assert_eq!(name(header, row), (read.to_owned(), sorted.to_owned()), "{header:?}");
        }
        let told = NameColumns::in_order(vec![1, 0]);
        assert_eq!(told.read(|at| ["Ann", "Ms"][at]), "Ms Ann");
    }
}
