//! The browser through the program, to the end of a real run: the simulator signs users in, and a script that the
//! variable `BROWSER` names plays the browser. It needs `curl`; without it, these tests say so and are left out.
#![cfg(unix)]

use crate::stage::{Stage, said};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
};

const RESET: [&str; 7] = ["reset", "wave.csv", "--run-dir", "run", "--yes", "--auth", "browser"];

fn stage(faults: &str) -> Stage {
    Stage::with(faults, |seen, _| panic!("{} is not for this service", seen.line()))
}

fn curl() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let found = env::split_paths(&path).map(|folder| folder.join("curl")).find(|file| file.is_file());
    if found.is_none() {
        #[expect(clippy::print_stderr, reason = "reports what is not tested")]
        {
            eprintln!("no curl on this machine: signing in through a browser's program is not tested");
        }
    }
    found
}

/// A script that opens its page like a browser, and saves what it shows; `times` pages at most.
fn browser(home: &Path, curl: &Path, times: usize) -> PathBuf {
    let script = home.join("my browser");
    let text = format!(
        "#!/bin/sh\necho x >> '{0}/visits'\nn=0\nwhile read -r line; do n=$((n + 1)); done < '{0}/visits'\n\
         [ $n -le {times} ] || exit 0\nexec '{1}' -sL --noproxy '*' -H 'Accept-Language: es' -o '{0}/page.html' \"$1\"\n",
        home.display(),
        curl.display()
    );
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    script
}

/// The program with the simulator as sign-in service, and with `browser`.
fn program(stage: &Stage, browser: &Path, arguments: &[&str]) -> Command {
    let mut command = stage.program(arguments);
    command.env("AZURE_AUTHORITY_HOST", &stage.served.url).env("BROWSER", browser);
    command
}

/// How a reset ends: exit code, and what was said.
fn reset(stage: &Stage, browser: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = program(stage, browser, &[&RESET[..], more].concat()).output().expect("it starts");
    (output.status.code(), said(&output))
}

#[test]
fn signs_in_through_the_named_program() {
    let Some(curl) = curl() else { return };
    for more in [&["--login-hint", "admin@contoso.com"][..], &["--quiet"], &["--json"]] {
        let stage = stage(r#"{"token": {"browser_seconds": 1}}"#);
        let (code, told) = reset(&stage, &browser(stage.home(), &curl, 1), more);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("\n    http://127.0.0.1:") && told.contains("ssh -L "), "{more:?}: {told}");
        assert!(told.contains("as admin@contoso.com") || more == ["--quiet"], "{told}");
        stage.check_ended();
        let page = fs::read_to_string(stage.home().join("page.html"));
        // The script may still be writing when the run has ended.
        assert!(page.is_err() || !page.expect("read").contains("failed"));
    }
}

