//! The program against Graph on loopback, with a sign-in service that the test provides.

use crate::{
    checkers::{self, Row},
    fake_server::{FakeAnswer, FakeServer, Seen},
    served::Served,
};
use passwave::{
    graph::client::auth::Variables,
    simulator::{Request, Simulator},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// More variables that affect the sign-in: the machine's own must not be used.
const LEADING: [&str; 7] =
    ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "AZURE_AUTHORITY_HOST", "GITHUB_ACTIONS", "TF_BUILD"];
const ROWS: usize = 45;

/// A tenant with a roster of its accounts, and a sign-in service.
pub struct Stage {
    pub server: FakeServer,
    pub served: Served,
    /// The roster's accounts, in order.
    pub accounts: Vec<String>,
    home: TempDir,
}

impl Stage {
    /// A stage whose sign-in service uses `answer`, which can issue tokens of the tenant.
    pub fn new(answer: impl Fn(&Seen, &dyn Fn() -> String) -> FakeAnswer + Send + Sync + 'static) -> Self {
        Self::with("{}", answer)
    }

    /// The same, in a tenant with `faults`.
    pub fn with(
        faults: &str,
        answer: impl Fn(&Seen, &dyn Fn() -> String) -> FakeAnswer + Send + Sync + 'static,
    ) -> Self {
        let accounts: Vec<String> = (1..=ROWS).map(|n| format!("pupil{n}@contoso.com")).collect();
        let served = Served::new(&accounts, faults);
        let tenant = Arc::clone(&served.tenant);
        let server = FakeServer::new(move |seen| answer(seen, &|| issue(&tenant)));
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("wave.csv"), format!("UPN\n{}\n", accounts.join("\n"))).expect("a roster");
        Self { server, served, accounts, home }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The ids of the tenant and the application.
    pub fn ids(&self) -> [(&'static str, String); 2] {
        let credentials = self.served.tenant.credentials();
        [("AZURE_TENANT_ID", credentials.tenant_id.clone()), ("AZURE_CLIENT_ID", credentials.client_id.clone())]
    }

    /// The program without credentials. The only Azure CLI is one in the folder `bin`.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.home());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in Variables::READ.into_iter().chain(LEADING) {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.env("PATH", self.home().join("bin")).env("PASSWAVE_NO_CONFIG", "true");
        command
    }

    /// The program with this sign-in service and the loopback Graph.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.args(["--graph-endpoint", &self.served.url, "--write-quota", "100000/1s"]);
        command.env("AZURE_AUTHORITY_HOST", &self.server.url);
        command
    }

    /// Resets all accounts; returns what the program printed.
    pub fn reset(&self, arguments: &[&str], variables: &[(&str, String)]) -> String {
        let all = [&["reset", "wave.csv", "--run-dir", "run", "--yes"], arguments].concat();
        let output = self.program(&all).envs(variables.iter().map(|(name, value)| (name, value))).output();
        let output = output.expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(output.stdout.is_empty());
        self.check_ended();
        said(&output)
    }

    /// Checks the report in its current state.
    pub fn check(&self) -> Vec<Row> {
        let report = checkers::read(&fs::read(self.home().join("run/report.csv")).expect("a report"));
        checkers::check(&report, &self.accounts, &self.served.tenant, &[]).expect("the invariants");
        report
    }

    /// Checks that all accounts were reset.
    pub fn check_ended(&self) {
        let report = self.check();
        checkers::check_ended(&report).expect("the end");
        assert!(report.len() == ROWS && report.iter().all(|row| row.status == "reset"));
    }

    /// A token of the tenant.
    pub fn token(&self) -> String {
        issue(&self.served.tenant)
    }
}

/// A token of the tenant, issued for its own secret.
fn issue(tenant: &Simulator) -> String {
    let credentials = tenant.credentials();
    let form = format!(
        "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={}&client_secret={}",
        credentials.client_id,
        credentials.client_secret.expose_secret()
    );
    let target = format!("/{}/oauth2/v2.0/token", credentials.tenant_id);
    let request = Request { method: "POST", target: &target, headers: &[], body: form.as_bytes() };
    let answer = tenant.handle(&request).answer.expect("an answer");
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// A token that is valid for an hour, as Entra issues it.
pub fn issued(token: &str) -> FakeAnswer {
    (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}))
}

/// What a process printed on stderr.
pub fn said(output: &Output) -> String {
    // Printed commands name the program as on Unix.
    String::from_utf8_lossy(&output.stderr).replace("passwave.exe ", "passwave ")
}
