//! Tests the rules for a batch and for each of its items.

use super::*;
use proptest::prelude::*;

#[test]
fn items_are_answered_in_any_order() {
    let client = Client::new(Faults::calm());
    let said = client.wave(20);
    assert_eq!((said.status, said.statuses()), (200, vec![204; 20]));
    let ids: Vec<_> = said.body["responses"].as_array().expect("responses").iter().map(|r| r["id"].clone()).collect();
    let in_order: Vec<_> = (0..20).map(|n| json!(n.to_string())).collect();
    assert_ne!(ids, in_order);
    let bodies: Vec<_> = said.body["responses"].as_array().expect("responses").iter().map(|r| r.get("body")).collect();
    assert!(bodies.contains(&None) && bodies.contains(&Some(&Value::Null)));
    assert!(bodies.iter().all(|body| body.is_none_or(Value::is_null)), "Graph was not seen to send anything else");
    assert_eq!(said.item("7")["headers"]["x-ms-resource-unit"], "1");
    assert!((0..20).all(|n| client.sim.holds(&upn(n).to_uppercase(), PASSWORD)));
    assert_eq!(client.sim.tally().writes, 20);
    assert_eq!(client.sim.force_change(&upn(3)), Some(ForceChange::NextSignIn));
}

#[test]
fn empty_bodies_are_a_fault() {
    let client = Client::new(faults(r#"{"responses": {"empty_bodies": 1}}"#));
    let said = client.wave(20);
    let mut items = said.body["responses"].as_array().expect("responses").iter();
    assert!(items.all(|item| item["status"] == 204 && item["body"] == json!({})));
}

#[test]
fn malformed_batches_are_refused() {
    let client = Client::new(Faults::calm());
    for body in [
        "nonsense",
        "{}",
        "[]",
        r#"{"requests":[]}"#,
        r#"{"requests":{}}"#,
        r#"{"requests":[{"id":1,"method":"GET","url":"/users"}]}"#,
        r#"{"requests":[{"id":"1","url":"/users"}]}"#,
        r#"{"requests":[{"id":"1","method":"GET","url":"/users","dependsOn":["2"]}]}"#,
    ] {
        let said = client.ask("POST", "/v1.0/$batch", body);
        assert_eq!((said.status, said.code(), said.message()), (400, "BadRequest", "Invalid batch payload format."));
        assert!(said.body["error"]["innerError"]["client-request-id"].is_string());
    }
    let twice = client.batch(&json!([write("1", "a@contoso.com"), write("Ab", &upn(0)), write("aB", &upn(1))]));
    assert_eq!((twice.status, twice.message()), (400, "Request Id aB has to be unique in a batch."));
    let many = client.wave(21);
    assert_eq!((many.status, many.message()), (400, "Number of requests inside batch exceed the limit"));
    assert_eq!(client.sim.tally().writes, 0);
}

#[test]
fn failing_items_spare_the_others() {
    let client = Client::new(Faults::calm());
    for (upn, kind) in [("boss", AccountKind::Admin), ("sync", AccountKind::Synced), ("guest", AccountKind::Guest)] {
        client.sim.add(Account { id: None, upn: format!("{upn}@contoso.com"), kind });
    }
    let mut bare = write("bare", &upn(0));
    bare["headers"] = json!({"Accept": "*/*"});
    let mut lower = write("lower", &upn(1));
    lower["headers"] = json!({"content-type": "application/json", "x": 1});
    let mut weak = write("weak", &upn(2));
    weak["body"] = body("password");
    let said = client.batch(&json!([
        bare,
        lower,
        weak,
        write("boss", "boss@contoso.com"),
        write("sync", "sync@contoso.com"),
        write("guest", "guest@contoso.com"),
        write("gone", "gone@contoso.com"),
        write("broken", "100%@contoso.com"),
        {"id": "nested", "method": "POST", "url": "/$batch", "headers": {"Content-Type": "application/json"}, "body": {}},
        {"id": "delete", "method": "DELETE", "url": "/users"},
        {"id": "version", "method": "GET", "url": "/v1.0/users/user3@contoso.com"},
        {"id": "absolute", "method": "GET", "url": "https://graph.microsoft.com/v1.0/users"},
        {"id": "drives", "method": "GET", "url": "drives"},
    ]));
    assert_eq!(said.status, 200);
    for (id, status, message) in [
        ("bare", 400, "Write request id : bare does not contain Content-Type header or body."),
        ("weak", 400, "The specified password does not comply with password complexity requirements."),
        ("boss", 403, "Insufficient privileges to complete the operation."),
        ("sync", 400, "on-premises mastered Directory Sync objects"),
        ("guest", 400, "objects that have originated within an external service"),
        ("gone", 404, "Resource 'gone@contoso.com' does not exist or one of its queried"),
        ("broken", 400, "Bad request. Please fix the request before retrying."),
        ("nested", 405, "not allowed"),
        ("delete", 405, "not allowed"),
        ("drives", 400, "Resource not found for the segment 'drives'."),
        ("version", 400, "Resource not found for the segment 'v1.0'."),
    ] {
        let item = said.item(id);
        assert_eq!(item["status"], status, "{id}");
        assert!(item["body"]["error"]["message"].as_str().expect("a message").contains(message), "{id}: {item}");
        assert_eq!(item["body"]["error"]["innerError"]["request-id"], said.answer.header("request-id").expect("an id"));
    }
    assert_eq!(said.item("lower")["status"], 204);
    assert_eq!(said.item("absolute")["status"], 200, "as Microsoft's Python SDK writes it");
}

#[test]
fn bare_hash_changes_the_account() {
    let client = Client::new(Faults::calm());
    client.sim.add(Account::normal("nic"));
    client.sim.add(Account::normal("nic#EXT#@contoso.com"));
    let mut raw = write("1", "x");
    raw["url"] = json!("/users/nic#EXT#@contoso.com");
    client.batch(&json!([raw]));
    assert!(client.sim.holds("nic", PASSWORD) && !client.sim.holds("nic#EXT#@contoso.com", PASSWORD));
    client.batch(&json!([write("1", "nic#EXT#@contoso.com")]));
    assert!(client.sim.holds("nic#EXT#@contoso.com", PASSWORD));
}

#[test]
fn dependents_of_failures_are_skipped() {
    let client = Client::new(Faults::calm());
    let mut child = write("b", &upn(0));
    child["dependsOn"] = json!(["a"]);
    let said = client.batch(&json!([write("a", "gone@contoso.com"), child.clone()]));
    assert_eq!((said.item("a")["status"].clone(), said.item("b")["status"].clone()), (json!(404), json!(424)));
    let said = client.batch(&json!([write("a", &upn(1)), child]));
    assert_eq!(said.statuses(), [204, 204]);
}

#[test]
fn single_calls_work_on_any_path() {
    let client = Client::new(Faults::calm());
    let sent = body(PASSWORD).to_string();
    for (n, target) in [
        (0, "/v1.0/users/user0@contoso.com"),
        (1, "/beta/users/USER1%40contoso.com"),
        (2, "/v1.0//users/user2@contoso.com"),
        (3, "/v1.0/users('user3@contoso.com')"),
    ] {
        let said = client.ask("PATCH", target, &sent);
        assert_eq!((said.status, said.answer.body.len()), (204, 0), "{target}");
        assert!(client.sim.holds(&upn(n), PASSWORD), "{target}");
        assert!(said.answer.header("x-ms-ags-diagnostic").is_some() && said.answer.header("Date").is_some());
    }
    let batch = json!({"requests": [write("1", &upn(4))]}).to_string();
    assert_eq!(client.ask("POST", "/beta/%24batch", &batch).status, 200);
    assert_eq!(client.ask("GET", "/v1.0/$batch", "").status, 405);
    for (target, segment) in
        [("/v2.0/users", "v2.0"), ("/nonsense", "nonsense"), ("/v1.0/me/drive", "drive"), ("/", "")]
    {
        let said = client.ask("GET", target, "");
        let message = format!("Resource not found for the segment '{segment}'.");
        assert_eq!((said.status, said.message()), (400, message.as_str()), "{target}");
    }
    let chunked = client.fate("PATCH", "/v1.0/users/user5@contoso.com", &[("Transfer-Encoding", "chunked")], &sent);
    assert_eq!(chunked.answer.map(|answer| answer.status), Some(411));
    let named = client.fate("GET", "/v1.0/users", &[("client-request-id", "mine")], "").answer.expect("an answer");
    assert_eq!(named.header("Client-Request-Id"), Some("mine"));
}

proptest! {
    #[test]
    fn arbitrary_requests_are_answered(
        target in "/(v1\\.0|beta|x)?/?(users|\\$batch|domains|groups/x|roleManagement/directory/roleAssignments)?[ -~é]{0,30}",
        query in "(\\?(\\$|%24)(select|expand|top|skiptoken|filter|search|orderby|count)=[ -~é]{0,20})?",
        body in "[ -~é]{0,60}",
    ) {
        let target = format!("{target}{query}");
        let client = Client::new(Faults::calm());
        let headers = [("content-type", "application/json")];
        for method in ["GET", "POST", "PATCH", "DELETE"] {
            let answer = client.fate(method, &target, &headers, &body).answer.expect("an answer");
            prop_assert!((200..500).contains(&answer.status));
        }
        let item = json!({"id": "1", "method": "PATCH", "url": target, "headers": {"content-type": "x"}, "body": body});
        let said = client.batch(&json!([item]));
        prop_assert_eq!((said.status, said.statuses().len()), (200, 1));
        prop_assert_eq!(client.sim.tally().writes, 0);
    }
}
