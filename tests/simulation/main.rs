//! The whole engine against the simulated tenant, on a clock that only moves while the engine waits.
//!
//! Stories are generated from seeds, and the message of a failure names its seed. `PASSWAVE_SEED` runs only that seed,
//! and `PASSWAVE_SEEDS` sets their number; `examples/torture.rs` runs many more.

#[path = "../support/checkers.rs"]
mod checkers;
#[cfg(feature = "seal")]
#[path = "../support/copy.rs"]
mod copy;
#[path = "../support/elsewhere.rs"]
mod elsewhere;
#[path = "../support/forger.rs"]
mod forger;
#[path = "../support/torture/mod.rs"]
#[expect(dead_code, reason = "the example runs everything")]
mod torture;
#[path = "../support/watch.rs"]
mod watch;
#[path = "../support/world.rs"]
mod world;

mod afterwards;
mod again;
mod auditing;
mod broken;
mod guards;
mod lives;
mod looking;
mod meeting;
#[cfg(target_os = "linux")]
mod moved;
mod pacing;
mod profiles;
mod reissued;
mod remembered_pace;
mod removal;
#[cfg(feature = "seal")]
mod renewing;
mod scenarios;
#[cfg(feature = "seal")]
mod sealed;
#[cfg(feature = "seal")]
mod sealed_report;
mod sweeping;
mod tampered;
mod verdicts;
mod waits;
mod writeback;

/// Every run is in its folder.
fn elsewhere() -> Option<Box<dyn elsewhere::Elsewhere>> {
    None
}
