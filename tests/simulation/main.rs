//! The whole engine against the simulated tenant, on a clock that stands still while it works.
//!
//! Everything here is drawn from a seed, which the message of a failure names. `PASSWAVE_SEED` runs that seed alone and
//! `PASSWAVE_SEEDS` that many of them.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../support/watch.rs"]
mod watch;
#[path = "../support/world.rs"]
mod world;

mod afterwards;
mod guards;
mod looking;
mod pacing;
mod scenarios;
mod storms;
