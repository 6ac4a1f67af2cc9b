//! Finds our own secrets in foreign text: a server that echoes what it was sent must not make us repeat it.
//!
//! It finds secrets as they are, reversed, in base64, in hexadecimal and percent-encoded, with digits in any case. It
//! also finds pieces, because texts get truncated. It never guesses: it redacts only the secrets it was given.

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{collections::HashSet, fmt::Write};
use zeroize::Zeroizing;

/// Replaces a secret.
const WITHHELD: &str = "[withheld]";
/// Minimum length in bytes of a piece of a secret. Shorter secrets are found only as a whole.
const PIECE: usize = 12;
/// Shorter values are not secrets; redacting them would tear holes into any text.
const SECRET_BYTES_MIN: usize = 6;

/// Redacts a set of secrets.
#[derive(Default)]
pub struct Redactor {
    /// The secrets as they are, and reversed.
    plain: Vec<Zeroizing<String>>,
    /// The secrets in encodings that preserve case.
    encoded: Vec<Zeroizing<String>>,
    /// The secrets in lower-case hexadecimal.
    hex: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// A redactor for these secrets.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redact = Self::default();
        for secret in secrets.into_iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN) {
            redact.plain.extend([secret.to_owned(), secret.chars().rev().collect()].map(Zeroizing::new));
            redact.encoded.extend(encoded(secret).map(Zeroizing::new));
            redact.hex.push(hex(secret.as_bytes()));
        }
        redact
    }

    /// Replaces each secret, and each piece of one, in `text` with `[withheld]`.
    pub fn redact(&self, text: &mut String) {
        if self.plain.is_empty() {
            return;
        }
        let mut secret = vec![false; text.len()];
        let (decoded, places) = percent_decoded(text.as_bytes());
        for form in &self.plain {
            mark(form.as_bytes(), &decoded, |from, to| secret[places[from]..places[to]].fill(true));
        }
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let encoded = self.encoded.iter().map(|form| (form, text.as_bytes()));
        for (form, text) in encoded.chain(self.hex.iter().map(|form| (form, lower.as_bytes()))) {
            mark(form.as_bytes(), text, |from, to| secret[from..to].fill(true));
        }
        if secret.contains(&true) {
            *text = without(text, &secret);
        }
    }
}

/// Percent-encoded text is also found by decoding it, but only in longer pieces.
fn encoded(secret: &str) -> [String; 4] {
    let percent = |lower: fn(&str) -> String| utf8_percent_encode(secret, NON_ALPHANUMERIC).map(lower).collect();
    let lower = |part: &str| if part.starts_with('%') { part.to_lowercase() } else { part.to_owned() };
    let base64 = [BASE64_STANDARD_NO_PAD.encode(secret), BASE64_URL_SAFE_NO_PAD.encode(secret)];
    let [standard, for_urls] = base64;
    [standard, for_urls, percent(str::to_owned), percent(lower)]
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string takes all");
    }
    digits
}

/// The decoded bytes of a text, and the position in the text at which each begins; the last position is its end.
fn percent_decoded(text: &[u8]) -> (Zeroizing<Vec<u8>>, Vec<usize>) {
    let (mut decoded, mut places) =
        (Zeroizing::new(Vec::with_capacity(text.len())), Vec::with_capacity(text.len() + 1));
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    let mut at = 0;
    while at < text.len() {
        places.push(at);
        let escape = digit(at + 1).zip(digit(at + 2)).filter(|_| text[at] == b'%');
        let (byte, next) = match escape {
            Some((high, low)) => (u8::try_from(high * 16 + low).unwrap_or_default(), at + 3),
            None => (text[at], at + 1),
        };
        decoded.push(byte);
        at = next;
    }
    places.push(at);
    (decoded, places)
}

/// Calls `found` with the start and end of each piece of `form` in `text`.
fn mark(form: &[u8], text: &[u8], mut found: impl FnMut(usize, usize)) {
    let size = form.len().min(PIECE);
    let pieces: HashSet<&[u8]> = form.windows(size).collect();
    for (at, window) in text.windows(size).enumerate() {
        if pieces.contains(window) {
            found(at, at + size);
        }
    }
}

fn without(text: &str, secret: &[bool]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut hiding = false;
    for (at, c) in text.char_indices() {
        let hidden = secret[at..at + c.len_utf8()].contains(&true);
        match (hidden, hiding) {
            (false, _) => shown.push(c),
            (true, false) => shown.push_str(WITHHELD),
            (true, true) => {}
        }
        hiding = hidden;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(secrets: &[&str], text: &str) -> String {
        let mut text = text.to_owned();
        Redactor::of(secrets.iter().copied()).redact(&mut text);
        text
    }

    /// Percent-encodes everything except the characters for which `stands` is true.
    fn percent(secret: &str, stands: impl Fn(u8) -> bool) -> String {
        secret.bytes().map(|b| if stands(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    }

    #[test]
    fn finds_encoded_and_partial_secrets() {
        let secret = "Qr8~top+secret/of=ours.é!";
        let alphanumeric = |byte: u8| byte.is_ascii_alphanumeric();
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~!".contains(&byte);
        let mut all: Vec<String> = encoded(secret).to_vec();
        all.extend([
            secret.to_owned(),
            secret.chars().rev().collect(),
            hex(secret.as_bytes()).to_string(),
            hex(secret.as_bytes()).to_uppercase(),
            percent(secret, alphanumeric),
            percent(secret, unreserved),
            percent(secret, |_| false),
            percent(secret, |_| false).to_lowercase(),
        ]);
        for form in all {
            assert_eq!(scrubbed(&[secret], &format!("no: '{form}', é")), "no: '[withheld]', é");
            let piece: String = form.chars().take(if form.starts_with("%51") { 42 } else { 28 }).collect();
            assert_eq!(scrubbed(&[secret], &format!("cut: {piece}")), "cut: [withheld]");
        }
        assert_eq!(scrubbed(&["Abcd1234", secret], "Abcd1234Abcd1234 then Abcd123"), "[withheld] then Abcd123");
        assert_eq!(scrubbed(&["Abcd1234"], "4321dcbA 4162636431323334 %41bcd1234"), "[withheld] [withheld] [withheld]");
    }

    #[test]
    fn other_text_is_unchanged() {
        for text in
            ["", "é", "100 % of it: %4", "%zz%", "AADSTS7000215: Invalid client secret provided.", "ours.", "abc"]
        {
            assert_eq!(scrubbed(&["Qr8~top+secret/of=ours", "abc", ""], text), text);
        }
    }
}
