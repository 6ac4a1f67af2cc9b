//! Tests signing in, and what a token allows.

use super::*;
use std::time::Duration;

const SCOPE: (&str, &str) = ("scope", "https%3A%2F%2Fgraph.microsoft.com%2F.default");
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn get(client: &Client, bearer: &str) -> Said {
    let headers = [("authorization", bearer)];
    let target = "/v1.0/users/user0@contoso.com";
    Said::of(client.sim.handle(&Request { method: "GET", target, headers: &headers, body: b"" }).answer.expect("one"))
}

#[test]
fn valid_credentials_get_a_token() {
    let client = Client::new(Faults::calm());
    let Credentials { tenant_id, client_id, client_secret } = client.sim.credentials();
    let secret = ("client_secret", client_secret.expose_secret());
    let said = client.sign_in(tenant_id, &[GRANT, ("client_id", client_id), secret, SCOPE]);
    assert_eq!(
        (said.status, &said.body["token_type"], &said.body["expires_in"]),
        (200, &json!("Bearer"), &json!(3599))
    );
    let token = said.body["access_token"].as_str().expect("a token");
    assert_eq!(token.split('.').count(), 3);
    assert_eq!(get(&client, &format!("bearer {token}")).status, 200);
    assert_eq!(client.sign_in("CONTOSO.com", &[GRANT, ("client_id", client_id), secret, SCOPE]).status, 200);
    let (resource, v1) = (("resource", "https%3A%2F%2Fgraph.microsoft.com"), format!("/{tenant_id}/oauth2/token"));
    assert_eq!(client.post(&v1, &[GRANT, ("client_id", client_id), secret, resource]).status, 200);
    assert_eq!(client.sim.tally().tokens_issued, 4);
}

