//! What a user sees at the terminal. Each file in `tests/cmd` is one behaviour, with its command, its output and its
//! exit code. `TRYCMD=overwrite cargo test --test cli` rewrites the output; mask parts that vary with `[..]`.

use passwave::graph::client::auth::Variables;
use trycmd::TestCases;

/// Cases in which `credentials` are the only way to sign in, whatever the machine's own environment has.
fn cases(credentials: [&str; 3]) -> TestCases {
    let cases = TestCases::new();
    // The pipeline that runs these tests must not see annotations.
    for name in Variables::READ.into_iter().chain(["GITHUB_ACTIONS", "TF_BUILD"]) {
        cases.env(name, "");
    }
    for (name, value) in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"].into_iter().zip(credentials) {
        cases.env(name, value);
    }
    // Only the program itself is on the path, so the machine's Azure CLI cannot be found. Under Wine, the path of the
    // machine that built it has no drive letter.
    let program = std::path::absolute(env!("CARGO_BIN_EXE_passwave")).expect("a path");
    cases.env("PATH", program.parent().and_then(std::path::Path::to_str).expect("a folder"));
    // Help is wrapped to the terminal's width.
    cases.env("AZURE_AUTHORITY_HOST", "").env("COLUMNS", "100");
    // The settings of whoever runs the tests have no effect.
    cases.env("PASSWAVE_NO_CONFIG", "true");
    // Next steps are printed for the shell that started the program, which Windows programs guess from the environment.
    cases.env("SHELL", "/bin/sh");
    cases
}

#[test]
fn without_credentials() {
    cases([""; 3]).case("tests/cmd/*.toml").case("tests/cmd/*.trycmd");
}

#[test]
fn with_credentials() {
    cases(["contoso.onmicrosoft.com", "11111111-2222-4333-8444-555555555555", "example-secret"])
        .case("tests/cmd/with_credentials/*.toml");
}

/// A reader that closes the pipe early, such as `head`, is not an error.
#[test]
fn closed_pipe_ends_quietly() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_passwave"))
        .args(["generate", "-n", "1000000000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut reader, &mut line).expect("a line");
    drop(reader);
    assert_eq!(line.trim_end().len(), 16);
    assert!(child.wait().expect("it ends").success());
}

/// What a command prints on stderr with these variables.
fn complaint(args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_passwave"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    let output = command.args(args).envs(variables.iter().copied()).env("PASSWAVE_NO_CONFIG", "true").output();
    String::from_utf8(output.expect("it starts and ends").stderr).expect("UTF-8")
}

#[test]
fn colours_only_repeat_the_words() {
    let args = ["report", "no-such-run"];
    let plain = complaint(&args, &[]);
    assert!(plain.starts_with("error: ") && plain.contains("\nhint: ") && !plain.contains('\u{1b}'), "{plain}");
    let forced = complaint(&args, &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.starts_with("\u{1b}[31merror:\u{1b}[0m ") && forced.contains("\n\u{1b}[36mhint:"), "{forced:?}");
    assert_eq!(complaint(&args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}

#[test]
fn typos_find_the_nearest_name() {
    for (args, meant) in [
        (&["rest", "r.csv"][..], "'reset'"),
        (&["reset", "r.csv", "--max-acounts", "3"], "'--max-accounts'"),
        (&["plan", "r.csv", "--lookup", "requird"], "'required'"),
        (&["man", "verfy"], "did you mean verify?"),
    ] {
        let said = complaint(args, &[]);
        assert!(said.contains(meant), "{args:?}: {said}");
    }
}

/// On Windows the program is called `passwave.exe`, and all help calls it `passwave`.
#[cfg(unix)]
#[test]
fn help_names_the_program_without_an_ending() {
    use std::os::unix::process::CommandExt;
    for args in [&["--help"][..], &["reset", "--help"], &["run"], &["generate", "--lenght", "3"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_passwave"));
        let output = command.arg0("passwave.exe").args(args).output().expect("it starts and ends");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
        assert!(said.contains("Usage: passwave") && !said.contains("passwave.exe"), "{args:?}: {said}");
    }
}

const VERBS: [&str; 14] = [
    "reset", "plan", "run", "verify", "report", "handouts", "sweep", "evidence", "remove", "runs", "rehearse",
    "simulate", "generate", "work",
];

fn said(args: &[&str]) -> (bool, String) {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_passwave")).args(args).output().expect("it starts and ends");
    (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn each_shell_learns_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (went_well, script) = said(&["completions", shell]);
        assert!(went_well && script.contains("seal-to-file"), "{shell}");
        VERBS.into_iter().for_each(|verb| assert!(script.contains(verb), "{shell} does not know {verb}"));
    }
}

#[test]
fn each_command_has_a_man_page() {
    let (went_well, page) = said(&["man"]);
    assert!(went_well && page.contains(".TH passwave 1") && page.contains("Exit codes:"), "{page}");
    for verb in VERBS {
        let (went_well, page) = said(&["man", verb]);
        assert!(went_well && page.contains(&format!(".TH passwave-{verb} 1")), "{verb}: {page}");
        assert!(page.contains("Examples:") && page.contains(&format!("passwave {verb}")), "{verb}: {page}");
    }
    for verb in ["rehearse", "simulate"] {
        let faults = said(&["man", verb]).1.replace('\\', "");
        assert!(
            faults.contains("SH FAULTS") && faults.contains("fBitems.throttled_secondsfR [default: 10]"),
            "{faults}"
        );
    }
    assert!(!said(&["man", "rest"]).0);
}

/// Explorer closes the console of a program that it has started. Here, a copy of this test is Explorer.
#[cfg(windows)]
#[test]
fn program_started_by_explorer_waits_for_enter() {
    use std::{
        io::{BufReader, Read, Write},
        process::{Command, Stdio, exit},
    };
    const PROGRAM: &str = "STARTED_BY_EXPLORER";
    if let Some(program) = std::env::var_os(PROGRAM) {
        let status = Command::new(program).status().expect("it starts");
        exit(status.code().unwrap_or(-1));
    }
    let place = tempfile::tempdir().expect("a folder");
    let explorer = place.path().join("Explorer.exe");
    std::fs::copy(std::env::current_exe().expect("a path"), &explorer).expect("copied");
    let program = std::path::absolute(env!("CARGO_BIN_EXE_passwave")).expect("a path");
    let mut child = Command::new(&explorer)
        .args(["--exact", "program_started_by_explorer_waits_for_enter", "--nocapture"])
        .env(PROGRAM, &program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let (mut said, mut stderr) = (Vec::new(), BufReader::new(child.stderr.take().expect("a pipe")));
    while !said.ends_with(b"Press Enter to close this window. ") {
        let mut byte = [0];
        let read = stderr.read(&mut byte).expect("readable");
        assert!(read == 1, "it has not waited: {}", String::from_utf8_lossy(&said));
        said.extend(byte);
    }
    let said = String::from_utf8(said).expect("UTF-8");
    assert!(said.contains("Usage: passwave") && said.contains("passwave.exe") && said.contains("rehearse"), "{said}");
    assert!(child.try_wait().expect("a state").is_none(), "it waits");
    child.stdin.take().expect("a pipe").write_all(b"\r\n").expect("Enter");
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
    let alone = Command::new(&program).stdin(Stdio::null()).output().expect("it starts");
    assert!(!String::from_utf8_lossy(&alone.stderr).contains("Press Enter"), "{alone:?}");
}
