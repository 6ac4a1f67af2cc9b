//! Tests reading accounts.

use super::*;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn reads_return_requested_properties() {
    let epoch = "2026-09-01T07:00:00Z".parse().expect("a time");
    let client = Client::of(SimulatorConfig { epoch, ..SimulatorConfig::default() });
    client.sim.add(Account { id: None, upn: "sync@contoso.com".into(), kind: AccountKind::Synced });
    let synced = client.ask("GET", &format!("/v1.0/users/SYNC@contoso.com?{SELECT}"), "");
    assert_eq!(synced.body["onPremisesSyncEnabled"], true);
    assert_eq!(synced.body["lastPasswordChangeDateTime"], "2025-09-01T07:00:00Z");
    tokio::time::advance(Duration::from_secs(61)).await;
    client.wave(1);
    let said = client.ask("GET", &format!("/v1.0/users/user0@contoso.com?{SELECT}"), "");
    assert_eq!(said.body["lastPasswordChangeDateTime"], "2026-09-01T07:01:01Z");
    assert_eq!((&said.body["accountEnabled"], &said.body["userType"]), (&json!(true), &json!("Member")));
    let id = said.body["id"].as_str().expect("an id");
    let by_id = client.ask("GET", &format!("/v1.0/users/{}", id.to_uppercase()), "");
    assert_eq!(by_id.body["userPrincipalName"], "user0@contoso.com");
    assert_eq!(client.ask("GET", "/v1.0/users/nobody@contoso.com", "").code(), "Request_ResourceNotFound");
    assert_eq!(client.ask("GET", "/v1.0/users/user0@contoso.com?$select=wrong", "").status, 400);
}

/// The query of a lookup before the first write.
const SELECT: &str =
    "$select=id,userPrincipalName,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime";

