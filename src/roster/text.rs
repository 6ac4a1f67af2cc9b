//! The text of a roster. [`crate::roster::text_file`] decodes it; text that is not a table is refused with its actual
//! format.

use super::{
    RosterError,
    text_file::{NotText, Text, Wanted, decode as decode_bytes, foreign},
};

/// Decodes `bytes`, and refuses text whose syntax is not that of a table.
pub(super) fn decode(name: &str, bytes: Vec<u8>, wanted: Wanted) -> Result<Text, RosterError> {
    let refuse = |why| RosterError::NotText { name: name.to_owned(), why };
    let text = decode_bytes(bytes, wanted).map_err(refuse)?;
    match foreign::by_text(&text.text) {
        None => Ok(text),
        Some(other) => Err(refuse(NotText::Foreign(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_tables_are_named() {
        for (bytes, words) in [
            (&b"<html><table>"[..], "HTML"),
            (b"[{\"upn\": \"a\"}]", "JSON"),
            (b"%PDF-1.7", "PDF"),
            (b"J\x81rgen\n", "neither UTF-8 nor Windows-1252"),
        ] {
            let error = decode("r.csv", bytes.to_vec(), Wanted::Found).expect_err("no table").to_string();
            assert!(
                error.starts_with("r.csv is neither a CSV file nor a workbook") && error.contains(words),
                "{error}"
            );
        }
    }
}
