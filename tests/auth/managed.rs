//! Managed identities of an app and of a virtual machine.

use crate::{
    CLIENT, SECRET,
    fake_server::{self, FakeServer},
    open, refusal,
};
use passwave::graph::client::{TokenSource, auth::Method};
use secrecy::ExposeSecret;
use serde_json::json;

#[tokio::test]
async fn apps_use_their_endpoint() {
    let end = (jiff::Timestamp::now().as_second() + 3_600).to_string();
    let issued = json!({"access_token": "a.b.c", "expires_on": end, "token_type": "Bearer"});
    let server = FakeServer::new(move |_| (200, issued.clone()));
    let url = format!("{}/msi/token", server.url);
    let set = [("IDENTITY_ENDPOINT", url.as_str()), ("IDENTITY_HEADER", SECRET), ("AZURE_CLIENT_ID", CLIENT)];
    let credential = open(Method::Managed, &server, &set).expect("a credential");
    assert_eq!(credential.fetch().await.expect("a token").authorization().expose_secret(), "Bearer a.b.c");
    let seen = server.only();
    assert_eq!(seen.line(), "GET /msi/token");
    let query = ["api-version", "resource", "client_id"].map(|name| seen.query(name).to_owned());
    assert_eq!(query, ["2019-08-01", &server.url, CLIENT]);
    assert_eq!((seen.header("x-identity-header"), seen.header("metadata")), (SECRET, ""));
}

#[tokio::test]
async fn machines_use_their_metadata_service() {
    let server = FakeServer::new(|_| {
        (200, json!({"access_token": "a.b.c", "expires_in": "3599", "expires_on": "1", "not_before": "0"}))
    });
    let credential =
        open(Method::Managed, &server, &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &server.url)]).expect("a credential");
    credential.fetch().await.expect("a token");
    let seen = server.only();
    assert_eq!(seen.line(), "GET /metadata/identity/oauth2/token");
    assert_eq!(
        (seen.query("api-version"), seen.query("resource"), seen.query("client_id")),
        ("2018-02-01", &*server.url, "")
    );
    assert_eq!((seen.header("metadata"), seen.header("x-identity-header")), ("true", ""));
}

#[tokio::test]
async fn distinguishes_temporary_failures() {
    for (status, passing) in [
        (400, false),
        (401, false),
        (403, false),
        (404, true),
        (408, true),
        (410, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let server = FakeServer::new(move |_| {
            (status, json!({"error": "invalid_request", "error_description": "Identity not found"}))
        });
        let credential = open(Method::Managed, &server, &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &server.url)])
            .expect("a credential");
        let error = credential.fetch().await.err().expect("refused");
        assert_eq!(error.is_passing(), passing, "{status}: {error}");
        assert!(passing || error.to_string().ends_with("Identity not found"), "{error}");
        assert_eq!(server.seen().len(), 1, "nothing is asked twice");
    }
    let server = FakeServer::new(|_| (400, json!({"statusCode": 400, "message": "No managed identity was found"})));
    let set = [("IDENTITY_ENDPOINT", &*server.url), ("IDENTITY_HEADER", SECRET)];
    let error = open(Method::Managed, &server, &set).expect("a credential").fetch().await.err().expect("refused");
    assert!(error.to_string().contains("No managed identity was found") && !format!("{error:?}").contains(SECRET));
}

#[test]
fn app_header_stays_on_the_link() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    for bad in ["http://10.0.0.4/msi/token", "http://msi.example.com", "nothing"] {
        let told = refusal(Method::Managed, &server, &[("IDENTITY_ENDPOINT", bad), ("IDENTITY_HEADER", SECRET)]);
        assert!(told.contains("IDENTITY_ENDPOINT") && !told.contains(SECRET), "{told}");
    }
    for good in ["http://169.254.255.2:8081/msi/token", "http://[::1]:1/", "https://msi.example.com"] {
        assert!(open(Method::Managed, &server, &[("IDENTITY_ENDPOINT", good), ("IDENTITY_HEADER", SECRET)]).is_ok());
    }
    assert!(refusal(Method::Managed, &server, &[("IDENTITY_ENDPOINT", &server.url)]).contains("IDENTITY_HEADER"));
    assert!(refusal(Method::Managed, &server, &[("AZURE_CLIENT_ID", "a b")]).contains("AZURE_CLIENT_ID"));
}
