//! How fast a roster of a million rows is read: opened, split, checked and searched for duplicates.
#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use passwave::roster::{Roster, RosterOptions};
use std::{fmt::Write, hint::black_box};

const ROWS: u64 = 1_000_000;

fn narrow() -> String {
    let mut text = "userPrincipalName,displayName,department\r\n".to_owned();
    for number in 0..ROWS {
        write!(text, "pupil{number}@contoso.com,\"Pupil, {number}\",Year {}\r\n", number % 13).expect("memory");
    }
    text
}

fn wide() -> String {
    let mut text = "Display name;User principal name;Object Id".to_owned();
    (0..22).for_each(|number| write!(text, ";Column {number}").expect("memory"));
    for number in 0..ROWS {
        write!(text, "\nPupil {number};pupil{number}@contoso.com;00000000-0000-4000-8000-{number:012}")
            .expect("memory");
        text.push_str(";;;value;;;;;;;;;;;value;;;;;;;;");
    }
    text
}

fn read_all(bytes: Vec<u8>) -> usize {
    let Ok(roster) = Roster::from_bytes("roster.csv", bytes, &RosterOptions::default()) else { return 0 };
    roster.rows().filter(|row| row.as_ref().is_ok_and(|row| row.address.is_ok())).count()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("roster");
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    for (name, text) in [("narrow", narrow()), ("wide", wide())] {
        assert_eq!(read_all(text.clone().into_bytes()) as u64, ROWS);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || text.clone().into_bytes(),
                |bytes| black_box(read_all(bytes)),
                criterion::BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
