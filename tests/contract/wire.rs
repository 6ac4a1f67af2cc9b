//! The bytes of a batch: exactly what is written, and how any answer is parsed.

use crate::{batch_of, password};
use passwave::{
    graph::{
        BatchResponse, Operation, SendError,
        wire::{self, Envelope},
    },
    password::{ForceChange, Password},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Duration;

#[expect(clippy::result_large_err, reason = "a test")]
fn decode(body: &str) -> Result<BatchResponse, SendError> {
    wire::decode(&Envelope { status: 200, ..Envelope::default() }, body.as_bytes())
}

#[test]
fn writes_batches_as_documented() {
    for (force_change, name, value) in [
        (ForceChange::NextSignIn, "forceChangePasswordNextSignIn", true),
        (ForceChange::NextSignInWithMfa, "forceChangePasswordNextSignInWithMfa", true),
        (ForceChange::No, "forceChangePasswordNextSignIn", false),
    ] {
        let write = |row| Operation::SetPassword(Password::new(password(row)), force_change);
        let batch = batch_of(&[(7, "ann@contoso.com"), (u64::MAX, "b'c#d@contoso.com")], write);
        let bytes = wire::encode(&batch);
        let item = |id: &str, url: &str, password: &str| {
            json!({"id": id, "method": "PATCH", "url": url, "headers": {"Content-Type": "application/json"},
                "body": {"passwordProfile": {"password": password, name: value}}})
        };
        let expected = json!({"requests": [
            item("7", "/users/ann@contoso.com", "Correct-Horse-7"),
            item("18446744073709551615", "/users/b%27c%23d@contoso.com", "Correct-Horse-18446744073709551615"),
        ]});
        assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("JSON"), expected);
    }
}

/// An item, and what is parsed from it: row, status, wait, code, message, request id.
type Case = (&'static str, Option<u64>, u16, Option<Duration>, &'static str, &'static str, &'static str);

