//! The program, with a search through everything that it produces.

use crate::{
    canary::Canaries,
    checkers,
    fake_server::{FakeAnswer, Seen},
    stage::{Stage, said},
};
use secrecy::ExposeSecret;
use std::{
    cell::RefCell,
    collections::HashSet,
    fs,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

/// Files that may contain secrets: requested ones, and those that the test creates.
const ASKED_FOR: [&str; 6] = ["ledger.db", "report.csv", "report.html", "handouts.html", "input.", "az"];

/// A stage that knows its secrets.
pub struct Watched {
    pub stage: Stage,
    canaries: RefCell<Canaries>,
    issued: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    /// Like [`Stage::with`]; issued tokens become secrets.
    pub fn new(
        faults: &str,
        answer: impl Fn(&Seen, &dyn Fn() -> String) -> FakeAnswer + Send + Sync + 'static,
    ) -> Self {
        let issued = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&issued);
        let stage = Stage::with(faults, move |seen, issue| {
            let issue = || {
                let token = issue();
                kept.lock().expect("whole").push(token.clone());
                token
            };
            answer(seen, &issue)
        });
        let watched = Self { stage, canaries: RefCell::default(), issued };
        let secret = watched.stage.served.tenant.credentials().client_secret.expose_secret().to_owned();
        watched.knows("the simulator's client secret", &secret);
        watched
    }

    /// From now on, `secret` must not appear anywhere.
    pub fn knows(&self, what: &str, secret: &str) {
        self.canaries.borrow_mut().add(what, secret);
    }

    /// The program with the sign-in service, with Graph at `graph`, and with its most verbose output.
    pub fn before(&self, graph: &str, arguments: &[&str]) -> Command {
        let mut command = self.stage.bare(arguments);
        command.args(["--graph-endpoint", graph, "--write-quota", "100000/1s", "-vvv"]);
        command.env("AZURE_AUTHORITY_HOST", &self.stage.server.url).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        command
    }

    /// The same with the simulated Graph.
    pub fn program(&self, arguments: &[&str]) -> Command {
        self.before(&self.stage.served.url, arguments)
    }

    /// Runs it, and searches everything that it produced, except stdout if `stdout_is_asked_for`.
    pub fn run(&self, mut command: Command, stdout_is_asked_for: bool) -> (Option<i32>, String) {
        let output = command.output().expect("it starts");
        self.search(&output, stdout_is_asked_for, &ASKED_FOR);
        (output.status.code(), said(&output))
    }

    /// Every password that an account of the tenant ever had.
    pub fn ever_given(&self) -> HashSet<String> {
        let tenant = &self.stage.served.tenant;
        let given = self.stage.accounts.iter().flat_map(|account| tenant.ever_given(account));
        given.map(|password| password.expose_secret().to_owned()).collect()
    }

    /// Searches the output of a command, and all files except those in `asked_for`.
    pub fn search(&self, output: &Output, stdout_is_asked_for: bool, asked_for: &[&str]) {
        for token in self.issued.lock().expect("whole").iter() {
            self.knows("an access token", token);
        }
        self.learn_passwords(self.stage.home());
        let canaries = self.canaries.borrow();
        canaries.must_not_be_in("stderr", &output.stderr);
        if !stdout_is_asked_for {
            canaries.must_not_be_in("stdout", &output.stdout);
        }
        canaries.must_not_be_below(self.stage.home(), asked_for);
        assert!(!said(output).contains("panicked"), "{}", said(output));
    }

    /// Adds the passwords in all reports below `home`, and those that were sent.
    fn learn_passwords(&self, home: &Path) {
        self.ever_given().iter().for_each(|password| self.knows("a password that was set", password));
        for entry in fs::read_dir(home).expect("a folder") {
            let report = entry.expect("an entry").path().join("report.csv");
            if let Ok(report) = fs::read(report) {
                let rows = checkers::read(&report);
                let passwords = rows.iter().map(|row| &row.password).filter(|password| !password.is_empty());
                passwords.for_each(|password| self.knows("a password", password));
            }
        }
        for seen in self.stage.server.seen() {
            for rest in seen.body.split("\"password\":\"").skip(1) {
                self.knows("a password that was sent", rest.split('"').next().expect("its end"));
            }
        }
    }
}
