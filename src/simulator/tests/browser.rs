//! Tests signing in with a browser: the authorization endpoint, its codes, and what goes wrong.

use super::*;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use std::{collections::HashMap, time::Duration};

/// Microsoft Graph Command Line Tools.
const PUBLIC: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
const CLIENT: (&str, &str) = ("client_id", PUBLIC);
const GRANT: (&str, &str) = ("grant_type", "authorization_code");
const BACK: (&str, &str) = ("redirect_uri", "http%3A%2F%2Flocalhost%3A8400%2F");
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Of this verifier, as in RFC 7636.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// What a browser asks, with more fields.
fn target(more: &str) -> String {
    format!(
        "/organizations/oauth2/v2.0/authorize?client_id={PUBLIC}&response_type=code&redirect_uri={}&scope=openid+profile+\
         offline_access+User.Read&state=st%26ate&nonce=n1&code_challenge={CHALLENGE}&code_challenge_method=S256{more}",
        BACK.1
    )
}

fn browse(client: &Client, target: &str, cookie: &str) -> Said {
    let headers = [("Cookie", cookie)];
    Said::of(client.sim.handle(&Request { method: "GET", target, headers: &headers, body: b"" }).answer.expect("one"))
}

/// Where the browser is sent, and the fields that it takes along.
fn sent(said: &Said) -> (String, HashMap<String, String>) {
    assert_eq!(said.status, 302);
    let location = said.answer.header("Location").expect("an address");
    let (address, query) = location.split_once(['?', '#']).expect("fields");
    (address.to_owned(), route::form(query).collect())
}

fn code(client: &Client) -> String {
    sent(&browse(client, &target(""), "")).1.remove("code").expect("a code")
}

fn redeem(client: &Client, code: &str, verifier: &str) -> Said {
    client.sign_in("organizations", &[GRANT, CLIENT, BACK, ("code", code), ("code_verifier", verifier)])
}

fn number(said: &Said) -> u64 {
    said.body["error_codes"][0].as_u64().unwrap_or_default()
}

#[test]
fn code_with_pkce_signs_in() {
    let client = Client::new(Faults::calm());
    let said = browse(&client, &target(""), "");
    let (address, fields) = sent(&said);
    assert_eq!((address.as_str(), fields["state"].as_str()), ("http://localhost:8400/", "st&ate"));
    let code = &fields["code"];
    assert_eq!(number(&redeem(&client, code, "wrong")), 501_481);
    let other =
        [GRANT, CLIENT, ("redirect_uri", "http%3A%2F%2Flocalhost%3A1"), ("code", code), ("code_verifier", VERIFIER)];
    assert_eq!(number(&client.sign_in("common", &other)), 500_112);
    let stranger = [GRANT, ("client_id", client.sim.credentials().client_id.as_str()), BACK, ("code", code)];
    assert_eq!(number(&client.sign_in("common", &stranger)), 9_002_313);
    let signed_in = redeem(&client, code, VERIFIER);
    let told = claims(signed_in.body["id_token"].as_str().expect("an id token"));
    assert_eq!((&told["nonce"], &told["preferred_username"]), (&json!("n1"), &json!("admin@contoso.com")));
    assert!(signed_in.body["refresh_token"].is_string());
    assert_eq!(number(&redeem(&client, code, VERIFIER)), 54_005);
    assert_eq!(number(&redeem(&client, "nonsense", VERIFIER)), 9_002_313);
}

#[test]
fn answers_come_in_the_wanted_form() {
    let client = Client::new(Faults::calm());
    let (_, fields) = sent(&browse(&client, &target("&response_mode=fragment"), ""));
    assert!(fields.contains_key("code"));
    let posted = browse(&client, &target("&response_mode=form_post"), "");
    let page = String::from_utf8(posted.answer.body).expect("a page");
    assert!(
        posted.status == 200 && page.contains("<form method=\"post\" action=\"http://localhost:8400/\">"),
        "{page}"
    );
    assert!(page.contains("name=\"state\" value=\"st&amp;ate\"") && page.contains("name=\"code\" value=\"1.AXoA"));
    let form = target("").split_once('?').expect("fields").1.to_owned();
    let request =
        Request { method: "POST", target: "/common/oauth2/v2.0/authorize", headers: &[], body: form.as_bytes() };
    assert_eq!(client.sim.handle(&request).answer.expect("an answer").status, 302);
}

