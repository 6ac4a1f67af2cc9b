//! Any number of whole runs, each from one seed, and checked after every cut.
//!
//! `cargo run --release --example torture -- --seeds 100000` runs them on every core, and prints the command that
//! replays a failing seed. The run folders are temporary files: `TMPDIR=/dev/shm` keeps them in memory. With `--postgres`, the runs
//! are in databases, and a seed takes a second.

#![expect(clippy::print_stdout, reason = "an example prints what it did")]

#[path = "../tests/support/checkers.rs"]
mod checkers;
#[path = "../tests/support/elsewhere.rs"]
mod elsewhere;
#[cfg(all(unix, feature = "postgres"))]
#[path = "../tests/postgres/room.rs"]
mod room;
#[cfg(all(unix, feature = "postgres"))]
#[path = "../tests/postgres/server.rs"]
#[expect(dead_code, clippy::print_stderr, reason = "the tests use more of it")]
mod server;
#[path = "../tests/support/torture/mod.rs"]
#[expect(dead_code, reason = "nothing is broken here; the tests do that")]
mod torture;
#[path = "../tests/support/watch.rs"]
mod watch;
#[path = "../tests/support/world.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod world;

use clap::Parser;
use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use torture::{Story, Told, everything, on_every_core, sabotage::UNTOUCHED};

/// Tortures the engine: whole runs on a paused clock, with faults, cuts and restarts from a seed
#[derive(Parser)]
struct Args {
    /// How many seeds to run
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only this seed
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Also let users choose their own passwords at the worst moments, which a run cannot always detect
    #[arg(long)]
    people: bool,
    /// Seal the passwords, and give the key only to some of the processes
    #[arg(long)]
    sealed: bool,
    /// Keep the runs in databases of a PostgreSQL server, which is started for that
    #[arg(long)]
    postgres: bool,
}

/// Whether the runs are in databases.
static ON_SERVER: AtomicBool = AtomicBool::new(false);

/// Where a run is, if not in its folder.
fn elsewhere() -> Option<Box<dyn elsewhere::Elsewhere>> {
    #[cfg(all(unix, feature = "postgres"))]
    if ON_SERVER.load(Ordering::Relaxed) {
        return Some(Box::new(room::Room::new(server::shared().expect("PostgreSQL's server programs"))));
    }
    None
}

fn main() -> ExitCode {
    let args = Args::parse();
    ON_SERVER.store(args.postgres, Ordering::Relaxed);
    let seeds = args.seed.map_or(args.first..args.first + args.seeds, |seed| seed..seed + 1);
    let (began, number) = (Instant::now(), seeds.end - seeds.start);
    let sum = Mutex::new((Told::default(), 0_u64));
    on_every_core(seeds, |seed| {
        let (told, failed) = live(Story { seed, with_people: args.people, is_sealed: args.sealed });
        let mut sum = sum.lock().expect("no thread panicked with it");
        sum.0 += told;
        sum.1 += failed;
        None::<()>
    });
    let (told, failed) = sum.into_inner().expect("no thread panicked with it");
    let seconds = began.elapsed().as_secs_f64();
    let [reset, failed_rows, in_doubt, skipped] = told.ends;
    println!(
        "{number} seeds in {seconds:.1} s ({:.0} seeds/s): {} processes, {} of them cut off, {} of these by their disk; {} \
         batches; {reset} rows reset, {failed_rows} failed, {in_doubt} in doubt, {skipped} skipped; {failed} seeds failed",
        number as f64 / seconds,
        told.processes,
        told.cuts,
        told.disk_failures,
        told.batches,
    );
    ExitCode::from(u8::from(failed > 0))
}

/// Runs one story; returns what happened, and whether it failed.
fn live(story: Story) -> (Told, u64) {
    match everything(story, &UNTOUCHED) {
        Ok(told) => (told, 0),
        Err(violation) => {
            let people = if story.with_people { " --people" } else { "" };
            let sealed = if story.is_sealed { " --sealed" } else { "" };
            let postgres = if ON_SERVER.load(Ordering::Relaxed) { " --postgres" } else { "" };
            println!(
                "cargo run --release --example torture -- --seed {}{people}{sealed}{postgres}   # {violation}",
                story.seed
            );
            (Told::default(), 1)
        }
    }
}
