//! The device code: the request for it, what the user sees, and how the token is renewed.

use crate::{
    SECRET, TENANT, endpoints,
    fake_server::{self, FakeAnswer, FakeServer, Seen},
};
use passwave::graph::client::{
    SignInError, TokenSource,
    auth::{CLIENT_ID_DEFAULT, DeviceCode, PersonOptions, Prompt},
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// What the user was shown.
type Shown = Arc<Mutex<Vec<String>>>;

/// Issues a code that can be polled without waiting.
pub fn code() -> FakeAnswer {
    (
        200,
        json!({"device_code": SECRET, "user_code": "F2X-9\u{1b}[2J", "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": 900, "interval": 0, "message": "To sign in, ..."}),
    )
}

pub fn pending() -> FakeAnswer {
    fake_server::refused(400, "authorization_pending", 70_016, "The user must input their code.")
}

/// A server at which the polls for a device code get `answers`, one after the other.
fn server_with(answers: Vec<FakeAnswer>) -> FakeServer {
    let asked = AtomicUsize::new(0);
    FakeServer::new(move |seen| match seen.path.ends_with("/devicecode") {
        true => code(),
        false => answers[asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)].clone(),
    })
}

fn credential(server: &FakeServer, tenant: Option<&str>) -> (DeviceCode, Shown) {
    let shown = Shown::default();
    let kept = Arc::clone(&shown);
    let options = PersonOptions::new(Box::new(move |prompt: &Prompt| {
        let Prompt::DeviceCode { url, code, life } = prompt else { panic!("no code") };
        kept.lock().expect("whole").push(format!("{url} {code} {}", life.as_secs()));
    }));
    let credential = DeviceCode::new(&endpoints(server), tenant.map(str::to_owned), options).expect("a credential");
    (credential, shown)
}

fn with_refresh(token: &str, refresh: &str) -> FakeAnswer {
    (200, json!({"access_token": token, "expires_in": 3599, "refresh_token": refresh}))
}

#[tokio::test]
async fn shows_one_code_then_renews() {
    let second = (200, json!({"access_token": "two", "expires_in": 3599}));
    let server =
        server_with(vec![pending(), pending(), with_refresh("one", "r1"), second, with_refresh("three", "r2")]);
    let (credential, shown) = credential(&server, None);
    for expected in ["Bearer one", "Bearer two", "Bearer three"] {
        assert_eq!(credential.fetch().await.expect("a token").authorization().expose_secret(), expected);
    }
    assert_eq!(*shown.lock().expect("whole"), ["https://microsoft.com/devicelogin F2X-9\u{FFFD}[2J 900"]);
    let seen = server.seen();
    let lines: Vec<_> = seen.iter().map(Seen::line).collect();
    assert_eq!(lines[0], "POST /organizations/oauth2/v2.0/devicecode");
    assert!(lines[1..].iter().all(|line| line == "POST /organizations/oauth2/v2.0/token") && lines.len() == 6);
    let scope = format!("{0}/User-PasswordProfile.ReadWrite.All {0}/User.Read.All offline_access", server.url);
    assert_eq!((seen[0].field("client_id"), seen[0].field("scope")), (CLIENT_ID_DEFAULT.into(), scope.clone()));
    for question in &seen[1..4] {
        assert_eq!(question.fields(), ["client_id", "device_code", "grant_type"]);
        assert_eq!(question.field("grant_type"), "urn:ietf:params:oauth:grant-type:device_code");
        assert_eq!(question.field("device_code"), SECRET);
    }
    for renewal in &seen[4..] {
        assert_eq!(renewal.fields(), ["client_id", "grant_type", "refresh_token", "scope"]);
        assert_eq!((renewal.field("grant_type").as_str(), renewal.field("scope")), ("refresh_token", scope.clone()));
        assert_eq!(renewal.field("refresh_token"), "r1", "it is kept where no new one is given");
    }
}

#[tokio::test]
async fn renewal_survives_hiccups_without_prompts() {
    let ended = fake_server::refused(400, "invalid_grant", 700_082, "The refresh token has expired due to inactivity.");
    let server = server_with(vec![with_refresh("one", "r1"), (503, Value::Null), with_refresh("two", "r2"), ended]);
    let (credential, shown) = credential(&server, Some(TENANT));
    credential.fetch().await.expect("a token");
    assert!(credential.fetch().await.err().expect("away").is_passing());
    credential.fetch().await.expect("a token");
    let told = credential.fetch().await.err().expect("ended");
    assert!(!told.is_passing() && told.to_string().contains("AADSTS700082"), "{told}");
    let refreshes: Vec<_> = server.seen()[2..].iter().map(|seen| seen.field("refresh_token")).collect();
    assert_eq!(refreshes, ["r1", "r1", "r2"]);
    assert_eq!(shown.lock().expect("whole").len(), 1);
    assert!(server.seen().iter().all(|seen| seen.path.starts_with(&format!("/{TENANT}/"))));
}

#[tokio::test]
async fn ends_without_a_refresh_token() {
    let server = server_with(vec![fake_server::token("one")]);
    let (credential, shown) = credential(&server, None);
    credential.fetch().await.expect("a token");
    let told = credential.fetch().await.err().expect("ended").to_string();
    assert!(told.contains("AADSTS70008: ") && shown.lock().expect("whole").len() == 1, "{told}");
}

#[tokio::test]
async fn sign_in_refusals_are_distinguished() {
    for (said, expected) in [
        ((400, json!({"error": "authorization_declined"})), "authorization_declined"),
        (
            (400, json!({"error": "expired_token", "error_description": "AADSTS70020: The code has expired."})),
            "expired_token",
        ),
        (fake_server::refused(401, "invalid_client", 7_000_218, "The request body must contain"), "Some(7000218)"),
        (fake_server::refused(400, "invalid_grant", 53_003, "Access has been blocked"), "Some(53003)"),
        (fake_server::refused(400, "invalid_grant", 65_001, "no consent"), "Some(65001)"),
        (fake_server::refused(400, "interaction_required", 50_079, "must enroll"), "Some(50079)"),
    ] {
        let server = server_with(vec![pending(), said]);
        let error = credential(&server, None).0.fetch().await.err().expect("refused");
        let told = format!("{error} {error:?}");
        assert!(matches!(error, SignInError::Refused { .. }) && told.contains(expected), "{expected}: {told}");
        assert!(!told.contains(SECRET), "{told}");
    }
}
