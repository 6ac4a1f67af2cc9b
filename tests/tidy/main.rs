//! The shape of the source, as designed: layers, sizes, and which code may print.

mod api;
mod errors;
mod events;
#[cfg(feature = "cli")]
mod fuzz_lock;
mod layers;

use std::{
    fs,
    path::{Path, PathBuf},
};

const FILE_LINES_MAX: usize = 400;
const FN_LINES_MAX: usize = 70;
/// The modules that may print.
const PRINTERS: [&str; 1] = ["cli/console"];

/// Every Rust file below `folder`, with its relative path and its text.
fn files(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                found.push((path.strip_prefix(&root).expect("below").to_owned(), text));
            }
        }
    }
    found
}

/// A file's text up to its module of tests, without the declarations of files of tests. Lines keep their numbers.
fn without_tests(text: &str) -> String {
    let mut parts = text.split("#[cfg(test)]\nmod ");
    let mut code = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('\n') {
            Some((declaration, rest)) if declaration.ends_with(';') => {
                code.push_str("\n\n");
                code.push_str(rest);
            }
            _ => break,
        }
    }
    code
}

fn is_in(path: &Path, rooms: &[&str]) -> bool {
    rooms.iter().any(|room| path.starts_with(room))
}

#[test]
fn files_are_short_and_introduced() {
    let mut faults = Vec::new();
    for (path, text) in ["src", "tests", "benches", "examples"].into_iter().flat_map(files) {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{} has {lines} lines", path.display()));
        }
        if !text.starts_with("//!") {
            faults.push(format!("{} does not begin by saying what it is", path.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn functions_are_short() {
    let mut faults = Vec::new();
    for (path, text) in ["src", "tests", "benches", "examples"].into_iter().flat_map(files) {
        let mut open: Option<(usize, usize, &str)> = None;
        for (at, line) in text.lines().enumerate() {
            let (indent, code) = (line.len() - line.trim_start().len(), line.trim_start());
            if code.contains("fn ") && !code.starts_with("//") && code.split("fn ").next().is_some_and(is_head) {
                open = open.or(Some((at, indent, code)));
            }
            match open {
                Some((start, depth, head)) if indent == depth && code.starts_with('}') => {
                    if at - start - 1 > FN_LINES_MAX {
                        faults.push(format!("{}:{}: {} lines: {head}", path.display(), start + 1, at - start + 1));
                    }
                    open = None;
                }
                Some((start, depth, _))
                    if indent == depth && (start == at || code.starts_with(')')) && code.ends_with([';', '}']) =>
                {
                    open = None;
                }
                _ => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What may come before `fn` at the start of a function.
fn is_head(before: &str) -> bool {
    before
        .split_whitespace()
        .all(|word| ["pub", "const", "async", "unsafe", "extern"].contains(&word) || word.starts_with("pub("))
        || before.trim() == "pub(in super)"
}

/// What begins a transaction or changes a ledger without one. A ledger that is kept elsewhere would not see it.
const OTHER_WRITES: [&str; 5] =
    ["unchecked_transaction", "transaction_with_behavior", "new_unchecked", ".transaction()", "connection.execute("];

#[test]
fn ledgers_are_written_through_one_type() {
    // The first has that type, the second changes a file before it is a ledger of today, and the third copies a file. The folder
    // is the other end: the tables of a server.
    let exempt = ["ledger/database.rs", "ledger/migrate.rs", "ledger/rescue.rs"];
    let mut faults = Vec::new();
    for (path, text) in files("src").into_iter().filter(|(path, _)| path.starts_with("ledger")) {
        let code = without_tests(&text);
        let found = OTHER_WRITES.into_iter().filter(|sign| code.contains(sign));
        if !exempt.iter().any(|exempt| path == Path::new(exempt)) && !path.starts_with("ledger/postgres") {
            faults.extend(found.map(|sign| format!("{} uses {sign}", path.display())));
        }
    }
    assert!(faults.is_empty(), "write through ledger::database::Write instead:\n{}", faults.join("\n"));
}

#[test]
fn only_the_program_prints() {
    let signs = [
        "println!",
        "eprintln!",
        "print!(",
        "eprint!(",
        "dbg!",
        "io::stdout",
        "io::stderr",
        "stdout()",
        "stderr()",
        "rpassword",
    ];
    let mut faults = Vec::new();
    for (path, text) in files("src").iter().filter(|(path, _)| !is_in(path, &PRINTERS)) {
        faults.extend(
            signs.iter().filter(|sign| text.contains(**sign)).map(|sign| format!("{}: {sign}", path.display())),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The text of a type with its attributes, if it derives a trait that shows its content.
fn shown_types(text: &str) -> impl Iterator<Item = &str> {
    let shows =
        |rest: &&str| rest.split(')').next().is_some_and(|list| list.contains("Debug") || list.contains("Serialize"));
    text.split("#[derive(").skip(1).filter(shows).map(|rest| {
        let end = rest.find("\n}").into_iter().chain(rest.find(";\n")).min().unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn secret_types_are_never_printed() {
    let holds = |code: &str| {
        let code = code.split("//").next().unwrap_or_default().trim();
        // A variant with this name has no fields.
        let code = if code == "Password," { "" } else { code };
        ["Password>", "Password,", "Password)", "SecretString", "Zeroizing", "Token,", "Token>", "Claimed"]
            .iter()
            .any(|secret| code.contains(secret))
    };
    let mut faults = Vec::new();
    for (path, text) in files("src") {
        let wrong = shown_types(&text).filter(|shown| shown.lines().any(holds));
        faults.extend(wrong.map(|shown| format!("{}: {}", path.display(), shown.replace('\n', " "))));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let sample = "#[derive(Clone, Debug)]\nstruct A {\n    password: Option<Password>,\n}\n#[derive(Clone)]\nstruct B(SecretString);\n";
    assert_eq!(shown_types(sample).filter(|shown| shown.lines().any(holds)).count(), 1, "it bites");
}

/// The tests that a page names, as `file.rs::test`.
fn named_tests(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).filter(|(file, _)| file.ends_with(".rs"))
}

#[test]
fn security_page_names_real_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("SECURITY.md")).expect("the page");
    let is_line = |line: &&str| line.starts_with("| ") && line.ends_with(" |") && !line.ends_with("| Test |");
    let lines: Vec<&str> = page.lines().filter(is_line).collect();
    assert!(lines.len() > 20, "{} lines", lines.len());
    let mut faults: Vec<String> = Vec::new();
    for line in lines {
        if named_tests(line).next().is_none() {
            faults.push(format!("no test: {line}"));
        }
        for (file, test) in named_tests(line) {
            let text = fs::read_to_string(root.join(file)).unwrap_or_default();
            let mut tests = text.split("#[test]").skip(1).chain(text.split("#[tokio::test").skip(1));
            let is_there =
                tests.any(|rest| rest.split_once("fn ").is_some_and(|(_, name)| name.starts_with(&format!("{test}("))));
            if !is_there {
                faults.push(format!("{file} has no test {test}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(named_tests("| a `x` | `b.rs::c`, `d::e` |").collect::<Vec<_>>(), [("b.rs", "c")], "it reads names");
}
