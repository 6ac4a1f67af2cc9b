//! Tests each fault with a share of 1, so it always happens.

use super::*;
use std::time::Duration;

fn one(json: &str) -> Client {
    Client::new(faults(json))
}

fn writes(client: &Client) -> u64 {
    client.sim.tally().writes
}

#[test]
fn item_faults_may_have_effects() {
    for (faults, status, code, written) in [
        (r#"{"items": {"throttled": 1}}"#, 429, "TooManyRequests", 0),
        (r#"{"items": {"unavailable": 1}}"#, 503, "UnknownError", 0),
        (r#"{"items": {"unavailable": 1, "applied": 1}}"#, 503, "UnknownError", 3),
        (r#"{"items": {"timeout": 1, "applied": 1}}"#, 504, "UnknownError", 3),
        (r#"{"items": {"conflict": 1, "applied": 1}}"#, 409, "Directory_ConcurrencyViolation", 0),
        (r#"{"items": {"conflict_as_bad_request": 1}}"#, 400, "Request_BadRequest", 0),
    ] {
        let client = one(faults);
        let said = client.wave(3);
        assert_eq!((said.status, said.statuses(), writes(&client)), (200, vec![status; 3], written), "{faults}");
        assert_eq!(said.item("1")["body"]["error"]["code"], code);
    }
}

#[test]
fn request_faults_may_have_effects() {
    for (faults, status, written) in [
        (r#"{"requests": {"throttled": 1, "applied": 1}}"#, 429, 0),
        (r#"{"requests": {"unavailable": 1}}"#, 503, 0),
        (r#"{"requests": {"unavailable": 1, "applied": 1}}"#, 503, 3),
        (r#"{"requests": {"timeout": 1, "applied": 1}}"#, 504, 3),
        (r#"{"requests": {"bad_gateway": 1, "applied": 1}}"#, 502, 3),
    ] {
        let client = one(faults);
        let said = client.wave(3);
        assert_eq!((said.status, writes(&client)), (status, written), "{faults}");
        let expected = if matches!(status, 429 | 503) { Some("10") } else { None };
        assert_eq!(said.answer.header("retry-after"), expected);
        assert_eq!(said.answer.body.starts_with(b"<html>"), status == 502);
    }
    let client = one(r#"{"requests": {"throttled": 1}}"#);
    client.wave(3);
    client.wave(4);
    assert_eq!((client.sim.tally().throttled_whole, client.sim.tally().batches), (2, 2));
    client.sim.state().faults = Faults::calm();
    client.wave(5);
    assert_eq!(client.sim.tally().early, 4);
}

#[test]
fn unnamed_waits_allow_early_retries() {
    for untold in
        [r#"{"requests": {"lost_after": 1}, "quota_full": 0}"#, r#"{"responses": {"missing": 1}, "quota_full": 0}"#]
    {
        let client = one(untold);
        let wave = json!({"requests": [write("1", &upn(1))]}).to_string();
        for _ in 0..2 {
            let _ = client.fate("POST", "/v1.0/$batch", &[], &wave);
        }
        assert_eq!((client.sim.tally().throttled, client.sim.tally().early), (2, 0), "{untold}");
    }
}

#[test]
fn answers_are_lost_and_cut_off() {
    let wave = json!({"requests": [write("1", &upn(1))]}).to_string();
    for (faults, written) in [(r#"{"requests": {"lost_before": 1}}"#, 0), (r#"{"requests": {"lost_after": 1}}"#, 1)] {
        let client = one(faults);
        assert!(client.fate("POST", "/v1.0/$batch", &[], &wave).answer.is_none(), "{faults}");
        assert_eq!(writes(&client), written);
    }
    let client = one(r#"{"requests": {"truncated": 1}}"#);
    let answer = client.fate("POST", "/v1.0/$batch", &[], &wave).answer.expect("a part");
    assert!(answer.body.len() < answer.length && writes(&client) == 1);
    let patch = client.fate(
        "PATCH",
        "/v1.0/users/user1@contoso.com",
        &[("content-type", "x")],
        &body("Other-Pass-1").to_string(),
    );
    assert!(patch.answer.is_none() && client.sim.holds(&upn(1), "Other-Pass-1"));
}

#[test]
fn responses_are_oddly_put_together() {
    let client = one(r#"{"responses": {"missing": 1}}"#);
    assert_eq!((client.wave(3).statuses(), writes(&client)), (vec![], 3));
    assert_eq!(one(r#"{"responses": {"repeated": 1}}"#).wave(3).statuses().len(), 6);
    let client = one(r#"{"responses": {"unknown": 1}}"#);
    let said = client.wave(3);
    let ids: Vec<_> =
        said.body["responses"].as_array().expect("responses").iter().map(|r| r["id"].to_string()).collect();
    assert_eq!((ids.len(), ids.iter().filter(|id| id.len() > 10).count()), (4, 1));
    for (case, name) in [("lower", "cache-control"), ("upper", "CACHE-CONTROL"), ("canonical", "Cache-Control")] {
        let client = one(&format!(r#"{{"header_case": "{case}"}}"#));
        assert_eq!(client.wave(1).item("0")["headers"][name], "no-cache");
    }
}

#[tokio::test(start_paused = true)]
async fn outages_and_latency_take_effect() {
    let client = one(r#"{"latency_ms": 100, "latency_jitter_ms": 50, "stall": {"share": 1, "seconds": 30},
        "outages": [{"from_seconds": 5, "seconds": 2}]}"#);
    let fate = client.fate("GET", "/v1.0/users", &[], "");
    assert!((30_100..30_150).contains(&fate.delay.as_millis()), "{:?}", fate.delay);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(!client.sim.is_reachable());
    assert!(client.fate("GET", "/v1.0/users", &[], "").answer.is_none());
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(client.fate("GET", "/v1.0/users", &[], "").answer.is_some());
}

#[test]
fn faults_set_account_kinds() {
    let client = one(r#"{"accounts": {"USER1@contoso.com": "missing", "user2@contoso.com": "synced"}}"#);
    let said = client.wave(3);
    let status = |id| said.item(id)["status"].clone();
    assert_eq!([status("0"), status("1"), status("2")], [json!(204), json!(404), json!(400)]);
}

#[test]
fn some_accounts_refuse_passwords() {
    let client = one(r#"{"complexity": {"share": 0.5}}"#);
    let refused = client.wave(20).statuses().iter().filter(|status| **status == 400).count();
    assert!((4..=16).contains(&refused), "{refused}");
    let again = client.wave(20).statuses().iter().filter(|status| **status == 400).count();
    assert_eq!(again, refused);
}
