//! The program handles every event of the library.
//!
//! Enums of events are `#[non_exhaustive]`: a new event does not break the code of a library user. So the compiler wants
//! a `_` arm from the program, too, and does not show a new event to it. This test does.

use super::{files, without_tests};
use std::path::{Path, PathBuf};

/// Each enum of events, and the files of the program that must name every one of its variants.
const LISTENERS: &[(&str, &[&str])] = &[
    ("LookupEvent", &["cli/commands/look_up.rs"]),
    ("ReadEvent", &["cli/console/json_lines/mod.rs", "cli/console/terminal/reading.rs"]),
    ("RunEvent", &["cli/console/json_lines/mod.rs", "cli/console/terminal/writing.rs"]),
    ("VerifyEvent", &["cli/commands/verify.rs"]),
    ("WaitReason", &["cli/console/json_lines/mod.rs", "cli/console/terminal/waits.rs"]),
];

/// Every source file by its path below `src`, without its tests.
fn sources() -> Vec<(PathBuf, String)> {
    files("src").into_iter().map(|(path, text)| (path, without_tests(&text))).collect()
}

/// The length of the word that `text` begins with.
fn word(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len())
}

/// The variants of an enum, as rustfmt lays them out. `body` begins with its name.
fn variants(body: &str) -> Vec<&str> {
    let lines = body.split("\n}").next().unwrap_or_default().lines().filter_map(|line| line.strip_prefix("    "));
    lines.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase())).map(|line| &line[..word(line)]).collect()
}

/// The names of the non-exhaustive enums in `code`, each with its variants.
fn open_enums(code: &str) -> Vec<(&str, Vec<&str>)> {
    let enums = code.split("#[non_exhaustive]\npub enum ").skip(1);
    enums.map(|body| (&body[..word(body)], variants(body))).collect()
}

/// Whether `code` names `path`, and not only a longer word.
fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| !code[at + path.len()..].starts_with(|c: char| c.is_alphanumeric()))
}

#[test]
fn every_event_has_its_listeners() {
    let sources = sources();
    let (mut faults, mut seen) = (Vec::new(), Vec::new());
    for (_, text) in sources.iter().filter(|(path, _)| path.starts_with("engine")) {
        for (name, variants) in open_enums(text) {
            let Some((_, listeners)) = LISTENERS.iter().find(|(known, _)| *known == name) else { continue };
            seen.push(name);
            for listener in *listeners {
                let (_, heard) = sources.iter().find(|(path, _)| path == Path::new(listener)).expect("a file");
                let paths = variants.iter().map(|variant| format!("{name}::{variant}"));
                let missing = paths.filter(|path| !names(heard, path));
                faults.extend(missing.map(|path| format!("src/{listener} does not name {path}")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    seen.sort_unstable();
    assert_eq!(seen, LISTENERS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), "the enums with listeners");
}

#[test]
fn enums_of_events_are_open() {
    let mut closed = Vec::new();
    for (path, text) in sources().iter().filter(|(path, _)| path.starts_with("engine")) {
        let events = text.split("\npub enum ").skip(1).map(|rest| rest.split([' ', '<']).next().unwrap_or_default());
        let unheard = events.filter(|name| name.ends_with("Event") && LISTENERS.iter().all(|(known, _)| known != name));
        closed.extend(unheard.map(|name| format!("{}: {name} has no listeners in this test", path.display())));
    }
    assert!(closed.is_empty(), "{}", closed.join("\n"));
}

#[test]
fn variants_and_paths_are_found() {
    let text = "#[non_exhaustive]\npub enum A {\n    /// One.\n    One,\n    Two {\n        Three: u8,\n    },\n}\n\npub enum B {\n    No,\n}\n";
    assert_eq!(open_enums(text), [("A", vec!["One", "Two"])]);
    assert!(names("A::One => {}", "A::One") && !names("A::Ones => {}", "A::One"));
}
