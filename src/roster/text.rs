//! From bytes to text: which encoding a file is in, and whether it is text at all.
//!
//! UTF-8 is taken over without a copy. It never repairs: bytes that are no text are refused rather than replaced.
//!
//! Invariant: the text begins after any byte order mark, and holds no NUL.

use super::RosterError;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How much of a text is looked at for control characters, in characters.
const CONTROL_SAMPLE: usize = 4_096;

pub(super) const SAVE_AS_CSV: &str = "Open it in Excel and save it as \"CSV UTF-8 (Comma delimited)\"";
const SAVE_AS_XLSX: &str = "Open it in Excel and save it as \"Excel Workbook (.xlsx)\"";
const SAVE_UNLOCKED: &str =
    "Open it in Excel and save it without a password (File, Info, Protect Workbook, Encrypt with Password: empty)";
const SAVE_AS_UTF8: &str = "Save it as CSV in UTF-8";

/// Files that are met under the name of a roster, by their first bytes, and the way to one that can be read.
const SIGNATURES: [(&[u8], &str, &str); 3] = [
    (b"PK\x03\x04", "it looks like a zip archive without a workbook in it", SAVE_AS_XLSX),
    (OLE, "it looks like an old workbook (.xls)", SAVE_AS_XLSX),
    (b"%PDF-", "it looks like a PDF document", SAVE_AS_CSV),
];
/// What a compound file begins with, as old workbooks and locked ones are.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";
/// A stream of this name makes it a locked one (MS-OFFCRYPTO).
const LOCKED: &str = "EncryptedPackage";

/// Decodes `bytes` as UTF-8 or UTF-16 with a byte order mark, as UTF-8 without one, or else as Windows-1252.
pub(super) fn decode(name: &str, bytes: Vec<u8>) -> Result<String, RosterError> {
    let refuse = |found, cure| Err(RosterError::NotText { name: name.to_owned(), found, cure });
    if bytes.starts_with(OLE) && is_locked(&bytes) {
        return refuse("it is a workbook that is locked with a password", SAVE_UNLOCKED);
    }
    if let Some((_, found, cure)) = SIGNATURES.iter().find(|(signature, ..)| bytes.starts_with(signature)) {
        return refuse(found, cure);
    }
    let Some(text) = to_text(bytes) else {
        return refuse("it begins as Unicode text, and goes on with bytes that are none", SAVE_AS_UTF8);
    };
    if text.contains('\0') {
        return refuse("it holds NUL characters, as programs, pictures and UTF-16 without a mark do", SAVE_AS_UTF8);
    }
    if is_mostly_control(&text) {
        return refuse("it is full of control characters", SAVE_AS_UTF8);
    }
    Ok(text)
}

fn is_locked(bytes: &[u8]) -> bool {
    let name: Vec<u8> = LOCKED.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|window| window == name)
}

fn to_text(bytes: Vec<u8>) -> Option<String> {
    match Encoding::for_bom(&bytes) {
        Some((encoding, mark)) if encoding == UTF_16LE || encoding == UTF_16BE => {
            encoding.decode_without_bom_handling_and_without_replacement(&bytes[mark..]).map(|text| text.into_owned())
        }
        Some((encoding, _)) if encoding == UTF_8 => String::from_utf8(bytes).ok(),
        _ => Some(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned()),
        ),
    }
    .map(without_mark)
}

/// One file in the field bore two marks, so all of them go. This moves the text, in place, only where there is one.
fn without_mark(mut text: String) -> String {
    let marks = text.len() - text.trim_start_matches('\u{FEFF}').len();
    text.drain(..marks);
    text
}

/// Whether more than a tenth of the beginning are control characters that no CSV needs.
fn is_mostly_control(text: &str) -> bool {
    let (mut all, mut controls) = (0_usize, 0_usize);
    for c in text.chars().take(CONTROL_SAMPLE) {
        all += 1;
        controls += usize::from(c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    }
    controls * 10 > all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "Zoë,日本\n";
        for bytes in [
            text.as_bytes().to_vec(),
            format!("\u{FEFF}{text}").into_bytes(),
            format!("\u{FEFF}\u{FEFF}{text}").into_bytes(),
            utf16(text, false),
            utf16(text, true),
        ] {
            assert_eq!(decode("r.csv", bytes).expect("text"), text);
        }
        assert_eq!(decode("r.csv", b"Zo\xEB \x80\n".to_vec()).expect("text"), "Zoë €\n");
        assert_eq!(decode("r.csv", Vec::new()).expect("text"), "");
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, found) in [
            (b"PK\x03\x04\x14\0\x06\0".to_vec(), "zip archive"),
            (b"\xD0\xCF\x11\xE0\xA1E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0".to_vec(), "without a password"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(), "old workbook"),
            (b"%PDF-1.7".to_vec(), "PDF"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "NUL"),
            (b"u\0p\0n\0".to_vec(), "NUL"),
            (b"a\x01\x02\x03b\x1b".to_vec(), "control"),
            (b"\xEF\xBB\xBFupn\n\xE9t\xE9\n".to_vec(), "begins as Unicode"),
            (b"\xFF\xFEu".to_vec(), "begins as Unicode"),
        ] {
            let error = decode("r.csv", bytes).expect_err("no text").to_string();
            assert!(error.contains(found) && error.contains("nothing was sent"), "{error}");
        }
    }
}
