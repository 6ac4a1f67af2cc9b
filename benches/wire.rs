//! The bytes of one batch: a request of 20 written, and answers of 20 read, all successful and all refused.
//!
//! `cargo bench --bench wire`; compare the accounts per second.

#![expect(clippy::result_large_err, reason = "the result is only measured")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use passwave::{
    account::upn::Upn,
    graph::{
        BATCH_ITEMS_MAX, BatchRequest, Operation, Request,
        wire::{self, Envelope},
    },
    password::{ForceChange, Generator, PasswordPolicy, Person},
};
use std::{hint::black_box, time::Duration};

fn batch() -> BatchRequest {
    let policy = PasswordPolicy::default();
    let people = [Person::default(); BATCH_ITEMS_MAX];
    let passwords = Generator::new(&policy).and_then(|mut generator| generator.generate(&people)).expect("passwords");
    let write = |(row, password)| Request {
        row,
        address: Upn::parse(&format!("given.family{row}@students.contoso-academy.edu")).expect("a name"),
        operation: Operation::SetPassword(password, ForceChange::NextSignIn),
        client_request_id: None,
    };
    BatchRequest { requests: (40_001..).zip(passwords).map(write).collect() }
}

/// An answer with one item for each row of the batch, the last one first.
fn answer(item: impl Fn(u64) -> String) -> Vec<u8> {
    let items: Vec<_> = (40_001..40_001 + BATCH_ITEMS_MAX as u64).rev().map(item).collect();
    format!(r#"{{"responses":[{}]}}"#, items.join(",")).into_bytes()
}

fn written(row: u64) -> String {
    format!(r#"{{"id":"{row}","status":204,"headers":{{"Cache-Control":"no-cache"}},"body":null}}"#)
}

fn throttled(row: u64) -> String {
    format!(
        r#"{{"id":"{row}","status":429,"headers":{{"Retry-After":"10","Content-Type":"application/json"}},
        "body":{{"error":{{"code":"TooManyRequests","message":"Too many requests. Please retry again later.",
        "innerError":{{"date":"2026-01-15T09:30:00","request-id":"6a3f0c52-77d1-4f0b-9c1e-0d5b8e2f4a61",
        "client-request-id":"6a3f0c52-77d1-4f0b-9c1e-0d5b8e2f4a61"}}}}}}}}"#
    )
}

fn bench(criterion: &mut Criterion) {
    let batch = batch();
    let envelope = Envelope { status: 200, ..Envelope::default() };
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(BATCH_ITEMS_MAX as u64));
    group.warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(2));
    group.bench_function("encode 20", |bencher| bencher.iter(|| wire::encode(black_box(&batch))));
    for (name, body) in [("decode 20 written", answer(written)), ("decode 20 throttled", answer(throttled))] {
        let replies = wire::decode(&envelope, &body).expect("an answer").replies;
        assert!(replies.len() == BATCH_ITEMS_MAX && replies.iter().all(|reply| reply.row.is_some()));
        group.bench_function(name, |bencher| bencher.iter(|| wire::decode(&envelope, black_box(&body))));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