#[test]
fn each_fault_has_its_words() {
    let Some(curl) = curl() else { return };
    for (fault, words, advice) in [
        ("denied", "AADSTS65004: User declined to consent", "hint: consent was declined"),
        ("wrong_state", "belongs to another request (its state differs)", "hint: close old pages"),
        ("code_used", "AADSTS54005: ", "hint: the code was used already"),
        ("consent_missing", "AADSTS65001: ", "hint: an administrator must consent"),
    ] {
        let stage = stage(&format!(r#"{{"token": {{"browser": "{fault}"}}}}"#));
        let script = browser(stage.home(), &curl, 9);
        let (code, told) = reset(&stage, &script, &["--login-hint", "admin@contoso.com"]);
        assert_eq!(code, Some(3), "{fault}: {told}");
        for expected in [words, advice, "passwave run run --auth browser --login-hint 'admin@contoso.com'"] {
            assert!(told.contains(expected), "{fault}, {expected}: {told}");
        }
        assert_eq!((stage.served.tenant.tally().batches, stage.served.tenant.tally().writes), (0, 0), "{fault}");
        assert_eq!(fs::read_to_string(stage.home().join("visits")).expect("visits"), "x\n", "{fault}");
    }
}

#[test]
fn run_asks_again_and_completes() {
    let Some(curl) = curl() else { return };
    for (faults, is_asked_again) in [
        (r#"{"token": {"revoked_after_requests": 2, "refresh_refused": "sign_in_frequency"}}"#, true),
        (r#"{"token": {"revoked_after_requests": 2, "refresh_refused": "expired"}}"#, true),
        (r#"{"token": {"revoked_after_requests": 2, "refresh_once": true}}"#, false),
    ] {
        let stage = stage(faults);
        let (code, told) =
            reset(&stage, &browser(stage.home(), &curl, 99), &["--concurrency", "1", "--batch-size", "9"]);
        assert_eq!(code, Some(0), "{faults}: {told}");
        assert_eq!(told.contains("Entra wants you to sign in again"), is_asked_again, "{faults}: {told}");
        stage.check_ended();
        assert_eq!(stage.served.tenant.tally().writes, stage.accounts.len() as u64, "each row once");
    }
}

/// The program, once it has printed a line with `words`; and its later output.
fn once_said(command: &mut Command, words: &str) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(lines.read_line(&mut line).expect("text") > 0, "it ends without {words}");
    }
    (child, lines)
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("sent");
}

#[test]
fn interrupted_sign_in_ends_with_130() {
    let stage = stage("{}");
    let mut command = program(&stage, Path::new("/bin/true"), &RESET);
    let (mut child, rest) = once_said(&mut command, "/oauth2/v2.0/authorize?");
    interrupt(&child);
    let rest: Vec<String> = rest.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{rest:?}");
    assert_eq!(stage.served.tenant.tally().batches, 0);
}

#[test]
fn interrupted_wait_keeps_every_row() {
    let Some(curl) = curl() else { return };
    let stage = stage(r#"{"token": {"revoked_after_requests": 4, "refresh_refused": "sign_in_frequency"}}"#);
    let arguments = [&RESET[..], &["--lookup", "off", "--batch-size", "5", "--concurrency", "2"]].concat();
    let mut command = program(&stage, &browser(stage.home(), &curl, 1), &arguments);
    let (mut child, rest) = once_said(&mut command, "Entra wants you to sign in again");
    interrupt(&child);
    let rest: Vec<String> = rest.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("an end").code(), Some(130), "{rest:?}");
    let report = stage.check();
    assert!(report.iter().all(|row| row.status == "reset" || row.status == "pending"), "{rest:?}");
    fs::remove_file(stage.home().join("visits")).expect("visits");
    let script = browser(stage.home(), &curl, 99);
    let ended = program(&stage, &script, &["run", "run", "--auth", "browser"]).output().expect("it starts");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    stage.check_ended();
    assert_eq!(stage.served.tenant.tally().writes, stage.accounts.len() as u64, "each row once");
}

#[test]
fn absent_browser_leaves_the_printed_page() {
    let stage = stage("{}");
    let mut command = program(&stage, Path::new("/no/such browser"), &RESET);
    let (mut child, mut rest) = once_said(&mut command, "If none opens, open this page");
    let mut page = String::new();
    while !page.contains("http") {
        page.clear();
        rest.read_line(&mut page).expect("text");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let shown = runtime.block_on(async { client.get(page.trim()).send().await?.text().await }).expect("a page");
    assert!(shown.contains("You are signed in"), "{shown}");
    let rest: Vec<String> = rest.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().expect("an end").code(), Some(0), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("BROWSER=/no/such browser cannot be started")), "{rest:?}");
    stage.check_ended();
}

#[test]
fn login_hint_needs_the_browser() {
    let stage = stage("{}");
    let all = ["reset", "wave.csv", "--run-dir", "run", "--yes", "--auth", "device-code", "--login-hint", "a@b.c"];
    let refused = stage.program(&all).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--login-hint is for --auth browser") && !stage.home().join("run").exists());
}
