//! Tests groups, roles and what an account is a member of; and the organization.

use super::{refusal::Refusal, *};

fn tenant() -> Client {
    let client = Client::new(Faults::calm());
    for (upn, kind) in [("boss@contoso.com", AccountKind::Admin), ("helper@contoso.com", AccountKind::AdminByGroup)] {
        client.sim.add(Account { id: None, upn: upn.into(), kind });
    }
    client
}

/// The types and names of the objects in a list.
fn kinds(said: &Said) -> Vec<(String, String)> {
    let items = said.body["value"].as_array().unwrap_or_else(|| panic!("a list, not {}", said.body));
    let text = |item: &Value, name: &str| {
        item[name].as_str().unwrap_or_default().trim_start_matches("#microsoft.graph.").to_owned()
    };
    items.iter().map(|item| (text(item, "@odata.type"), text(item, "displayName"))).collect()
}

fn is(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[test]
fn accounts_tell_their_groups_and_roles() {
    let client = tenant();
    let list = |target: &str| kinds(&client.ask("GET", target, ""));
    let (group, role) = (is("group", "Helpdesk staff"), is("directoryRole", "Helpdesk Administrator"));
    assert_eq!(list("/v1.0/users/boss@contoso.com/memberOf"), [is("directoryRole", "Global Administrator")]);
    assert_eq!(list("/v1.0/users/helper@contoso.com/memberOf"), std::slice::from_ref(&group));
    assert_eq!(list("/v1.0/users/helper@contoso.com/transitiveMemberOf"), [group, role.clone()]);
    assert_eq!(list("/v1.0/users/user1@contoso.com/memberOf"), []);
    assert_eq!(list("/v1.0/users/helper@contoso.com/memberOf/microsoft.graph.group"), [is("", "Helpdesk staff")]);
    assert_eq!(list("/v1.0/users/helper@contoso.com/memberOf/microsoft.graph.directoryRole"), []);
    assert_eq!(client.ask("GET", "/v1.0/users/x@contoso.com/memberOf", "").status, 404);
    let id = client.ask("GET", "/v1.0/groups", "").body["value"][0]["id"].as_str().expect("a group").to_owned();
    assert_eq!(list(&format!("/v1.0/groups/{id}/memberOf")), [role]);
    let counted = client.advanced("/v1.0/users/helper@contoso.com/transitiveMemberOf/$count");
    assert_eq!(counted.answer.body, b"2");
    let some = client.advanced("/v1.0/users/helper@contoso.com/transitiveMemberOf?$count=true&$filter=startsWith(displayName,'Helpdesk%20s')&$select=id,displayName");
    assert_eq!((some.body["value"].as_array().map(Vec::len), &some.body["@odata.count"]), (Some(1), &json!(1)));

    let post = |action: &str, body: Value| {
        client.ask("POST", &format!("/v1.0/users/helper@contoso.com/{action}"), &body.to_string()).body["value"].clone()
    };
    assert_eq!(post("getMemberGroups", json!({"securityEnabledOnly": false})), json!([id]));
    assert_eq!(post("getMemberObjects", json!({"securityEnabledOnly": true})).as_array().map(Vec::len), Some(2));
    assert_eq!(post("checkMemberGroups", json!({"groupIds": [id.to_uppercase(), "x"]})), json!([id.to_uppercase()]));
    assert_eq!(post("microsoft.graph.checkMemberObjects", json!({"ids": ["x"]})), json!([]));
    assert_eq!(post("checkMemberGroups", json!({})), Value::Null);
    let related = client.ask(
        "GET",
        "/v1.0/users/helper@contoso.com?$select=id&$expand=memberOf($select=id,displayName),manager",
        "",
    );
    assert_eq!(related.body["memberOf"][0]["displayName"], "Helpdesk staff");
    assert_eq!(related.body.get("manager"), None);
    assert_eq!(
        client.ask("GET", "/v1.0/users/helper@contoso.com/manager", "").message(),
        Refusal::not_found("manager").message
    );
    for name in ["directReports", "ownedDevices", "licenseDetails", "appRoleAssignments", "transitiveReports"] {
        let none = client.ask("GET", &format!("/v1.0/users/helper@contoso.com/{name}"), "");
        assert_eq!((none.status, &none.body["value"]), (200, &json!([])), "{name}");
        assert_eq!(client.ask("GET", &format!("/v1.0/users/nobody@contoso.com/{name}"), "").status, 404, "{name}");
    }
}

#[test]
fn groups_and_roles_have_members() {
    let client = tenant();
    let list = |target: &str| kinds(&client.ask("GET", target, ""));
    let groups = client.ask("GET", "/v1.0/groups?$filter=displayName%20eq%20'Helpdesk%20staff'", "");
    let id = groups.body["value"][0]["id"].as_str().expect("a group").to_owned();
    assert_eq!(
        client.ask("GET", &format!("/v1.0/groups('{id}')?$select=isAssignableToRole"), "").body["isAssignableToRole"],
        true
    );
    assert_eq!(list(&format!("/v1.0/groups/{id}/members")), [is("user", "helper")]);
    assert_eq!(list(&format!("/v1.0/groups/{id}/members/graph.user?$select=displayName")), [is("", "helper")]);
    assert_eq!(client.advanced(&format!("/v1.0/groups/{id}/members/$count")).answer.body, b"1");
    assert_eq!(client.advanced("/v1.0/groups/$count").answer.body, b"1");

    let roles = client.ask("GET", "/v1.0/directoryRoles", "");
    let names: Vec<_> = kinds(&roles).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["Global Administrator", "User Administrator", "Helpdesk Administrator"]);
    let global = roles.body["value"][0]["id"].as_str().expect("an id");
    assert_eq!(list(&format!("/v1.0/directoryRoles/{global}/members")), [is("user", "boss")]);
    let by_template = "/v1.0/directoryRoles(roleTemplateId='729827e3-9c14-49f7-bb1b-9608f156bbb8')/members";
    assert_eq!(list(by_template), [is("group", "Helpdesk staff")]);
    let by_path = "/v1.0/directoryRoles/roleTemplateId=fe930be7-5e62-47db-91af-98c3a49a38b1/members";
    assert_eq!(list(by_path), [is("servicePrincipal", "Simulated application")]);
    assert_eq!(client.ask("GET", "/v1.0/directoryRoles/x/members", "").status, 404);

    let definitions = "/v1.0/roleManagement/directory/roleDefinitions";
    let named = client.ask("GET", &format!("{definitions}?$filter=displayName%20eq%20'User%20Administrator'"), "");
    assert_eq!(named.body["value"][0]["templateId"], "fe930be7-5e62-47db-91af-98c3a49a38b1");
    let one = client.ask("GET", &format!("{definitions}/62e90394-69f5-4237-9190-012177145e10"), "");
    assert_eq!(one.body["displayName"], "Global Administrator");
    assert_eq!(client.ask("GET", &format!("{definitions}/x"), "").status, 404);
    let assignments = client.ask("GET", "/v1.0/roleManagement/directory/roleAssignments", "");
    let id = assignments.body["value"][0]["id"].as_str().expect("an id");
    assert_eq!(client.ask("GET", &format!("/v1.0/roleManagement/directory/roleAssignments/{id}"), "").body["id"], id);
}

