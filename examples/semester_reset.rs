//! A school resets 3,600 pupils before the semester, on a bad day, and the machine dies half way.
//!
//! ```text
//! cargo run --example semester_reset
//! ```
//!
//! What a loop of single requests cannot do: after the crash the report says which password may be in force where, and the
//! second call goes on where the first one was cut. Minutes of quota and trouble pass in a moment, on a paused clock.

#![expect(clippy::print_stdout, reason = "an example tells what it did")]

use passwave::{
    graph::simulator::{Account, Faults, Simulator, SimulatorConfig},
    ledger::{Ledger, LedgerError},
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    run::{self, RunError, RunOptions},
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

    // The process dies after a minute: the run is dropped where it stands, with batches in flight and no goodbye.
    match timeout(Duration::from_secs(60), carry_on(&folder, &tenant)).await {
        Err(_cut) => println!("\nafter {:.0?} the machine dies", began.elapsed()),
        Ok(end) => end?,
    }

    // What an operator holds at this moment, before anything is resumed: the report is right already.
    let ledger = Ledger::open_to_read(&folder)?;
    println!("the report after the crash: {:?}", report::write(&ledger)?.counts);
    compare(&ledger, &tenant)?;
    drop(ledger);

    // And again: what was in flight is in doubt, so the same passwords are sent once more. `passwave run` does no more.
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
    let settings = Settings { rehearsal: true, ..Settings::new(&roster, policy.clone()) };
    let created = Ledger::create(folder, settings, Plan::new(&roster, Generator::new(&policy)?))?;
    let counts = created.ledger.counts();
    println!("{}: {} to reset, {} skipped", roster.name(), counts.planned, counts.skipped);

    // A half-empty quota, another job on it, 5xx, lost answers, stalls, an outage, refused passwords: all from one seed.
    let tenant = Simulator::new(SimulatorConfig { faults: Faults::storm(), seed: 9, ..SimulatorConfig::default() });
    for row in roster.rows() {
        if let Ok(upn) = row?.address {
            tenant.add(Account::from(&upn));
        }
    }
    Ok(tenant)
}

/// Opens the ledger, which settles what an earlier process left open, and works until every row has ended.
async fn carry_on(folder: &Path, tenant: &Simulator) -> Result<(), RunError> {
    let mut ledger = Ledger::open(folder)?;
    run::run(&mut ledger, tenant, &RunOptions::default(), pending(), &mut |_event| {}).await?;
    Ok(())
}

/// Every password that the tenant has taken must stand in the report, at the right row.
fn compare(ledger: &Ledger, tenant: &Simulator) -> Result<(), LedgerError> {
    let (mut taken, mut held) = (0, 0);
    ledger.for_each_row(|row| {
        // A skipped row may name an account that another row has reset.
        let in_force = tenant.password(&row.user_principal_name).filter(|_| row.status != "skipped");
        if let Some(in_force) = in_force {
            taken += 1;
            held += u64::from(row.password.is_some_and(|shown| shown.expose() == in_force.expose_secret()));
        }
        Ok::<_, LedgerError>(())
    })?;
    println!("{taken} accounts have a new password, and the report shows it for {held} of them");
    Ok(())
}
