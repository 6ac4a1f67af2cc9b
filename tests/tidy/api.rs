//! The public API names no crate that passwave may replace one day.
//!
//! It reads signatures as text: functions, public fields, what the variants of enums hold, and the conversions `From` for
//! public types.

use super::{files, without_tests};
use std::path::Path;

/// Crates whose types stay private. A new major version of one of them is not a new major version of passwave.
const CRATES: [&str; 4] = ["csv", "reqwest", "rusqlite", "serde_json"];
/// Modules that are not public, in which `pub` means no more than `pub(super)`.
const PRIVATE: [&str; 3] = ["graph/client/auth/exchange.rs", "ledger/marks.rs", "simulator/reply.rs"];

/// The names of `CRATES` that a file imports.
fn imported(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for statement in code.split("use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        if CRATES.iter().any(|name| statement.starts_with(&format!("{name}::"))) {
            let words = statement.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            names.extend(words.filter(|word| word.starts_with(char::is_uppercase)).map(str::to_owned));
        }
    }
    names
}

/// The text from an opening bracket to its end.
fn bracketed(text: &str) -> &str {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return &text[..at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// The signature of a public item at the start of `text`.
fn shown(text: &str) -> String {
    let end = |ends: &[char]| text.find(ends).unwrap_or(text.len());
    let is = |word: &str| text.strip_prefix("pub ").is_some_and(|rest| rest.starts_with(&format!("{word} ")));
    if is("enum") {
        let variants = bracketed(&text[end(&['{'])..]).lines().filter(|line| !line.trim_start().starts_with("#["));
        return variants.collect::<Vec<_>>().join("\n");
    }
    if is("struct") {
        let tuple = text[..end(&[';', '{'])].split_once('(').map_or("", |(_, fields)| fields);
        return tuple.split(',').filter(|field| field.trim_start().starts_with("pub ")).collect();
    }
    let is_item = ["fn", "async fn", "const fn", "const", "type", "static", "trait", "use", "mod"].into_iter().any(is);
    text[..if is_item { end(&['{', ';']) } else { end(&[',', '\n']) }].to_owned()
}

/// The conversions from foreign types, as `impl From<…> for TYPE`, if the type is public in this file.
fn conversions(code: &str) -> Vec<String> {
    let is_foreign = |from: &str| CRATES.iter().any(|name| from.starts_with(&format!("{name}::")));
    let is_public = |name: &str| ["enum", "struct"].iter().any(|kind| code.contains(&format!("pub {kind} {name}")));
    let headers = code.split("impl From<").skip(1).filter_map(|rest| rest.split(" {").next()?.split_once("> for "));
    let found = headers.filter(|(from, name)| is_foreign(from) && is_public(name));
    found.map(|(from, name)| format!("impl From<{from}> for {name}")).collect()
}

/// The public items of a file that name a foreign type.
fn faults(code: &str) -> Vec<String> {
    let code = without_tests(code);
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    // Text in quotation marks is not a type.
    let code: String = code.join("\n").split('"').step_by(2).collect();
    let imported = imported(&code);
    let is_foreign = |shown: &str| {
        let words: Vec<&str> = shown.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        words.iter().any(|word| CRATES.contains(word) || imported.iter().any(|name| name == word))
    };
    let items = code.match_indices("pub ").filter(|(at, _)| code[..*at].ends_with(['\n', ' ']) || *at == 0);
    let items = items.map(|(at, _)| &code[at..]).filter(|item| is_foreign(&shown(item)));
    items.map(|item| item.lines().next().unwrap_or_default().to_owned()).chain(conversions(&code)).collect()
}

#[test]
fn public_signatures_name_no_foreign_types() {
    let is_public = |path: &Path| !path.starts_with("cli") && !PRIVATE.iter().any(|private| path == Path::new(private));
    let sources = files("src").into_iter().filter(|(path, _)| is_public(path));
    let found: Vec<String> = sources
        .flat_map(|(path, code)| faults(&code).into_iter().map(move |item| format!("{}: {item}", path.display())))
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn foreign_types_are_found() {
    let code = "use reqwest::{Client, Url as Address};\nuse crate::Own;\n\npub struct A(Client);\npub struct B {\n    \
                pub url: Address,\n    inner: Client,\n}\npub enum C {\n    #[from]\n    D(rusqlite::Error),\n}\n\
                pub fn e(\n    own: Own,\n) -> Option<Client> {\n    csv::x()\n}\npub(super) fn f(url: Address) {}\n\
                pub struct G(pub Client);\npub fn h() -> Own {\n    Client::new()\n}\n\
                impl From<csv::Error> for C {\n}\nimpl From<csv::Error> for Own {\n}\n";
    assert_eq!(
        faults(code),
        ["pub url: Address,", "pub enum C {", "pub fn e(", "pub struct G(pub Client);", "impl From<csv::Error> for C"]
    );
}
