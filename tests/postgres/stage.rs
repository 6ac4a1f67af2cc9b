//! A planned run of sealed passwords in a database, its tenant, and the processes that work on it. The database notes who
//! took the run when, and who changed it.

use crate::{
    runs::must_hold_in,
    served::Served,
    server::Database,
    steps::{calm, open},
};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Notes each takeover and each commit, with the process that made it. A process says in its address which one it is.
const NOTES: &str = "CREATE TABLE public.taken (epoch bigint, process text, at timestamptz, over timestamptz);
    CREATE TABLE public.written (commits bigint, epoch bigint, process text);
    CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.epoch <> OLD.epoch THEN
            INSERT INTO public.taken VALUES (NEW.epoch, current_setting('test.process', true), clock_timestamp(), OLD.until);
        ELSIF NEW.commits <> OLD.commits THEN
            INSERT INTO public.written VALUES (NEW.commits, NEW.epoch, current_setting('test.process', true));
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER note AFTER UPDATE ON passwave.run FOR EACH ROW EXECUTE FUNCTION public.note()";

/// A planned run, and everything around it.
pub struct Stage<'a> {
    pub home: TempDir,
    pub served: Served,
    pub database: Database<'a>,
    accounts: Vec<String>,
    key: String,
}

impl<'a> Stage<'a> {
    pub fn new(database: Database<'a>, rows: usize) -> Self {
        let accounts: Vec<String> = (1..=rows).map(|n| format!("user{n}@contoso.com")).collect();
        let key = age::x25519::Identity::generate();
        let served = Served::new(&accounts, "{}");
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("wave.csv"), format!("UPN\n{}\n", accounts.join("\n"))).expect("a roster");
        let stage = Self { home, served, database, accounts, key: key.to_string().expose_secret().to_owned() };
        let recipient = key.to_public().to_string();
        let planned =
            stage.command("plan", &["plan", "wave.csv", "--run-dir", "wave", "--seal-to", &recipient]).output();
        let planned = planned.expect("it starts");
        assert_eq!(planned.status.code(), Some(0), "{}", String::from_utf8_lossy(&planned.stderr));
        stage.database.sql(NOTES);
        stage
    }

    /// The program, as a process with this name.
    pub fn command(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        let credentials = self.served.tenant.credentials();
        let url = format!("{}?options=-c%20test.process%3D{name}", self.database.url());
        command.args(words).current_dir(self.home.path()).stdin(Stdio::null()).env_clear();
        command.env("PASSWAVE_LEDGER", url).env("PASSWAVE_STATE_DIR", self.home.path().join("state"));
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("AZURE_AUTHORITY_HOST", &self.served.url).env("PASSWAVE_GRAPH_ENDPOINT", &self.served.url);
        command
    }

    /// Starts the program. It has a folder for reports of its own.
    pub fn start(&self, name: &str, words: &[&str]) -> Child {
        let out = format!("reports-{name}");
        let mut command = self.command(name, &[words, &["--out", &out, "--quiet"]].concat());
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts")
    }

    /// A file with the key to the passwords.
    pub fn key_file(&self) -> PathBuf {
        let file = self.home.path().join("key.txt");
        fs::write(&file, &self.key).expect("a key");
        file
    }

    pub fn number(&self, sql: &str) -> u64 {
        self.database.sql(sql).parse().expect("a number")
    }

    pub fn resets(&self) -> u64 {
        self.number("SELECT count(*) FROM passwave.account WHERE state = 'reset'")
    }

    pub fn epoch(&self) -> u64 {
        self.number("SELECT epoch FROM passwave.run")
    }

    /// Waits until the run has more resets than that.
    pub fn wait_for_more_than(&self, resets: u64) {
        wait("nobody goes on", || self.resets() > resets);
    }

    /// Waits until another process has taken the run.
    pub fn wait_for_takeover(&self, epoch: u64) {
        wait("nobody takes over", || self.epoch() > epoch);
    }

    /// For each time that a process took the run from another one: how long after the end of its lease, in seconds, by
    /// the server's clock.
    pub fn delays(&self) -> Vec<f64> {
        let sql = "SELECT extract(epoch FROM at - over) FROM public.taken WHERE over IS NOT NULL ORDER BY epoch";
        self.database.sql(sql).lines().map(|line| line.parse().expect("a number")).collect()
    }

    /// Each commit was made by the process that had taken the run with that epoch, and by the last one.
    pub fn must_be_written_by_holders(&self) {
        let foreign = "SELECT count(*) FROM public.written JOIN public.taken USING (epoch)
            WHERE written.process IS DISTINCT FROM taken.process";
        let late = "SELECT count(*) FROM (SELECT epoch < lag(epoch) OVER (ORDER BY commits) AS late FROM public.written) AS all_of
            WHERE late";
        let twice = "SELECT count(*) - count(DISTINCT commits) FROM public.written";
        for (sql, what) in [(foreign, "by others"), (late, "by overtaken processes"), (twice, "made twice")] {
            assert_eq!(self.number(sql), 0, "commits {what}");
        }
        assert!(self.number("SELECT count(*) FROM public.written") > 0);
    }

    /// Every account's password is one that the key can read. Returns how many accounts are reset, and how many are not.
    pub fn must_hold(&self) -> (usize, usize) {
        let mut ledger = open(&calm(&self.database.url()), "wave").expect("the run is free");
        must_hold_in(&self.served.tenant, &self.accounts, Some(&self.key), &mut ledger);
        let reset = usize::try_from(ledger.counts().reset).expect("a count");
        (reset, self.accounts.len() - reset)
    }
}

/// Waits until something is so.
pub fn wait(complaint: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{complaint}");
        sleep(Duration::from_millis(20));
    }
}

pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status().expect("it starts");
    assert!(sent.success());
}

/// Ends a process with a signal, and returns what it said.
pub fn end(process: Child, name: &str) -> (Option<i32>, String) {
    signal(process.id(), name);
    let output = process.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
