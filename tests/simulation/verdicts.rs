//! Unusual answers that are not refusals: a success that Graph does not document, and an impossibly long wait.

use crate::{
    scenarios::{Bent, config},
    world::World,
};
use passwave::{
    engine::{
        dispatch::{DispatchError, WaitReason},
        run::{self, RunEnd, RunError, RunEvent},
    },
    graph::{BatchRequest, BatchResponse, Operation, Reply},
    ledger::SignedInAs,
    outcome::{Body, Cause},
    report::Summary,
};
use std::{future::pending, time::Duration};
use tokio::time::Instant;

/// Answers that look like a success of a password write but are not the documented one.
const ODD: [(u16, Body); 7] = [
    (200, Body::Other),
    (200, Body::True),
    (201, Body::Other),
    (202, Body::Other),
    (205, Body::Other),
    (299, Body::Error),
    (204, Body::Error),
];

/// Replaces the answers about these rows with `odd`.
fn turn(response: &mut BatchResponse, odd: (u16, Body), rows: impl Fn(u64) -> bool) {
    for reply in response.replies.iter_mut().filter(|reply| reply.row.is_some_and(&rows)) {
        (reply.status, reply.body) = odd;
    }
}

#[tokio::test(start_paused = true)]
async fn odd_successes_are_in_doubt() {
    for odd in ODD {
        let world = World::of(config(r#"{"latency_ms": 100}"#), 25);
        let bent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
            turn(response, odd, |row| row == 1 || row == 21);
        });
        assert!(matches!(world.go(&bent, pending()).await, Ok(RunEnd::Finished)), "{odd:?}");
        let report = world.check_ended();
        for (at, row) in report.iter().enumerate() {
            let expected = if at == 0 || at == 20 { ("in_doubt", 10) } else { ("reset", 1) };
            assert_eq!((row.status.as_str(), row.attempts), expected, "{odd:?}, row {}", at + 1);
        }
        assert_eq!(report[0].code, if odd.0 == 204 { String::new() } else { format!("http_{}", odd.0) });
        assert_eq!(world.tenant.ever_given(&report[0].name).len(), 1, "the same password each time");
    }
}

#[tokio::test(start_paused = true)]
async fn temporary_odd_success_is_resolved() {
    for odd in ODD {
        let over = Instant::now() + Duration::from_secs(20);
        let world = World::of(config("{}"), 40);
        let bent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
            if Instant::now() < over {
                turn(response, odd, |_| true);
            }
        });
        assert!(matches!(world.go(&bent, pending()).await, Ok(RunEnd::Finished)), "{odd:?}");
        let report = world.check_ended();
        assert!(report.iter().all(|row| row.status == "reset" && row.attempts > 1), "{odd:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cause_is_reported_for_unknown_codes() {
    let world = World::of(config("{}"), 25);
    let bent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        for reply in response.replies.iter_mut().filter(|reply| reply.row == Some(7)) {
            (reply.status, reply.code) = (403, "Authorization_OfTomorrow".into());
        }
    });
    assert!(matches!(world.go(&bent, pending()).await, Ok(RunEnd::Finished)));
    let rows = world.ledger().standings(&[6, 7]).expect("rows");
    assert_eq!(rows.iter().map(|row| row.cause).collect::<Vec<_>>(), [None, Some(Cause::Permission)]);
    let summary = Summary::of(&world.ledger()).expect("a summary");
    assert_eq!(summary.causes[0].advice(), Some(Cause::Permission.advice()));
}

#[tokio::test(start_paused = true)]
async fn summary_names_the_identity() {
    let mut world = World::of(config("{}"), 5);
    let signed_in = SignedInAs {
        tenant_id: Some("contoso.com".into()),
        client_id: Some("an application".into()),
        ..SignedInAs::default()
    };
    world.options.signed_in = Some(signed_in.clone());
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let summary = Summary::of(&world.reader()).expect("a summary");
    assert_eq!((summary.tenant_id, summary.client_id), (signed_in.tenant_id, signed_in.client_id));
    // A later process that does not know it removes nothing.
    world.options.signed_in = Some(SignedInAs::default());
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let summary = Summary::of(&world.reader()).expect("a summary");
    assert_eq!(summary.tenant_id.as_deref(), Some("contoso.com"));
}

