//! Whole stories of a run, each from one seed: planned, looked up, sent, cut off, resumed, ended, and checked after
//! every process by checkers that do not know any of this. In some, sweeps and the removal of the passwords follow.
//!
//! The tests run some hundred seeds, `examples/torture.rs` any number. A seed always gives the same story, except for
//! the passwords, which come from the system's randomness.

mod afterwards;
mod disk;
mod disturbances;
mod ending;
mod every_cut;
mod life;
pub mod sabotage;
mod script;
mod true_time;

use super::checkers::{Invariant, Violation};
use sabotage::Sabotage;
use std::{
    any::Any,
    collections::BTreeMap,
    num::NonZero,
    ops::{AddAssign, Range},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::{available_parallelism, scope},
};

/// One in this many seeds is a small scenario that is cut everywhere in turn.
pub const EVERY_CUT_EACH: u64 = 100;

/// A story to run.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// The source of all random choices.
    pub seed: u64,
    /// Whether users choose their own passwords meanwhile, at the worst moments. After a crash, a directory that only
    /// shows when a password was changed cannot always show who changed it.
    pub with_people: bool,
    /// Whether the passwords are sealed, and only some of the processes get the key.
    pub is_sealed: bool,
}

impl From<u64> for Story {
    fn from(seed: u64) -> Self {
        Self { seed, with_people: false, is_sealed: false }
    }
}

/// What happened in a story.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Processes, including those that were cut off.
    pub processes: u64,
    /// Processes that were cut off, or whose ledger could not be written.
    pub cuts: u64,
    /// Of these, those whose ledger could not be written.
    pub disk_failures: u64,
    /// Batches that were sent.
    pub batches: u64,
    /// Rows that ended `reset`, `failed`, `in_doubt` and `skipped`.
    pub ends: [u64; 4],
    /// A hash of the trace: equal for equal stories.
    pub trace: u64,
}

impl AddAssign for Told {
    fn add_assign(&mut self, other: Self) {
        self.processes += other.processes;
        self.cuts += other.cuts;
        self.disk_failures += other.disk_failures;
        self.batches += other.batches;
        self.ends.iter_mut().zip(other.ends).for_each(|(sum, more)| *sum += more);
        self.trace = self.trace.rotate_left(7) ^ other.trace;
    }
}

/// Runs a story with an engine that `sabotage` may have broken, with its own runtime and paused clock.
///
/// # Errors
/// Returns the first violation.
pub fn live(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    alone(|| runtime().block_on(life::live(story, sabotage)))
}

/// Runs a small scenario of a story again and again, cut at every moment in turn.
///
/// # Errors
/// Returns the first violation, and its cut.
pub fn every_cut(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    alone(|| every_cut::every_cut(story, sabotage))
}

/// Runs everything that belongs to a story.
///
/// # Errors
/// Returns the first violation.
pub fn everything(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    let mut told = live(story, sabotage)?;
    if story.seed.is_multiple_of(EVERY_CUT_EACH) {
        told += every_cut(story, sabotage)?;
    }
    Ok(told)
}

/// Runs `seeds` in order, on every core, and stops when `each` finds something; returns the first seed that did.
pub fn on_every_core<T: Send>(seeds: Range<u64>, each: impl Fn(u64) -> Option<T> + Sync) -> Option<(u64, T)> {
    let (next, found) = (AtomicU64::new(seeds.start), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                break;
            }
            if let Some(what) = each(seed) {
                next.store(seeds.end, Ordering::Relaxed);
                found.lock().expect("no thread panicked with it").insert(seed, what);
            }
        }
    };
    let cores = available_parallelism().map_or(1, NonZero::get);
    scope(|threads| (0..cores).for_each(|_| drop(threads.spawn(work))));
    found.into_inner().expect("no thread panicked with it").pop_first()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime")
}

/// A panic of the engine is a fault like any other.
fn alone(live: impl FnOnce() -> Result<Told, Violation>) -> Result<Told, Violation> {
    catch_unwind(AssertUnwindSafe(live))
        .unwrap_or_else(|panic| Err(Violation::new(Invariant::Ends, format!("it panicked: {}", words(&*panic)))))
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
