//! A process in standby goes on when the one that works on the run is killed or stopped.

use crate::{
    server::shared,
    stage::{Stage, end, signal, wait},
};
use std::fs;

/// How long after the end of a lease another process may take the run, in seconds.
pub const LATE_MAX: f64 = 2.0;

const RUN: [&str; 10] =
    ["run", "wave", "--yes", "--standby", "--lease", "3s", "--write-quota", "20/2s", "--batch-size", "5"];

#[test]
fn standby_goes_on_when_the_holder_is_killed_or_stopped() {
    let Some(postgres) = shared() else { return };
    let stage = Stage::new(postgres.database(), 600);
    let first = stage.start("first", &RUN);
    stage.wait_for_more_than(0);
    let second = stage.start("second", &RUN);
    let (epoch, resets) = (stage.epoch(), stage.resets());
    let (code, _) = end(first, "-KILL");
    assert_eq!(code, None, "it was killed");
    stage.wait_for_takeover(epoch);
    stage.wait_for_more_than(resets);
    let third = stage.start("third", &RUN);
    let (epoch, resets) = (stage.epoch(), stage.resets());
    signal(second.id(), "-STOP");
    stage.wait_for_takeover(epoch);
    stage.wait_for_more_than(resets);
    let report = stage.home.path().join("reports-second/report.csv");
    let before = fs::read(&report).expect("a report from its start");
    let (code, said) = end(second, "-CONT");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("was taken over by process"), "{said}");
    assert_eq!(fs::read(&report).expect("a report"), before, "it no longer knows how the rows stand");
    let (code, said) = end(third, "-TERM");
    assert_eq!(code, Some(130), "{said}");
    let delays = stage.delays();
    assert_eq!(delays.len(), 2, "{delays:?}");
    assert!(delays.iter().all(|delay| (0.0..LATE_MAX).contains(delay)), "{delays:?}");
    stage.must_be_written_by_holders();
    stage.must_hold();
}

#[test]
fn worker_goes_on_when_the_holder_is_killed() {
    let Some(postgres) = shared() else { return };
    let stage = Stage::new(postgres.database(), 200);
    let work = ["work", "--lease", "3s", "--write-quota", "20/2s", "--batch-size", "5"];
    let first = stage.start("first", &work);
    stage.wait_for_more_than(0);
    let second = stage.start("second", &work);
    let epoch = stage.epoch();
    // The second one has looked at least once while the run was held.
    wait("it does not connect", || {
        stage.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%stopped_by%'",
        ) > 1
    });
    end(first, "-KILL");
    stage.wait_for_takeover(epoch);
    let (code, said) = end(second, "-TERM");
    assert!(matches!(code, Some(0 | 130)), "{code:?} {said}");
    let delays = stage.delays();
    assert!(delays.len() == 1 && delays[0] < LATE_MAX, "{delays:?}");
    stage.must_hold();
}
