//! A whole sign-in in a real browser: from the page that the program names, over the simulator's question, back to the
//! program's own page.

use crate::{browser::Browser, served::Served};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A program that waits for its browser.
struct Waiting {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    /// The page to open.
    page: String,
}

impl Waiting {
    fn start(home: &Path, served: &Served) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(["reset", "wave.csv", "--run-dir", "run", "--yes", "--auth", "browser", "--graph-endpoint"]);
        command.arg(&served.url).current_dir(home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.env("AZURE_AUTHORITY_HOST", &served.url).env("BROWSER", "true").env("PASSWAVE_NO_CONFIG", "true");
        command.env_remove("AZURE_TENANT_ID");
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut page = String::new();
        while !page.starts_with("    http") {
            page.clear();
            assert!(lines.read_line(&mut page).expect("text") > 0, "it names a page");
        }
        Self { child, lines, page: page.trim().to_owned() }
    }

    /// The exit code, and what was said after the page.
    fn end(mut self) -> (Option<i32>, String) {
        let rest: Vec<String> = self.lines.by_ref().lines().map_while(Result::ok).collect();
        (self.child.wait().expect("an end").code(), rest.join("\n"))
    }
}

fn home() -> TempDir {
    let home = tempfile::tempdir().expect("a folder");
    fs::write(home.path().join("wave.csv"), "UPN\nann@contoso.com\nbob@contoso.com\n").expect("a roster");
    home
}

#[test]
fn person_signs_in_with_a_browser() {
    let Some(browser) = Browser::start() else {
        eprintln!("no chromedriver on this machine: the sign-in in a browser is not tested");
        return;
    };
    let accounts = ["ann@contoso.com", "bob@contoso.com"].map(str::to_owned);
    for (choice, title, code, words) in [
        ("accept", "passwave: You are signed in", Some(0), "2 rows: 2 reset."),
        ("cancel", "passwave: The sign-in failed", Some(3), "AADSTS65004"),
    ] {
        let (home, served) = (home(), Served::new(&accounts, r#"{"token": {"browser": "asks"}}"#));
        let waiting = Waiting::start(home.path(), &served);
        browser.visit(&waiting.page);
        let link = browser.text(&format!("document.getElementById('{choice}').href"));
        browser.visit(&link);
        assert_eq!(browser.text("document.title"), title);
        let page = browser.text("document.body.innerText");
        assert_eq!(page.contains("AADSTS65004"), choice == "cancel", "{page}");
        let style = browser.text("getComputedStyle(document.querySelector('main')).borderTopStyle");
        assert_eq!(style, "solid", "the page's own style is allowed");
        let (ended, said) = waiting.end();
        assert_eq!(ended, code, "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(served.tenant.tally().writes, if code == Some(0) { 2 } else { 0 });
    }
}
