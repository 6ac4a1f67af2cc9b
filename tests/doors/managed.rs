//! Managed identities: of an app, and of a virtual machine.

use crate::{
    CLIENT, SECRET,
    desk::{self, Desk},
    open, refusal,
};
use passwave::graph::client::{TokenSource, doors::Method};
use serde_json::json;

#[tokio::test]
async fn an_app_asks_the_endpoint_that_it_is_told_of() {
    let end = (jiff::Timestamp::now().as_second() + 3_600).to_string();
    let issued = json!({"access_token": "a.b.c", "expires_on": end, "token_type": "Bearer"});
    let desk = Desk::new(move |_| (200, issued.clone()));
    let url = format!("{}/msi/token", desk.url);
    let set = [("IDENTITY_ENDPOINT", url.as_str()), ("IDENTITY_HEADER", SECRET), ("AZURE_CLIENT_ID", CLIENT)];
    let door = open(Method::Managed, &desk, &set).expect("a door");
    assert_eq!(door.fetch().await.expect("a token").header(), "Bearer a.b.c");
    let seen = desk.only();
    assert_eq!(seen.line(), "GET /msi/token");
    let query = ["api-version", "resource", "client_id"].map(|name| seen.query(name).to_owned());
    assert_eq!(query, ["2019-08-01", &desk.url, CLIENT]);
    assert_eq!((seen.header("x-identity-header"), seen.header("metadata")), (SECRET, ""));
}

#[tokio::test]
async fn a_machine_asks_its_metadata_service() {
    let desk = Desk::new(|_| {
        (200, json!({"access_token": "a.b.c", "expires_in": "3599", "expires_on": "1", "not_before": "0"}))
    });
    let door = open(Method::Managed, &desk, &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &desk.url)]).expect("a door");
    door.fetch().await.expect("a token");
    let seen = desk.only();
    assert_eq!(seen.line(), "GET /metadata/identity/oauth2/token");
    assert_eq!(
        (seen.query("api-version"), seen.query("resource"), seen.query("client_id")),
        ("2018-02-01", &*desk.url, "")
    );
    assert_eq!((seen.header("metadata"), seen.header("x-identity-header")), ("true", ""));
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
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
        let desk = Desk::new(move |_| {
            (status, json!({"error": "invalid_request", "error_description": "Identity not found"}))
        });
        let door = open(Method::Managed, &desk, &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &desk.url)]).expect("a door");
        let error = door.fetch().await.err().expect("refused");
        assert_eq!(error.is_passing(), passing, "{status}: {error}");
        assert!(passing || error.to_string().contains("Identity not found\nhint: check that the machine"), "{error}");
        assert_eq!(desk.seen().len(), 1, "nothing is asked twice");
    }
    let desk = Desk::new(|_| (400, json!({"statusCode": 400, "message": "No managed identity was found"})));
    let set = [("IDENTITY_ENDPOINT", &*desk.url), ("IDENTITY_HEADER", SECRET)];
    let error = open(Method::Managed, &desk, &set).expect("a door").fetch().await.err().expect("refused");
    assert!(error.to_string().contains("No managed identity was found") && !format!("{error:?}").contains(SECRET));
}

#[test]
fn the_apps_header_goes_no_further_than_the_link() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    for bad in ["http://10.0.0.4/msi/token", "http://msi.example.com", "nothing"] {
        let told = refusal(Method::Managed, &desk, &[("IDENTITY_ENDPOINT", bad), ("IDENTITY_HEADER", SECRET)]);
        assert!(told.contains("IDENTITY_ENDPOINT") && !told.contains(SECRET), "{told}");
    }
    for good in ["http://169.254.255.2:8081/msi/token", "http://[::1]:1/", "https://msi.example.com"] {
        assert!(open(Method::Managed, &desk, &[("IDENTITY_ENDPOINT", good), ("IDENTITY_HEADER", SECRET)]).is_ok());
    }
    assert!(refusal(Method::Managed, &desk, &[("IDENTITY_ENDPOINT", &desk.url)]).contains("IDENTITY_HEADER"));
    assert!(refusal(Method::Managed, &desk, &[("AZURE_CLIENT_ID", "a b")]).contains("AZURE_CLIENT_ID"));
}
