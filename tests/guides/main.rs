//! The guides in `examples/guides`, followed word by word with the program as it is: what they show is what comes.
#![cfg(all(unix, feature = "seal"))]

mod page;
mod reader;

use reader::Reader;
use std::{fs, path::Path, process::Command};

fn follow(guide: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/guides").join(guide);
    Reader::new().follow(&fs::read_to_string(path).expect("a guide"));
}

#[test]
fn an_onboarding_wave() {
    follow("onboarding-wave.md");
}

#[test]
fn a_semester_reset() {
    follow("semester-reset.md");
}

#[test]
fn a_ci_job() {
    // The one tool that a guide has its reader install.
    if Command::new("age-keygen").arg("--version").output().is_err() {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "skipped: age is not installed");
        return;
    }
    follow("ci-job.md");
}

#[test]
fn the_readme_leads_to_every_guide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    for entry in fs::read_dir(root.join("examples/guides")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        assert!(readme.contains(&format!("(examples/guides/{name})")), "{name}");
    }
}
