//! A school resets 3,600 pupils before the semester, on a bad day, and the machine dies half way.
//!
//! ```text
//! cargo run --example semester_reset
//! ```
//!
//! A loop of single requests cannot do this: after the crash the report shows which password each account may have, and
//! the second call continues where the first one was cut off. On a paused clock, minutes of quota and trouble take a
//! moment.

#![expect(clippy::print_stdout, reason = "an example prints what it did")]

use passwave::{
    engine::run::{self, RunError, RunOptions},
    graph::quota::Quota,
    ledger::{Ledger, LedgerError, ReadLedger},
    outcome::Status,
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};
use secrecy::ExposeSecret;
use std::{error::Error, future::pending, path::Path, time::Duration};
use tokio::time::{Instant, timeout};

const ROSTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rosters/semester.csv");

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let folder = place.path().join("semester");
    let tenant = plan(&folder)?;
    let began = Instant::now();

    // The process dies after a minute: the run is dropped, with batches in flight and without cleaning up.
    match timeout(Duration::from_secs(60), carry_on(&folder, &tenant)).await {
        Err(_cut) => println!("\nafter {:.0?} the machine dies", began.elapsed()),
        Ok(end) => end?,
    }

    // What an operator has at this moment, before the run continues: the report is already right.
    let ledger = Ledger::open_to_read(&folder)?;
    println!("the report after the crash: {:?}", report::write(&ledger)?.counts);
    compare(&ledger, &tenant)?;
    drop(ledger);

    // And again: requests that were in flight are in doubt, so the same passwords are sent again. `passwave run` does
    // the same.
    carry_on(&folder, &tenant).await?;
    let ledger = Ledger::open_to_read(&folder)?;
    let summary = report::write(&ledger)?;
    println!("\nafter {:.0?} all is done: {:?}", began.elapsed(), summary.counts);
    compare(&ledger, &tenant)?;
    let tally = tenant.tally();
    println!(
        "the tenant saw {} batches, {} writes and {} calls over quota",
        tally.batches, tally.writes, tally.throttled
    );
    Ok(())
}

/// Reads the school's export (semicolons, Windows-1252, a few bad rows) into a ledger, and gives a tenant its accounts.
fn plan(folder: &Path) -> Result<Simulator, Box<dyn Error>> {
    let roster = Roster::open(Path::new(ROSTER), &RosterOptions::default())?;
    let policy = PasswordPolicy::default();
    let mut settings = Settings::new(&roster, policy.clone());
    settings.rehearsal = true;
    let created = Ledger::create(folder, settings, Plan::new(&roster, Generator::new(&policy)?))?;
    let counts = created.ledger.counts();
    println!("{}: {} to reset, {} skipped", roster.name(), counts.planned, counts.skipped);

    // A half-empty quota, another job on it, 5xx, lost answers, stalls, an outage, refused passwords: all from one seed.
    let tenant = Simulator::new(SimulatorConfig::new(Quota::DOCUMENTED_WRITES, 9).with_faults(Faults::storm()));
    for row in roster.rows() {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }
    Ok(tenant)
}

/// Opens the ledger, which resolves what an earlier process left open, and works until every row has ended.
async fn carry_on(folder: &Path, tenant: &Simulator) -> Result<(), RunError> {
    let mut ledger = Ledger::open(folder)?;
    run::run(&mut ledger, tenant, &RunOptions::default(), pending(), &mut |_event| {}).await?;
    Ok(())
}

/// Every password that the tenant accepted must be in the report, in the right row.
fn compare(ledger: &ReadLedger, tenant: &Simulator) -> Result<(), LedgerError> {
    let (mut taken, mut held) = (0, 0);
    ledger.for_each_row(|row| {
        // A skipped row may name an account that another row has reset.
        let in_force = tenant.password(&row.user_principal_name).filter(|_| row.status != Status::Skipped);
        if let Some(in_force) = in_force {
            taken += 1;
            held += u64::from(row.password.is_some_and(|shown| shown.expose() == in_force.expose_secret()));
        }
        Ok::<_, LedgerError>(())
    })?;
    println!("{taken} accounts have a new password, and the report shows it for {held} of them");
    Ok(())
}
