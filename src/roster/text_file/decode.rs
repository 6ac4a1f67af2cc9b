//! Turns bytes into text: detects the encoding, and whether it is text at all.
//!
//! Without a byte order mark, valid UTF-8 is UTF-8. Everything else is read as Windows-1252, which Excel writes as
//! "CSV", unless a byte shows that it cannot be that.

use super::{Charset, Known, NotText, Text, Wanted, foreign};
use crate::account::upn::Upn;
use encoding_rs::{BIG5, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How many characters of a text are checked for control characters.
const CONTROL_SAMPLE: usize = 4_096;
/// How many bytes of a file are checked for UTF-16 without a mark.
const UTF_16_SAMPLE: usize = 4_096;
/// Bytes that are undefined in Windows-1252.
const UNDEFINED: [u8; 5] = [0x81, 0x8D, 0x8F, 0x90, 0x9D];
/// The character that ends a file in DOS and CP/M.
const END_OF_FILE: char = '\u{1A}';

/// Decodes `bytes`: by their mark if they have one, otherwise as `wanted` says.
///
/// # Errors
/// Says what the bytes are, if they are not text or not in one encoding.
pub fn decode(bytes: Vec<u8>, wanted: Wanted) -> Result<Text, NotText> {
    if let Some(foreign) = foreign::by_bytes(&bytes) {
        return Err(NotText::Foreign(foreign));
    }
    let mut text = to_text(bytes, wanted)?;
    strip_ends(&mut text.text);
    if let Some(at) = text.text.find('\0') {
        return Err(NotText::Nul(line_at(text.text.as_bytes(), at)));
    }
    if is_mostly_control(&text.text) {
        return Err(NotText::Control);
    }
    if text.text.contains("+AEA-") {
        return Err(NotText::Utf7);
    }
    Ok(text)
}

/// Decodes a small file that is not a table: settings, recipients, a template.
///
/// # Errors
/// Says what the bytes are, if they are not text or not in one encoding.
pub fn decode_plain(bytes: Vec<u8>) -> Result<String, NotText> {
    let Text { mut text, .. } = to_text(bytes, Wanted::Found)?;
    strip_ends(&mut text);
    match text.find('\0') {
        Some(at) => Err(NotText::Nul(line_at(text.as_bytes(), at))),
        None => Ok(text),
    }
}

fn to_text(bytes: Vec<u8>, wanted: Wanted) -> Result<Text, NotText> {
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        return Err(NotText::Utf32);
    }
    match (Encoding::for_bom(&bytes), wanted) {
        (Some((encoding, _)), _) if encoding == UTF_8 => utf8(bytes, wanted),
        (Some((encoding, mark)), _) => utf16(encoding, &bytes[mark..], Known::Surely),
        (None, Wanted::Named(charset)) if charset.is_utf_8() => utf8(bytes, wanted),
        (None, Wanted::Named(charset)) => named(charset, &bytes),
        (None, _) => match utf16_without_mark(&bytes) {
            Some(encoding) => utf16(encoding, &bytes, Known::Guessed),
            None => utf8(bytes, wanted),
        },
    }
}

fn utf8(bytes: Vec<u8>, wanted: Wanted) -> Result<Text, NotText> {
    let is_marked = bytes.starts_with(b"\xEF\xBB\xBF");
    let text = |text, charset, known| Text { text, charset, known };
    let error = match String::from_utf8(bytes) {
        Ok(found) => return Ok(text(found, Charset::UTF_8, Known::Surely)),
        Err(error) => error,
    };
    let is_roughly = wanted == Wanted::Roughly;
    if (is_marked || matches!(wanted, Wanted::Named(_))) && !is_roughly {
        return Err(NotText::NotUtf8(line_at(error.as_bytes(), error.utf8_error().valid_up_to())));
    }
    let bytes = error.into_bytes();
    if !is_roughly {
        must_be_one_encoding(&bytes)?;
        must_be_windows_1252(&bytes)?;
    }
    let found = WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned();
    let known = if is_in_long_runs(&bytes) { Known::Doubted } else { Known::Guessed };
    Ok(text(found, Charset::WINDOWS_1252, known))
}

fn named(charset: Charset, bytes: &[u8]) -> Result<Text, NotText> {
    if let Some(text) = charset.decode(bytes) {
        return Ok(Text { text: text.into_owned(), charset, known: Known::Told });
    }
    // If an encoding has state or wide units, single lines mean nothing; then the error is about the whole file.
    let line = (1_u64..).zip(bytes.split(|byte| *byte == b'\n')).find(|(_, line)| charset.decode(line).is_none());
    Err(NotText::NotInCharset { charset, line: line.map(|(line, _)| line) })
}

fn utf16(encoding: &'static Encoding, bytes: &[u8], known: Known) -> Result<Text, NotText> {
    if holds_other_text(bytes) {
        return Err(NotText::Joined);
    }
    let charset = Charset::web(encoding);
    let text = charset.decode(bytes).ok_or(NotText::NotUtf16)?;
    Ok(Text { text: text.into_owned(), charset, known })
}

