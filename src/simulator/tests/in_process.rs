//! Tests the simulator in place of the real client, on a paused clock.

use super::*;
use crate::{
    account::upn::Upn,
    graph::{Operation, Request},
    password::Password,
};
use std::time::Duration;

fn batch(rows: std::ops::Range<u64>) -> BatchRequest {
    let write = |row| Request {
        row,
        address: Upn::parse(&upn(row as usize)).expect("a name"),
        operation: Operation::SetPassword(Password::new(format!("Pass-word-{row}")), ForceChange::NextSignInWithMfa),
        client_request_id: None,
    };
    BatchRequest { requests: rows.map(write).collect() }
}

#[tokio::test(start_paused = true)]
async fn batches_use_the_same_bytes() {
    let client = Client::new(faults(r#"{"latency_ms": 250}"#));
    let (begun, batch) = (Instant::now(), batch(0..20));
    let response = client.sim.send(&batch).await.expect("an answer");
    assert_eq!(begun.elapsed(), Duration::from_millis(250));
    assert!(response.replies.iter().all(|reply| reply.status == 204) && !response.request_id.is_empty());
    let mut rows: Vec<_> = response.replies.iter().filter_map(|reply| reply.row).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..20).collect::<Vec<_>>());
    assert!((0..20).all(|row| client.sim.holds(&upn(row), &format!("Pass-word-{row}"))));
    assert_eq!(client.sim.force_change(&upn(0)), Some(ForceChange::NextSignInWithMfa));
    assert_eq!(client.sim.ever_given(&upn(0)).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn errors_are_distinguished() {
    let down = Client::new(faults(r#"{"outages": [{"from_seconds": 0, "seconds": 1}]}"#));
    assert!(matches!(down.sim.send(&batch(0..1)).await, Err(SendError::NotSent(_))));
    let lost = Client::new(faults(r#"{"requests": {"lost_after": 1}}"#));
    assert!(matches!(lost.sim.send(&batch(0..1)).await, Err(SendError::Lost(_))));
    let cut = Client::new(faults(r#"{"requests": {"truncated": 1}}"#));
    assert!(matches!(cut.sim.send(&batch(0..1)).await, Err(SendError::Lost(_))));
    let full = Client::new(faults(r#"{"requests": {"throttled": 1}}"#));
    let Err(SendError::Refused(reply)) = full.sim.send(&batch(0..1)).await else { panic!("not refused") };
    assert_eq!((reply.status, reply.retry_after), (429, Some(Duration::from_secs(10))));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced() {
    let client = Client::new(faults(r#"{"token": {"revoked_after_requests": 2}}"#));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(match client.sim.send(&batch(0..1)).await {
            Ok(_) => 200,
            Err(SendError::Refused(reply)) => reply.status,
            Err(other) => panic!("{other}"),
        });
    }
    assert_eq!(statuses, [200, 200, 401, 200, 200, 401]);
}

#[tokio::test(start_paused = true)]
async fn counts_requests_in_flight() {
    let client = Client::new(faults(r#"{"latency_ms": 100}"#));
    let (one, two) = (batch(0..1), batch(1..2));
    let (first, second) = tokio::join!(client.sim.send(&one), client.sim.send(&two));
    assert!(first.is_ok() && second.is_ok());
    assert!(tokio::time::timeout(Duration::from_millis(50), client.sim.send(&one)).await.is_err());
    let tally = client.sim.tally();
    assert_eq!((tally.in_flight, tally.in_flight_max, tally.writes), (0, 2, 3));
}

/// Everything that a storm does to four hundred batches, as text.
async fn trace(seed: u64) -> Vec<String> {
    let epoch = "2026-09-01T07:00:00Z".parse().expect("a time");
    let faults = Faults { retry_after: faults::RetryAfterForm::Seconds, ..Faults::storm() };
    let quota = Quota::DOCUMENTED_WRITES;
    let client = Client::of(SimulatorConfig { faults, epoch, ..SimulatorConfig::new(quota, seed) });
    let mut trace = Vec::new();
    for n in 0..400 {
        trace.push(format!("{:?}", client.sim.send(&batch(n % 20..20)).await));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    trace.push(format!("{:?}", client.sim.tally().writes));
    trace
}

#[tokio::test(start_paused = true)]
async fn one_seed_makes_one_trace() {
    let one = trace(42).await;
    assert_eq!(one, trace(42).await);
    assert_ne!(one, trace(43).await);
    let text = one.join("\n");
    for sign in ["NotSent", "Lost", "Refused", "status: 503", "status: 429", "status: 204"] {
        assert!(text.contains(sign), "{sign}");
    }
}