#[test]
fn organization_and_domains_are_told() {
    let client = tenant();
    let tenant_id = client.sim.credentials().tenant_id.clone();
    let said = client.ask("GET", "/v1.0/organization?$select=id,verifiedDomains", "");
    assert_eq!(
        (&said.body["value"][0]["id"], &said.body["value"][0]["verifiedDomains"][0]["name"]),
        (&json!(tenant_id), &json!("contoso.com"))
    );
    assert_eq!(client.ask("GET", &format!("/v1.0/organization/{tenant_id}"), "").body["displayName"], "Contoso");
    assert_eq!(client.ask("GET", "/v1.0/organization/x", "").status, 404);
    assert_eq!(client.ask("GET", "/v1.0/domains/CONTOSO.com", "").body["isDefault"], true);
    assert_eq!(client.ask("GET", "/v1.0/domains/x.com", "").status, 404);
    let client_id = client.sim.credentials().client_id.clone();
    let app = client.ask("GET", &format!("/v1.0/servicePrincipals?$filter=appId%20eq%20'{client_id}'"), "");
    let id = app.body["value"][0]["id"].as_str().expect("an id");
    assert_eq!(client.ask("GET", &format!("/v1.0/servicePrincipals(appId='{client_id}')"), "").body["id"], id);
    assert_eq!(
        client.ask("GET", &format!("/v1.0/directoryObjects/{id}"), "").body["@odata.type"],
        "#microsoft.graph.servicePrincipal"
    );
    let user = client.ask("GET", "/v1.0/users/boss@contoso.com", "").body["id"].clone();
    let objects = client.ask(
        "POST",
        "/v1.0/directoryObjects/getByIds",
        &json!({"ids": [id, user, "x"], "types": ["user"]}).to_string(),
    );
    assert_eq!((objects.body["value"].as_array().map(Vec::len), &objects.body["value"][0]["id"]), (Some(1), &user));
    let same = client.ask("POST", "/v1.0/users/microsoft.graph.getByIds", &json!({"ids": [user]}).to_string());
    assert_eq!(same.body["value"][0]["id"], user);
}

#[test]
fn me_is_the_person_who_signed_in() {
    let client = tenant();
    let nobody = client.ask("GET", "/v1.0/me", "");
    assert_eq!(
        (nobody.status, nobody.message()),
        (400, "/me request is only valid with delegated authentication flow.")
    );
    let code = client.post(
        "/common/oauth2/v2.0/devicecode",
        &[("client_id", "14d82eec-204b-4c2f-b7e8-296a70dab67e"), ("scope", "openid")],
    );
    let code = code.body["device_code"].as_str().expect("a code").to_owned();
    let poll = || {
        client.post(
            "/common/oauth2/v2.0/token",
            &[
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("client_id", "14d82eec-204b-4c2f-b7e8-296a70dab67e"),
                ("device_code", &code),
            ],
        )
    };
    poll();
    let token = poll().body["access_token"].as_str().expect("a token").to_owned();
    let person = Client { bearer: format!("Bearer {token}"), ..client };
    assert_eq!(person.ask("GET", "/v1.0/me", "").body["userPrincipalName"], "admin@contoso.com");
    assert_eq!(kinds(&person.ask("GET", "/v1.0/me/memberOf", "")), [is("directoryRole", "User Administrator")]);
    let said = person.batch(&json!([{"id": "1", "method": "GET", "url": "/me?$select=id"}]));
    assert_eq!(said.item("1")["status"], 200);
    assert_eq!(person.ask("POST", "/v1.0/me/revokeSignInSessions", "").status, 200);
    assert_eq!(person.sim.sessions_revoked("admin@contoso.com"), 1);
}
