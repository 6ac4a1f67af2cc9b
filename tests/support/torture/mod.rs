//! Whole lives of a run, each out of one seed: planned, looked up, sent, cut off, resumed, ended, and checked after every
//! process by checkers that know nothing of all this.
//!
//! The tests go through some hundred seeds, `examples/torture.rs` through as many as one likes. A seed tells the same
//! story each time but for its passwords, which come from the system's randomness.

mod disk;
mod doom;
mod every_cut;
mod fate;
mod life;
mod mishaps;
pub mod sabotage;
mod sky;

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

/// Of so many seeds, one is a small scenario that is cut everywhere in turn.
pub const EVERY_CUT_EACH: u64 = 100;

/// What is lived through.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Where it all comes from.
    pub seed: u64,
    /// Whether people choose passwords of their own meanwhile, at the worst of moments. After a crash, a directory that
    /// tells only when a password was changed cannot always tell whose change it was.
    pub with_people: bool,
    /// Whether the passwords are sealed, and only some of the processes are given the key.
    pub is_sealed: bool,
}

impl From<u64> for Story {
    fn from(seed: u64) -> Self {
        Self { seed, with_people: false, is_sealed: false }
    }
}

/// What was lived through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// Processes, those that were cut off included.
    pub processes: u64,
    /// Processes that were cut off, or whose ledger could not be written.
    pub cuts: u64,
    /// Of these, those whose ledger could not be written.
    pub disk_failures: u64,
    /// Batches that left.
    pub batches: u64,
    /// Rows that ended `reset`, `failed`, `in_doubt` and `skipped`.
    pub ends: [u64; 4],
    /// Moves of the trace: equal for equal stories.
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

/// Lives through a story with an engine that `sabotage` may have broken, on a runtime and a paused clock of its own.
///
/// # Errors
/// The first thing that does not hold.
pub fn live(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    alone(|| runtime().block_on(life::live(story, sabotage)))
}

/// Lives through a small scenario of a story again and again, cut at every moment in turn.
///
/// # Errors
/// The first thing that does not hold, and which cut it was.
pub fn every_cut(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    alone(|| every_cut::every_cut(story, sabotage))
}

/// Everything that belongs to a story.
///
/// # Errors
/// The first thing that does not hold.
pub fn everything(story: Story, sabotage: &Sabotage) -> Result<Told, Violation> {
    let mut told = live(story, sabotage)?;
    if story.seed.is_multiple_of(EVERY_CUT_EACH) {
        told += every_cut(story, sabotage)?;
    }
    Ok(told)
}

/// Goes through `seeds` in order, on every core, and stops where `each` finds something; tells the first seed that did.
///
/// These are threads of their own: one of rayon's that waits for passwords to be made would begin another life within the
/// first.
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
                found.lock().expect("nobody panics with it").insert(seed, what);
            }
        }
    };
    let cores = available_parallelism().map_or(1, NonZero::get);
    scope(|threads| (0..cores).for_each(|_| drop(threads.spawn(work))));
    found.into_inner().expect("nobody panics with it").pop_first()
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
