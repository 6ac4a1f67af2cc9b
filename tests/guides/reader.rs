//! Somebody who follows a guide: types what stands there, waits, and compares what comes with what is shown.

use crate::page::{self, Deed};
use std::{
    env, fs,
    io::{BufRead, BufReader, Lines, Write},
    net::TcpListener,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};
use tempfile::TempDir;

/// The port that the guides give the simulator; a free one stands in for it, since tests run beside others.
const PORT: &str = "8080";
/// Comes before the code that a command ends with.
const END: &str = "\u{1}";

/// A person with a shell in the folder of the source, and other terminals.
pub struct Reader {
    home: TempDir,
    port: String,
    shell: Child,
    typed: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    others: Vec<Child>,
}

impl Reader {
    /// Begins on a machine where passwave is installed and nothing else was done.
    pub fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), &home.path().join("examples"));
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let mut shell = bash(home.path()).args(["--noprofile", "--norc"]).spawn().expect("bash");
        let (typed, said) = (shell.stdin.take().expect("a pipe"), shell.stdout.take().expect("a pipe"));
        let mut reader = Self {
            home,
            port: free.port().to_string(),
            shell,
            typed,
            said: BufReader::new(said).lines(),
            others: Vec::new(),
        };
        writeln!(reader.typed, "exec 2>&1").expect("typed");
        reader
    }

    /// Follows a page to its end.
    pub fn follow(&mut self, page: &str) {
        for deed in page::read(&page.replace(PORT, &self.port)) {
            let (said, code) = if deed.goes_on { (self.begin(&deed), deed.code) } else { self.type_in(&deed.command) };
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            assert!(
                page::agree(&deed.says, &said) && code == deed.code,
                "line {}: $ {}\nit says ({code}):\n{}\nbut the guide ({}):\n{}",
                deed.line,
                deed.command,
                said.join("\n"),
                deed.code,
                deed.says.join("\n")
            );
        }
    }

    fn type_in(&mut self, command: &str) -> (Vec<String>, u8) {
        writeln!(self.typed, "{{ {command}\n}} </dev/null\nprintf '\\n\\001%s\\n' \"$?\"").expect("typed");
        let mut said = Vec::new();
        for line in self.said.by_ref() {
            let line = line.expect("UTF-8");
            if let Some(code) = line.strip_prefix(END) {
                while said.last().is_some_and(String::is_empty) {
                    said.pop();
                }
                return (said, code.parse().expect("a code"));
            }
            said.push(line);
        }
        panic!("the shell has ended");
    }

    /// Begins a command in another terminal, and sees as many lines as the guide shows.
    fn begin(&mut self, deed: &Deed) -> Vec<String> {
        let command = format!("exec {}", deed.command);
        let mut other = bash(self.home.path()).args(["-c", &command]).spawn().expect("bash");
        let lines = BufReader::new(other.stdout.take().expect("a pipe")).lines().take(deed.says.len());
        let said = lines.map(|line| line.expect("UTF-8")).collect();
        self.others.push(other);
        said
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

/// A shell of a clean machine: passwave is on its path, and nothing is set.
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
