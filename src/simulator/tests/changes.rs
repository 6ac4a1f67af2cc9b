//! Tests what an administrator's script does to accounts besides their passwords.

use super::*;

fn new_account(upn: &str) -> Value {
    json!({
        "accountEnabled": true, "displayName": "Eve", "mailNickname": "eve", "userPrincipalName": upn,
        "department": "Sales", "passwordProfile": {"password": PASSWORD, "forceChangePasswordNextSignIn": true},
    })
}

fn create(client: &Client, body: &Value) -> Said {
    client.ask("POST", "/v1.0/users", &body.to_string())
}

#[test]
fn accounts_are_created_changed_and_deleted() {
    let client = Client::new(Faults::calm());
    let made = create(&client, &new_account("eve@contoso.com"));
    assert_eq!((made.status, &made.body["displayName"]), (201, &json!("Eve")));
    assert!(client.sim.holds("eve@contoso.com", PASSWORD));
    let id = made.body["id"].as_str().expect("an id").to_owned();
    let change = json!({"jobTitle": "Clerk", "accountEnabled": false, "businessPhones": ["1"], "displayName": null});
    assert_eq!(client.ask("PATCH", &format!("/v1.0/users/{id}"), &change.to_string()).status, 204);
    let shown =
        client.ask("GET", &format!("/v1.0/users/{id}?$select=jobTitle,accountEnabled,department,createdDateTime"), "");
    assert_eq!((&shown.body["jobTitle"], &shown.body["accountEnabled"]), (&json!("Clerk"), &json!(false)));
    assert_eq!(shown.body["department"], "Sales");
    assert_eq!(client.ask("DELETE", "/v1.0/users/eve@contoso.com", "").status, 204);
    assert_eq!(client.ask("GET", &format!("/v1.0/users/{id}"), "").code(), "Request_ResourceNotFound");
    assert_eq!(client.advanced("/v1.0/users/$count").answer.body, b"20");

    let deleted = client.ask("GET", "/v1.0/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime", "");
    assert_eq!(
        (&deleted.body["value"][0]["id"], deleted.body["value"].as_array().map(Vec::len)),
        (&json!(id), Some(1))
    );
    let abbreviated = client.ask("GET", "/v1.0/directory/deletedItems/graph.user", "");
    assert_eq!(abbreviated.body["value"][0]["id"], id);
    assert_eq!(create(&client, &new_account("eve@contoso.com")).status, 201, "the name is free again");
    let taken = client.ask("POST", &format!("/v1.0/directory/deletedItems/{id}/restore"), "");
    assert_eq!(taken.message(), "Another object with the same value for property userPrincipalName already exists.");
    assert_eq!(client.ask("DELETE", "/v1.0/users/eve@contoso.com", "").status, 204);
    let restored = client.ask("POST", &format!("/v1.0/directory/deletedItems/{id}/restore"), "");
    assert_eq!((restored.status, &restored.body["id"]), (200, &json!(id)));
    assert_eq!(client.ask("GET", "/v1.0/users/eve@contoso.com", "").body["id"], json!(id));
    assert_eq!(client.ask("DELETE", &format!("/v1.0/directory/deletedItems/{id}"), "").status, 404);
}

#[test]
fn invalid_accounts_are_refused() {
    let client = Client::new(Faults::calm());
    for (name, value, message) in [
        ("mailNickname", Value::Null, "A value is required for property 'mailNickname' of resource 'User'."),
        ("passwordProfile", Value::Null, "A value is required for property 'passwordProfile' of resource 'User'."),
        ("accountEnabled", json!("yes"), "Invalid value specified for property 'accountEnabled' of resource 'User'"),
        (
            "userPrincipalName",
            json!("eve@elsewhere.com"),
            "The domain portion of the userPrincipalName property is invalid.",
        ),
        (
            "userPrincipalName",
            json!("USER3@contoso.com"),
            "Another object with the same value for property userPrincipalName",
        ),
        (
            "createdDateTime",
            json!("2026-01-01T00:00:00Z"),
            "Property 'createdDateTime' is read-only and cannot be set.",
        ),
        ("nickname", json!("e"), "Property 'nickname' does not exist as a declared property or extension property."),
        ("nickname", json!({"a": 1}), "A value without a type name was found and no expected type is available."),
    ] {
        let mut body = new_account("eve@contoso.com");
        body[name] = value;
        let said = create(&client, &body);
        assert_eq!(said.status, 400, "{name}");
        assert!(said.message().starts_with(message), "{name}: {}", said.message());
    }
    let mut weak = new_account("eve@contoso.com");
    weak["passwordProfile"]["password"] = json!("weak");
    assert!(create(&client, &weak).message().starts_with("The specified password does not comply"));
    assert_eq!(client.ask("POST", "/v1.0/users", "nonsense").status, 400);
    assert_eq!(client.sim.tally().writes, 0);
}

