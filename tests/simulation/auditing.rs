//! The tenant's audit log: each reset is found in it, and nothing else.

use crate::{scenarios::config, world::World};
use passwave::{
    engine::{
        audit::{AuditEnd, matches, read_audit},
        run::RunEnd,
    },
    graph::Graph,
    ledger::{AuditMatch, SignedInAs},
    report::evidence,
};
use std::{
    future::{pending, ready},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// A run that has ended, and knows who signed in.
async fn ended(faults: &str, rows: usize) -> World {
    let world = World::of(config(faults), rows);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let claims = world.tenant.claims().await.expect("a token").expect("claims");
    let signed_in = SignedInAs { tenant_id: claims.tenant_id, client_id: claims.client_id, person: None };
    world.ledger().set_signed_in(&signed_in).expect("noted");
    world
}

async fn read(world: &World) -> AuditEnd {
    read_audit(&mut world.ledger(), &world.tenant, pending(), &mut |_| {}).await.expect("an end")
}

#[tokio::test(start_paused = true)]
async fn each_reset_is_found_under_our_own_id() {
    for faults in [r#"{"latency_ms": 30}"#, r#"{"latency_ms": 30, "requests": {"lost_after": 0.2, "throttled": 0.1}}"#]
    {
        let world = ended(faults, 300).await;
        // Somebody else and the users themselves change passwords, too.
        (1..=300).for_each(|row| world.choose(row));
        let AuditEnd::Finished { records, found, missing } = read(&world).await else { panic!("{faults}") };
        assert!(records >= 300 && (found, missing) == (300, 0), "{faults}: {records} {found} {missing}");
        let ledger = world.reader();
        let counts = matches(&ledger).expect("readable");
        assert_eq!(counts.get("time"), None, "{faults}: {counts:?}");
        assert!(counts["request"] >= 15 && counts["batch"] > counts["request"], "{faults}: {counts:?}");
        let note = ledger.audit_of(1).expect("readable").expect("a record");
        assert!(note.activity == "Reset user password" && note.matched > AuditMatch::Time, "{note:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn evidence_names_the_records() {
    let world = ended("{}", 3).await;
    let file = world.folder().join("evidence.json");
    let text = || std::fs::read_to_string(&file).expect("evidence");
    evidence::write(&world.reader()).expect("evidence");
    assert!(!text().contains("audit"), "the log was not read");
    let page = std::fs::read_to_string(world.folder().join("evidence.html")).expect("a page");
    assert!(!page.contains("Audit"), "nor does the page have it");
    read(&world).await;
    // Only the first two rows have a record: the third one's is gone.
    rusqlite::Connection::open(world.folder().join("ledger.db"))
        .and_then(|ledger| ledger.execute_batch("DELETE FROM audit WHERE row = 3"))
        .expect("changed");
    evidence::write(&world.reader()).expect("evidence");
    let text = text();
    assert_eq!(text.matches("\"audit\":{\"id\":\"Directory_").count(), 2, "{text}");
    assert_eq!(text.matches("\"audit\":null").count(), 1, "{text}");
    assert!(text.contains("\"audit_read_at\":\"") && text.contains("\"matched\":\"batch\""), "{text}");
    evidence::check(&file).expect("it holds");
    let page = std::fs::read_to_string(world.folder().join("evidence.html")).expect("a page");
    assert_eq!(page.matches(" (batch)</td>").count() + page.matches(" (request)</td>").count(), 2, "{page}");
    assert!(page.contains("<td>none found</td>") && page.contains("<dt>Audit log read</dt>"), "{page}");
}

/// Five requests in ten seconds, and at most 999 records on a page.
#[tokio::test(start_paused = true)]
async fn the_limit_of_the_log_is_kept() {
    let world = ended("{}", 6_500).await;
    let (throttled, began) = (world.tenant.tally().throttled, Instant::now());
    let AuditEnd::Finished { found, .. } = read(&world).await else { panic!("it was stopped") };
    assert_eq!((found, world.tenant.tally().throttled), (6_500, throttled));
    assert!((10.0..11.0).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn refusals_that_pass_are_waited_out() {
    let world = ended(r#"{"items": {"throttled": 0.5, "throttled_seconds": 20}}"#, 100).await;
    assert!(matches!(read(&world).await, AuditEnd::Finished { found: 100, missing: 0, .. }));
}

#[tokio::test(start_paused = true)]
async fn missing_permission_is_named_and_nothing_stored() {
    let world = ended(r#"{"denied": "audit_log"}"#, 3).await;
    let AuditEnd::Denied(said) = read(&world).await else { panic!("it may not be read") };
    assert!(said.contains("AuditLog.Read.All"), "{said}");
    let end = read_audit(&mut world.ledger(), &world.tenant, ready(()), &mut |_| {}).await.expect("an end");
    assert_eq!(end, AuditEnd::Interrupted);
    assert_eq!(world.reader().audit_read_at().expect("readable"), None);
    let nothing = World::of(config("{}"), 3);
    assert_eq!(read(&nothing).await, AuditEnd::Nothing, "it has sent nothing");
}
