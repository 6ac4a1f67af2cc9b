//! Values that must not appear anywhere, and the search for them.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// So many bytes of a secret are enough to reveal it.
const PIECE: usize = 12;

/// Secrets by kind.
#[derive(Default)]
pub struct Canaries(Vec<(String, String)>);

impl Canaries {
    pub fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 8, "{what}: too short to be told from other text");
        if !self.0.iter().any(|(_, known)| known == secret) {
            self.0.push((what.into(), secret.into()));
        }
    }

    /// Checks that `found` contains no part of a secret, in any encoding.
    pub fn must_not_be_in(&self, place: &str, found: &[u8]) {
        let text = String::from_utf8_lossy(found);
        let mut pieces: HashMap<usize, HashSet<&[u8]>> = HashMap::new();
        for (what, secret) in &self.0 {
            for form in forms(secret) {
                let size = form.len().min(PIECE);
                let there = pieces.entry(size).or_insert_with(|| text.as_bytes().windows(size).collect());
                let leak = form.as_bytes().windows(size).find(|piece| there.contains(piece));
                let leak = leak.map(String::from_utf8_lossy);
                assert!(leak.is_none(), "{what} is in {place} ({leak:?}):\n{text}");
            }
        }
    }

    /// The same for all files below `folder`, except `asked_for`, which may contain secrets.
    pub fn must_not_be_below(&self, folder: &Path, asked_for: &[&str]) -> usize {
        let mut searched = 0;
        for path in files(folder) {
            let name = path.file_name().expect("a name").to_string_lossy();
            if asked_for.iter().any(|asked| name.starts_with(asked)) {
                continue;
            }
            self.must_not_be_in(&path.display().to_string(), &fs::read(&path).expect("readable"));
            searched += 1;
        }
        searched
    }
}

/// A secret as it is, reversed, percent-encoded in both cases, in hexadecimal in both cases, in base64 of both kinds,
/// and escaped for JSON and Rust.
pub fn forms(secret: &str) -> [String; 10] {
    let json = serde_json::to_string(secret).expect("JSON");
    let rust = format!("{secret:?}");
    [
        secret.to_owned(),
        secret.chars().rev().collect(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        // Not the letters of the secret itself.
        utf8_percent_encode(secret, NON_ALPHANUMERIC).map(lower_escape).collect(),
        hex(secret),
        hex(secret).to_uppercase(),
        BASE64_STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
        json.trim_matches('"').to_owned(),
        rust.trim_matches('"').to_owned(),
    ]
}

fn lower_escape(part: &str) -> String {
    if part.starts_with('%') { part.to_lowercase() } else { part.to_owned() }
}

fn hex(secret: &str) -> String {
    secret.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn canary_is_found_in_every_encoding() {
    let mut canaries = Canaries::default();
    canaries.add("a secret", "Qx7~\"deep/end+of=it");
    for form in forms("Qx7~\"deep/end+of=it") {
        let text = format!("said: {}", &form[..14]);
        let found = std::panic::catch_unwind(|| canaries.must_not_be_in("a text", text.as_bytes()));
        assert!(found.is_err(), "{form}");
    }
    canaries.must_not_be_in("a text", b"nothing of it");
}
