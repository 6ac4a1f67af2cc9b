//! How to split a text into cells: its delimiter, and where its table begins.
//!
//! Each candidate is tried on the first records, and the one that makes the best table wins. It never counts
//! characters: a delimiter inside quotes or names proves nothing.
//!
//! Invariant: an Excel `sep=` line overrides any guess.

use super::{
    names::Meaning,
    records::{Mark, Records},
};
use crate::{account::upn::Upn, util::sanitize::trim};
use csv::StringRecord;

/// How the example rows of Entra's templates begin.
const EXAMPLE: &str = "Example:";
/// The most likely first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How many records and bytes each delimiter is tried on.
const SAMPLE_RECORDS: usize = 100;
const SAMPLE_BYTES: usize = 256 * 1024;

/// The delimiter of a text, and where its records begin.
pub(super) fn of(text: &str) -> (u8, Mark) {
    let (told, from) = read_sep(text);
    (told.unwrap_or_else(|| sniff(text, from)), from)
}

/// Whether all cells are empty: an empty line, or only delimiters and white space.
pub(super) fn is_blank(cells: &StringRecord) -> bool {
    cells.iter().all(|cell| trim(cell).is_empty())
}

/// Whether a cell begins like the example rows of Entra's templates.
pub(super) fn is_example(cell: &str) -> bool {
    starts_with(trim(cell), EXAMPLE)
}

/// Entra's `version:v1.0` row, also if Excel has padded it, and the `#TYPE` row of Windows PowerShell.
pub(super) fn is_preamble(cells: &StringRecord) -> bool {
    let first = cells.get(0).map_or("", trim);
    let alone = cells.iter().skip(1).all(|cell| trim(cell).is_empty());
    (alone && starts_with(first, "version:")) || starts_with(first, "#type ")
}

/// Like `str::starts_with`, but ignores ASCII case.
pub(super) fn starts_with(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// The delimiter of a first line such as `sep=;`, and the position after that line.
fn read_sep(text: &str) -> (Option<u8>, Mark) {
    let line = text.split(['\n', '\r']).next().unwrap_or_default();
    let bare = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(line);
    let told = match bare.as_bytes() {
        [word @ .., delimiter] if word.eq_ignore_ascii_case(b"sep=") => Some(*delimiter),
        _ => None,
    };
    let told = told.filter(|byte| byte.is_ascii_punctuation() && *byte != b'"' || matches!(byte, b'\t' | b' '));
    (told, Mark { byte: if told.is_some() { line.len() } else { 0 }, line: 1 })
}

fn sniff(text: &str, from: Mark) -> u8 {
    let mut end = text.len().min(from.byte + SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sample = &text[..end];
    // The last of equals wins, so the most likely comes last.
    let best = DELIMITERS.into_iter().rev().max_by_key(|&delimiter| score(sample, from, delimiter));
    best.unwrap_or(b',')
}

/// How good a table `delimiter` makes: the number of records with a cell that names an account (or a column of
/// accounts), then the number of records with the most common width above one, then that width.
fn score(text: &str, from: Mark, delimiter: u8) -> (usize, usize, usize) {
    let (mut records, mut cells) = (Records::new(text, delimiter, from), StringRecord::new());
    let (mut told, mut widths) = (0, Vec::new());
    // An open quote ends the sample; everything before it still counts.
    while widths.len() < SAMPLE_RECORDS && matches!(records.read(&mut cells), Ok(Some(_))) {
        if is_blank(&cells) || is_preamble(&cells) {
            continue;
        }
        let header = widths.is_empty() && cells.iter().any(|cell| Meaning::of(cell).is_account());
        told += usize::from(header || has_address(&cells));
        widths.push(cells.len());
    }
    let (count, width) = commonest(&widths);
    if width > 1 { (told, count, width) } else { (told, 0, 0) }
}

/// Whether a cell is a user principal name or an object id.
pub(super) fn has_address(cells: &StringRecord) -> bool {
    cells.iter().any(|cell| Upn::parse(trim(cell)).is_ok())
}

fn commonest(widths: &[usize]) -> (usize, usize) {
    let count = |width: usize| widths.iter().filter(|&&other| other == width).count();
    widths.iter().map(|&width| (count(width), width)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            opening::{self, Opening, OpeningFault},
            records::QuoteFault,
            source::Source,
        },
        *,
    };
    use crate::roster::text_file::{Wanted, decode};

    fn open(text: &str) -> Result<Option<Opening>, OpeningFault> {
        opening::of(&Source::text(decode(text.into(), Wanted::Found).expect("text")), None)
    }

    fn found(text: &str) -> (char, Vec<String>, u64) {
        let opening = open(text).ok().flatten().expect("a table");
        (of(text).0.into(), opening.first.iter().map(str::to_owned).collect(), opening.at.line)
    }

    #[test]
    fn best_table_decides_the_delimiter() {
        for (text, delimiter) in [
            ("upn,name\na@c.com,\"A; B; C\"\n", ','),
            ("upn;name\na@c.com;Smith, Ann\nb@c.com;Jones, Bob\n", ';'),
            ("name;upn\nSmith, Ann;a@c.com\n", ';'),
            ("login\tname\na\tSmith, Ann\nb\tBob\n", '\t'),
            ("a@c.com|Smith, Ann|x;y\nb@c.com|Jones, Bob|x;y\n", '|'),
            ("a,b;c,d\n1,2;3,4\n1,2,5;3,4\n", ';'),
            ("upn\na@c.com\nb@c.com\n", ','),
            ("upn,proxies\na@c.com,\"x@c.com;y@c.com;z@c.com\"\nb@c.com,\"x@c.com;y@c.com;z@c.com\"\n", ','),
            ("", ','),
        ] {
            assert_eq!(char::from(sniff(text, Mark { byte: 0, line: 1 })), delimiter, "{text}");
        }
    }

    #[test]
    fn preambles_are_skipped() {
        let upn = |delimiter, line| (delimiter, vec!["upn".to_owned(), "n".to_owned()], line);
        assert_eq!(found("sep=;\r\nupn;n\r\n"), upn(';', 2));
        assert_eq!(found("\"SEP=\t\"\nupn\tn\n"), upn('\t', 2));
        assert_eq!(found("sep=:\rupn:n\r"), upn(':', 2));
        assert_eq!(found("version:v1.0\nupn,n\n"), upn(',', 2));
        assert_eq!(found("\n \n\"version:v1.0\",,,,\n,,\nupn,n\n"), upn(',', 5));
        assert_eq!(found("#TYPE System.Management.Automation.PSCustomObject\n\"upn\";\"n\"\n"), upn(';', 2));
        assert_eq!(found("upn,n"), upn(',', 1));
        assert!(matches!(open("version:v1.0\n\n"), Ok(None)));
        assert_eq!(open("\n\"upn,n\n").err(), Some(OpeningFault::Quote(QuoteFault { line: 2 })));
    }
}
