//! New users start on Monday: give each account of a bulk-create template a password that can be read out on the phone.
//!
//! ```text
//! cargo run --example onboarding_wave
//! ```
//!
//! All steps once, without trouble: roster, plan, ledger, run, report. The directory is the embedded simulator, so
//! nothing leaves this process.

#![expect(clippy::print_stdout, reason = "an example prints what it did")]

use passwave::{
    engine::run::{self, RunOptions},
    ledger::{Created, Ledger, LedgerError},
    password::{BannedWords, Form, Generator, PasswordPolicy, Style},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    simulator::{Account, Simulator, SimulatorConfig},
};
use std::{error::Error, future::pending, path::Path};

const ROSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rosters/onboarding.csv");

/// On a paused clock, all waits are skipped, and the clock jumps ahead by the same time.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // 1. The roster. passwave detects its version row, Example row, byte order mark and bracketed headers.
    let roster = Roster::open(Path::new(ROSTER), &RosterOptions::default())?;
    println!("{}: accounts are in column {:?}", roster.name(), roster.header()[roster.upn_column()]);

    // 2. The policy. Words suit people; the company's own name is banned, because everyone would guess it first.
    let words = Style::Words { words: 4, separator: "-".into() };
    let policy = PasswordPolicy::new(words, BannedWords::read("contoso\nwelcome")?)?;
    println!("passwords of four words: {:.1} bits of entropy", policy.entropy_bits(Form::default()));

    // 3. The plan, on disk. From here on, all decisions are made, and every password is safe from a crash.
    let place = tempfile::tempdir()?;
    let mut settings = Settings::new(&roster, policy.clone());
    settings.rehearsal = true;
    let plan = Plan::new(&roster, Generator::new(&policy)?);
    let Created { mut ledger, skipped } = Ledger::create(&place.path().join("onboarding"), settings, plan)?;
    for row in &skipped {
        println!("skipped, {}: {}", row.skip.code(), row.message);
    }

    // 4. A tenant that has the accounts. For a real tenant, use `GraphClient` instead: both are a `Graph`.
    let tenant = Simulator::new(SimulatorConfig::default());
    for row in roster.rows() {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }

    // 5. The run: until every row has ended, or until the fourth argument resolves, which never happens here.
    let end = run::run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_event| {}).await?;

    // 6. The report: `report.csv` for whoever hands out the passwords, `summary.json` for programs.
    let summary = report::write(&ledger)?;
    println!("{end:?}: {:?}", summary.counts);

    // The promise, checked: the operator has the password in force for every account.
    let (mut resets, mut in_force) = (0, 0);
    ledger.for_each_row(|row| {
        if let Some(password) = &row.password {
            resets += 1;
            in_force += u64::from(tenant.holds(&row.user_principal_name, password.expose()));
        }
        Ok::<_, LedgerError>(())
    })?;
    println!("{in_force} of {resets} passwords in the report are in force");
    Ok(())
}
