//! Workload identity: who is asked for the assertion, with which parameters, and how it is used.

use crate::{
    CLIENT, SECRET, TENANT,
    fake_server::{self, FakeServer, Seen},
    open, refusal,
};
use passwave::graph::client::{TokenSource, auth::Method};
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
async fn each_sign_in_rereads_the_file() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("token");
    let mut set = application();
    set.push(("AZURE_FEDERATED_TOKEN_FILE", file.to_str().expect("text")));
    let credential = open(Method::Workload, &server, &set).expect("a credential");
    for assertion in ["first.of.all", "second.after.it"] {
        fs::write(&file, format!("{assertion}\n")).expect("written");
        credential.fetch().await.expect("a token");
    }
    let seen = server.seen();
    check_exchange(&seen[0], "first.of.all");
    check_exchange(&seen[1], "second.after.it");
    for (bytes, expected) in
        [(&b""[..], "holds no token"), (b"two words", "holds no token"), (b"\xff", "holds no token")]
    {
        fs::write(&file, bytes).expect("written");
        let told = credential.fetch().await.err().expect("refused").to_string();
        assert!(told.contains(expected) && told.contains("AZURE_FEDERATED_TOKEN_FILE"), "{told}");
    }
    fs::remove_file(&file).expect("removed");
    assert!(credential.fetch().await.err().expect("refused").to_string().contains("AZURE_FEDERATED_TOKEN_FILE"));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn github_issues_the_job_identity() {
    let server = FakeServer::new(|seen| match seen.method.as_str() {
        "GET" => (200, json!({"count": 1, "value": ISSUED})),
        _ => fake_server::token("a.b.c"),
    });
    for tail in ["?api-version=2.0", "?api-version=2.0&"] {
        let url = format!("{}/idtoken/7{tail}", server.url);
        let mut set = application();
        set.extend([("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)]);
        open(Method::Workload, &server, &set).expect("a credential").fetch().await.expect("a token");
    }
    let seen = server.seen();
    for pair in seen.chunks(2) {
        assert_eq!(pair[0].line(), "GET /idtoken/7");
        assert_eq!((pair[0].query("api-version"), pair[0].query("audience")), ("2.0", "api://AzureADTokenExchange"));
        assert_eq!(pair[0].header("authorization"), format!("Bearer {SECRET}"));
        check_exchange(&pair[1], ISSUED);
    }
}

#[tokio::test]
async fn pipelines_ask_for_the_connection() {
    let server = FakeServer::new(|seen| match seen.path.as_str() {
        "/oidc" => (200, json!({"oidcToken": ISSUED})),
        _ => fake_server::token("a.b.c"),
    });
    let url = format!("{}/oidc", server.url);
    let pipeline = [("SYSTEM_OIDCREQUESTURI", url.as_str()), ("SYSTEM_ACCESSTOKEN", SECRET)];
    let own = [application(), vec![("AZURE_SERVICE_CONNECTION_ID", "connection-1")]].concat();
    let tasks = vec![
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
        ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "connection-1"),
    ];
    for set in [own, tasks] {
        let set = [&pipeline[..], &set].concat();
        open(Method::Workload, &server, &set).expect("a credential").fetch().await.expect("a token");
    }
    for pair in server.seen().chunks(2) {
        assert_eq!(pair[0].line(), "POST /oidc");
        assert_eq!((pair[0].query("api-version"), pair[0].query("serviceConnectionId")), ("7.1", "connection-1"));
        assert_eq!(pair[0].header("authorization"), format!("Bearer {SECRET}"));
        assert_eq!((pair[0].header("x-tfs-fedauthredirect"), pair[0].header("content-length")), ("Suppress", "0"));
        check_exchange(&pair[1], ISSUED);
    }
}

#[tokio::test]
async fn missing_pipeline_token_is_explained() {
    let server =
        FakeServer::new(|seen| if seen.path == "/away" { (503, json!({})) } else { (403, json!({"message": SECRET})) });
    for (path, passing) in [("/idtoken", false), ("/away", true)] {
        let url = format!("{}{path}", server.url);
        let mut set = application();
        set.extend([("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)]);
        let error = open(Method::Workload, &server, &set).expect("a credential").fetch().await.err().expect("refused");
        let told = format!("{error} {error:?}");
        assert!(told.starts_with("GitHub's token service") && !told.contains(SECRET), "{told}");
        assert_eq!(error.is_passing(), passing);
    }
}

#[test]
fn job_token_stays_encrypted() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    for (url, token) in [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        ("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"),
    ] {
        for bad in ["http://vstoken.example.com/x", "http://169.254.1.1/x", "ftp://x", "nothing"] {
            let mut set = application();
            set.extend([(url, bad), (token, SECRET), ("AZURE_SERVICE_CONNECTION_ID", "c")]);
            let told = refusal(Method::Workload, &server, &set);
            assert!(told.contains(url) && !told.contains(SECRET), "{told}");
        }
    }
}