#[test]
fn wrong_credentials_fail_like_entra() {
    let client = Client::new(Faults::calm());
    let Credentials { tenant_id, client_id, client_secret } = client.sim.credentials();
    let id = ("client_id", client_id.as_str());
    let secret = ("client_secret", client_secret.expose_secret());
    let bad_secret = ("client_secret", "wrong");
    let bad_scope = ("scope", "https%3A%2F%2Fgraph.microsoft.com%2FUser.Read");
    for (tenant, fields, status, error, number) in [
        ("fabrikam.com", vec![GRANT, id, secret, SCOPE], 400, "invalid_tenant", 90_002),
        ("common", vec![GRANT, id, secret, SCOPE], 400, "invalid_request", 50_059),
        (tenant_id, vec![GRANT, ("client_id", "x"), secret, SCOPE], 400, "unauthorized_client", 700_016),
        (tenant_id, vec![GRANT, id, bad_secret, SCOPE], 401, "invalid_client", 7_000_215),
        (tenant_id, vec![GRANT, id, SCOPE], 401, "invalid_client", 7_000_218),
        (tenant_id, vec![GRANT, id, ("client_assertion", "x"), SCOPE], 400, "invalid_request", 900_144),
        (tenant_id, vec![GRANT, id, secret, bad_scope], 400, "invalid_scope", 1_002_012),
        (tenant_id, vec![("grant_type", "password"), id, secret, SCOPE], 400, "unsupported_grant_type", 70_003),
        (tenant_id, vec![id, secret, SCOPE], 400, "invalid_request", 900_144),
    ] {
        let said = client.sign_in(tenant, &fields);
        assert_eq!(
            (said.status, &said.body["error"], &said.body["error_codes"]),
            (status, &json!(error), &json!([number]))
        );
        let description = said.body["error_description"].as_str().expect("a description");
        assert!(description.starts_with(&format!("AADSTS{number}: ")) && description.contains("\r\nTrace ID: "));
        assert!(!description.contains(client_secret.expose_secret()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_tells_the_simulators_time() {
    let epoch = "2026-09-01T07:00:00Z".parse().expect("a time");
    let faults = faults(r#"{"requests": {"bad_gateway": 0.5}}"#);
    let client = Client::of(SimulatorConfig { epoch, faults, ..SimulatorConfig::default() });
    tokio::time::advance(Duration::from_secs(90)).await;
    let targets =
        ["/v1.0/users", "/v1.0/domains", "/common/discovery/instance", "/common/oauth2/v2.0/devicecode", "/x"];
    let mut statuses = std::collections::BTreeSet::new();
    for target in targets.iter().flat_map(|target| [*target; 10]) {
        for (method, headers) in [("GET", vec![]), ("POST", vec![("authorization", client.bearer.as_str())])] {
            let request = Request { method, target, headers: &headers, body: b"" };
            let answer = client.sim.handle(&request).answer.expect("an answer");
            assert_eq!(answer.header("Date"), Some("Tue, 01 Sep 2026 07:01:30 GMT"), "{method} {target}");
            statuses.insert(answer.status);
        }
    }
    assert!([200, 400, 401, 405, 502].iter().all(|status| statuses.contains(status)), "{statuses:?}");
}

#[test]
fn metadata_names_the_requested_host() {
    let client = Client::new(Faults::calm());
    let tenant = &client.sim.credentials().tenant_id;
    let ask = |target: &str, headers: &[(&str, &str)]| {
        let request = Request { method: "GET", target, headers, body: b"" };
        Said::of(client.sim.handle(&request).answer.expect("one"))
    };
    let host = [("Host", "127.0.0.1:8080")];
    let configuration = ask("/contoso.com/v2.0/.well-known/openid-configuration?appid=x", &host);
    assert_eq!(configuration.body["token_endpoint"], "http://127.0.0.1:8080/contoso.com/oauth2/v2.0/token");
    assert_eq!(configuration.body["issuer"], format!("http://127.0.0.1:8080/{tenant}/v2.0"));
    let first = ask("/common/.well-known/openid-configuration", &host);
    assert_eq!(first.body["token_endpoint"], "http://127.0.0.1:8080/common/oauth2/token");
    let unknown = ask("/fabrikam.com/v2.0/.well-known/openid-configuration", &host);
    assert_eq!((unknown.status, &unknown.body["error"]), (400, &json!("invalid_tenant")));
    let discovery = ask("/common/discovery/instance?api-version=1.1&authorization_endpoint=x", &host);
    assert_eq!(discovery.body["metadata"][0]["aliases"], json!(["127.0.0.1:8080"]));
    // A proxy that ends TLS says how clients reach it.
    let proxy = [("Host", "inner"), ("X-Forwarded-Proto", "https, http"), ("x-forwarded-host", "login.test:8443, b")];
    let configuration = ask("/common/v2.0/.well-known/openid-configuration", &proxy);
    assert_eq!(configuration.body["issuer"], "https://login.test:8443/{tenantid}/v2.0");
    let odd = ask("/common/v2.0/.well-known/openid-configuration", &[("Host", "a/b"), ("X-Forwarded-Host", "\"")]);
    assert_eq!(odd.body["issuer"], "http://localhost/{tenantid}/v2.0");
}

#[test]
fn a_public_url_overrides_the_request() {
    let public_url = Some("https://graph.test/".to_owned());
    let client = Client::of(SimulatorConfig { public_url, ..SimulatorConfig::default() });
    let said = client.ask("GET", "/v1.0/users?$top=1", "");
    assert!(said.body["@odata.nextLink"].as_str().expect("a link").starts_with("https://graph.test/v1.0/users?"));
    let refused = get(&client, "");
    let challenge = refused.answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("authorization_uri=\"https://graph.test/common/oauth2/authorize\""), "{challenge}");
}

#[tokio::test(start_paused = true)]
async fn token_lifetime_follows_the_faults() {
    let client = Client::new(faults(r#"{"token": {"seconds": 60, "revoked_after_requests": 3}}"#));
    for (bearer, message) in [
        ("", "Access token is empty."),
        ("Basic abc", "Access token is empty."),
        ("Bearer abc", "CompactToken parsing failed with error code: 80049217"),
    ] {
        let said = get(&client, bearer);
        assert_eq!((said.status, said.code(), said.message()), (401, "InvalidAuthenticationToken", message));
        assert!(said.answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer realm")));
    }
    let served: Vec<_> = (0..4).map(|_| get(&client, &client.bearer).status).collect();
    assert_eq!(served, [200, 200, 200, 401]);
    client.sim.state().forget_token(client.bearer.trim_start_matches("Bearer "));
    let fresh = format!("Bearer {}", client.sim.state().own_token());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(get(&client, &fresh).message(), "Lifetime validation failed, the token is expired.");
}

#[test]
fn denied_permissions_are_absent_and_forbidden() {
    for (denied, read, write) in [("reads", 403, 204), ("writes", 200, 403), ("everything", 403, 403)] {
        let client = Client::new(faults(&format!(r#"{{"denied": "{denied}"}}"#)));
        assert_eq!(get(&client, &client.bearer).status, read, "{denied}");
        assert_eq!(client.wave(1).statuses(), [write], "{denied}");
    }
}
