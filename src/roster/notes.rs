//! What is noticed in the rows while they are read, and reported once all have been: it needs no extra pass.

use super::Roster;
use crate::{account::language::Language, util::sanitize};
use csv::StringRecord;
use std::fmt;

/// Lines that a note names.
const LINES_MAX: usize = 5;

/// How many rows are affected, and the first of their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// How many there are.
    pub number: u64,
    first: Vec<u64>,
}

impl Lines {
    fn add(&mut self, line: u64) {
        self.number += 1;
        if self.first.len() < LINES_MAX {
            self.first.push(line);
        }
    }
}

impl fmt::Display for Lines {
    /// Their numbers: `3`, or `3, 7, …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.first.iter().map(u64::to_string).collect();
        let more = if self.number > lines.len() as u64 { ", …" } else { "" };
        write!(f, "{}{more}", lines.join(", "))
    }
}

/// What was noticed in all rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowNotes {
    /// Rows with a language that has no word list.
    pub other_languages: Lines,
    /// Rows with a question mark instead of a letter in the account or the user's name.
    pub lost_letters: Lines,
}

impl RowNotes {
    pub(super) fn add(&mut self, roster: &Roster, line: u64, cells: &StringRecord) {
        let cell = |column: usize| sanitize::trim(cells.get(column).unwrap_or_default());
        let language = roster.language_column.map_or("", cell);
        if !language.is_empty() && language.parse::<Language>().is_err() {
            self.other_languages.add(line);
        }
        if has_lost_letters(cell(roster.upn_column)) || roster.name_columns.iter().any(|at| has_lost_letters(cell(*at)))
        {
            self.lost_letters.add(line);
        }
    }
}

/// Programs write `?` for a letter that their encoding lacks: `J?rgen`, `?zil`, `Zo?`. No name contains `?` itself.
fn has_lost_letters(name: &str) -> bool {
    if !name.contains('?') {
        return false;
    }
    let letters: Vec<char> = name.chars().collect();
    let is_letter = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|c| c.is_alphabetic());
    (0..letters.len()).any(|at| letters[at] == '?' && (is_letter(at.checked_sub(1)) || is_letter(Some(at + 1))))
}

#[cfg(test)]
mod tests {
    use super::{super::*, *};

    #[test]
    fn lost_letters_are_seen() {
        for name in ["J?rgen", "?zil", "Zo?", "M??ig", "j?rgen@contoso.com"] {
            assert!(has_lost_letters(name), "{name}");
        }
        for name in ["", "?", "??", "Ann", "Ann (?)", "- ? -"] {
            assert!(!has_lost_letters(name), "{name}");
        }
    }

    #[test]
    fn notes_need_all_rows_read() {
        let text =
            "upn,Name,Note,Speaks\na@c.com,J?rgen,,pl\nb@c.com,Ann,why?,fr\nc@c.com,?zil,,Polski\nd@c.com,Dee,,\n";
        let options = RosterOptions { language_column: Some("Speaks".into()), ..RosterOptions::default() };
        let roster = Roster::from_bytes("r.csv", text.into(), &options).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(roster.rows().take(2).count(), 2);
        assert_eq!(roster.notes(), None, "not before the last row");
        for _ in 0..2 {
            assert_eq!(roster.rows().count(), 4);
            let notes = roster.notes().expect("all are read");
            assert_eq!((notes.lost_letters.number, notes.lost_letters.to_string().as_str()), (2, "2, 4"));
            assert_eq!(notes.other_languages.to_string(), "2, 4");
        }
    }

    #[test]
    fn only_the_first_lines_are_named() {
        let mut lines = Lines::default();
        lines.add(3);
        assert_eq!(lines.to_string(), "3");
        (4..10).for_each(|line| lines.add(line));
        assert_eq!((lines.number, lines.to_string().as_str()), (7, "3, 4, 5, 6, 7, …"));
    }
}
