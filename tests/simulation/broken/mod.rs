//! Deliberately broken engines, each of which the checkers must catch.
//!
//! Each is the real engine with a bad hand between it and its devices: in the ledger's file, or on the way to the tenant
//! and back. The hand does there what that broken engine would have done, so the checkers see the same.

mod books;
mod letters;

use crate::{
    checkers::{Invariant, Violation},
    torture::{
        Story, Told, live, on_every_core,
        sabotage::{Sabotage, UNTOUCHED},
    },
};

/// Seeds among which one must catch each of them.
const SEEDS: u64 = 1_200;

/// A way to live through a seed.
type Live = fn(Story, &Sabotage) -> Result<Told, Violation>;

/// Goes through lives until one catches each of `engines`; the checkers must say what is expected of each.
fn must_be_caught(engines: &[(Sabotage, &[Invariant])]) {
    engines.iter().for_each(|(broken, expected)| must_be_caught_by(live, SEEDS, broken, expected));
}

/// Goes through at most so many `seeds` until one catches it; that one must find the engine as it is without a fault.
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
