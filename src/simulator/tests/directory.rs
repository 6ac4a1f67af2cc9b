//! Tests lookups besides accounts: roles, the members of a group, and domains.

use super::*;

const ROLES: &str = "/v1.0/roleManagement/directory/roleAssignments";
const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
const USER: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";

fn add(client: &Client, upn: &str, kind: AccountKind) -> Value {
    client.sim.add(Account { id: None, upn: upn.to_owned(), kind });
    client.ask("GET", &format!("/v1.0/users/{upn}?$select=id"), "").body["id"].clone()
}

/// All items of a list, with the number of its pages.
fn all(client: &Client, target: &str) -> (Vec<Value>, usize) {
    let (mut target, mut items, mut pages) = (target.to_owned(), Vec::new(), 0);
    loop {
        let page = client.ask("GET", &target, "");
        assert_eq!(page.status, 200, "{target}");
        items.extend(page.body["value"].as_array().expect("items").clone());
        pages += 1;
        let Some(next) = page.body["@odata.nextLink"].as_str() else { return (items, pages) };
        target = next.trim_start_matches("http://localhost").to_owned();
    }
}

#[test]
fn lists_all_role_assignments() {
    let client = Client::new(Faults::calm());
    let boss = add(&client, "boss@contoso.com", AccountKind::Admin);
    add(&client, "helper@contoso.com", AccountKind::AdminByGroup);
    let (items, pages) = all(&client, &format!("{ROLES}?$expand=principal($select=id)"));
    let of = |at: usize| (&items[at]["principal"]["@odata.type"], &items[at]["roleDefinitionId"]);
    assert_eq!((items.len(), pages), (3, 1));
    assert_eq!(of(0), (&json!("#microsoft.graph.servicePrincipal"), &json!(USER)));
    assert_eq!(of(1), (&json!("#microsoft.graph.group"), &json!(HELPDESK)));
    assert_eq!(of(2), (&json!("#microsoft.graph.user"), &json!(GLOBAL)));
    assert_eq!((&items[2]["principalId"], &items[2]["principal"]["id"]), (&boss, &boss));
    assert!(items.iter().all(|item| item["directoryScopeId"] == "/" && item["id"].is_string()));
    assert_eq!(items[0]["principalId"], claims(client.bearer.trim_start_matches("Bearer "))["oid"]);

    let (bare, _) = all(&client, &format!("{ROLES}?$select=principalId,roleDefinitionId,directoryScopeId"));
    assert_eq!(bare[2], json!({"principalId": boss, "roleDefinitionId": GLOBAL, "directoryScopeId": "/"}));
    assert!(all(&client, ROLES).0[0].get("principal").is_none());
    let of_boss = format!("{ROLES}?$filter=principalId eq '{}'&$expand=roleDefinition", boss.as_str().expect("an id"));
    let (held, _) = all(&client, &of_boss);
    assert_eq!((held.len(), &held[0]["roleDefinition"]["displayName"]), (1, &json!("Global Administrator")));
    assert!(all(&client, &format!("{ROLES}?$filter=principalId eq 'x'")).0.is_empty());
    assert_eq!(client.ask("GET", &format!("{ROLES}?$orderby=principalId"), "").status, 400);
    assert_eq!(client.ask("GET", &format!("{ROLES}?$select=wrong"), "").status, 400);
    assert_eq!(client.ask("POST", ROLES, "{}").status, 405);
}

#[test]
fn account_changes_update_the_lists() {
    let client = Client::new(Faults::calm());
    let count = || all(&client, ROLES).0.len();
    assert_eq!(count(), 1);
    add(&client, &upn(3), AccountKind::Admin);
    assert_eq!(count(), 2);
    add(&client, &upn(3), AccountKind::Normal);
    add(&client, &upn(4), AccountKind::AdminByGroup);
    assert_eq!(count(), 2);
    client.sim.add(Account { id: None, upn: upn(4), kind: AccountKind::Missing });
    assert_eq!(count(), 1);
}

#[test]
fn long_lists_have_pages() {
    let client = Client::new(Faults::calm());
    for n in 0..250 {
        for (name, kind) in [("boss", AccountKind::Admin), ("helper", AccountKind::AdminByGroup)] {
            client.sim.add(Account { id: None, upn: format!("{name}{n}@contoso.com"), kind });
        }
    }
    let (assignments, pages) = all(&client, &format!("{ROLES}?%24expand=principal(%24select=id)"));
    assert_eq!((assignments.len(), pages), (252, 3));
    let distinct: std::collections::HashSet<_> = assignments.iter().map(|item| item["id"].to_string()).collect();
    assert_eq!(distinct.len(), 252);
    let group = assignments[1]["principalId"].as_str().expect("a group").to_owned();
    let path = format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user");
    let (members, pages) = all(&client, &format!("{path}?$select=id"));
    assert_eq!((members.len(), pages, members[0].as_object().map(serde_json::Map::len)), (250, 3, Some(1)));
    assert_eq!(all(&client, &format!("{path}?$select=id&$top=999")).1, 1);
    assert_eq!(client.ask("GET", &path.replace(&group, "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b"), "").status, 404);
    assert_eq!(client.ask("GET", "/v1.0/groups/x/transitiveMembers/microsoft.graph.user", "").status, 404);
}

