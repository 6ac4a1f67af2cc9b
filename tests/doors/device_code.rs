//! The device code: what is asked for, what the person is shown, and how the token is renewed.

use crate::{
    SECRET, TENANT,
    desk::{self, Desk, Said, Seen},
    site,
};
use passwave::graph::client::{
    SignInError, TokenSource,
    doors::{CLIENT_ID_DEFAULT, DeviceCode},
};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// What the person was shown.
type Shown = Arc<Mutex<Vec<String>>>;

/// Hands out a code that needs no waiting between two questions.
pub fn code() -> Said {
    (
        200,
        json!({"device_code": SECRET, "user_code": "F2X-9\u{1b}[2J", "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": 900, "interval": 0, "message": "To sign in, ..."}),
    )
}

pub fn pending() -> Said {
    desk::refused(400, "authorization_pending", 70_016, "The user must input their code.")
}

/// A desk at which a device code leads to `answers`, one after the other.
fn desk_with(answers: Vec<Said>) -> Desk {
    let asked = AtomicUsize::new(0);
    Desk::new(move |seen| match seen.path.ends_with("/devicecode") {
        true => code(),
        false => answers[asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1)].clone(),
    })
}

fn door(desk: &Desk, tenant: Option<&str>) -> (DeviceCode, Shown) {
    let shown = Shown::default();
    let kept = Arc::clone(&shown);
    let show = Box::new(move |prompt: &passwave::graph::client::doors::DevicePrompt| {
        kept.lock().expect("whole").push(format!("{} {} {}", prompt.url, prompt.code, prompt.life.as_secs()));
    });
    let door = DeviceCode::new(&site(desk), tenant.map(str::to_owned), CLIENT_ID_DEFAULT, show).expect("a door");
    (door, shown)
}

fn with_refresh(token: &str, refresh: &str) -> Said {
    (200, json!({"access_token": token, "expires_in": 3599, "refresh_token": refresh}))
}

#[tokio::test]
async fn the_person_is_shown_the_code_once_and_the_run_renews_itself() {
    let second = (200, json!({"access_token": "two", "expires_in": 3599}));
    let desk = desk_with(vec![pending(), pending(), with_refresh("one", "r1"), second, with_refresh("three", "r2")]);
    let (door, shown) = door(&desk, None);
    for expected in ["Bearer one", "Bearer two", "Bearer three"] {
        assert_eq!(door.fetch().await.expect("a token").header(), expected);
    }
    assert_eq!(*shown.lock().expect("whole"), ["https://microsoft.com/devicelogin F2X-9\u{FFFD}[2J 900"]);
    let seen = desk.seen();
    let lines: Vec<_> = seen.iter().map(Seen::line).collect();
    assert_eq!(lines[0], "POST /organizations/oauth2/v2.0/devicecode");
    assert!(lines[1..].iter().all(|line| line == "POST /organizations/oauth2/v2.0/token") && lines.len() == 6);
    let scope = format!("{0}/User-PasswordProfile.ReadWrite.All {0}/User.Read.All offline_access", desk.url);
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
async fn a_hiccup_renews_with_the_same_token_and_an_end_asks_nobody() {
    let ended = desk::refused(400, "invalid_grant", 700_082, "The refresh token has expired due to inactivity.");
    let desk = desk_with(vec![with_refresh("one", "r1"), (503, Value::Null), with_refresh("two", "r2"), ended]);
    let (door, shown) = door(&desk, Some(TENANT));
    door.fetch().await.expect("a token");
    assert!(door.fetch().await.err().expect("away").is_passing());
    door.fetch().await.expect("a token");
    let told = door.fetch().await.err().expect("ended");
    assert!(!told.is_passing() && told.to_string().contains("sign in again"), "{told}");
    let refreshes: Vec<_> = desk.seen()[2..].iter().map(|seen| seen.field("refresh_token")).collect();
    assert_eq!(refreshes, ["r1", "r1", "r2"]);
    assert_eq!(shown.lock().expect("whole").len(), 1);
    assert!(desk.seen().iter().all(|seen| seen.path.starts_with(&format!("/{TENANT}/"))));
}

#[tokio::test]
async fn without_a_refresh_token_it_ends_with_the_first() {
    let desk = desk_with(vec![desk::token("one")]);
    let (door, shown) = door(&desk, None);
    door.fetch().await.expect("a token");
    let told = door.fetch().await.err().expect("ended").to_string();
    assert!(told.contains("sign in again") && shown.lock().expect("whole").len() == 1, "{told}");
}

#[tokio::test]
async fn declined_late_and_forbidden_are_told_apart() {
    for (said, expected) in [
        ((400, json!({"error": "authorization_declined"})), "declined in the browser"),
        (
            (400, json!({"error": "expired_token", "error_description": "AADSTS70020: The code has expired."})),
            "in time",
        ),
        (desk::refused(401, "invalid_client", 7_000_218, "The request body must contain"), "Allow public client flows"),
        (desk::refused(400, "invalid_grant", 53_003, "Access has been blocked"), "Conditional Access"),
        (desk::refused(400, "invalid_grant", 65_001, "no consent"), "administrator must consent"),
        (desk::refused(400, "interaction_required", 50_079, "must enroll"), "register for multi-factor"),
    ] {
        let desk = desk_with(vec![pending(), said]);
        let error = door(&desk, None).0.fetch().await.err().expect("refused");
        let told = format!("{error} {error:?}");
        assert!(matches!(error, SignInError::Refused { .. }) && told.contains(expected), "{expected}: {told}");
        assert!(!told.contains(SECRET), "{told}");
    }
}
