//! The characters of a file with keys or certificates, whatever a shell or an editor has done to it: byte order marks,
//! UTF-16, one byte per character. Other files have `roster::text_file`.
//!
//! Invariant: every copy is wiped.

use zeroize::Zeroizing;

/// The text of `bytes`. Bytes that are not text become other characters; nothing is refused.
#[must_use]
pub fn of(bytes: &[u8]) -> Zeroizing<String> {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => one_byte_chars(rest),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // Without a mark, every second byte of ASCII in UTF-16 is zero.
        [1..=0x7f, 0, _, 0, ..] => wide(bytes, u16::from_le_bytes),
        [0, 1..=0x7f, 0, _, ..] => wide(bytes, u16::from_be_bytes),
        _ => one_byte_chars(bytes),
    }
}

fn one_byte_chars(bytes: &[u8]) -> Zeroizing<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Zeroizing::new(text.to_owned()),
        // Only ASCII matters; other text in the file may be in any code page.
        Err(_) => collected(bytes.len() * 2, bytes.iter().map(|byte| char::from(*byte))),
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Zeroizing<String> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let chars = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    collected(bytes.len() * 2, chars)
}

/// Allocates all capacity first, so that no copy is left behind.
fn collected(room: usize, chars: impl Iterator<Item = char>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(room));
    chars.for_each(|c| text.push(c));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "-----BEGIN ü 你";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", &little[..]].concat(),
            [b"\xfe\xff", &big[..]].concat(),
            little,
            big,
        ] {
            assert_eq!(of(&bytes).as_str(), text, "{bytes:?}");
        }
        assert_eq!(of(b"-----BEGIN \xfc").as_str(), "-----BEGIN \u{fc}");
        assert_eq!(of(b"\xff\xfea").as_str(), "");
        assert_eq!(of(b"").as_str(), "");
    }
}
