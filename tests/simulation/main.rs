//! The whole engine against the simulated tenant, on a clock that stands still while it works.
//!
//! The lives are drawn from seeds, and the message of a failure names its own. `PASSWAVE_SEED` runs that seed alone and
//! `PASSWAVE_SEEDS` that many of them; `examples/torture.rs` goes through many more.

#[path = "../support/checkers.rs"]
mod checkers;
#[cfg(feature = "seal")]
#[path = "../support/copy.rs"]
mod copy;
#[path = "../support/forger.rs"]
mod forger;
#[path = "../support/torture/mod.rs"]
#[expect(dead_code, reason = "the example goes through everything")]
mod torture;
#[path = "../support/watch.rs"]
mod watch;
#[path = "../support/world.rs"]
mod world;

mod afterwards;
mod again;
mod broken;
mod guards;
mod lives;
mod looking;
mod meeting;
#[cfg(target_os = "linux")]
mod moved;
mod pacing;
mod profiles;
#[cfg(feature = "seal")]
mod renewing;
mod scenarios;
#[cfg(feature = "seal")]
mod sealed;
#[cfg(feature = "seal")]
mod sealed_report;
mod tampered;
mod verdicts;
mod waits;
