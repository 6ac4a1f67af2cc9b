//! Secrets of ours in foreign text: a server that repeats what it was sent must not make us repeat it.
//!
//! It knows the secrets as they are, percent-encoded and in base64, and finds pieces of them too, since texts are cut. It
//! never guesses: what it was not told it lets through.

use base64::prelude::{BASE64_STANDARD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;
use zeroize::Zeroizing;

/// What stands in a secret's place.
const WITHHELD: &str = "[withheld]";
/// Bytes of a secret that are taken for a piece of it. Shorter ones are found as a whole.
const PIECE: usize = 12;
/// Below this a secret is none, and would tear holes into any text.
const SECRET_BYTES_MIN: usize = 6;

/// Takes some secrets out of texts.
pub struct Scrub(Vec<Zeroizing<String>>);

impl Scrub {
    /// For these secrets.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let long = secrets.into_iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN);
        Self(long.flat_map(forms).map(Zeroizing::new).collect())
    }

    /// Puts `[withheld]` for each secret, or piece of one, in `text`.
    pub fn scrub(&self, text: &mut String) {
        let mut secret = vec![false; text.len()];
        for form in &self.0 {
            mark(form.as_bytes(), text.as_bytes(), &mut secret);
        }
        if secret.contains(&true) {
            *text = without(text, &secret);
        }
    }
}

fn forms(secret: &str) -> [String; 3] {
    let base64 = BASE64_STANDARD.encode(secret).trim_end_matches('=').to_owned();
    [secret.to_owned(), utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(), base64]
}

fn mark(form: &[u8], text: &[u8], secret: &mut [bool]) {
    let size = form.len().min(PIECE);
    let pieces: HashSet<&[u8]> = form.windows(size).collect();
    for (at, window) in text.windows(size).enumerate() {
        if pieces.contains(window) {
            secret[at..at + size].fill(true);
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
        Scrub::of(secrets.iter().copied()).scrub(&mut text);
        text
    }

    #[test]
    fn secrets_are_found_in_each_form_and_in_pieces() {
        let secret = "Qr8~top+secret/of=ours.é!";
        for form in forms(secret) {
            assert_eq!(scrubbed(&[secret], &format!("no: '{form}', é")), "no: '[withheld]', é");
            let piece: String = form.chars().take(14).collect();
            assert_eq!(scrubbed(&[secret], &format!("cut: {piece}")), "cut: [withheld]");
        }
        assert_eq!(scrubbed(&["Abcd1234", secret], "Abcd1234Abcd1234 then Abcd123"), "[withheld] then Abcd123");
    }

    #[test]
    fn other_text_is_left_as_it_is() {
        for text in ["", "é", "AADSTS7000215: Invalid client secret provided.", "ours.", "abc"] {
            assert_eq!(scrubbed(&["Qr8~top+secret/of=ours", "abc", ""], text), text);
        }
    }
}
