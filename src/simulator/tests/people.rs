//! Tests signing in as a user, with a code and then with refresh tokens.

use super::*;
use std::time::Duration;

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
const SHORT_GRANT: (&str, &str) = ("grant_type", "device_code");
const RENEW: (&str, &str) = ("grant_type", "refresh_token");
/// Microsoft Graph Command Line Tools.
const PUBLIC: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const CLIENT: (&str, &str) = ("client_id", PUBLIC);
const OFFLINE: (&str, &str) = ("scope", "https%3A%2F%2Fgraph.microsoft.com%2F.default+offline_access");

fn request_code(client: &Client, tenant: &str, fields: &[(&str, &str)]) -> Said {
    client.post(&format!("/{tenant}/oauth2/v2.0/devicecode"), fields)
}

/// A code that is ready for polling.
fn code(client: &Client) -> String {
    let said = request_code(client, "organizations", &[CLIENT, OFFLINE]);
    said.body["device_code"].as_str().expect("a code").to_owned()
}

fn redeem(client: &Client, code: &str) -> Said {
    client.sign_in("organizations", &[GRANT, CLIENT, ("device_code", code)])
}

fn error(said: &Said) -> (u16, &str, &Value) {
    (said.status, said.body["error"].as_str().unwrap_or_default(), &said.body["error_codes"][0])
}

