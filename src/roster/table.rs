//! A list that is not a roster: rows of cells from any file that works as a roster.
//!
//! It does not interpret cells. Invariant: each non-empty row comes out once, in order, with its line.

use super::{
    Cells, RosterError, RosterOptions,
    dialect::{is_blank, is_preamble},
    open_quote, reading,
};
use crate::util::sanitize;
use csv::StringRecord;

/// Reads a list from memory. The header, if any, is its first row. `name` is its name in messages.
///
/// # Errors
/// Fails if the bytes are neither text nor a workbook, or if a quotation mark is not closed.
pub fn table(name: &str, bytes: Vec<u8>) -> Result<Vec<(u64, Cells)>, RosterError> {
    let name = sanitize::for_terminal(name);
    let source = reading::source(&name, bytes, &RosterOptions::default())?;
    let mut rows = Vec::new();
    let (mut records, mut cells) = (source.records(source.start()), StringRecord::new());
    while let Some(start) = records.read(&mut cells).map_err(|fault| open_quote(&name, fault))? {
        if !is_blank(&cells) && (!rows.is_empty() || !is_preamble(&cells)) {
            rows.push((start.line, Cells::new(cells.clone())));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_keeps_line_numbers() {
        for text in ["a;b\n\n\"c;d\";e\n", "a,b\r\n,\r\n\"c;d\",e", "sep=|\na|b\n\"c;d\"|e\n"] {
            let rows = table("list.csv", text.into()).expect("a list");
            let cells = |at: usize| rows[at].1.iter().collect::<Vec<_>>();
            assert_eq!((rows.len(), cells(0), cells(1)), (2, vec!["a", "b"], vec!["c;d", "e"]), "{text}");
            assert!(matches!(rows[1].0, 3), "{text}");
        }
        assert!(table("list.csv", Vec::new()).expect("a list").is_empty());
        assert!(table("list.csv", b"a,\"b\n".to_vec()).is_err());
    }
}