#[test]
fn sensitive_properties_of_administrators_stay() {
    let client = Client::new(Faults::calm());
    for (upn, kind) in [
        ("boss@contoso.com", AccountKind::Admin),
        ("sync@contoso.com", AccountKind::Synced),
        ("nic#EXT#@contoso.com", AccountKind::Guest),
    ] {
        client.sim.add(Account { id: None, upn: upn.into(), kind });
    }
    let change = |key: &str, body: Value| client.ask("PATCH", &format!("/v1.0/users/{key}"), &body.to_string()).status;
    assert_eq!(change("boss@contoso.com", json!({"jobTitle": "Head"})), 204);
    assert_eq!(change("boss@contoso.com", json!({"accountEnabled": false})), 403);
    assert_eq!(change("sync@contoso.com", json!({"jobTitle": "Head"})), 400);
    assert_eq!(change("nic%23EXT%23@contoso.com", json!({"jobTitle": "Head"})), 204);
    assert_eq!(change("nic%23EXT%23@contoso.com", body(PASSWORD)), 400);
    assert_eq!(client.ask("DELETE", "/v1.0/users/boss@contoso.com", "").status, 403);
    // A change is done as a whole or not at all.
    let mut both = body("short");
    both["jobTitle"] = json!("Clerk");
    assert_eq!(change(&upn(1), both), 400);
    assert_eq!(client.ask("GET", "/v1.0/users/user1@contoso.com", "").body["jobTitle"], Value::Null);
    let denied = Client::new(faults(r#"{"denied": "writes"}"#));
    assert_eq!(create(&denied, &new_account("eve@contoso.com")).status, 403);
    assert_eq!(denied.ask("DELETE", "/v1.0/users/user1@contoso.com", "").status, 403);
}

#[test]
fn renamed_accounts_are_found_by_their_new_name() {
    let client = Client::new(Faults::calm());
    let rename =
        |to: &str| client.ask("PATCH", "/v1.0/users/user1@contoso.com", &json!({"userPrincipalName": to}).to_string());
    assert_eq!(rename("user2@contoso.com").status, 400);
    assert_eq!(rename("USER1@contoso.com").status, 204);
    assert_eq!(rename("new@contoso.com").status, 204);
    assert_eq!(client.ask("GET", "/v1.0/users/new@contoso.com", "").body["userPrincipalName"], "new@contoso.com");
    assert_eq!(client.ask("GET", "/v1.0/users/user1@contoso.com", "").status, 404);
}

#[test]
fn changes_are_followed() {
    let client = Client::new(Faults::calm());
    let first = client.ask("GET", "/v1.0/users/delta?$select=id,userPrincipalName", "");
    assert_eq!(first.body["value"].as_array().map(Vec::len), Some(20));
    let follow = |said: &Said| {
        let link = said.body["@odata.deltaLink"].as_str().expect("a link").to_owned();
        client.ask("GET", link.trim_start_matches("http://localhost"), "")
    };
    let nothing = follow(&first);
    assert_eq!(nothing.body["value"], json!([]));
    client.wave(2);
    client.ask("DELETE", "/v1.0/users/user5@contoso.com", "");
    let changed = follow(&nothing);
    let values = changed.body["value"].as_array().expect("changes");
    assert_eq!((values.len(), &values[1]["userPrincipalName"]), (3, &json!("user1@contoso.com")));
    assert_eq!(values[2]["@removed"]["reason"], "changed");
    assert!(values.iter().all(|value| value["id"].is_string()));
    let latest = client.ask("GET", "/v1.0/users/delta?$deltatoken=latest", "");
    assert_eq!(follow(&latest).body["value"], json!([]));
    assert_eq!(client.ask("GET", "/v1.0/users/delta?$deltatoken=x", "").status, 400);
}
