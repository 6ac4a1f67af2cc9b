//! A reader who follows a page: types the commands, waits, and compares the output with the page.

use crate::page::{self, Step};
use serde::Deserialize;
use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Write},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// The simulator's port in the pages. A free port replaces it, because tests run in parallel.
const PORT: &str = "8080";
/// Marks the exit code after a command's output.
const END: &str = "\u{1}";

/// What `passwave simulate` prints.
#[derive(Deserialize)]
pub struct Tenant {
    pub url: String,
    pub tenant_id: String,
    pub client_id: String,
    pub client_secret: String,
}

/// A reader with a shell in the source folder, and more terminals.
pub struct Reader {
    home: TempDir,
    port: String,
    shell: Child,
    input: ChildStdin,
    printed: Lines<BufReader<ChildStdout>>,
    others: Vec<Child>,
}

impl Reader {
    /// Starts on a machine on which only passwave is installed.
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), &home.path().join("examples"));
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let mut shell = bash(home.path()).args(["--noprofile", "--norc"]).spawn().expect("bash");
        let (input, printed) = (shell.stdin.take().expect("a pipe"), shell.stdout.take().expect("a pipe"));
        let mut reader = Self {
            home,
            port: free.port().to_string(),
            shell,
            input,
            printed: BufReader::new(printed).lines(),
            others: Vec::new(),
        };
        writeln!(reader.input, "exec 2>&1").expect("typed");
        reader
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Types a command that no page shows.
    pub fn prepare(&mut self, command: &str) {
        let (printed, code) = self.run(command);
        assert_eq!(code, 0, "{command}: {}", printed.join("\n"));
    }

    /// Starts a tenant with the accounts of `roster`.
    pub fn simulate(&mut self, roster: &str) -> Tenant {
        let command = format!("passwave simulate --port 0 --roster {roster}");
        let step = Step { line: 0, command, output: vec![String::new()], code: 0, runs_on: true };
        serde_json::from_str(&self.begin(&step).concat()).expect("where it is")
    }

    /// Follows a page to its end.
    pub fn follow(&mut self, page: &str) {
        for step in page::read(&page.replace(PORT, &self.port)) {
            let (printed, code) = if step.runs_on { (self.begin(&step), step.code) } else { self.run(&step.command) };
            let printed: Vec<&str> = printed.iter().map(String::as_str).collect();
            assert!(
                page::matches_page(&step.output, &printed) && code == step.code,
                "line {}: $ {}\nit says ({code}):\n{}\nbut the page ({}):\n{}",
                step.line,
                step.command,
                printed.join("\n"),
                step.code,
                step.output.join("\n")
            );
        }
    }

    /// Types a command; returns its output and exit code.
    pub fn run(&mut self, command: &str) -> (Vec<String>, u8) {
        writeln!(self.input, "{{ {command}\n}} </dev/null\nprintf '\\n\\001%s\\n' \"$?\"").expect("typed");
        let mut printed = Vec::new();
        for line in self.printed.by_ref() {
            let line = line.expect("UTF-8");
            if let Some(code) = line.strip_prefix(END) {
                while printed.last().is_some_and(String::is_empty) {
                    printed.pop();
                }
                return (printed, code.parse().expect("a code"));
            }
            printed.push(line);
        }
        panic!("the shell has ended");
    }

    /// Starts a command in another terminal, and waits for as many lines as the page shows.
    fn begin(&mut self, step: &Step) -> Vec<String> {
        let command = format!("exec {}", step.command);
        let mut other = bash(self.home.path()).args(["-c", &command]).spawn().expect("bash");
        let lines = BufReader::new(other.stdout.take().expect("a pipe")).lines().take(step.output.len());
        let printed = lines.map(|line| line.expect("UTF-8")).collect();
        self.others.push(other);
        printed
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in self.others.iter_mut().chain([&mut self.shell]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A shell on a clean machine: passwave is on its path, and no variables are set.
fn bash(home: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_passwave")).parent().expect("a folder");
    let mut bash = Command::new("bash");
    bash.current_dir(home).env_clear().env("HOME", home).env("TERM", "dumb").env("COLUMNS", "100");
    bash.env("PATH", format!("{}:{}", program.display(), env::var("PATH").unwrap_or_default()));
    bash.stdin(Stdio::piped()).stdout(Stdio::piped());
    bash
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("made");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).expect("copied");
        }
    }
}
