//! `report.html` and handouts in a real browser: headless Chromium, if the machine has it (`apt-get install
//! chromium-driver`).
#![expect(clippy::print_stderr, reason = "reports a missing browser, and the figures")]

mod browser;
mod contrast;
mod handouts;
mod large;
mod layout;
#[path = "../support/served.rs"]
mod served;
mod sign_in;
mod small;

use browser::Browser;
use passwave::{
    engine::run::{self, RunOptions},
    ledger::{Ledger, LedgerError, ReportRow},
    password::{BannedWords, Generator, PasswordPolicy, Style},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};
use std::path::PathBuf;
use tempfile::TempDir;

/// A run folder with its page.
struct Page {
    ledger: Ledger,
    home: TempDir,
}

impl Page {
    /// A plan of this roster, with its page.
    fn planned(csv: String, rehearsal: bool) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster");
        let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
        let mut settings = Settings::new(&roster, policy.clone());
        settings.rehearsal = rehearsal;
        let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
        let ledger = Ledger::create(&home.path().join("run"), settings, plan).expect("a ledger").ledger;
        report::write(&ledger).expect("reports");
        Self { ledger, home }
    }

    /// The same after a run against a tenant with these accounts and faults.
    fn run(mut self, accounts: &[String], faults: &str) -> Self {
        let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let tenant = Simulator::new(SimulatorConfig::default().with_faults(faults));
            accounts.iter().for_each(|name| tenant.add(Account::normal(name)));
            let stop = std::future::pending();
            run::run(&mut self.ledger, &tenant, &RunOptions::default(), stop, &mut |_| {}).await.expect("a run");
        });
        report::write(&self.ledger).expect("reports");
        self
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("run/report.html")
    }

    /// The passwords that the report shows.
    fn passwords(&self) -> Vec<String> {
        let mut passwords = Vec::new();
        let note = |row: ReportRow| {
            passwords.extend(row.password.map(|password| password.expose().to_owned()));
            Ok::<_, LedgerError>(())
        };
        self.ledger.for_each_row(note).expect("rows");
        passwords
    }
}

/// A browser, or a message that there is none.
fn browser() -> Option<Browser> {
    let browser = Browser::start();
    if browser.is_none() {
        eprintln!("skipped: chromedriver cannot be started here (apt-get install chromium chromium-driver)");
    }
    browser
}
