//! README and `docs/`, compared with the program.
//!
//! Every command that can be run is run against a simulated tenant, and prints what the page shows. Every link leads
//! somewhere. The picture of the terminal is what the program prints.
#![cfg(all(unix, feature = "seal", feature = "xlsx"))]

mod links;
mod page;
mod pages;
mod picture;
mod reader;
mod setup;

use pages::{Page, pages};
use reader::Reader;
use std::{collections::BTreeMap, io::Write, process::Command};

/// The reasons why a block is not run, and how many blocks may use each.
const NOT_RUN: [(&str, usize); 6] = [
    // It needs a tool or a build that a test does not have.
    ("tool", 13),
    // It has placeholders to fill in.
    ("placeholder", 5),
    // It needs a user at a terminal.
    ("person", 2),
    // It would take minutes.
    ("clock", 2),
    // It needs rows that end in a way that the simulated tenant does not cause.
    ("outcome", 1),
    // It needs a database.
    ("server", 6),
];
/// Other languages of code blocks. These blocks are not checked here; `src/cli/args/pages_tests.rs` parses those in
/// `powershell`.
const OTHER_LANGUAGES: [&str; 6] = ["powershell", "json", "toml", "text", "rust", "sql"];
/// Pages that start on a machine on which nothing is set up.
const FROM_THE_BEGINNING: [&str; 3] =
    ["docs/guide/onboarding-wave.md", "docs/guide/semester-reset.md", "docs/guide/ci-job.md"];
/// Tools that a page may tell its reader to install.
const TOOLS: [(&str, &str); 4] =
    [("age-keygen", "--version"), ("jq", "--version"), ("python3", "--version"), ("ssh-keygen", "-?")];

fn follow(path: &str) {
    let page = Page::read(path);
    for (tool, flag) in TOOLS.into_iter().filter(|(tool, _)| page.text.contains(tool)) {
        if Command::new(tool).arg(flag).output().is_err() {
            let _ = writeln!(std::io::stderr(), "skipped: {tool} is not installed");
            return;
        }
    }
    let mut reader = Reader::new();
    if !FROM_THE_BEGINNING.contains(&path) {
        setup::apply(&mut reader);
    }
    reader.follow(&page.text);
}

macro_rules! followed {
    ($($name:ident: $path:literal,)*) => {
        $(#[test]
        fn $name() {
            follow($path);
        })*

        /// Every page with a command that is run.
        const FOLLOWED: &[&str] = &[$($path),*];
    };
}

followed! {
    onboarding_wave: "docs/guide/onboarding-wave.md",
    semester_reset: "docs/guide/semester-reset.md",
    ci_job: "docs/guide/ci-job.md",
    install: "docs/guide/install.md",
    which_rows: "docs/guide/which-rows.md",
    lookup: "docs/guide/lookup.md",
    hybrid: "docs/guide/hybrid.md",
    fleet: "docs/guide/fleet.md",
    guard_rails: "docs/guide/guard-rails.md",
    passwords: "docs/guide/passwords.md",
    sealed_passwords: "docs/guide/sealed-passwords.md",
    handouts: "docs/guide/handouts.md",
    evidence: "docs/guide/evidence.md",
    sweep: "docs/guide/sweep.md",
    remove: "docs/guide/remove.md",
    workbooks: "docs/guide/workbooks.md",
    pipelines: "docs/guide/pipelines.md",
    simulator: "docs/guide/simulator.md",
    doctor: "docs/guide/doctor.md",
    faults: "docs/reference/faults.md",
}

#[test]
fn every_page_with_commands_is_followed() {
    for page in pages().iter().filter(|page| !page::read(&page.text).is_empty()) {
        assert!(FOLLOWED.contains(&page.path.as_str()), "{} has commands: add it to this test", page.path);
    }
    for path in FOLLOWED {
        assert!(!page::read(&Page::read(path).text).is_empty(), "{path} has no command");
    }
}

#[test]
fn few_blocks_are_not_run() {
    let mut counts = BTreeMap::new();
    for page in pages() {
        for block in page::blocks(&page.text) {
            let place = format!("{}:{}", page.path, block.line);
            match block.not_run() {
                Some(reason) => *counts.entry(reason.to_owned()).or_insert(0) += 1,
                None => assert!(
                    ["console", "sh"].contains(&block.language()) || OTHER_LANGUAGES.contains(&block.language()),
                    "{place}: a block of the kind {:?}",
                    block.info
                ),
            }
        }
    }
    let allowed: BTreeMap<_, _> = NOT_RUN.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect();
    assert_eq!(counts, allowed, "blocks that are not run, by their reason");
}
