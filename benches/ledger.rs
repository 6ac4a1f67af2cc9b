//! The cost of the ledger: rows stored with a plan, and rows that a turn records and claims, synced to disk and not.
//!
//! `cargo bench --bench ledger`; compare the rows per second. A durable commit waits for the disk, whether it has one
//! batch or fifty, so the run groups them. The disk is that of the temporary folder (`TMPDIR`).

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use passwave::{
    ledger::{Claimed, Fact, Facts, Ledger, state::Event},
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
};
use std::{
    fmt::Write,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Rows of the plan that is stored.
const PLANNED: u64 = 100_000;
/// Rows of the ledgers in which turns are timed.
const TURNED: u64 = 100_000;
/// Rows of a turn: one batch, what the default concurrency allows, and what a free quota allows.
const GROUPS: [usize; 3] = [20, 320, 1_000];

fn roster(rows: u64) -> Roster {
    let mut text = "userPrincipalName,displayName,department\n".to_owned();
    for n in 0..rows {
        writeln!(text, "pupil{n}@contoso.com,Pupil {n},Year {}", n % 13).expect("memory");
    }
    Roster::from_bytes("roster.csv", text.into_bytes(), &RosterOptions::default()).expect("a good roster")
}

/// A ledger with the plan for `roster`, and its temporary folder.
fn planned(roster: &Roster, rehearsal: bool) -> (Ledger, TempDir) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let policy = PasswordPolicy::default();
    let mut settings = Settings::new(roster, policy.clone());
    settings.rehearsal = rehearsal;
    let plan = Plan::new(roster, Generator::new(&policy).expect("randomness"));
    let created = Ledger::create(&place.path().join("run"), settings, plan).expect("a ledger");
    (created.ledger, place)
}

fn confirmed(claimed: Claimed) -> Fact {
    Fact {
        row: claimed.row,
        doubt: claimed.doubt,
        event: Event::Confirmed,
        cause: None,
        code: String::new(),
        message: String::new(),
        request_id: "6a3f0c52-77d1-4f0b-9c1e-0d5b8e2f4a61".into(),
    }
}

/// Repeats turns of the ledger: each one records what the last one claimed, and claims the next rows.
struct Wheel {
    ledger: Ledger,
    _place: TempDir,
    facts: Facts,
}

impl Wheel {
    fn new(roster: &Roster, rehearsal: bool) -> Self {
        let (ledger, place) = planned(roster, rehearsal);
        Self { ledger, _place: place, facts: Facts::default() }
    }

    /// Records the last group and claims the next; returns how long that took.
    fn turn(&mut self, group: usize) -> Duration {
        let began = Instant::now();
        let claimed = self.ledger.turn(&self.facts, group, 1).expect("a turn");
        let took = began.elapsed();
        self.facts.writes = claimed.writes.into_iter().map(confirmed).collect();
        took
    }

    fn has(&self, group: usize) -> bool {
        self.ledger.counts().planned >= group as u64
    }
}

fn plans(criterion: &mut Criterion) {
    let roster = roster(PLANNED);
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(PLANNED)).sample_size(10).warm_up_time(Duration::from_millis(500));
    group.bench_function("rows stored", |bencher| {
        bencher.iter_batched(|| (), |()| planned(&roster, false), BatchSize::PerIteration);
    });
    group.finish();
}

fn turns(criterion: &mut Criterion) {
    let roster = roster(TURNED);
    for (name, rehearsal) in [("turn, durable", false), ("turn, rehearsal", true)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
        for size in GROUPS {
            let mut wheel = Wheel::new(&roster, rehearsal);
            group.throughput(Throughput::Elements(size as u64));
            group.bench_function(size.to_string(), |bencher| {
                bencher.iter_custom(|turns| {
                    let turn = |_| {
                        if !wheel.has(size) {
                            wheel = Wheel::new(&roster, rehearsal);
                            wheel.turn(size);
                        }
                        wheel.turn(size)
                    };
                    (0..turns).map(turn).sum()
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, plans, turns);
criterion_main!(benches);
