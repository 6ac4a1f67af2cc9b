//! Endless and oversized rosters: the program refuses them before memory runs out.

use std::{
    fs::File,
    io::Write,
    process::{Child, Command, Output, Stdio},
    thread,
};
use tempfile::TempDir;

/// The largest roster, in bytes.
const LIMIT: u64 = 512 << 20;
/// Enough for the limit of 512 MiB and for a buffer that doubles as it grows; nothing near the size of these rosters.
#[cfg(unix)]
const ADDRESS_SPACE_KIB: u64 = 4 << 20;

/// `passwave plan ROSTER` in a separate folder and, on Unix, with little memory.
fn plan(home: &TempDir, roster: &str) -> Child {
    #[cfg(unix)]
    let mut command = {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -v {ADDRESS_SPACE_KIB}; exec \"$@\""), "sh"]);
        command.arg(env!("CARGO_BIN_EXE_passwave"));
        command
    };
    #[cfg(not(unix))]
    let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
    command.args(["plan", roster, "--run-dir", "run", "--lookup", "off"]).current_dir(home.path());
    command.env("PASSWAVE_NO_CONFIG", "true").env("PASSWAVE_STATE_DIR", home.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program")
}

fn assert_refused(output: &Output, home: &TempDir) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("more than 512 MiB, which is the limit"), "{said}");
    assert!(!home.path().join("run").exists(), "there is no run");
}

#[test]
fn oversized_roster_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let file = File::create(home.path().join("big.csv")).expect("a file");
    // A sparse file on most systems: it takes no space on the disk.
    file.set_len(LIMIT + 1).expect("space");
    assert_refused(&plan(&home, "big.csv").wait_with_output().expect("an end"), &home);
}

#[test]
fn roster_without_end_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let mut program = plan(&home, "-");
    let mut pipe = program.stdin.take().expect("a pipe");
    let writer = thread::spawn(move || {
        let rows = "pupil@contoso.com\n".repeat(1 << 16);
        let mut written = pipe.write_all(b"UPN\n");
        while written.is_ok() {
            written = pipe.write_all(rows.as_bytes());
        }
    });
    assert_refused(&program.wait_with_output().expect("an end"), &home);
    writer.join().expect("the pipe breaks");
}
