//! The cost of sealing: a password sealed, a password opened, and a plan stored with and without sealing.
//!
//! `cargo bench --bench sealing`; compare the passwords and rows per second.

use age::x25519::Identity;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use passwave::{
    ledger::Ledger,
    password::{Generator, Password, PasswordPolicy},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
    seal::{Binding, Keyring, Sealing},
};
use std::{fmt::Write, time::Duration};
use tempfile::TempDir;

/// Rows of the plan that is stored.
const PLANNED: u64 = 100_000;
const PLACE: Binding<'static> = Binding { row: 12_345, nth: 0, account: "pupil12345@contoso.com" };

fn sealing() -> Sealing {
    Sealing { recipients: vec![Identity::generate().to_public().to_string()], ..Sealing::default() }
}

fn passwords(criterion: &mut Criterion) {
    let mut keyring = Keyring::new("0123456789abcdef0123456789abcdef".into(), &sealing()).expect("a recipient");
    keyring.adopt(keyring.make(1).expect("randomness"));
    let password = Password::new("ZZY+NxKHEw7TFA.a".into());
    let sealed = keyring.seal(&PLACE, &password).expect("sealed");
    let mut group = criterion.benchmark_group("password");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(2));
    group.bench_function("sealed", |bencher| bencher.iter(|| keyring.seal(&PLACE, &password).expect("sealed")));
    group.bench_function("opened", |bencher| bencher.iter(|| keyring.open(&PLACE, &sealed).expect("opened")));
    group.finish();
}

fn planned(roster: &Roster, sealing: Option<Sealing>) -> (Ledger, TempDir) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let policy = PasswordPolicy::default();
    let mut settings = Settings::new(roster, policy.clone());
    settings.sealing = sealing;
    let plan = Plan::new(roster, Generator::new(&policy).expect("randomness"));
    (Ledger::create(&place.path().join("run"), settings, plan).expect("a ledger").ledger, place)
}

fn plans(criterion: &mut Criterion) {
    let mut text = "userPrincipalName,displayName,department\n".to_owned();
    for n in 0..PLANNED {
        writeln!(text, "pupil{n}@contoso.com,Pupil {n},Year {}", n % 13).expect("memory");
    }
    let roster = Roster::from_bytes("roster.csv", text.into_bytes(), &RosterOptions::default()).expect("a good roster");
    let mut group = criterion.benchmark_group("plan");
    group.throughput(Throughput::Elements(PLANNED)).sample_size(10).warm_up_time(Duration::from_millis(500));
    for (name, sealing) in [("in the clear", None), ("sealed", Some(sealing()))] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| sealing.clone(), |sealing| planned(&roster, sealing), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, passwords, plans);
criterion_main!(benches);