#[test]
fn empty_group_does_not_exist() {
    let client = Client::new(Faults::calm());
    let helper = "helper@contoso.com";
    add(&client, helper, AccountKind::AdminByGroup);
    let group = all(&client, ROLES).0[1]["principalId"].as_str().expect("a group").to_owned();
    add(&client, helper, AccountKind::Normal);
    let path = format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user");
    assert_eq!((client.ask("GET", &path, "").status, all(&client, ROLES).0.len()), (404, 1));
}

#[test]
fn one_account_federates_its_domain() {
    let client = Client::new(faults(r#"{"accounts": {"user7@contoso.com": "federated"}}"#));
    add(&client, "ann@Fabrikam.com", AccountKind::Normal);
    add(&client, "bob#EXT#@contoso.onmicrosoft.com", AccountKind::Guest);
    client.sim.add(Account { id: None, upn: "gone@gone.com".into(), kind: AccountKind::Missing });
    client.sim.add(Account::normal("nowhere"));
    let said = client.ask("GET", "/v1.0/domains?$select=id,authenticationType", "");
    assert_eq!(
        said.body["value"],
        json!([
            {"id": "contoso.com", "authenticationType": "Federated"},
            {"id": "fabrikam.com", "authenticationType": "Managed"},
            {"id": "contoso.onmicrosoft.com", "authenticationType": "Managed"},
        ])
    );
    assert_eq!(client.ask("GET", "/v1.0/domains", "").body["value"][1]["isVerified"], true);
    let write = client.batch(&json!([write("1", &upn(7)), write("2", &upn(8))]));
    assert_eq!((write.item("1")["status"].clone(), write.item("2")["status"].clone()), (json!(400), json!(204)));
    assert_eq!(write.item("1")["body"]["error"]["message"], "Property userPrincipalName is invalid.");
}

#[test]
fn denied_lists_are_refused_and_unclaimed() {
    let group = "/v1.0/groups/x/transitiveMembers/microsoft.graph.user";
    let revoke = "/v1.0/users/user1@contoso.com/revokeSignInSessions";
    for (denied, statuses, claimed) in [
        ("nothing", [200, 200, 404, 200, 200], 10),
        ("reads", [403, 403, 403, 403, 200], 4),
        ("roles", [200, 403, 403, 200, 200], 8),
        ("domains", [200, 200, 404, 403, 200], 9),
        ("sessions", [200, 200, 404, 200, 403], 9),
        ("audit_log", [200, 200, 404, 200, 200], 9),
        ("writes", [200, 200, 404, 200, 403], 6),
        ("everything", [403; 5], 0),
    ] {
        let client = Client::new(faults(&format!(r#"{{"denied": "{denied}"}}"#)));
        let mut said = ["/v1.0/users/user1@contoso.com", ROLES, group, "/v1.0/domains"]
            .map(|target| client.ask("GET", target, "").status)
            .to_vec();
        said.push(client.ask("POST", revoke, "").status);
        assert_eq!(said, statuses, "{denied}");
        let roles = claims(client.bearer.trim_start_matches("Bearer "))["roles"].clone();
        assert_eq!(roles.as_array().map(Vec::len), Some(claimed), "{denied}");
    }
}

#[test]
fn list_costs_match_the_documentation() {
    let client = Client::new(Faults::calm());
    add(&client, "helper@contoso.com", AccountKind::AdminByGroup);
    let group = all(&client, ROLES).0[1]["principalId"].as_str().expect("a group").to_owned();
    let members = format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user");
    for (target, units) in [
        (format!("{ROLES}?$expand=principal($select=id)"), "2"),
        (format!("{ROLES}?$expand=principal($select=id)&$select=principalId"), "1"),
        (ROLES.to_owned(), "1"),
        (members.clone(), "5"),
        (format!("{members}?$select=id"), "4"),
        ("/v1.0/domains?$select=id".to_owned(), "1"),
        ("/v1.0/users/user1@contoso.com".to_owned(), "1"),
    ] {
        let said = client.ask("GET", &target, "");
        assert_eq!(said.answer.header("x-ms-resource-unit"), Some(units), "{target}");
    }
}