#[test]
fn a_hint_chooses_the_account() {
    let client = Client::new(faults(r#"{"accounts": {"user2@contoso.com": "disabled"}}"#));
    let (_, fields) = sent(&browse(&client, &target("&login_hint=USER1@contoso.com"), ""));
    let access = redeem(&client, &fields["code"], VERIFIER).body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!((&claims(&access)["upn"], &claims(&access)["wids"]), (&json!("user1@contoso.com"), &json!([])));
    for (hint, number) in [("user2@contoso.com", "AADSTS50057"), ("nobody@contoso.com", "AADSTS50034")] {
        let said = browse(&client, &target(&format!("&login_hint={hint}")), "");
        let page = String::from_utf8(said.answer.body).expect("a page");
        assert!(said.status == 400 && page.contains(number), "{page}");
    }
}

#[test]
fn silent_sign_in_needs_an_earlier_one() {
    let client = Client::new(Faults::calm());
    let silent = target("&prompt=none");
    let (_, fields) = sent(&browse(&client, &silent, ""));
    assert_eq!((fields["error"].as_str(), fields["state"].as_str()), ("login_required", "st&ate"));
    let said = browse(&client, &target("&prompt=select_account"), "");
    let cookie = said.answer.header("Set-Cookie").expect("a cookie").split(';').next().unwrap_or_default().to_owned();
    assert!(sent(&browse(&client, &silent, &format!("a=b; {cookie}"))).1.contains_key("code"));
}

#[test]
fn malformed_requests_are_refused() {
    let client = Client::new(Faults::calm());
    for (change, number) in [
        (("response_type=code", "response_type=token"), "AADSTS700054"),
        (("response_type=code", "x=y"), "AADSTS900144"),
        (("scope=openid", "x=openid"), "AADSTS900144"),
        (("code_challenge=E9", "code_challenge=9&x=9"), "AADSTS501491"),
        (("method=S256", "method=plainest"), "AADSTS501491"),
        (("nonce=n1", "prompt=perhaps"), "AADSTS90023"),
        (("User.Read", "https%3A%2F%2Fvault.azure.net%2F.default"), "AADSTS500011"),
        (("User.Read", "User.Read+https%3A%2F%2Fmanagement.azure.com%2F.default"), "AADSTS28000"),
    ] {
        let (_, fields) = sent(&browse(&client, &target("").replace(change.0, change.1), ""));
        assert!(fields["error_description"].starts_with(number), "{number}: {}", fields["error_description"]);
    }
    // The browser is sent nowhere if it is not sure that the application is there.
    for (change, number) in [
        (("localhost", "evil.example"), "AADSTS50011"),
        (("client_id", "x"), "AADSTS900144"),
        (("organizations", "fabrikam.com"), "AADSTS90002"),
        (("nonce=n1", "response_mode=%3Cb%3E"), "AADSTS70007: &#39;&lt;b&gt;&#39;"),
    ] {
        let said = browse(&client, &target("").replacen(change.0, change.1, 1), "");
        let page = String::from_utf8(said.answer.body).expect("a page");
        assert!(said.status == 400 && page.contains(number), "{number}: {page}");
    }
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_browser() {
    let with = |fault: &str| Client::new(faults(&format!(r#"{{"token": {{"browser": "{fault}"}}}}"#)));
    let (_, denied) = sent(&browse(&with("denied"), &target(""), ""));
    assert_eq!((denied["error"].as_str(), denied["error_subcode"].as_str()), ("access_denied", "cancel"));
    let (_, changed) = sent(&browse(&with("wrong_state"), &target(""), ""));
    assert!(changed["state"] != "st&ate" && changed.contains_key("code"));
    let used = with("code_used");
    assert_eq!(number(&redeem(&used, &code(&used), VERIFIER)), 54_005);
    let missing = with("consent_missing");
    let refused = redeem(&missing, &code(&missing), VERIFIER);
    assert_eq!((number(&refused), &refused.body["suberror"]), (65_001, &json!("consent_required")));
    assert_eq!(refused.body["error"], "invalid_grant");

    let asks = with("asks");
    let page = String::from_utf8(browse(&asks, &target(""), "").answer.body).expect("a page");
    let link = |id: &str| {
        let (_, rest) = page.split_once(&format!("id=\"{id}\" href=\"")).expect("a link");
        rest.split('"').next().unwrap_or_default().replace("&amp;", "&")
    };
    assert!(page.contains("Microsoft Graph Command Line Tools") && page.contains("Continue as admin@contoso.com"));
    assert!(sent(&browse(&asks, &link("accept"), "")).1.contains_key("code"));
    assert_eq!(sent(&browse(&asks, &link("cancel"), "")).1["error"], "access_denied");

    let late = Client::new(faults(r#"{"token": {"browser_seconds": 90}}"#));
    assert_eq!(late.fate("GET", &target(""), &[], "").delay, Duration::from_secs(90));
    assert_eq!(late.fate("GET", "/v1.0/users", &[], "").delay, Duration::ZERO);
    let old = code(&late);
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(number(&redeem(&late, &old, VERIFIER)), 70_008);
}

#[test]
fn refresh_tokens_can_be_refused() {
    for (fault, number_expected, suberror) in
        [("expired", 700_082, "bad_token"), ("sign_in_frequency", 70_043, "token_expired")]
    {
        let client = Client::new(faults(&format!(r#"{{"token": {{"refresh_refused": "{fault}"}}}}"#)));
        let token = redeem(&client, &code(&client), VERIFIER).body["refresh_token"].as_str().expect("one").to_owned();
        let said = client.sign_in("common", &[("grant_type", "refresh_token"), CLIENT, ("refresh_token", &token)]);
        assert_eq!((number(&said), &said.body["error"]), (number_expected, &json!("invalid_grant")));
        assert_eq!(said.body["suberror"], suberror);
    }
}

#[test]
fn secrets_of_public_clients_are_refused() {
    let client = Client::new(Faults::calm());
    let Credentials { client_id, client_secret, .. } = client.sim.credentials();
    let redeem_as = |id: &str, secret: &str| {
        let target = target("").replace(PUBLIC, id);
        let code = sent(&browse(&client, &target, "")).1.remove("code").expect("a code");
        let fields =
            [GRANT, ("client_id", id), BACK, ("code", &code), ("code_verifier", VERIFIER), ("client_secret", secret)];
        client.sign_in("organizations", &fields)
    };
    assert_eq!(number(&redeem_as(PUBLIC, "x")), 700_025);
    assert_eq!(number(&redeem_as(client_id, "wrong")), 7_000_215);
    assert_eq!(redeem_as(client_id, client_secret.expose_secret()).status, 200);
}

#[test]
fn the_challenge_of_the_standard_is_met() {
    use aws_lc_rs::digest::{SHA256, digest};
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes())), CHALLENGE);
}