#[test]
fn reads_items_in_every_known_form() {
    let ten = Some(Duration::from_secs(10));
    let table: &[Case] = &[
        (r#"{"id":"1","status":204,"headers":{},"body":null}"#, Some(1), 204, None, "", "", ""),
        (r#"{"id":"1","status":204}"#, Some(1), 204, None, "", "", ""),
        (r#"{"id":"1","status":204,"body":""}"#, Some(1), 204, None, "", "", ""),
        (r#"{"status":204,"id":1,"x":[{}]}"#, Some(1), 204, None, "", "", ""),
        (r#"{"id":"abc","status":404}"#, None, 404, None, "", "", ""),
        (r#"{"id":null,"status":404}"#, None, 404, None, "", "", ""),
        (r#"{"status":404}"#, None, 404, None, "", "", ""),
        (r#"{"id":"2","status":429,"headers":{"Retry-After":"10"}}"#, Some(2), 429, ten, "", "", ""),
        (r#"{"id":"2","status":429,"headers":{"RETRY-AFTER":10}}"#, Some(2), 429, ten, "", "", ""),
        (r#"{"id":"2","status":429,"headers":{"retry-after":" 10 "}}"#, Some(2), 429, ten, "", "", ""),
        (r#"{"id":"2","status":429,"headers":{"Retry-After":"soon"}}"#, Some(2), 429, None, "", "", ""),
        (r#"{"id":"2","status":429,"headers":{"Retry-After":null}}"#, Some(2), 429, None, "", "", ""),
        (r#"{"id":"2","status":429,"headers":["Retry-After"]}"#, Some(2), 429, None, "", "", ""),
        (
            r#"{"id":"3","status":403,"body":{"error":{"code":"A","message":"b","innerError":{"request-id":"r"}}}}"#,
            Some(3),
            403,
            None,
            "A",
            "b",
            "r",
        ),
        (
            r#"{"id":"3","status":403,"body":{"error":{"code":"A","message":"b","innererror":{"request-id":"r"}}}}"#,
            Some(3),
            403,
            None,
            "A",
            "b",
            "r",
        ),
        (r#"{"id":"3","status":403,"body":{"error":{"code":7,"message":null}}}"#, Some(3), 403, None, "", "", ""),
        (r#"{"id":"3","status":403,"body":{"error":{"message":"b"}}}"#, Some(3), 403, None, "", "b", ""),
        (r#"{"id":"3","status":503,"body":"PGh0bWw+"}"#, Some(3), 503, None, "", "", ""),
        (r#"{"id":"3","status":503,"body":{"error":"x"}}"#, Some(3), 503, None, "", "", ""),
        (
            r#"{"id":"3","status":400,"body":{"error":{"code":"\u0041","message":"say \"hé\""}}}"#,
            Some(3),
            400,
            None,
            "A",
            "say \"hé\"",
            "",
        ),
    ];
    for (item, row, status, wait, code, message, id) in table {
        let mut replies = decode(&format!(r#"{{"responses":[{item}]}}"#)).expect(item).replies;
        let reply = replies.pop().expect(item);
        assert_eq!((reply.row, reply.status, reply.retry_after), (*row, *status, *wait), "{item}");
        assert_eq!((&*reply.code, &*reply.message, &*reply.request_id), (*code, *message, *id), "{item}");
        assert!(replies.is_empty());
    }
}

#[test]
fn unreadable_items_spare_the_others() {
    for odd in ["7", "null", "[]", "{}", r#"{"id":"1"}"#, r#"{"id":"1","status":"x"}"#, r#"{"id":"1","status":70000}"#]
    {
        let body = format!(r#"{{"@odata.x":1,"responses":[{odd},{{"id":"2","status":204}}]}}"#);
        let replies = decode(&body).expect(odd).replies;
        assert_eq!(replies.iter().map(|reply| reply.row).collect::<Vec<_>>(), [Some(2)], "{odd}");
    }
}

#[test]
fn spent_quotas_are_told_from_load() {
    for (status, headers, is_over_quota) in [
        (429, r#""x-ms-throttle-information": "WriteLimitExceeded""#, true),
        (429, r#""X-MS-Throttle-Information": "ResourceUnitLimitExceeded""#, true),
        (429, r#""x-ms-throttle-scope": "Tenant_Application/Write/a/t""#, true),
        (
            429,
            r#""x-ms-throttle-scope": "Tenant_Application/Write/a/t", "x-ms-throttle-information": "CPULimitExceeded""#,
            false,
        ),
        (429, r#""x-ms-throttle-information": "Überlast""#, false),
        (429, r#""Retry-After": "10""#, false),
        (204, r#""x-ms-throttle-scope": "Tenant_Application/Write/a/t""#, false),
    ] {
        let body = format!(r#"{{"responses":[{{"id":"1","status":{status},"headers":{{{headers}}}}}]}}"#);
        assert_eq!(decode(&body).expect("an answer").replies[0].is_over_quota, is_over_quota, "{status} {headers}");
    }
}

#[test]
fn scope_says_whose_quota_is_spent() {
    for (scope, is_of_application) in [
        ("Application/Write/a/t", true),
        ("application/ReadWrite/a/t", true),
        ("Tenant_Application/Write/a/t", false),
        ("Tenant/Write/a/t", false),
        ("", false),
    ] {
        let headers = format!(r#""x-ms-throttle-scope": "{scope}""#);
        let body = format!(r#"{{"responses":[{{"id":"1","status":429,"headers":{{{headers}}}}}]}}"#);
        assert_eq!(decode(&body).expect("an answer").replies[0].is_of_application, is_of_application, "{scope}");
    }
}

#[test]
fn highest_percentage_is_reported() {
    let headers =
        |told: &str| format!(r#"{{"id":"1","status":204,"headers":{{"X-Ms-Throttle-Limit-Percentage":"{told}"}}}}"#);
    let body = format!(r#"{{"responses":[{},{},{}]}}"#, headers("0.85"), headers("1.2"), headers("x"));
    assert_eq!(decode(&body).expect("an answer").throttle_percentage, Some(1.2));
}

#[test]
fn whole_refusals_keep_their_message() {
    let envelope = Envelope { status: 403, request_id: "r".into(), ..Envelope::default() };
    let body = br#"{"error":{"code":"Authorization_RequestDenied","message":"no"}}"#;
    let Err(SendError::Refused(reply)) = wire::decode(&envelope, body) else { panic!("not refused") };
    assert_eq!((&*reply.code, &*reply.message, &*reply.request_id), ("Authorization_RequestDenied", "no", "r"));
    for status in [100, 302, 401, 429, 500, 999] {
        let envelope = Envelope { status, ..Envelope::default() };
        for body in [&b""[..], b"<html>", b"\xff", br#"{"responses":[]}"#] {
            assert!(matches!(wire::decode(&envelope, body), Err(SendError::Refused(reply)) if reply.status == status));
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_rosters_never_panic(status in 0_u16..1_000, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = wire::decode(&Envelope { status, ..Envelope::default() }, &body);
    }

    #[test]
    fn damaged_answers_never_mislead(at in 0_usize..200, byte in any::<u8>()) {
        let good = r#"{"responses":[{"id":"1","status":204,"headers":{"Retry-After":"1"}},
            {"id":"2","status":404,"body":{"error":{"code":"A","message":"b","innerError":{"request-id":"r"}}}}]}"#;
        let mut body = good.as_bytes().to_vec();
        let at = at % body.len();
        body[at] = byte;
        if let Ok(response) = wire::decode(&Envelope { status: 200, ..Envelope::default() }, &body) {
            prop_assert!(response.replies.len() <= 2);
        }
        body.truncate(at);
        let cut = wire::decode(&Envelope { status: 200, ..Envelope::default() }, &body);
        prop_assert!(matches!(cut, Err(SendError::Lost(_))));
    }
}
