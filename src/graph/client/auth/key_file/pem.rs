//! PEM in the forms that occur: indented in YAML, on one line in a variable, with literal `\n` from a vault.
//!
//! A block between its marks is base64, where white space has no meaning, so all of these can be read unambiguously.
//!
//! Invariant: every copy of a block is wiped.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// The start of a block, before its label.
const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The part between two marks.
pub(super) struct Block {
    /// The label in the marks.
    pub label: String,
    /// Whether its headers say that it is encrypted.
    pub is_encrypted: bool,
    /// Its bytes; `None` if it is encrypted, truncated or damaged.
    pub der: Option<Zeroizing<Vec<u8>>>,
}

/// Whether `text` is PEM.
pub(super) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// All blocks of `text`, in order.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let Some((label, rest)) = part.split_once(DASHES) else { continue };
        let body = rest.split_once("-----END ").map(|(body, _)| body);
        let is_encrypted = body.is_some_and(|body| body.contains("Proc-Type") && body.contains("ENCRYPTED"));
        let der = body.filter(|_| !is_encrypted).and_then(decode);
        blocks.push(Block { label: label.trim().to_owned(), is_encrypted, der });
    }
    blocks
}

/// The decoded bytes of base64 with any line breaks.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = unescaped(text);
    BASE64.decode(text.as_bytes()).ok().filter(|bytes| !bytes.is_empty()).map(Zeroizing::new)
}

/// Removes white space, real or escaped as in JSON, and decodes escaped base64 characters.
fn unescaped(text: &str) -> Zeroizing<String> {
    // As long as the text, so that no copy is left behind.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => match rest.chars().next() {
                Some('n' | 'r' | 't') => rest = &rest[1..],
                Some('u') => {
                    let code = rest.get(1..5).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                    plain.extend(code.and_then(char::from_u32));
                    rest = rest.get(5..).unwrap_or_default();
                }
                // A backslash before anything else stands for that character.
                _ => {}
            },
            c if c.is_whitespace() => {}
            // Base64 for URLs.
            '-' => plain.push('+'),
            '_' => plain.push('/'),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "words before\n-----BEGIN X Y-----\nAAEC\nAwQF+/8=\n-----END X Y-----\nwords after\n";
    const BYTES: [u8; 8] = [0, 1, 2, 3, 4, 5, 0xfb, 0xff];

    #[test]
    fn reads_a_block_in_every_form() {
        for text in [
            TEXT.to_owned(),
            TEXT.replace('\n', "\r\n"),
            TEXT.replace('\n', "\r"),
            TEXT.replace('\n', " "),
            TEXT.replace('\n', ""),
            TEXT.replace('\n', "\\n"),
            TEXT.replace('\n', "\\\\n"),
            TEXT.replace('\n', "\\r\\n"),
            TEXT.replace('\n', "\n    "),
            TEXT.replace('/', "\\/").replace('+', "\\u002B"),
            TEXT.replace('=', "\\u003d"),
            TEXT.replace('=', ""),
        ] {
            let blocks = blocks(&text);
            let [block] = &blocks[..] else { panic!("one block: {text}") };
            assert_eq!((block.label.as_str(), block.is_encrypted), ("X Y", false));
            assert_eq!(block.der.as_ref().map(|der| der.to_vec()), Some(BYTES.to_vec()), "{text}");
        }
    }

    #[test]
    fn unreadable_blocks_have_no_bytes() {
        let encrypted = TEXT.replace("AAEC", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAEC");
        for (text, is_encrypted) in [
            (encrypted.replace('\n', " "), true),
            (encrypted, true),
            (TEXT.replace("-----END", ""), false),
            (TEXT.replace("AAEC", "A*EC"), false),
            ("-----BEGIN X Y----------END X Y-----".to_owned(), false),
        ] {
            let blocks = blocks(&text);
            assert_eq!(blocks.len(), 1, "{text}");
            assert!(blocks[0].der.is_none() && blocks[0].is_encrypted == is_encrypted, "{text}");
        }
        assert!(blocks("-----BEGIN").is_empty() && blocks("-----BEGIN X").is_empty());
    }
}
