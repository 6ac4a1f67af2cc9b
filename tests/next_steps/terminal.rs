//! The question at a terminal: its text, and each answer.

use crate::workspace::{Workspace, printed};
use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A program at a terminal that `script` provides.
struct Terminal {
    child: Child,
    typed: ChildStdin,
    shown: ChildStdout,
    text: String,
}

impl Terminal {
    /// `None` if this machine has no `script`.
    fn open(workspace: &Workspace, line: &str) -> Option<Self> {
        if Command::new("script").arg("--version").output().is_err() {
            let _ = writeln!(std::io::stderr(), "skipped: there is no `script`");
            return None;
        }
        let mut shell = workspace.shell("exec script -qec \"$LINE\" /dev/null");
        shell.env("LINE", line).env("SHELL", "/bin/sh").env("TERM", "dumb");
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (typed, shown) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Some(Self { child, typed, shown, text: String::new() })
    }

    /// Waits until this text appears after the text already seen.
    fn wait_for(&mut self, words: &str) -> String {
        let from = self.text.len();
        let mut bytes = [0; 1];
        while !self.text[from..].ends_with(words) {
            let read = self.shown.read(&mut bytes).expect("a terminal");
            assert!(read > 0, "{words} never comes: {}", self.text);
            self.text.push(char::from(bytes[0]));
        }
        self.text[from..].to_owned()
    }

    fn type_line(&mut self, keys: &str) {
        self.typed.write_all(keys.as_bytes()).and_then(|()| self.typed.flush()).expect("a terminal");
    }

    /// All remaining output, and the exit code.
    fn end(mut self) -> (String, Option<i32>) {
        let mut rest = Vec::new();
        self.shown.read_to_end(&mut rest).expect("a terminal");
        let rest = String::from_utf8_lossy(&rest).replace('\r', "");
        (rest, self.child.wait().expect("it ends").code())
    }
}

fn reset(workspace: &Workspace, more: &str) -> Option<Terminal> {
    Terminal::open(workspace, &format!("passwave reset wave.csv --run-dir run {more} {}", workspace.endpoint_flags()))
}

#[test]
fn pilot_asks_for_its_number() {
    let workspace = Workspace::new("{}");
    let Some(mut terminal) = reset(&workspace, "--pilot 3") else { return };
    let first = terminal.wait_for("type the number of accounts (3): ");
    assert!(first.contains("Pilot: 3 of 8 accounts get a new password now."), "{first}");
    terminal.type_line("3\n");
    let second = terminal.wait_for("type the number of accounts (5): ");
    assert!(second.contains("3 reset, 5 pending") && second.contains("This gives 5 accounts"), "{second}");
    assert!(!second.contains("Continue with") && !second.contains("Page:"), "no advice before a question: {second}");
    terminal.type_line("5\n");
    let (rest, code) = terminal.end();
    assert_eq!(code, Some(0), "{rest}");
    workspace.must_be_done("run");
}

#[test]
fn declined_pilot_names_next_step() {
    let workspace = Workspace::new("{}");
    let Some(mut terminal) = reset(&workspace, "--pilot 3") else { return };
    terminal.wait_for("(3): ");
    terminal.type_line("3\n");
    terminal.wait_for("(5): ");
    terminal.type_line("3\n");
    let (rest, code) = terminal.end();
    assert!(rest.contains("\"3\" is not the number of accounts (5). Nothing more was sent."), "{rest}");
    assert_eq!((code, workspace.count("run".as_ref(), "reset")), (Some(3), 3));
    let command = printed(&rest).pop().expect("a command");
    workspace.paste(&command, 0);
    workspace.must_be_done("run");
}

#[test]
fn unanswered_question_sends_nothing() {
    for (keys, words, code) in [
        ("12\n", "\"12\" is not the number of accounts (8). The plan is kept, and nothing was sent now.", 2),
        ("\n", "No number was typed. The plan is kept, and nothing was sent now.", 2),
        ("\u{4}", "\nThere was no answer. The plan is kept, and nothing was sent now.", 2),
        ("\u{3}", "\nInterrupted. The plan is kept, and nothing was sent now.", 130),
    ] {
        let workspace = Workspace::new("{}");
        let Some(mut terminal) = reset(&workspace, "") else { return };
        terminal.wait_for("(8): ");
        terminal.type_line(keys);
        let (rest, ended) = terminal.end();
        assert!(rest.contains(words), "{keys:?}: {rest:?}");
        assert_eq!((ended, workspace.served.tenant.tally().writes), (Some(code), 0), "{keys:?}: {rest}");
        let command = printed(&rest).pop().expect("a command");
        assert!(!command.contains("--yes"), "at a terminal it asks again: {command}");
        let Some(mut again) = Terminal::open(&workspace, &command) else { return };
        again.wait_for("(8): ");
        again.type_line("8\n");
        let (rest, ended) = again.end();
        assert_eq!(ended, Some(0), "{rest}");
        workspace.must_be_done("run");
    }
}
