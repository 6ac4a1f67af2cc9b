//! Deliberately broken engines, each of which the checkers must catch.
//!
//! Each is the real engine with a wrapper around the ledger's file, or around the connection to the tenant. The wrapper
//! does what the broken engine would have done, so the checkers see the same result.

mod books;
mod letters;
mod writeback;

use crate::{
    checkers::{Invariant, Violation},
    torture::{
        Story, Told, live, on_every_core,
        sabotage::{Sabotage, UNTOUCHED},
    },
};

/// At least one of these seeds must catch each engine.
const SEEDS: u64 = 1_200;

/// A function that runs the story of a seed.
type Live = fn(Story, &Sabotage) -> Result<Told, Violation>;

/// Runs stories until one catches each of `engines`; the checkers must report one of the expected invariants.
fn must_be_caught(engines: &[(Sabotage, &[Invariant])]) {
    engines.iter().for_each(|(broken, expected)| must_be_caught_by(live, SEEDS, broken, expected));
}

/// Runs at most this many `seeds` until one catches the engine. The unbroken engine must pass that seed.
#[expect(clippy::print_stdout, reason = "the table of seeds, which --nocapture shows")]
fn must_be_caught_by(live: Live, seeds: u64, broken: &Sabotage, expected: &[Invariant]) {
    let name = broken.name;
    let caught = on_every_core(0..seeds, |seed| live(seed.into(), broken).err());
    let (seed, violation) = caught.unwrap_or_else(|| panic!("an engine that {name} passes {seeds} seeds"));
    println!("seed {seed} catches an engine that {name}: {violation}");
    assert!(expected.contains(&violation.invariant), "seed {seed}, an engine that {name}: {violation}");
    let sound = live(seed.into(), &UNTOUCHED);
    assert!(sound.is_ok(), "seed {seed} finds a fault in the engine as it is: {sound:?}");
}