#[test]
fn every_kind_shows_what_it_is() {
    let client = Client::new(Faults::calm());
    for (upn, kind, enabled, user_type, synced) in [
        ("ann@contoso.com", AccountKind::Normal, true, "Member", Value::Null),
        ("boss@contoso.com", AccountKind::Admin, true, "Member", Value::Null),
        ("helper@contoso.com", AccountKind::AdminByGroup, true, "Member", Value::Null),
        ("synced@contoso.com", AccountKind::Synced, true, "Member", json!(true)),
        ("nic_fabrikam.com#EXT#@contoso.com", AccountKind::Guest, true, "Guest", Value::Null),
        ("else@fabrikam.com", AccountKind::Federated, true, "Member", Value::Null),
        ("off@contoso.com", AccountKind::Disabled, false, "Member", Value::Null),
    ] {
        client.sim.add(Account { id: None, upn: upn.to_owned(), kind });
        let url = format!("/users/{}?{SELECT}", upn.replace('#', "%23"));
        let said = client.batch(&json!([{"id": "1", "method": "GET", "url": url}]));
        let shown = &said.item("1")["body"];
        assert_eq!(shown["userPrincipalName"], upn);
        assert_eq!((&shown["accountEnabled"], &shown["userType"]), (&json!(enabled), &json!(user_type)), "{upn}");
        assert_eq!(shown.get("onPremisesSyncEnabled"), Some(&synced), "{upn}");
        assert!(shown["id"].is_string() && shown["lastPasswordChangeDateTime"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn reads_can_lag_behind() {
    let epoch = "2026-09-01T07:00:00Z".parse().expect("a time");
    let faults = faults(r#"{"replication_lag_seconds": 30}"#);
    let client = Client::of(SimulatorConfig { epoch, faults, ..SimulatorConfig::default() });
    let changed = || {
        let said = client.ask("GET", &format!("/v1.0/users/{}?{SELECT}", upn(0)), "");
        said.body["lastPasswordChangeDateTime"].as_str().expect("a time").to_owned()
    };
    client.wave(1);
    assert_eq!(changed(), "2025-09-01T07:00:00Z");
    tokio::time::advance(Duration::from_secs(20)).await;
    client.wave(1);
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(changed(), "2026-09-01T07:00:00Z");
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(changed(), "2026-09-01T07:00:20Z");
}

#[tokio::test(start_paused = true)]
async fn others_can_change_passwords() {
    let epoch = "2026-09-01T07:00:00Z".parse().expect("a time");
    let client = Client::of(SimulatorConfig { epoch, ..SimulatorConfig::default() });
    client.wave(1);
    tokio::time::advance(Duration::from_secs(5)).await;
    client.sim.change_elsewhere(&upn(0), "Theirs-1234");
    client.sim.change_elsewhere("nobody@contoso.com", "Theirs-1234");
    let given: Vec<_> = client.sim.ever_given(&upn(0)).iter().map(|held| held.expose_secret().to_owned()).collect();
    assert_eq!(given, [PASSWORD, "Theirs-1234"]);
    let said = client.ask("GET", &format!("/v1.0/users/{}?{SELECT}", upn(0)), "");
    assert_eq!(said.body["lastPasswordChangeDateTime"], "2026-09-01T07:00:05Z");
    assert_eq!(client.sim.tally().writes, 1);
}

#[tokio::test(start_paused = true)]
async fn reads_are_counted_with_their_time() {
    let client = Client::new(faults(r#"{"items": {"conflict": 1}}"#));
    let begun = Instant::now();
    let batch = || {
        client.batch(
            &(0..5)
                .map(|n| json!({"id": n.to_string(), "method": "GET", "url": format!("/users/{}", upn(n))}))
                .collect(),
        )
    };
    assert_eq!(batch().statuses(), [200; 5], "only writes conflict");
    tokio::time::advance(Duration::from_secs(3)).await;
    batch();
    client.wave(2);
    let tally = client.sim.tally();
    assert_eq!((tally.reads, tally.patches, tally.other_calls), (10, 2, 0));
    assert_eq!((tally.first_read, tally.last_read), (Some(begun), Some(begun + Duration::from_secs(3))));
}

#[test]
fn reads_and_revocations_meet_faults() {
    let items = || {
        json!([
            {"id": "read", "method": "GET", "url": "/users/user1@contoso.com"},
            {"id": "revoke", "method": "POST", "url": "/users/user1@contoso.com/revokeSignInSessions",
                "headers": {"Content-Type": "application/json"}, "body": {}},
        ])
    };
    for (json, status, revoked) in [
        (r#"{"items": {"throttled": 1}}"#, 429, 0),
        (r#"{"items": {"unavailable": 1}}"#, 503, 0),
        (r#"{"items": {"timeout": 1, "applied": 1}}"#, 504, 1),
    ] {
        let client = Client::new(faults(json));
        assert_eq!(client.batch(&items()).statuses(), [status; 2], "{json}");
        assert_eq!((client.sim.sessions_revoked(&upn(1)), client.sim.tally().revocations), (revoked, revoked.into()));
    }
    let client = Client::new(faults(r#"{"responses": {"missing": 1}}"#));
    assert!(client.batch(&items()).statuses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn revocations_cost_a_write() {
    let write_quota = "4/4s".parse().expect("a quota");
    let client = Client::of(SimulatorConfig { write_quota, ..SimulatorConfig::default() });
    let revoke = |n: usize| {
        json!({"id": n.to_string(), "method": "POST", "headers": {"Content-Type": "application/json"},
        "url": format!("/users/{}/revokeSignInSessions", upn(n)), "body": {}})
    };
    let said = client.batch(&(0..6).map(revoke).collect());
    assert_eq!(said.statuses().iter().filter(|status| **status == 429).count(), 2);
    assert_eq!((said.item("0")["body"]["value"].clone(), client.sim.tally().revocations), (json!(true), 4));
    assert_eq!(client.sim.tally().early, 0);
    client.batch(&(0..6).map(revoke).collect());
    assert_eq!(client.sim.tally().early, 2, "those two were told to wait");
}

#[test]
fn lists_are_filtered_and_paged() {
    let client = Client::new(Faults::calm());
    let said = client.ask("GET", "/v1.0/users?$filter=userPrincipalName%20eq%20'USER3@contoso.com'&$select=id", "");
    assert_eq!(said.body["value"].as_array().map(Vec::len), Some(1));
    let none = client.ask("GET", "/v1.0/users?$filter=userPrincipalName+eq+'nobody@contoso.com'", "");
    assert_eq!(none.body["value"], json!([]));
    assert_eq!(client.ask("GET", "/v1.0/users?$filter=contains(mail,'a')", "").status, 400);
    let (mut target, mut seen) = ("/v1.0/users?$top=8&$select=userPrincipalName".to_owned(), Vec::new());
    loop {
        let page = client.ask("GET", &target, "");
        seen.extend(page.body["value"].as_array().expect("accounts").clone());
        let Some(next) = page.body["@odata.nextLink"].as_str() else { break };
        target = next.trim_start_matches("http://localhost").to_owned();
    }
    assert_eq!(seen.len(), 20);
    assert_eq!(seen[19], json!({"userPrincipalName": "user19@contoso.com"}));
}

#[test]
fn batches_may_read_and_revoke() {
    let client = Client::new(Faults::calm());
    let said = client.batch(&json!([
        {"id": "1", "method": "GET", "url": "/users/user1@contoso.com?$select=id"},
        {"id": "2", "method": "post", "url": "/users/user1@contoso.com/revokeSignInSessions",
            "headers": {"Content-Type": "application/json"}, "body": {}},
        {"id": "3", "method": "POST", "url": "/users/user1@contoso.com/revokeSignInSessions"},
        {"id": "4", "method": "GET", "url": "users"},
    ]));
    assert!(said.item("1")["body"]["id"].is_string());
    assert_eq!(said.item("2")["body"]["value"], true);
    assert_eq!(said.item("3")["status"], 400);
    assert_eq!(said.item("4")["headers"]["x-ms-resource-unit"], "2");
    assert_eq!(client.ask("POST", "/v1.0/users/user1@contoso.com/revokeSignInSessions", "").status, 200);
    let tally = client.sim.tally();
    assert_eq!((client.sim.sessions_revoked(&upn(1)), tally.revocations, tally.other_calls), (2, 2, 2));
    assert_eq!(tally.reads, 2);
}
