//! Looks into a database from outside: its tables, its files, and sessions of others.

use crate::server::Database;
use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// How long something may take, on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A session of psql.
pub struct Session {
    child: Child,
    input: ChildStdin,
}

impl Session {
    pub fn end(mut self) {
        drop(self.input);
        self.child.wait().expect("it ends");
    }
}

impl Database<'_> {
    /// Everything in it, as text.
    pub fn dump(&self) -> Vec<u8> {
        let mut dump = Command::new(self.server.bin.join("pg_dump"));
        dump.args(["-h", "127.0.0.1", "-U", "boss", "-p"]).arg(self.server.port.to_string()).arg(&self.name);
        let output = dump.output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// The contents of its files on disk.
    pub fn files(&self) -> Vec<Vec<u8>> {
        self.sql("CHECKPOINT");
        let number = self.sql("SELECT oid FROM pg_database WHERE datname = current_database()");
        let folder = self.server.home.join("data/base").join(number);
        let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        files.filter_map(|file| fs::read(file).ok()).collect()
    }

    /// A session that has run these statements, and does nothing more.
    pub fn reader(&self, sql: &str) -> Session {
        let mut psql = Command::new(self.server.bin.join("psql"));
        psql.args(["-X", "-q", "-h", "127.0.0.1", "-U", "boss", "-p"]).arg(self.server.port.to_string());
        psql.arg("-d").arg(&self.name).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().expect("it starts");
        let mut input = child.stdin.take().expect("an input");
        writeln!(input, "{sql}\n\\echo done").expect("it reads");
        let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line == "done")), "{sql}");
        Session { child, input }
    }

    /// Waits until a statement returns true.
    pub fn wait_for(&self, sql: &str) {
        let began = Instant::now();
        while self.sql(sql) != "t" {
            assert!(began.elapsed() < LIMIT, "{sql} is not true");
            sleep(Duration::from_millis(50));
        }
    }
}
