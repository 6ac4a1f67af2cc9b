//! The stories of the engine's own tests, with their runs in a database: random ones, every cut, and deliberately broken engines,
//! which the checkers must catch there, too. `examples/torture.rs --postgres` runs many more.

use crate::{
    checkers::{
        Invariant::{self, Alone, Contract, Ends, FailedKeeps, IntentFirst, OperatorHolds, ResetHolds},
        Violation,
    },
    server::shared,
    torture::{
        self, Story, Told, on_every_core,
        sabotage::{Sabotage, UNTOUCHED},
    },
};
use std::{ops::Range, sync::Mutex};

type Live = fn(Story, &Sabotage) -> Result<Told, Violation>;

fn sealed(story: Story, engine: &Sabotage) -> Result<Told, Violation> {
    torture::live(Story { is_sealed: true, ..story }, engine)
}

fn all(seeds: Range<u64>, live: Live) -> Option<Told> {
    shared()?;
    let sum = Mutex::new(Told::default());
    let fault = on_every_core(seeds, |seed| match live(seed.into(), &UNTOUCHED) {
        Ok(told) => {
            *sum.lock().expect("no thread panicked with it") += told;
            None
        }
        Err(violation) => Some(violation),
    });
    if let Some((seed, violation)) = fault {
        panic!("seed {seed}: {violation}");
    }
    Some(sum.into_inner().expect("no thread panicked with it"))
}

#[test]
fn nothing_is_lost_in_random_stories() {
    let Some(told) = all(0..10, torture::live) else { return };
    assert!(told.cuts > 5 && told.disk_failures > 0 && told.ends[0] > 50, "too little happens: {told:?}");
}

#[test]
fn key_opens_everything_after_faults() {
    let Some(told) = all(10..15, sealed) else { return };
    assert!(told.cuts > 2, "too little happens: {told:?}");
}

/// Runs stories until one catches the engine. The unbroken engine must pass that one.
fn must_be_caught(live: Live, seeds: Range<u64>, broken: &Sabotage, expected: &[Invariant]) {
    let Some(_) = shared() else { return };
    let name = broken.name;
    let caught = on_every_core(seeds, |seed| live(seed.into(), broken).err());
    let (seed, violation) = caught.unwrap_or_else(|| panic!("an engine that {name} is never caught"));
    eprintln!("seed {seed} catches an engine that {name}: {violation}");
    assert!(expected.contains(&violation.invariant), "seed {seed}, an engine that {name}: {violation}");
    let sound = live(seed.into(), &UNTOUCHED);
    assert!(sound.is_ok(), "seed {seed} finds a fault in the engine as it is: {sound:?}");
}

/// A trigger that changes what is stored.
macro_rules! trigger {
    ($when:literal, $table:literal, $body:literal) => {
        concat!(
            "CREATE FUNCTION public.bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ",
            $body,
            " RETURN NEW; END $$; CREATE TRIGGER bad BEFORE ",
            $when,
            " ON passwave.",
            $table,
            " FOR EACH ROW EXECUTE FUNCTION public.bad()"
        )
    };
}

#[test]
fn engine_that_sends_without_an_intent_is_caught() {
    let sends = Sabotage {
        name: "sends what the server has not stored",
        ledger: trigger!(
            "UPDATE",
            "account",
            "IF NEW.state = 'in_flight' AND NEW.\"row\" % 3 = 0 THEN NEW.state := 'planned'; END IF;"
        ),
        ..UNTOUCHED
    };
    must_be_caught(torture::live, 0..40, &sends, &[IntentFirst]);
}

#[test]
fn engine_that_forgets_a_replaced_password_is_caught() {
    let drops = Sabotage {
        name: "drops the password that another one replaces",
        ledger: trigger!("INSERT", "replaced", "IF true THEN RETURN NULL; END IF;"),
        ..UNTOUCHED
    };
    must_be_caught(torture::live, 0..200, &drops, &[OperatorHolds, Contract, Ends]);
}

#[test]
fn engine_that_lets_a_second_process_in_is_caught() {
    let lets_in = Sabotage {
        name: "does not renew its lease",
        ledger: trigger!("UPDATE", "run", "NEW.until := clock_timestamp() - interval '1 second';"),
        ..UNTOUCHED
    };
    must_be_caught(torture::live, 0..100, &lets_in, &[Alone]);
}

#[test]
fn engine_that_takes_a_doubt_for_a_reset_is_caught() {
    let reset = Sabotage {
        name: "calls a doubt a reset",
        report: |rows| {
            for row in rows.iter_mut().filter(|row| row.status == "in_doubt") {
                row.status = "reset".into();
                row.changed_at = "2026-11-26T12:00:00Z".into();
            }
        },
        ..UNTOUCHED
    };
    must_be_caught(torture::live, 0..200, &reset, &[ResetHolds]);
}

#[test]
fn engine_that_forgets_a_lost_answer_is_caught() {
    let forgets = Sabotage {
        name: "forgets a lost answer",
        ledger: trigger!(
            "UPDATE",
            "account",
            "IF NEW.state = 'planned' AND NEW.doubt = 1 THEN NEW.doubt := 0; NEW.proof := NULL; END IF;"
        ),
        ..UNTOUCHED
    };
    must_be_caught(torture::live, 0..400, &forgets, &[FailedKeeps, OperatorHolds]);
}
