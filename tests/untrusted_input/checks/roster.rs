//! The roster: each data row exactly once, in order, with its line; and always the same, however often it is read and
//! in whatever encoding.

use passwave::{
    outcome::Skip,
    roster::{Roster, RosterError, RosterOptions, Row},
};
use std::collections::HashSet;

/// A row without its roster.
#[derive(Debug, PartialEq)]
struct Seen {
    number: u64,
    line: u64,
    cells: Vec<String>,
    address: Result<String, (Skip, String)>,
}

/// All rows, and the error at which reading ended.
type Reading = (Vec<Seen>, Option<String>);

/// The first byte selects the options, the others are the file.
pub fn check(bytes: &[u8]) {
    let Some((&flags, file)) = bytes.split_first() else { return };
    let options = options(flags);
    let roster = match open(file, &options) {
        Ok(roster) => roster,
        Err(error) => return check_message(&error.to_string()),
    };
    let reading = read(&roster);
    assert!(reading == read(&roster), "read twice, it says something else");
    assert!(roster.upn_column() < roster.header().len() && roster.password_column() != Some(roster.upn_column()));
    assert!(!reading.0.is_empty() || reading.1.is_some(), "a roster has at least one row");
    check_rows(&reading, file);
    // With NULs it is read as UTF-16 without a byte order mark, if at all.
    if let Ok(text) = std::str::from_utf8(file)
        && !text.contains('\0')
    {
        check_encodings(text, &options, &reading);
        check_lines(text, &reading);
    }
}

fn options(flags: u8) -> RosterOptions {
    let choose = |bits: u8| match bits & 3 {
        1 => Some("upn".to_owned()),
        2 => Some("2".to_owned()),
        3 => Some("password".to_owned()),
        _ => None,
    };
    let mut options = RosterOptions::default();
    options.upn_column = choose(flags);
    options.password_column = choose(flags >> 2);
    options.profile_column = choose(flags >> 4);
    options.language_column = choose(flags >> 6);
    options
}

fn open(file: &[u8], options: &RosterOptions) -> Result<Roster, RosterError> {
    Roster::from_bytes("wave.csv", file.to_vec(), options)
}

fn read(roster: &Roster) -> Reading {
    let (mut seen, mut rows) = (Vec::new(), roster.rows());
    let ended = loop {
        match rows.next() {
            Some(Ok(row)) => seen.push(note(row)),
            Some(Err(error)) => break Some(error.to_string()),
            None => break None,
        }
    };
    assert!(rows.next().is_none(), "after the end there is a row");
    (seen, ended)
}

fn note(row: Row) -> Seen {
    let address = row.address.map(|upn| upn.as_str().to_owned()).map_err(|refusal| (refusal.skip, refusal.message));
    Seen { number: row.number, line: row.line, cells: row.cells.iter().map(str::to_owned).collect(), address }
}

/// Messages for users do not move the cursor, and are not too long.
fn check_message(message: &str) {
    assert!(message.chars().all(|c| c == '\n' || !c.is_control()), "{message:?} holds control characters");
    assert!(message.chars().count() < 4_000, "a message of {} characters", message.chars().count());
}

fn check_rows((rows, ended): &Reading, file: &[u8]) {
    let (mut last, mut accounts) = (0, HashSet::new());
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.number, at as u64 + 1, "a row is missing or stands twice");
        assert!(row.line > last, "line {} after line {last}", row.line);
        last = row.line;
        match &row.address {
            Ok(account) => assert!(accounts.insert(account.to_ascii_lowercase()), "{account} twice"),
            Err((skip, message)) => {
                check_message(message);
                assert!(message.starts_with(&format!("line {}: ", row.line)), "{message}");
                let known = row.cells.iter().any(|cell| accounts.contains(&bare(cell)));
                assert!(*skip != Skip::Duplicate || known, "a duplicate of nothing");
            }
        }
    }
    assert!(last <= file.len() as u64 + 1);
    let cells: usize = rows.iter().flat_map(|row| &row.cells).map(String::len).sum();
    assert!(cells <= 3 * file.len(), "cells that grew");
    ended.iter().for_each(|message| check_message(message));
}

fn bare(cell: &str) -> String {
    passwave::util::sanitize::trim(cell).to_ascii_lowercase()
}

/// The same text in UTF-16, in either byte order, is the same roster.
fn check_encodings(text: &str, options: &RosterOptions, reading: &Reading) {
    let units = || std::iter::once(0xFEFF).chain(text.encode_utf16());
    let (little, big) = (units().flat_map(u16::to_le_bytes).collect(), units().flat_map(u16::to_be_bytes).collect());
    for bytes in [little, big] {
        let bytes: Vec<u8> = bytes;
        let roster = open(&bytes, options).expect("the same text in another encoding");
        assert!(read(&roster) == *reading, "in UTF-16 it says something else");
    }
}

/// If no quotation mark can join lines, every line from the first row on is exactly one row, unless it is empty or an
/// example.
fn check_lines(text: &str, (rows, ended): &Reading) {
    if text.contains('"') || ended.is_some() {
        return;
    }
    let text = text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n").replace('\r', "\n");
    let first = rows.first().map_or(0, |row| row.line);
    let mut rows = rows.iter().peekable();
    for (line, at) in text.split('\n').zip(1..) {
        if let Some(row) = rows.next_if(|row| row.line == at) {
            let length: usize = row.cells.iter().map(|cell| cell.len() + 1).sum();
            // A byte order mark at the start is not part of them; it is unknown whether the first row is there.
            let bare = line.trim_start_matches('\u{FEFF}');
            let is_whole = length == line.len() + 1 || (at == first && length == bare.len() + 1);
            assert!(is_whole, "line {at} is {line:?} and was read as {:?}", row.cells);
        } else if at > first {
            let is_example = line.to_ascii_lowercase().contains("example:");
            assert!(is_example || !line.contains(char::is_alphanumeric), "line {at} was passed over: {line:?}");
        }
    }
    assert!(rows.next().is_none(), "a row on no line");
}
