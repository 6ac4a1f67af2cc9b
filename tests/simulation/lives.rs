//! Hundreds of runs, each with its own roster, tenant, faults and cuts. The checks run after every cut and at the end.

use crate::{
    checkers::Violation,
    torture::{
        self, Story, Told, on_every_core,
        sabotage::{Sabotage, UNTOUCHED},
    },
};
use std::{ops::Range, sync::Mutex};

/// The seeds of stories.
const LIVES: Range<u64> = 0..300;
/// The seeds of stories with sealed passwords.
#[cfg(feature = "seal")]
const SEALED_LIVES: Range<u64> = 0..100;
/// The seeds of small scenarios that are cut at every moment.
const SCENARIOS: Range<u64> = 0..8;

/// The seeds to run.
fn seeds(usual: Range<u64>) -> Range<u64> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    match (number("PASSWAVE_SEED"), number("PASSWAVE_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (_, Some(number)) => 0..number,
        _ => usual,
    }
}

/// Runs all seeds, and prints the totals.
fn all(seeds: Range<u64>, test: &str, live: fn(Story, &Sabotage) -> Result<Told, Violation>) -> Told {
    let sum = Mutex::new(Told::default());
    let fault = on_every_core(seeds, |seed| match live(seed.into(), &UNTOUCHED) {
        Ok(told) => {
            *sum.lock().expect("no thread panicked with it") += told;
            None
        }
        Err(violation) => Some(violation),
    });
    if let Some((seed, violation)) = fault {
        panic!("PASSWAVE_SEED={seed} cargo test --test simulation {test}   # {violation}");
    }
    sum.into_inner().expect("no thread panicked with it")
}

#[test]
fn nothing_is_lost_in_random_stories() {
    let told = all(seeds(LIVES), "whatever_goes_wrong_nothing", torture::live);
    if seeds(LIVES) == LIVES {
        let everything = [told.processes - told.cuts, told.cuts - told.disk_failures, told.disk_failures];
        assert!(everything.into_iter().chain(told.ends).all(|number| number > 50), "too little happens: {told:?}");
    }
}

#[cfg(feature = "seal")]
#[test]
fn key_opens_everything_after_faults() {
    let live = |story: Story, engine: &Sabotage| torture::live(Story { is_sealed: true, ..story }, engine);
    let told = all(seeds(SEALED_LIVES), "whatever_goes_wrong_the_key", live);
    assert!(told.cuts > 50 || seeds(SEALED_LIVES) != SEALED_LIVES, "too little happens: {told:?}");
}

#[cfg(feature = "seal")]
#[test]
fn key_opens_everything_after_cuts() {
    let every_cut = |story: Story, engine: &Sabotage| torture::every_cut(Story { is_sealed: true, ..story }, engine);
    let told = all(seeds(0..2), "cut_at_every_moment_the_key", every_cut);
    assert!(told.cuts > 20, "too little happens: {told:?}");
}

#[test]
fn nothing_is_lost_at_any_cut() {
    let told = all(seeds(SCENARIOS), "cut_at_every_moment_nothing", torture::every_cut);
    assert!(told.cuts > 50 && told.disk_failures > 50, "too little happens: {told:?}");
}

#[test]
fn seeds_repeat_their_stories() {
    for seed in 0..20_u64 {
        let twice = [(); 2].map(|()| torture::live(seed.into(), &UNTOUCHED).map(|told| told.trace));
        assert_eq!(twice[0].as_ref().ok(), twice[1].as_ref().ok(), "seed {seed}");
    }
}
