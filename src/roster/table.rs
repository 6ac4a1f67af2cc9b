//! A list that is no roster: any file that a roster may be, as rows of cells.
//!
//! It gives no cell a meaning. Invariant: each row that holds anything comes out once, in order, with its line.

use super::{
    RosterError, RosterOptions,
    dialect::{is_blank, is_preamble},
    open_quote, reading,
};
use crate::clean;
use csv::StringRecord;

/// Reads a list that is in memory, its header, if it has one, as its first row; `name` stands for it in messages.
///
/// # Errors
/// Where the bytes are neither a text nor a workbook, or a quotation mark is left open.
pub fn table(name: &str, bytes: Vec<u8>) -> Result<Vec<(u64, StringRecord)>, RosterError> {
    let name = clean::for_terminal(name);
    let source = reading::source(&name, bytes, &RosterOptions::default())?;
    let mut rows = Vec::new();
    let (mut records, mut cells) = (source.records(source.start()), StringRecord::new());
    while let Some(start) = records.read(&mut cells).map_err(|fault| open_quote(&name, fault))? {
        if !is_blank(&cells) && (!rows.is_empty() || !is_preamble(&cells)) {
            rows.push((start.line, cells.clone()));
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_dialect_is_read_with_its_lines() {
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