#[tokio::test(start_paused = true)]
async fn odd_successes_alone_stop_the_run() {
    let mut world = World::of(config("{}"), 40);
    world.options.pace.max_wait = Duration::from_secs(60);
    let bent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        turn(response, (200, Body::Other), |_| true);
    });
    let end = world.go(&bent, pending()).await;
    let Err(RunError::Dispatcher(DispatchError::Away { said, .. })) = end else { panic!("{end:?}") };
    assert!(said.contains("Graph answered 200") && said.contains("only 204 does"), "{said}");
    let report = world.check().expect("the invariants");
    assert!(report.iter().all(|row| row.status == "pending"), "nothing is certain");
}

#[tokio::test(start_paused = true)]
async fn only_a_confirmed_revocation_counts() {
    for (odd, revoked) in
        [((204, Body::Other), true), ((200, Body::True), true), ((200, Body::Other), false), ((202, Body::True), false)]
    {
        let world = World::of(config("{}"), 2);
        let mut ledger = world.open(world.options.pace.clock.now()).expect("a ledger");
        ledger.revoke_sessions().expect("noted");
        let bent = Bent(&world.tenant, |batch: &BatchRequest, response: &mut BatchResponse| {
            let is_session = |row| {
                let of_row = batch.requests.iter().find(|request| request.row == row);
                of_row.is_some_and(|request| matches!(request.operation, Operation::RevokeSessions))
            };
            turn(response, odd, is_session);
        });
        let end = run::run(&mut ledger, &bent, &world.options, pending(), &mut |_| {}).await;
        match revoked {
            true => assert!(matches!(end, Ok(RunEnd::Finished)), "{odd:?}: {end:?}"),
            false => assert!(world.tenant.tally().revocations > 2, "{odd:?}: it is asked again"),
        }
    }
}

/// A wait of a day for the first batch.
fn day(reply: &mut Reply) {
    (reply.status, reply.code) = (429, "TooManyRequests".into());
    reply.seconds_named = 86_400;
    reply.retry_after = Some(Duration::from_secs(3_600));
}

#[tokio::test(start_paused = true)]
async fn excessive_wait_is_reported_as_named() {
    let world = World::of(config("{}"), 3);
    let over = Instant::now() + Duration::from_secs(60);
    let bent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        if Instant::now() < over {
            response.replies.iter_mut().for_each(day);
        }
    });
    let mut ledger = world.open(world.options.pace.clock.now()).expect("a ledger");
    let mut told = Vec::new();
    let mut emit = |event: RunEvent| {
        if let RunEvent::Waiting(waiting) = event {
            told.push((waiting.reason == WaitReason::Asked, waiting.named, waiting.wait.as_secs()));
        }
    };
    let began = Instant::now();
    let end = run::run(&mut ledger, &bent, &world.options, pending(), &mut emit).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert_eq!(told, [(true, Some(Duration::from_secs(86_400)), 3_600)]);
    assert!(began.elapsed() >= Duration::from_secs(3_600));
    drop(ledger);
    world.check_ended();
}

#[tokio::test(start_paused = true)]
async fn wait_beyond_max_wait_stops() {
    let mut world = World::of(config("{}"), 45);
    world.options.pace.max_asked = Duration::from_secs(5);
    let bent = Bent(&world.tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        response.replies.iter_mut().filter(|reply| reply.row == Some(2)).for_each(day);
    });
    let began = Instant::now();
    let end = world.go(&bent, pending()).await;
    let Err(RunError::Dispatcher(error @ DispatchError::Asked { .. })) = end else { panic!("{end:?}") };
    let said = error.to_string();
    assert!(said.contains("wait 24 h") && said.contains("the limit is 5 s"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(5), "it does not wait");
    assert!(world.check().expect("the invariants").iter().any(|row| row.status == "pending"));
}