/// A table in UTF-16 has a NUL in most of its units, always on the same side.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(UTF_16_SAMPLE)];
    let units = sample.len() / 2;
    let nuls = |side: usize| sample.iter().skip(side).step_by(2).filter(|byte| **byte == 0).count();
    match (nuls(0), nuls(1)) {
        (0, low) if low > 1 && low * 2 > units => Some(UTF_16LE),
        (high, 0) if high > 1 && high * 2 > units => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-16 cannot contain an address of single-byte letters; decoding it as UTF-16 would hide it among strange
/// characters.
fn holds_other_text(bytes: &[u8]) -> bool {
    let words = bytes.split(|byte| !byte.is_ascii_graphic() || b",;|\"".contains(byte));
    let mut long = words.filter(|word| word.len() > 5 && word.contains(&b'@'));
    long.any(|word| std::str::from_utf8(word).is_ok_and(|word| Upn::parse(word).is_ok()))
}

/// Letters in UTF-8 next to bytes that are not UTF-8: with any encoding, some names would be garbled.
fn must_be_one_encoding(bytes: &[u8]) -> Result<(), NotText> {
    let (mut letters, mut strays, mut at, mut first) = (0, 0, 0, None);
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            strays += 1;
            first = first.or(Some(at));
        }
        at += chunk.invalid().len();
    }
    let Some(first) = first.filter(|_| letters >= strays && letters > 0) else { return Ok(()) };
    Err(NotText::Mixed(line_at(bytes, first)))
}

fn must_be_windows_1252(bytes: &[u8]) -> Result<(), NotText> {
    let Some(at) = bytes.iter().position(|byte| UNDEFINED.contains(byte)) else { return Ok(()) };
    let fits = |encoding: &'static Encoding| is_in_runs(bytes) && Charset::web(encoding).decode(bytes).is_some();
    let wide = [(SHIFT_JIS, "shift_jis"), (GBK, "gbk"), (BIG5, "big5"), (EUC_KR, "euc-kr")];
    let mut may_be: Vec<&str> = wide.iter().filter(|(encoding, _)| fits(encoding)).map(|(_, name)| *name).collect();
    if may_be.is_empty() {
        // Programs of the DOS time still write these.
        may_be = vec!["cp850", "cp437"];
    }
    Err(NotText::UnknownCharset { line: line_at(bytes, at), byte: bytes[at], may_be })
}

/// Whether most bytes outside ASCII are adjacent, as in scripts with two bytes per letter; accented letters stand
/// alone.
fn is_in_runs(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let runs = bytes.split(u8::is_ascii).filter(|run| run.len() > 1);
    runs.map(<[u8]>::len).sum::<usize>() * 3 > high * 2
}

/// Whether most runs of bytes outside ASCII have at least three bytes, as in Cyrillic, Greek or Chinese names.
/// Languages in Windows-1252 never have three accented letters in a row.
fn is_in_long_runs(bytes: &[u8]) -> bool {
    let runs = || bytes.split(u8::is_ascii).filter(|run| !run.is_empty());
    runs().filter(|run| run.len() > 2).count() * 2 > runs().count()
}

/// The line of a byte, from 1.
fn line_at(bytes: &[u8], at: usize) -> usize {
    let before = &bytes[..at];
    let feeds = before.iter().filter(|byte| **byte == b'\n').count();
    let returns = before.iter().filter(|byte| **byte == b'\r').count();
    1 + if feeds == 0 { returns } else { feeds }
}

