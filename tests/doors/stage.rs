//! The program before a loopback Graph, with a sign-in service in between that this test plays.

use crate::{
    checkers::{self, Row},
    desk::{Desk, Said, Seen},
    served::Served,
};
use passwave::graph::simulator::{Request, Simulator};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// Variables that lead a door somewhere: none of the machine's own may.
const LEADING: [&str; 24] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_OIDCREQUESTURI",
    "SYSTEM_ACCESSTOKEN",
    "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
    "AZURE_SERVICE_CONNECTION_ID",
    "AZURESUBSCRIPTION_TENANT_ID",
    "AZURESUBSCRIPTION_CLIENT_ID",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "GITHUB_ACTIONS",
    "TF_BUILD",
];
const ROWS: usize = 45;

/// A tenant with a roster of its accounts, and a sign-in service.
pub struct Stage {
    pub desk: Desk,
    pub served: Served,
    /// The roster's accounts, in order.
    pub accounts: Vec<String>,
    home: TempDir,
}

impl Stage {
    /// A stage whose sign-in service gives `answer`, which can issue tokens of the tenant.
    pub fn new(answer: impl Fn(&Seen, &dyn Fn() -> String) -> Said + Send + Sync + 'static) -> Self {
        Self::with("{}", answer)
    }

    /// The same in a tenant with `faults`.
    pub fn with(faults: &str, answer: impl Fn(&Seen, &dyn Fn() -> String) -> Said + Send + Sync + 'static) -> Self {
        let accounts: Vec<String> = (1..=ROWS).map(|n| format!("pupil{n}@contoso.com")).collect();
        let served = Served::new(&accounts, faults);
        let tenant = Arc::clone(&served.tenant);
        let desk = Desk::new(move |seen| answer(seen, &|| issue(&tenant)));
        let home = tempfile::tempdir().expect("a folder");
        fs::write(home.path().join("wave.csv"), format!("UPN\n{}\n", accounts.join("\n"))).expect("a roster");
        Self { desk, served, accounts, home }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The tenant's id and the application's.
    pub fn ids(&self) -> [(&'static str, String); 2] {
        let credentials = self.served.tenant.credentials();
        [("AZURE_TENANT_ID", credentials.tenant_id.clone()), ("AZURE_CLIENT_ID", credentials.client_id.clone())]
    }

    /// The program, with no way in; there is no Azure CLI but one in the folder `bin`.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.home());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in LEADING {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.env("PATH", self.home().join("bin")).env("PASSWAVE_NO_CONFIG", "true");
        command
    }

    /// The program before the sign-in service and the loopback Graph.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.args(["--graph-endpoint", &self.served.url, "--write-quota", "100000/1s"]);
        command.env("AZURE_AUTHORITY_HOST", &self.desk.url);
        command
    }

    /// Resets everybody; returns what the program said.
    pub fn reset(&self, arguments: &[&str], variables: &[(&str, String)]) -> String {
        let all = [&["reset", "wave.csv", "--run-dir", "run", "--yes"], arguments].concat();
        let output = self.program(&all).envs(variables.iter().map(|(name, value)| (name, value))).output();
        let output = output.expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(output.stdout.is_empty());
        self.check_ended();
        said(&output)
    }

    /// Checks the report, as it may stand at any moment.
    pub fn check(&self) -> Vec<Row> {
        let report = checkers::read(&fs::read(self.home().join("run/report.csv")).expect("a report"));
        checkers::check(&report, &self.accounts, &self.served.tenant, &[]).expect("the invariants");
        report
    }

    /// Checks that everybody was reset.
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

/// A token of the tenant, for its own secret.
fn issue(tenant: &Simulator) -> String {
    let credentials = tenant.credentials();
    let form = format!(
        "grant_type=client_credentials&scope=x%2F.default&client_id={}&client_secret={}",
        credentials.client_id,
        credentials.client_secret.expose_secret()
    );
    let target = format!("/{}/oauth2/v2.0/token", credentials.tenant_id);
    let request = Request { method: "POST", target: &target, headers: &[], body: form.as_bytes() };
    let answer = tenant.handle(&request).answer.expect("an answer");
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}

/// A token that lives for an hour, as Entra issues it.
pub fn issued(token: &str) -> Said {
    (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}))
}

/// What a process wrote on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
