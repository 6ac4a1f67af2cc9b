//! Errors of the library say what happened. What to do next is in `src/cli/hints`. The library's
//! documentation names no flag either, and a hint of the program has a field of its own: it is never part of a text.
//!
//! It reads the source as text: string literals outside of tests, and the variants of error types as rustfmt formats
//! them.

use super::{files, without_tests};
use std::path::Path;

/// Error types with one sentence each, which already says what to do.
const WITHOUT_HINTS: &[&str] = &["ConditionError", "FaultsError", "ReadError", "SendError", "UpnError", "Weakness"];

/// Words that only the program may use.
const FOREIGN: [&str; 4] = ["hint:", "cure:", "`passwave ", "passwave run"];

/// Flags of other programs, by the file that names them.
const OTHER_PROGRAMS: &[(&str, &str)] = &[
    ("graph/client/auth/azure_cli.rs", "--output"),
    ("graph/client/auth/azure_cli.rs", "--resource"),
    ("graph/client/auth/azure_cli.rs", "--tenant"),
    ("graph/client/auth/key_file/faults.rs", "--output"),
    ("graph/client/auth/key_file/faults.rs", "--query"),
];

/// The library's source without its tests, by path below `src`.
fn library() -> Vec<(String, String)> {
    let is_test =
        |path: &Path| path.iter().any(|part| part.to_string_lossy().trim_end_matches(".rs").ends_with("tests"));
    let all = files("src").into_iter().filter(|(path, _)| !path.starts_with("cli") && !is_test(path));
    all.map(|(path, text)| (path.to_string_lossy().replace('\\', "/"), without_tests(&text))).collect()
}

/// The string literals of `code` as written, each with its line number.
fn literals(code: &str) -> Vec<(usize, String)> {
    let (mut found, mut rest) = (Vec::new(), code);
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, from) = rest.split_at(at);
        let length = match from.as_bytes()[0] {
            b'/' if from.starts_with("//") => from.find('\n').unwrap_or(from.len()),
            b'\'' => character(from),
            b'"' => {
                let hashes = before.len() - before.trim_end_matches('#').len();
                let is_raw = before[..before.len() - hashes].ends_with('r');
                let length = if is_raw { raw(from, hashes) } else { quoted(from) };
                let line = code[..code.len() - rest.len() + at].matches('\n').count() + 1;
                found.push((line, from[..length].to_owned()));
                length
            }
            _ => 1,
        };
        rest = &from[length..];
    }
    found
}

/// The length of a character literal, or of the quotation mark of a lifetime.
fn character(from: &str) -> usize {
    match from[1..].chars().next() {
        Some('\\') => from[3..].find('\'').map_or(1, |end| end + 4),
        Some(c) if from[1 + c.len_utf8()..].starts_with('\'') => 2 + c.len_utf8(),
        _ => 1,
    }
}

fn raw(from: &str, hashes: usize) -> usize {
    let end = format!("\"{}", "#".repeat(hashes));
    from[1..].find(&end).map_or(from.len(), |at| 1 + at + end.len())
}

fn quoted(from: &str) -> usize {
    let mut is_escaped = false;
    let end = from[1..].find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    });
    end.map_or(from.len(), |at| at + 2)
}

/// The flags in a text: two dashes and a letter, not in the middle of a word.
fn flags(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("--").map(|(at, _)| at);
    let is_flag = |at: &usize| {
        !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '-')
            && text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase())
    };
    let end = |text: &str| text.find(|c: char| !(c.is_ascii_lowercase() || c == '-')).unwrap_or(text.len());
    starts.filter(is_flag).map(move |at| &text[at..at + end(&text[at..])])
}

/// The program's words in a literal.
fn program_words(file: &str, literal: &str) -> Vec<String> {
    let foreign = FOREIGN.iter().filter(|word| literal.contains(**word)).map(|word| (*word).to_owned());
    let flags = flags(literal).filter(|flag| !OTHER_PROGRAMS.contains(&(file, flag))).map(str::to_owned);
    foreign.chain(flags).collect()
}

#[test]
fn library_has_no_flags_or_hints() {
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (file, code) in library() {
        for (line, literal) in literals(&code) {
            seen += 1;
            let words = program_words(&file, &literal);
            if !words.is_empty() {
                faults.push(format!("src/{file}:{line} says {}", words.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 1_000, "only {seen} texts were found");
}

/// The error types of a file, each with its variants.
fn error_types(code: &str) -> Vec<(&str, Vec<&str>)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word = |text: &'_ str| text.find(|c| !is_word(c)).unwrap_or(text.len());
    let mut found = Vec::new();
    for part in code.split("thiserror::Error").skip(1) {
        let Some((head, rest)) = part.split_once("\npub enum ") else { continue };
        if head.contains("\n\n") {
            continue;
        }
        let body = rest.split("\n}").next().unwrap_or_default();
        let variants = body.lines().skip(1).filter_map(|line| line.strip_prefix("    "));
        let variants = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
        found.push((&rest[..word(rest)], variants.map(|line| &line[..word(line)]).collect()));
    }
    found
}

#[test]
fn every_error_variant_has_its_arm() {
    let hints: String = files("src/cli/hints").into_iter().map(|(_, text)| text).collect();
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (file, code) in library() {
        for (name, variants) in error_types(&code) {
            if WITHOUT_HINTS.contains(&name) {
                continue;
            }
            seen += 1;
            let missing = variants.iter().map(|variant| format!("{name}::{variant}")).filter(|it| {
                !hints
                    .match_indices(it.as_str())
                    .any(|(at, _)| !hints[at + it.len()..].starts_with(|c: char| c.is_alphanumeric()))
            });
            faults.extend(missing.map(|variant| format!("src/{file}: {variant} has no arm in src/cli/hints")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 0, "no error type was found");
}

#[test]
fn library_documents_no_flag() {
    let is_doc = |line: &str| ["//!", "///"].iter().any(|sign| line.trim_start().starts_with(sign));
    let mut faults = Vec::new();
    for (file, code) in library() {
        for (line, text) in (1..).zip(code.lines()).filter(|(_, text)| is_doc(text)) {
            let flags = flags(text).filter(|flag| !OTHER_PROGRAMS.contains(&(&*file, flag)));
            faults.extend(flags.map(|flag| format!("src/{file}:{line} names {flag}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn hints_are_no_part_of_a_text() {
    let shows = |path: &Path| path.starts_with("cli/console") || path == Path::new("cli/failure.rs");
    let is_program = |path: &Path| path.starts_with("cli") && !shows(path);
    let mut faults = Vec::new();
    for (path, code) in files("src").into_iter().filter(|(path, _)| is_program(path)) {
        let hints = literals(&code).into_iter().filter(|(_, literal)| literal.contains("hint:"));
        faults.extend(hints.map(|(line, _)| format!("src/{}:{line} has a hint in a text", path.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn literals_and_flags_are_found() {
    let code = "let a = '\"'; // \"no\"\nlet b = r#\"one \"--two\"#; fn f<'a>(x: &'a str) { \"th\\\"ree --x-y.\" }";
    let found: Vec<_> = literals(code).into_iter().map(|(line, text)| (line, text.len())).collect();
    assert_eq!(found, [(2, 13), (2, 16)]);
    let flags_of = |text: &'static str| flags(text).collect::<Vec<_>>();
    assert_eq!(flags_of("--two and (--x-y), a--b, ---c, -- d"), ["--two", "--x-y"]);
    assert_eq!(program_words("a.rs", "run `passwave plan`\nhint: --yes"), ["hint:", "`passwave ", "--yes"]);
}
