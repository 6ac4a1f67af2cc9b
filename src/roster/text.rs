//! The text of a roster: [`crate::text_file`] decodes it, and what is no table is refused as what it is.

use super::RosterError;
use crate::text_file::{NotText, Text, Wanted, decode as decode_bytes, foreign};

/// Decodes `bytes`, and refuses a text that has another syntax than a table's.
pub(super) fn decode(name: &str, bytes: Vec<u8>, wanted: Wanted) -> Result<Text, RosterError> {
    let text = decode_bytes(bytes, wanted).map_err(|error| refuse(name, error, wanted))?;
    match foreign::by_text(&text.text) {
        None => Ok(text),
        Some(other) => Err(not_text(name, other.found.to_owned(), other.cure.to_owned())),
    }
}

fn refuse(name: &str, error: NotText, wanted: Wanted) -> RosterError {
    let cure = match wanted {
        Wanted::Found | Wanted::Named(_) if error.is_encoding => {
            format!("{}, or name its encoding with --encoding", error.cure)
        }
        _ => error.cure.to_owned(),
    };
    not_text(name, error.found, cure)
}

pub(super) fn not_text(name: &str, found: String, cure: String) -> RosterError {
    RosterError::NotText { name: name.to_owned(), found, cure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_table_is_named_with_its_cure() {
        for (bytes, words) in [
            (&b"<html><table>"[..], ["HTML", "save it as"]),
            (b"[{\"upn\": \"a\"}]", ["JSON", "Export-Csv"]),
            (b"%PDF-1.7", ["PDF", "Export"]),
            (b"J\x81rgen\n", ["neither UTF-8 nor Windows-1252", "--encoding"]),
        ] {
            let error = decode("r.csv", bytes.to_vec(), Wanted::Found).expect_err("no table").to_string();
            assert!(words.iter().all(|word| error.contains(word)) && error.contains("nothing was sent"), "{error}");
        }
    }
}
