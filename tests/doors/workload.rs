//! Workload identity: who is asked for the assertion, with what, and what is done with it.

use crate::{
    CLIENT, SECRET, TENANT,
    desk::{self, Desk, Seen},
    open, refusal,
};
use passwave::graph::client::{TokenSource, doors::Method};
use serde_json::json;
use std::fs;

const ISSUED: &str = "eyJ.from-the.issuer";

fn application() -> Vec<(&'static str, &'static str)> {
    vec![("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)]
}

fn check_exchange(seen: &Seen, assertion: &str) {
    assert_eq!(seen.line(), format!("POST /{TENANT}/oauth2/v2.0/token"));
    assert_eq!(seen.fields(), ["client_assertion", "client_assertion_type", "client_id", "grant_type", "scope"]);
    assert_eq!((seen.field("client_id").as_str(), seen.field("client_assertion").as_str()), (CLIENT, assertion));
}

#[tokio::test]
async fn the_file_is_read_again_at_each_sign_in() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("token");
    let mut set = application();
    set.push(("AZURE_FEDERATED_TOKEN_FILE", file.to_str().expect("text")));
    let door = open(Method::Workload, &desk, &set).expect("a door");
    for assertion in ["first.of.all", "second.after.it"] {
        fs::write(&file, format!("{assertion}\n")).expect("written");
        door.fetch().await.expect("a token");
    }
    let seen = desk.seen();
    check_exchange(&seen[0], "first.of.all");
    check_exchange(&seen[1], "second.after.it");
    for (bytes, expected) in
        [(&b""[..], "holds no token"), (b"two words", "holds no token"), (b"\xff", "holds no token")]
    {
        fs::write(&file, bytes).expect("written");
        let told = door.fetch().await.err().expect("refused").to_string();
        assert!(told.contains(expected) && told.contains("AZURE_FEDERATED_TOKEN_FILE"), "{told}");
    }
    fs::remove_file(&file).expect("removed");
    assert!(door.fetch().await.err().expect("refused").to_string().contains("AZURE_FEDERATED_TOKEN_FILE"));
    assert_eq!(desk.seen().len(), 2);
}

#[tokio::test]
async fn github_is_asked_for_the_jobs_identity() {
    let desk = Desk::new(|seen| match seen.method.as_str() {
        "GET" => (200, json!({"count": 1, "value": ISSUED})),
        _ => desk::token("a.b.c"),
    });
    for tail in ["?api-version=2.0", "?api-version=2.0&"] {
        let url = format!("{}/idtoken/7{tail}", desk.url);
        let mut set = application();
        set.extend([("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)]);
        open(Method::Workload, &desk, &set).expect("a door").fetch().await.expect("a token");
    }
    let seen = desk.seen();
    for pair in seen.chunks(2) {
        assert_eq!(pair[0].line(), "GET /idtoken/7");
        assert_eq!((pair[0].query("api-version"), pair[0].query("audience")), ("2.0", "api://AzureADTokenExchange"));
        assert_eq!(pair[0].header("authorization"), format!("Bearer {SECRET}"));
        check_exchange(&pair[1], ISSUED);
    }
}

#[tokio::test]
async fn azure_pipelines_is_asked_for_the_service_connection() {
    let desk = Desk::new(|seen| match seen.path.as_str() {
        "/oidc" => (200, json!({"oidcToken": ISSUED})),
        _ => desk::token("a.b.c"),
    });
    let url = format!("{}/oidc", desk.url);
    let pipeline = [("SYSTEM_OIDCREQUESTURI", url.as_str()), ("SYSTEM_ACCESSTOKEN", SECRET)];
    let own = [application(), vec![("AZURE_SERVICE_CONNECTION_ID", "connection-1")]].concat();
    let tasks = vec![
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
        ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "connection-1"),
    ];
    for set in [own, tasks] {
        let set = [&pipeline[..], &set].concat();
        open(Method::Workload, &desk, &set).expect("a door").fetch().await.expect("a token");
    }
    for pair in desk.seen().chunks(2) {
        assert_eq!(pair[0].line(), "POST /oidc");
        assert_eq!((pair[0].query("api-version"), pair[0].query("serviceConnectionId")), ("7.1", "connection-1"));
        assert_eq!(pair[0].header("authorization"), format!("Bearer {SECRET}"));
        assert_eq!((pair[0].header("x-tfs-fedauthredirect"), pair[0].header("content-length")), ("Suppress", "0"));
        check_exchange(&pair[1], ISSUED);
    }
}

#[tokio::test]
async fn a_pipeline_that_gives_no_token_is_told_with_what_it_needs() {
    let desk =
        Desk::new(|seen| if seen.path == "/away" { (503, json!({})) } else { (403, json!({"message": SECRET})) });
    for (path, passing) in [("/idtoken", false), ("/away", true)] {
        let url = format!("{}{path}", desk.url);
        let mut set = application();
        set.extend([("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)]);
        let error = open(Method::Workload, &desk, &set).expect("a door").fetch().await.err().expect("refused");
        let told = format!("{error} {error:?}");
        assert!(told.contains("id-token: write") && !told.contains(SECRET), "{told}");
        assert_eq!(error.is_passing(), passing);
    }
}

#[test]
fn the_jobs_own_token_goes_nowhere_in_the_clear() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    for (url, token) in [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        ("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"),
    ] {
        for bad in ["http://vstoken.example.com/x", "http://169.254.1.1/x", "ftp://x", "nothing"] {
            let mut set = application();
            set.extend([(url, bad), (token, SECRET), ("AZURE_SERVICE_CONNECTION_ID", "c")]);
            let told = refusal(Method::Workload, &desk, &set);
            assert!(told.contains(url) && !told.contains(SECRET), "{told}");
        }
    }
}