/// Removes all leading marks (one real file had two), and the end-of-file character of DOS with the padding of the last
/// block. The text is moved, in place, only if there is a mark.
fn strip_ends(text: &mut String) {
    let kept = text.trim_end_matches(['\0', '\n', '\r', END_OF_FILE]);
    if let Some(end) = text[kept.len()..].find(END_OF_FILE) {
        text.truncate(kept.len() + end);
    }
    let marks = text.len() - text.trim_start_matches('\u{FEFF}').len();
    text.drain(..marks);
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

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xFEFF).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    fn read(bytes: impl Into<Vec<u8>>) -> Result<(String, String, Known), NotText> {
        decode(bytes.into(), Wanted::Found).map(|text| (text.text, text.charset.name(), text.known))
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "Zoë,日本,ann@contoso.com\n";
        for (bytes, name, known) in [
            (text.as_bytes().to_vec(), "UTF-8", Known::Surely),
            (format!("\u{FEFF}{text}").into_bytes(), "UTF-8", Known::Surely),
            (format!("\u{FEFF}\u{FEFF}{text}").into_bytes(), "UTF-8", Known::Surely),
            (utf16(text, false, true), "UTF-16LE", Known::Surely),
            (utf16(text, true, true), "UTF-16BE", Known::Surely),
            (utf16(text, false, false), "UTF-16LE", Known::Guessed),
            (utf16(text, true, false), "UTF-16BE", Known::Guessed),
        ] {
            assert_eq!(read(bytes), Ok((text.to_owned(), name.to_owned(), known)));
        }
        assert_eq!(read(*b"Zo\xEB \x80\n"), Ok(("Zoë €\n".into(), "Windows-1252".into(), Known::Guessed)));
        assert_eq!(read(*b"").map(|read| read.0), Ok(String::new()));
        for other in [&b"UPN,\xC8\xEC\xFF\na@c.com,\xC8\xE2\xE0\xED\n"[..], b"a@c.com,\xD5\xC5\xCE\xB0\n"] {
            assert_eq!(read(other).map(|read| read.2), Ok(Known::Doubted), "Cyrillic, Chinese");
        }
    }

    #[test]
    fn settings_are_read_in_every_encoding() {
        let text = "name = \"Zoë\"\r\n";
        let latin = b"name = \"Zo\xEB\"\r\n".to_vec();
        let marked = format!("\u{FEFF}{text}").into_bytes();
        for bytes in [text.into(), marked, utf16(text, false, true), utf16(text, true, true), latin] {
            assert_eq!(decode_plain(bytes).as_deref(), Ok(text));
        }
        assert_eq!(decode_plain(b"<html>[{".to_vec()).as_deref(), Ok("<html>[{"), "it need not be a table");
        assert!(decode_plain(b"MZ\0\x01".to_vec()).is_err_and(|error| error == NotText::Nul(1)));
    }

    #[test]
    fn a_named_encoding_is_used() {
        let read = |name: &str, bytes: &[u8]| {
            let wanted = Wanted::Named(name.parse().expect("an encoding"));
            decode(bytes.to_vec(), wanted).map(|text| text.text).map_err(|error| error.to_string())
        };
        assert_eq!(read("cp850", b"J\x81rgen"), Ok("Jürgen".into()));
        assert_eq!(read("windows-1252", "ü".as_bytes()), Ok("Ã¼".into()));
        assert_eq!(read("cp850", "\u{FEFF}ü".as_bytes()), Ok("ü".into()), "a mark outranks the name");
        assert_eq!(
            read("shift_jis", b"UPN\n\x81\x20\n"),
            Err("line 2 has bytes that mean nothing in Shift_JIS".into())
        );
        assert!(read("utf-8", b"a\nb\xFC\n").is_err_and(|found| found.contains("line 2")));
    }

    #[test]
    fn garbling_encodings_are_refused() {
        let joined = [utf16("upn\n", false, true), b"ann@contoso.com\nbob@contoso.com\n".to_vec()].concat();
        for (bytes, found, is_encoding) in [
            (
                b"UPN;Name\nann@c.com;J\x81rgen\n".to_vec(),
                "line 2 has the byte 81), so names would be garbled; it may be cp850",
                true,
            ),
            (b"\x91\xBE\x98Y,\x8D\xB2\n".to_vec(), "it may be shift_jis", true),
            ("Zoë\n".bytes().chain(*b"J\xFCrgen\n").collect(), "line 2 has bytes of another encoding", true),
            (b"\xEF\xBB\xBFupn\n\xE9t\xE9\n".to_vec(), "UTF-8 up to line 2", true),
            (joined, "files that were joined", false),
            (b"\xFF\xFEu".to_vec(), "begins in UTF-16", false),
            (b"\xFF\xFE\0\0u\0\0\0".to_vec(), "UTF-32", false),
            (b"ann+AEA-contoso.com".to_vec(), "UTF-7", false),
            (b"a\x01\x02\x03b\x1b".to_vec(), "control", false),
            (b"UPN\nann\0@contoso.com\n".to_vec(), "line 2 has NUL", false),
        ] {
            let error = decode(bytes, Wanted::Found).expect_err(found);
            assert!(error.to_string().contains(found) && error.is_encoding() == is_encoding, "{error}");
        }
        let rough = decode(b"J\x81rgen,Zo\xC3\xAB".to_vec(), Wanted::Roughly).expect("good enough for accounts");
        assert_eq!(rough.charset, Charset::WINDOWS_1252);
    }

    #[test]
    fn dos_end_of_file_is_removed() {
        for end in ["\u{1A}", "\u{1A}\u{1A}\u{1A}", "\u{1A}\0\0\0", "\u{1A}\r\n", "\r\n\u{1A}\r\n\u{1A}\n"] {
            let (text, ..) = read(format!("UPN\r\nann@contoso.com{end}")).expect("text");
            assert_eq!(text.trim_end(), "UPN\r\nann@contoso.com", "{end:?}");
        }
        let (text, ..) = read("UPN\n\u{1A}ann@contoso.com\n").expect("text");
        assert!(text.contains(END_OF_FILE), "in the middle it is for the row to tell");
        assert_eq!(read("UPN\nann@contoso.com\n\0\0"), Err(NotText::Nul(3)));
    }
}
