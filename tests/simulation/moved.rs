//! A run folder that is moved or removed while a process works on it. On systems such as Windows, that is impossible
//! while its files are open.

use crate::{
    scenarios::{Bent, config},
    world::World,
};
use passwave::{
    engine::run::{RunEnd, RunError, run},
    graph::{BatchRequest, BatchResponse},
    ledger::{Ledger, LedgerError},
};
use std::{cell::Cell, fs, future::pending, path::Path};

/// Works on a run until something happens to its folder at the third batch; returns the error.
async fn interrupted(world: &World, happens: impl Fn()) -> LedgerError {
    let batches = Cell::new(0);
    let tenant = Bent(&world.tenant, |_: &BatchRequest, _: &mut BatchResponse| {
        batches.set(batches.get() + 1);
        if batches.get() == 3 {
            happens();
        }
    });
    let mut ledger = world.ledger();
    let end = run(&mut ledger, &tenant, &world.options, pending(), &mut |_| {}).await;
    let Err(RunError::Ledger(error)) = end else { panic!("it ended: {end:?}") };
    error
}

/// Checks that every answer is in the ledger in `folder`, and that the run continues there without writing to any
/// account twice.
async fn goes_on(world: &World, folder: &Path) {
    let mut ledger = Ledger::open_at(folder, world.options.pace.clock.now()).expect("a ledger");
    let (counts, written) = (ledger.counts(), world.tenant.tally().writes);
    assert!(counts.reset >= 60 && (counts.reset, counts.in_flight) == (written, 0), "{counts:?}, {written} written");
    assert!(counts.planned > 0, "it stopped at once");
    let end = run(&mut ledger, &world.tenant, &world.options, pending(), &mut |_| {}).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert_eq!((ledger.counts().reset, world.tenant.tally().writes), (400, 400));
}

#[tokio::test(start_paused = true)]
async fn follows_a_moved_folder() {
    let world = World::of(config(r#"{"latency_ms": 100}"#), 400);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let target = fs::canonicalize(elsewhere.path()).expect("there").join("moved");
    let error = interrupted(&world, || fs::rename(world.folder(), &target).expect("moved")).await;
    assert!(matches!(&error, LedgerError::Moved { now: Some(now), .. } if *now == target), "{error}");
    goes_on(&world, &target).await;
}

#[tokio::test(start_paused = true)]
async fn saves_a_removed_folder() {
    let world = World::of(config(r#"{"latency_ms": 100}"#), 400);
    let error = interrupted(&world, || fs::remove_dir_all(world.folder()).expect("removed")).await;
    let LedgerError::Rescued { folder, copy } = error else { panic!("{error}") };
    assert_eq!((&folder, &copy), (&world.folder(), &world.folder().with_file_name("run.rescued")));
    goes_on(&world, &copy).await;
}
