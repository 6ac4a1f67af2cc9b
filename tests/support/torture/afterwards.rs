//! After a run: sweeps while people choose passwords of their own, and the removal of all passwords. Each of them is cut off
//! somewhere and called again.

use super::script::Script;
use crate::{
    checkers::{Invariant, Row, Violation},
    world::World,
};
use passwave::{
    engine::sweep::{SweepEnd, sweep},
    ledger::ClaimState,
    report::remove_passwords,
};
use secrecy::ExposeSecret;
use std::{
    collections::BTreeSet,
    fs,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// A sweep that has not ended after so many processes never will.
const PROCESSES_MAX: u32 = 40;
/// How many sweeps there are.
const SWEEPS: u32 = 3;
/// The number of steps of a removal, and more.
const STEPS_MAX: u64 = 8;
/// What people choose.
const CHOSEN: &str = "Chosen-afterwards-1";
/// So many bytes of a password reveal it.
const PIECE: usize = 10;

/// Sweeps and removes. If `is_exact`, all clocks agree, and only this function changes passwords.
pub async fn afterwards(world: &World, script: &mut Script, is_exact: bool) -> Result<(), Violation> {
    let before = told(&world.report());
    let mut chosen = BTreeSet::new();
    for _ in 0..SWEEPS {
        sleep(Duration::from_secs(86_400)).await;
        swept(world, script).await?;
        let claimed = claimed(world);
        if is_exact && let Some(row) = claimed.iter().find(|row| !chosen.contains(*row)) {
            return Err(Violation::new(Invariant::Contract, format!("row {row} is claimed, but nobody has chosen")));
        }
        must_be(&before, world, "a sweep")?;
        let row = usize::try_from(script.number(world.accounts.len() as u64)).expect("few rows");
        world.tenant.change_elsewhere(&world.accounts[row], CHOSEN);
        chosen.insert(row as u64 + 1);
    }
    removed(world, script)?;
    must_be(&before, world, "the removal")
}

/// What a report says of each row, without passwords.
fn told(rows: &[Row]) -> Vec<(u64, String, String)> {
    rows.iter().map(|row| (row.row, row.status.clone(), row.code.clone())).collect()
}

fn must_be(before: &[(u64, String, String)], world: &World, after: &str) -> Result<(), Violation> {
    if told(&world.report()) == before {
        return Ok(());
    }
    Err(Violation::new(Invariant::EveryRowOnce, format!("after {after}, the report says something else")))
}

fn claimed(world: &World) -> BTreeSet<u64> {
    let mut rows = BTreeSet::new();
    let mut note = |row, state| {
        if state == ClaimState::Yes {
            rows.insert(row);
        }
    };
    world.reader().for_each_claim(&mut note).expect("claims");
    rows
}

/// Sweeps to the end, by as many processes as that takes. Some of them are cut off.
async fn swept(world: &World, script: &mut Script) -> Result<(), Violation> {
    for nth in 0..PROCESSES_MAX {
        let life = Duration::from_millis(1 + script.number(2_000));
        let life = if nth < 2 { life } else { Duration::from_secs(7 * 86_400) };
        let mut ledger = world.ledger();
        let pace = &world.options.pace;
        let mut hear_nothing = |_| {};
        let working = sweep(&mut ledger, &world.tenant, pace, Duration::ZERO, pending(), &mut hear_nothing);
        match timeout(life, working).await {
            Ok(Ok(SweepEnd::Finished(_) | SweepEnd::Denied(_))) => return Ok(()),
            // Cut off, or trouble that may have passed later.
            Ok(_) | Err(_) => sleep(Duration::from_secs(3_600)).await,
        }
    }
    Err(Violation::new(Invariant::Ends, format!("{PROCESSES_MAX} processes did not end a sweep")))
}

/// Removes the passwords, cut off after some step and called again. Then no byte of the folder may have one.
fn removed(world: &World, script: &mut Script) -> Result<(), Violation> {
    let given = world.accounts.iter().flat_map(|account| world.tenant.ever_given(account));
    let given = given.filter(|password| password.expose_secret() != CHOSEN);
    let pieces: BTreeSet<Vec<u8>> =
        given.filter_map(|password| Some(password.expose_secret().as_bytes().get(..PIECE)?.to_vec())).collect();
    if world.key.is_none() && !pieces.is_empty() && leak(&world.folder(), &pieces).is_none() {
        return Err(Violation::new(Invariant::OperatorHolds, "the passwords are gone before their removal"));
    }
    let last = script.number(STEPS_MAX);
    let mut steps = 0;
    let cut = catch_unwind(AssertUnwindSafe(|| {
        let stop = &mut |_| {
            steps += 1;
            if steps > last {
                resume_unwind(Box::new("cut off"));
            }
        };
        remove_passwords(&mut world.ledger(), stop).map(drop)
    }));
    let failed = |error: &dyn std::fmt::Display| Violation::new(Invariant::Ends, format!("a removal failed: {error}"));
    if let Ok(removed) = cut {
        removed.map_err(|error| failed(&error))?;
    }
    remove_passwords(&mut world.ledger(), &mut |_| {}).map_err(|error| failed(&error))?;
    match leak(&world.folder(), &pieces) {
        None => Ok(()),
        Some(file) => Err(Violation::new(Invariant::Contract, format!("{file} has a password after its removal"))),
    }
}

/// The first file that has one of the pieces.
fn leak(folder: &Path, pieces: &BTreeSet<Vec<u8>>) -> Option<String> {
    let mut files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    files.find_map(|path| {
        if path.is_dir() {
            return leak(&path, pieces);
        }
        let bytes = fs::read(&path).expect("readable");
        let has = bytes.windows(PIECE).any(|window| pieces.contains(window));
        has.then(|| path.display().to_string())
    })
}
