//! Reading accounts.

use super::*;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn an_account_tells_what_it_is_asked_for() {
    let epoch = "2026-09-01T07:00:00Z".parse().expect("a time");
    let client = Client::of(SimulatorConfig { epoch, ..SimulatorConfig::default() });
    client.sim.add(Account { id: None, upn: "sync@contoso.com".into(), kind: AccountKind::Synced });
    let select =
        "$select=id,userPrincipalName,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime";
    let synced = client.ask("GET", &format!("/v1.0/users/SYNC@contoso.com?{select}"), "");
    assert_eq!(synced.body["onPremisesSyncEnabled"], true);
    assert_eq!(synced.body["lastPasswordChangeDateTime"], "2025-09-01T07:00:00Z");
    tokio::time::advance(Duration::from_secs(61)).await;
    client.wave(1);
    let said = client.ask("GET", &format!("/v1.0/users/user0@contoso.com?{select}"), "");
    assert_eq!(said.body["lastPasswordChangeDateTime"], "2026-09-01T07:01:01Z");
    assert_eq!((&said.body["accountEnabled"], &said.body["userType"]), (&json!(true), &json!("Member")));
    let id = said.body["id"].as_str().expect("an id");
    let by_id = client.ask("GET", &format!("/v1.0/users/{}", id.to_uppercase()), "");
    assert_eq!(by_id.body["userPrincipalName"], "user0@contoso.com");
    assert_eq!(client.ask("GET", "/v1.0/users/nobody@contoso.com", "").code(), "Request_ResourceNotFound");
    assert_eq!(client.ask("GET", "/v1.0/users/user0@contoso.com?$select=wrong", "").status, 400);
}

#[test]
fn lists_are_filtered_and_paged() {
    let client = Client::new(Faults::calm());
    let said = client.ask("GET", "/v1.0/users?$filter=userPrincipalName%20eq%20'USER3@contoso.com'&$select=id", "");
    assert_eq!(said.body["value"].as_array().map(Vec::len), Some(1));
    let none = client.ask("GET", "/v1.0/users?$filter=userPrincipalName+eq+'nobody@contoso.com'", "");
    assert_eq!(none.body["value"], json!([]));
    assert_eq!(client.ask("GET", "/v1.0/users?$filter=startswith(mail,'a')", "").status, 400);
    let (mut target, mut seen) = ("/v1.0/users?$top=8&$select=userPrincipalName".to_owned(), Vec::new());
    loop {
        let page = client.ask("GET", &target, "");
        seen.extend(page.body["value"].as_array().expect("accounts").clone());
        let Some(next) = page.body["@odata.nextLink"].as_str() else { break };
        target = next.trim_start_matches("https://graph.microsoft.com").to_owned();
    }
    assert_eq!(seen.len(), 20);
    assert_eq!(seen[19], json!({"userPrincipalName": "user19@contoso.com"}));
}

#[test]
fn reads_and_revocations_stand_in_batches_too() {
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
