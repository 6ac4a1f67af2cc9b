//! A folder, a simulator with many tenants over loopback, and the program with the credentials for it.

use passwave::{
    account::tenant::TenantName,
    graph::client::auth::Variables,
    simulator::{Account, Faults, SimulatorConfig, Tenants, serve},
};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime, sync::oneshot};

/// Variables that change how the program works: the machine's own must not be used.
const LEADING: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "AZURE_AUTHORITY_HOST",
    "GITHUB_ACTIONS",
    "TF_BUILD",
    "PASSWAVE_STATE_DIR",
];

/// Many tenants and a place to work.
pub struct Place {
    pub tenants: Tenants,
    url: String,
    home: TempDir,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Place {
    /// Tenants with these domains, with `each` accounts and these faults. The roster `trust.csv` has all accounts, the
    /// tenants in turn.
    pub fn new(domains: &[&str], each: usize, faults: &str) -> Self {
        let names: Vec<_> = domains.iter().map(|domain| TenantName::parse(domain).expect("a domain")).collect();
        let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
        let config = SimulatorConfig::default().with_faults(faults);
        let (ready, listening) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let tenants = Tenants::new(&names, &config);
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let url = format!("http://{}", listener.local_addr().expect("an address"));
                ready.send((tenants.clone(), url)).expect("awaited");
                serve(tenants, listener, async { drop(stopped.await) }).await;
            });
        });
        let (tenants, url) = listening.recv().expect("it listens");
        let home = tempfile::tempdir().expect("a folder");
        let mut roster = "upn,School\n".to_owned();
        for nth in 1..=each {
            for domain in domains {
                tenants.get(domain).expect("served").add(Account::normal(format!("user{nth}@{domain}")));
                roster += &format!("user{nth}@{domain},{domain}\n");
            }
        }
        fs::write(home.path().join("trust.csv"), roster).expect("a roster");
        Self { tenants, url, home, stop: Some(stop), server: Some(server) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect(name)
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("JSON")
    }

    /// The id of a tenant.
    pub fn id(&self, domain: &str) -> String {
        self.tenants.get(domain).expect("served").credentials().tenant_id.clone()
    }

    /// The program with the credentials of the application.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in Variables::READ.into_iter().chain(LEADING) {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        let credentials = self.tenants.first().credentials();
        command.env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command.env("PASSWAVE_NO_CONFIG", "true").env("PASSWAVE_STATE_DIR", self.path("state"));
        command.env("PASSWAVE_GRAPH_ENDPOINT", &self.url).env("AZURE_AUTHORITY_HOST", &self.url);
        command
    }

    /// Runs it; its exit code and everything that it says.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.program(arguments).output().expect("it starts");
        (output.status.code(), said(&output))
    }

    /// Checks that each account of these tenants has the password that the report over all shows.
    pub fn everybody_holds(&self, report: &Path, domains: &[&str]) {
        let mut reader = csv::ReaderBuilder::new().from_path(report).expect("a report");
        let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let at =
            |name: &str| header.iter().position(|column| column.trim_start_matches('\u{feff}') == name).expect(name);
        let (upn, status, password, tenant) = (at("user_principal_name"), at("status"), at("password"), at("tenant"));
        let mut rows = 0;
        for row in reader.records() {
            let row = row.expect("a row");
            rows += 1;
            assert_eq!(row[0].parse(), Ok(rows), "in roster order");
            let Some(domain) = domains.iter().find(|domain| **domain == &row[tenant]) else { continue };
            assert_eq!(&row[status], "reset", "{row:?}");
            assert!(self.tenants.get(domain).expect("served").holds(&row[upn], &row[password]), "{row:?}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.server.take().map(JoinHandle::join);
    }
}

/// Everything that the program says.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
