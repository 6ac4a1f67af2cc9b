//! Three processes share a run, and the one that holds it is killed, or stopped until its lease is over, again and again,
//! at moments from a seed.
//!
//! `PASSWAVE_KILLS`, `PASSWAVE_STOPS` and `PASSWAVE_SEED` set how often and where:
//! `PASSWAVE_KILLS=200 PASSWAVE_STOPS=50 cargo test --test postgres nobody_is_lost_when -- --nocapture` takes about 20
//! minutes.

use crate::{
    server::shared,
    stage::{Stage, end, signal, wait},
    takeover::LATE_MAX,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{collections::VecDeque, process::Child, thread::sleep, time::Duration};

/// The processes at a time.
const PROCESSES: usize = 3;
/// About as many accounts as the processes reset between two faults.
const ROWS_EACH: usize = 30;

const RUN: [&str; 4] = ["run", "wave", "--yes", "--standby"];
const WORK: [&str; 1] = ["work"];
/// The shortest lease, and a pace at which the run outlasts all faults.
const PACE: [&str; 6] = ["--lease", "2s", "--write-quota", "10/2s", "--batch-size", "5"];
const FAST: [&str; 4] = ["--lease", "20s", "--write-quota", "100000/1s"];

/// What happens to the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Kill,
    /// It sleeps until another process has the run, and wakes up.
    Stop,
}

/// The processes that work on a run.
struct Crew<'a> {
    stage: &'a Stage<'a>,
    rng: StdRng,
    started: u32,
    processes: VecDeque<Child>,
}

impl Crew<'_> {
    /// Starts processes until there are enough. Those that were overtaken have ended.
    fn refill(&mut self) {
        self.processes.retain_mut(|process| process.try_wait().expect("a child").is_none());
        while self.processes.len() < PROCESSES {
            let words: &[&str] = if self.rng.random() { &RUN } else { &WORK };
            self.started += 1;
            let process = self.stage.start(&self.started.to_string(), &[words, &PACE].concat());
            self.processes.push_back(process);
        }
    }

    /// The process that holds the run, and its epoch.
    fn holder(&self) -> Option<(usize, u64)> {
        let sql = "SELECT epoch, split_part(holder_name, ' ', 2) FROM passwave.run WHERE until > clock_timestamp()";
        let found = self.stage.database.sql(sql);
        let (epoch, pid) = found.split_once('|')?;
        let nth = self.processes.iter().position(|process| process.id().to_string() == pid)?;
        Some((nth, epoch.parse().expect("a number")))
    }

    fn wait_for_holder(&self) -> (usize, u64) {
        wait("nobody takes the run", || self.holder().is_some());
        // It may have lost the run again, on a very busy machine.
        self.holder().unwrap_or_else(|| self.wait_for_holder())
    }

    /// Waits for one of the moments in the life of a process.
    fn wait_for_moment(&mut self) {
        match self.rng.random_range(0..4) {
            0 => {}
            1 => self.stage.wait_for_more_than(self.stage.resets()),
            _ => sleep(Duration::from_millis(self.rng.random_range(0..1_500))),
        }
    }

    fn suffer(&mut self, fault: Fault) {
        self.refill();
        self.wait_for_holder();
        self.wait_for_moment();
        let (nth, epoch) = self.wait_for_holder();
        let mut process = self.processes.remove(nth).expect("it is there");
        match fault {
            Fault::Kill => {
                process.kill().expect("it is killed");
                process.wait().expect("it has ended");
                // Those that were overtaken before may end only now.
                self.refill();
                self.stage.wait_for_takeover(epoch);
            }
            Fault::Stop => {
                signal(process.id(), "-STOP");
                self.refill();
                self.stage.wait_for_takeover(epoch);
                self.wait_for_moment();
                signal(process.id(), "-CONT");
                // A worker looks for other runs; a run ends.
                self.processes.push_back(process);
            }
        }
    }

    /// Ends all processes in order.
    fn dismiss(self) {
        for process in self.processes {
            let (code, said) = end(process, "-TERM");
            // One that is not ready yet just ends.
            assert!(matches!(code, None | Some(0 | 3 | 130)), "{code:?} {said}");
        }
    }
}

/// A number from the environment.
fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn nobody_is_lost_when_holders_are_killed_and_stopped() {
    let Some(postgres) = shared() else { return };
    let (kills, stops) = (number("PASSWAVE_KILLS").unwrap_or(4), number("PASSWAVE_STOPS").unwrap_or(2));
    let seed = number("PASSWAVE_SEED").unwrap_or(2_026) as u64;
    let stage = Stage::new(postgres.database(), 60 + ROWS_EACH * (kills + stops));
    let mut faults = [vec![Fault::Kill; kills], vec![Fault::Stop; stops]].concat();
    let mut crew = Crew { stage: &stage, rng: StdRng::seed_from_u64(seed), started: 0, processes: VecDeque::new() };
    faults.shuffle(&mut crew.rng);
    for fault in faults {
        crew.suffer(fault);
        assert_eq!(stage.database.sql("SELECT is_finished FROM passwave.run"), "f", "too few rows for seed {seed}");
    }
    crew.dismiss();
    let delays = stage.delays();
    let (most, sum) = (delays.iter().copied().fold(0.0, f64::max), delays.iter().sum::<f64>());
    assert!(delays.len() >= kills + stops, "{delays:?}");
    assert!(most < LATE_MAX, "seed {seed}: a takeover came {most:.2} s after the end of the lease");
    stage.must_be_written_by_holders();
    let (before, left) = stage.must_hold();
    finish(&stage);
    assert_eq!(stage.must_hold(), (before + left, 0), "seed {seed}: all accounts are reset");
    eprintln!(
        "seed {seed}: {kills} kills and {stops} stops among {PROCESSES} processes; {} takeovers, on average {:.2} s and at most \
         {most:.2} s after the end of the lease; {} commits; {before} accounts reset by then, {left} afterwards, none lost",
        delays.len(),
        sum / delays.len() as f64,
        stage.number("SELECT count(*) FROM public.written"),
    );
}

/// Another process does what is left. It has the key, so no password changes any more; and nothing is on its way any more.
fn finish(stage: &Stage<'_>) {
    stage.database.sql("UPDATE passwave.account SET not_before = 0");
    let key = stage.key_file();
    let words = ["run", "wave", "--yes", "--identity", key.to_str().expect("a path")];
    let last = stage.start("last", &[&words[..], &FAST].concat()).wait_with_output().expect("it ends");
    assert_eq!(last.status.code(), Some(0), "{}", String::from_utf8_lossy(&last.stderr));
}
