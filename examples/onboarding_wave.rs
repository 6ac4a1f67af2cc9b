//! New people start on Monday: give each account of a bulk-create template a password that can be read over the telephone.
//!
//! ```text
//! cargo run --example onboarding_wave
//! ```
//!
//! The whole journey, once and without trouble: roster, plan, ledger, run, report. The directory is the embedded simulator,
//! so nothing leaves this process.

#![expect(clippy::print_stdout, reason = "an example tells what it did")]

use passwave::{
    graph::simulator::{Account, Simulator, SimulatorConfig},
    ledger::{Created, Ledger, LedgerError},
    password::{BannedWords, Form, Generator, PasswordPolicy, Style},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    run::{self, RunOptions},
};
use std::{error::Error, future::pending, path::Path};

const ROSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rosters/onboarding.csv");

/// On a paused clock all waiting is skipped, and the clock jumps ahead by as much.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    // 1. The roster. Nobody says that it has a version row, an Example row, a byte order mark and bracketed headers.
    let roster = Roster::open(Path::new(ROSTER), &RosterOptions::default())?;
    println!("{}: accounts are in column {:?}", roster.name(), roster.header()[roster.upn_column()]);

    // 2. The policy. Words are for people; the company's own name is what everybody would try first.
    let words = Style::Words { words: 4, separator: "-".into() };
    let policy = PasswordPolicy::new(words, BannedWords::read("contoso\nwelcome")?)?;
    println!("passwords of four words: {:.1} bits of entropy", policy.entropy_bits(Form::default()));

    // 3. The plan, on disk. From here on nothing is decided any more, and every password is safe from a crash.
    let place = tempfile::tempdir()?;
    let settings = Settings { rehearsal: true, ..Settings::new(&roster, policy.clone()) };
    let plan = Plan::new(&roster, Generator::new(&policy)?);
    let Created { mut ledger, skipped } = Ledger::create(&place.path().join("onboarding"), settings, plan)?;
    for row in &skipped {
        println!("skipped, {}: {}", row.skip.code(), row.message);
    }

    // 4. A tenant that has the accounts. `GraphClient` would stand here for a real one: both are a `Graph`.
    let tenant = Simulator::new(SimulatorConfig::default());
    for row in roster.rows() {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }

    // 5. The run: until every row has ended, or until the future in fourth place says stop, which this one never does.
    let end = run::run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_event| {}).await?;

    // 6. The report: `report.csv` for whoever hands the passwords over, `summary.json` for machines.
    let summary = report::write(&ledger)?;
    println!("{end:?}: {:?}", summary.counts);

    // The promise, checked: the operator holds the password that is in force, for every account.
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
