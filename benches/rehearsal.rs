//! A whole rehearsal: roster read, planned, stored, sent in batches to the simulator, judged, recorded and reported.
//!
//! `cargo bench --bench rehearsal`; compare the accounts per second of wall time. It first prints the time that the
//! tenant would take, next to the minimum that the documented quota allows.

#![expect(clippy::print_stdout, reason = "the prediction is what a rehearsal is for")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use passwave::{
    engine::run::{self, RunOptions},
    graph::quota::Quota,
    ledger::Ledger,
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report::{self, Summary},
    roster::{Roster, RosterOptions},
    simulator::{Account, Simulator, SimulatorConfig},
};
use std::{error::Error, fmt::Write, future::pending};

const ACCOUNTS: u64 = 10_000;

fn roster() -> Vec<u8> {
    let mut text = "userPrincipalName,displayName,department\n".to_owned();
    for n in 0..ACCOUNTS {
        writeln!(text, "pupil{n}@contoso.com,Pupil {n},Year {}", n % 13).expect("memory");
    }
    text.into_bytes()
}

fn rehearse(bytes: Vec<u8>) -> Result<Summary, Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let roster = Roster::from_bytes("roster.csv", bytes, &RosterOptions::default())?;
    let policy = PasswordPolicy::default();
    let mut settings = Settings::new(&roster, policy.clone());
    settings.rehearsal = true;
    let plan = Plan::new(&roster, Generator::new(&policy)?);
    let mut ledger = Ledger::create(&place.path().join("run"), settings, plan)?.ledger;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(async {
        let tenant = Simulator::new(SimulatorConfig::default());
        for row in roster.rows() {
            if let Ok(upn) = row?.address {
                tenant.add(Account::from(&upn));
            }
        }
        run::run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_event| {}).await?;
        Ok(report::write(&ledger)?)
    })
}

fn bench(criterion: &mut Criterion) {
    let bytes = roster();
    let summary = rehearse(bytes.clone()).expect("a rehearsal");
    assert_eq!(summary.counts["reset"], ACCOUNTS);
    let least = Quota::DOCUMENTED_WRITES.least_time(ACCOUNTS).as_secs_f64();
    println!("{ACCOUNTS} accounts would take {:.1} s; the quota allows no less than {least:.1} s", summary.seconds);
    let mut group = criterion.benchmark_group("rehearsal");
    group.throughput(Throughput::Elements(ACCOUNTS)).sample_size(10);
    group.bench_function("10,000 accounts", |bencher| {
        bencher.iter_batched(
            || bytes.clone(),
            |bytes| rehearse(bytes).expect("a rehearsal"),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