#[test]
fn code_signs_in_an_administrator() {
    let client = Client::new(faults(r#"{"token": {"device_polls": 2}}"#));
    let tenant = client.sim.credentials().tenant_id.clone();
    let said = request_code(&client, &tenant, &[CLIENT, OFFLINE]);
    assert_eq!((said.status, &said.body["expires_in"], &said.body["interval"]), (200, &json!(900), &json!(5)));
    assert!(said.answer.header("Date").is_some());
    let user_code = said.body["user_code"].as_str().expect("a code");
    assert!(said.body["message"].as_str().expect("a message").contains(user_code) && user_code.len() == 9);
    assert_eq!(said.body["verification_uri"], "http://localhost/devicelogin");
    let code = said.body["device_code"].as_str().expect("a code");
    for _ in 0..2 {
        assert_eq!(error(&redeem(&client, code)), (400, "authorization_pending", &json!(70_016)));
    }
    let said = redeem(&client, code);
    assert_eq!((said.status, &said.body["token_type"]), (200, &json!("Bearer")));
    assert!(said.body["scope"].as_str().expect("scopes").contains("https://graph.microsoft.com/User.Read.All"));
    let token = said.body["access_token"].as_str().expect("a token");
    let claims = claims(token);
    assert_eq!((&claims["idtyp"], &claims["upn"]), (&json!("user"), &json!("admin@contoso.com")));
    assert_eq!((&claims["appid"], &claims["tid"]), (&json!(PUBLIC), &json!(tenant)));
    assert_eq!(claims["wids"], json!(["fe930be7-5e62-47db-91af-98c3a49a38b1"]));
    assert!(
        claims["scp"].as_str().expect("scopes").split(' ').any(|name| name == "User-PasswordProfile.ReadWrite.All")
    );
    assert!(claims.get("roles").is_none());

    let bearer = Client { bearer: format!("Bearer {token}"), ..client };
    let own = bearer.ask("GET", "/v1.0/users/ADMIN@contoso.com?$select=id", "");
    assert_eq!((own.status, &own.body["id"]), (200, &claims["oid"]));
    assert_eq!(bearer.wave(1).statuses(), [204]);
    assert_eq!(bearer.batch(&json!([write("1", "admin@contoso.com")])).statuses(), [403]);
    let roles = bearer.ask("GET", "/v1.0/roleManagement/directory/roleAssignments", "");
    let held = &roles.body["value"][1];
    assert_eq!((&held["principalId"], &held["roleDefinitionId"]), (&claims["oid"], &claims["wids"][0]));
}

#[tokio::test(start_paused = true)]
async fn codes_are_bound_and_expire() {
    let client = Client::new(faults(r#"{"token": {"device_polls": 0, "device_seconds": 60}}"#));
    let bad = (400, "bad_verification_code", json!(70_018));
    let is_bad = |said: Said| assert_eq!(error(&said), (bad.0, bad.1, &bad.2));
    is_bad(redeem(&client, "nonsense"));
    let used = code(&client);
    let other = ("client_id", client.sim.credentials().client_id.as_str());
    is_bad(client.sign_in("common", &[GRANT, other, ("device_code", &used)]));
    assert_eq!(client.sign_in("contoso.com", &[SHORT_GRANT, CLIENT, ("device_code", &used)]).status, 200);
    is_bad(redeem(&client, &used));
    let late = code(&client);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(error(&redeem(&client, &late)), (400, "expired_token", &json!(70_020)));
}

#[test]
fn malformed_code_requests_are_refused() {
    let client = Client::new(Faults::calm());
    for (tenant, fields, error_code, number) in [
        ("fabrikam.com", vec![CLIENT, OFFLINE], "invalid_tenant", 90_002),
        ("common", vec![OFFLINE], "invalid_request", 900_144),
        ("common", vec![CLIENT], "invalid_request", 900_144),
        ("common", vec![("client_id", "x"), OFFLINE], "unauthorized_client", 700_016),
    ] {
        assert_eq!(error(&request_code(&client, tenant, &fields)), (400, error_code, &json!(number)));
    }
    assert_eq!(error(&client.sign_in("common", &[GRANT, CLIENT])).1, "invalid_request");
}

#[test]
fn refresh_tokens_follow_the_faults() {
    for (once, again) in [("false", 200), ("true", 400)] {
        let client = Client::new(faults(&format!(r#"{{"token": {{"device_polls": 0, "refresh_once": {once}}}}}"#)));
        let first = redeem(&client, &code(&client)).body["refresh_token"].as_str().expect("one").to_owned();
        let renew = |token: &str, client_id| {
            client.sign_in("organizations", &[RENEW, client_id, ("refresh_token", token), OFFLINE])
        };
        let said = renew(&first, CLIENT);
        let second = said.body["refresh_token"].as_str().expect("a new one");
        assert_ne!(second, first);
        let token = said.body["access_token"].as_str().expect("a token");
        assert_eq!(claims(token)["upn"], "admin@contoso.com");
        assert_eq!((renew(&first, CLIENT).status, renew(second, CLIENT).status), (again, 200), "{once}");
        let stranger = ("client_id", client.sim.credentials().client_id.as_str());
        assert_eq!(error(&renew(second, stranger)), (400, "invalid_grant", &json!(9_002_313)));
        assert_eq!(error(&renew("nonsense", CLIENT)).1, "invalid_grant");
    }
}

#[test]
fn refresh_needs_offline_access() {
    let client = Client::new(faults(r#"{"token": {"device_polls": 0}, "denied": "reads"}"#));
    let said = request_code(&client, "common", &[CLIENT, ("scope", "https%3A%2F%2Fgraph.microsoft.com%2F.default")]);
    let said = redeem(&client, said.body["device_code"].as_str().expect("a code"));
    assert!(said.body.get("refresh_token").is_none());
    let token = said.body["access_token"].as_str().expect("a token");
    assert_eq!(
        claims(token)["scp"],
        "User-PasswordProfile.ReadWrite.All User.ReadWrite.All User.RevokeSessions.All \
         UserAuthenticationMethod.ReadWrite.All"
    );
}

#[test]
fn id_tokens_tell_who_signed_in() {
    let client = Client::new(faults(r#"{"token": {"device_polls": 0}}"#));
    let tenant = client.sim.credentials().tenant_id.clone();
    let scope = ("scope", "openid+profile+email+offline_access+User.Read");
    let said = request_code(&client, "common", &[CLIENT, scope]);
    let code = said.body["device_code"].as_str().expect("a code");
    let said = client.sign_in("common", &[GRANT, CLIENT, ("device_code", code), ("client_info", "1")]);
    let told = claims(said.body["id_token"].as_str().expect("an id token"));
    assert_eq!((&told["aud"], &told["tid"], &told["ver"]), (&json!(PUBLIC), &json!(tenant), &json!("2.0")));
    assert_eq!(told["iss"], format!("http://localhost/{tenant}/v2.0"));
    assert_eq!(
        (&told["preferred_username"], &told["email"]),
        (&json!("admin@contoso.com"), &told["preferred_username"])
    );
    let access = claims(said.body["access_token"].as_str().expect("a token"));
    assert_eq!((&told["oid"], &told["sub"]), (&access["oid"], &access["sub"]));
    assert_eq!(access["app_displayname"], "Microsoft Graph Command Line Tools");
    let info = claims(&format!(".{}.", said.body["client_info"].as_str().expect("client info")));
    assert_eq!((&info["uid"], &info["utid"]), (&access["oid"], &json!(tenant)));
    assert!(said.body["scope"].as_str().expect("scopes").starts_with("openid profile email User.Read https://"));
    // Without `openid` there is no id token, and without `client_info` no such field.
    let renewed = client.sign_in(
        "common",
        &[RENEW, CLIENT, ("refresh_token", said.body["refresh_token"].as_str().expect("one")), ("scope", "User.Read")],
    );
    assert!(
        renewed.status == 200 && renewed.body.get("id_token").is_none() && renewed.body.get("client_info").is_none()
    );
}

#[test]
fn tokens_are_for_one_resource() {
    let client = Client::new(faults(r#"{"token": {"device_polls": 0}}"#));
    let refresh = redeem(&client, &code(&client)).body["refresh_token"].as_str().expect("one").to_owned();
    let renew = |scope| client.sign_in("common", &[RENEW, CLIENT, ("refresh_token", &refresh), ("scope", scope)]);
    let other = renew("https%3A%2F%2Fmanagement.core.windows.net%2F%2F.default");
    let token = other.body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(claims(&token)["aud"], "https://management.core.windows.net/");
    let elsewhere = renew("https%3A%2F%2Fvault.azure.net%2F.default");
    assert_eq!(error(&elsewhere), (400, "invalid_resource", &json!(500_011)));
    let bearer = Client { bearer: format!("Bearer {token}"), ..client };
    let refused = bearer.ask("GET", "/v1.0/users", "");
    assert_eq!((refused.status, refused.message()), (401, "Access token validation failure. Invalid audience."));
    let tenants = bearer.ask("GET", "/tenants?api-version=2022-12-01", "");
    assert_eq!(tenants.body["value"][0]["tenantId"], bearer.sim.credentials().tenant_id);
    assert_eq!(bearer.ask("GET", "/subscriptions?api-version=2022-12-01", "").body["value"], json!([]));
    let stranger = Client { bearer: "Bearer x".to_owned(), ..bearer };
    assert_eq!(
        (stranger.ask("GET", "/tenants", "").status, stranger.ask("GET", "/subscriptions", "").status),
        (401, 401)
    );
}
