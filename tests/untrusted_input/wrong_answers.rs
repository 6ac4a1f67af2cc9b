//! Answers of a wrong, broken or malicious server: memory and time are bounded, and the error is right.

use crate::server::{SECRET, Say, Server, TOKEN, head, plain};
use passwave::{
    account::upn::Upn,
    graph::{BatchRequest, BatchResponse, Graph, Operation, Reply, Request, SendError, client::SignInError},
    outcome::{Asked, Verdict},
    password::{ForceChange, Password},
};
use std::{sync::atomic::Ordering, time::Duration};
use tokio::net::TcpListener;

const GOOD: &[u8] = br#"{"responses":[{"id":"1","status":204}]}"#;
/// No exchange here needs a hundredth of it.
const PATIENT: Duration = Duration::from_secs(60);
/// For exchanges that only the time-out ends.
const BRIEF: Duration = Duration::from_millis(100);
/// The most bytes that a server can send before it is cut off: the 4 MiB that are read, and the system's buffers.
const TAKEN_BYTES_MAX: usize = 24 << 20;
const DEPTH: usize = 100_000;

fn batch() -> BatchRequest {
    let operation = Operation::SetPassword(Password::new("Correct-Horse-1".into()), ForceChange::NextSignIn);
    let address = Upn::parse("ann@contoso.com").expect("a name");
    BatchRequest { requests: vec![Request::new(1, address, operation)] }
}

fn token() -> Vec<Say> {
    plain(200, TOKEN.as_bytes())
}

fn with(fields: &str, more: Vec<Say>) -> Vec<Say> {
    [vec![Say::Once(head(200, fields))], more].concat()
}

fn once(bytes: &[u8]) -> Vec<Say> {
    vec![Say::Once(bytes.to_vec())]
}

/// Sends a batch that gets this answer, and checks the cost.
async fn exchange(answer: Vec<Say>, most: Duration) -> Result<BatchResponse, SendError> {
    let mut server = Server::new(token(), answer).await;
    let client = server.client(most);
    let result = client.send(&batch()).await;
    drop(client);
    let (sign_in, sent) = (server.heard().await, server.heard().await);
    assert!(sign_in.head.contains("/oauth2/v2.0/token") && sent.head.contains("$batch"), "{sent:?}");
    assert!(!sent.head.to_ascii_lowercase().contains("accept-encoding"), "what is packed is not asked for");
    assert!(sent.sent <= TAKEN_BYTES_MAX, "{} bytes were taken", sent.sent);
    assert_eq!(server.connections.load(Ordering::Relaxed), 2, "each is asked once");
    result
}

/// Signs in with this answer, and checks the cost.
async fn sign_in(answer: Vec<Say>, most: Duration) -> SignInError {
    let mut server = Server::new(answer, plain(200, GOOD)).await;
    let client = server.client(most);
    let error = client.sign_in().await.expect_err("no token");
    let lost = client.send(&batch()).await;
    assert!(matches!(lost, Err(SendError::SignIn(_) | SendError::NotSent(_))), "a batch left without a token");
    drop(client);
    for _ in 0..2 {
        let heard = server.heard().await;
        assert!(heard.head.contains("/oauth2/v2.0/token"), "{heard:?}");
        assert!(heard.sent <= TAKEN_BYTES_MAX, "{} bytes were taken", heard.sent);
    }
    let message = error.to_string();
    assert!(!message.contains(SECRET) && message.chars().count() < 1_000, "{message}");
    error
}

/// Answers without end, by kind.
fn endless() -> Vec<(&'static str, Vec<Say>)> {
    let forever = |bytes: &[u8]| vec![Say::Forever(bytes.to_vec())];
    let bomb = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    vec![
        ("a gigabyte that was announced", with("Content-Length: 1073741824\r\n", forever(b" "))),
        ("a gigabyte that was not", with("", forever(b"{\"responses\":["))),
        ("a gigabyte in pieces", with("Transfer-Encoding: chunked\r\n", forever(b"4\r\nabcd\r\n"))),
        ("more than there is room for in a number", with("Content-Length: 18446744073709551615\r\n", forever(b"["))),
        ("headers without end", [once(b"HTTP/1.1 200 OK\r\n"), forever(b"X-More: and more\r\n")].concat()),
        ("one header without end", [once(b"HTTP/1.1 200 OK\r\nX: "), forever(b"x")].concat()),
        ("a status line without end", [once(b"HTTP/1.1 200 "), forever(b"O")].concat()),
        (
            "a chunk's extension without end",
            with("Transfer-Encoding: chunked\r\n", [once(b"1;"), forever(b"x")].concat()),
        ),
        (
            "trailers without end",
            with("Transfer-Encoding: chunked\r\n", [once(b"1\r\n{\r\n0\r\n"), forever(b"X-More: more\r\n")].concat()),
        ),
        (
            "what is packed small",
            with("Content-Encoding: gzip\r\n", [once(&bomb), forever(&[0xec, 0xc1, 1, 1, 0, 0])].concat()),
        ),
    ]
}

/// Answers that are malformed, by kind.
fn broken() -> Vec<(&'static str, Vec<Say>)> {
    let deep = [b"[".repeat(DEPTH), b"]".repeat(DEPTH)].concat();
    vec![
        ("a page instead of an answer", with("Content-Type: text/html\r\n", once(b"<html>sign in</html>"))),
        ("brackets without number", plain(200, &deep)),
        ("braces without number", plain(200, &b"{\"responses\":".repeat(DEPTH))),
        ("half of them", plain(200, &deep[..DEPTH])),
        ("an array instead of an object", plain(200, br#"[[{"id":"1","status":204}]]"#)),
        ("invalid chunks", with("Transfer-Encoding: chunked\r\n", once(b"zz\r\nabc\r\n0\r\n\r\n"))),
        ("a piece longer than numbers", with("Transfer-Encoding: chunked\r\n", once(b"fffffffffffffffff\r\n{"))),
        ("pieces that end early", with("Transfer-Encoding: chunked\r\n", once(b"4\r\n{\"re\r\n"))),
        ("a length that is too long", with("Content-Length: 400\r\n", once(GOOD))),
        ("a length that is too short", with("Content-Length: 20\r\n", once(GOOD))),
        ("two lengths", with("Content-Length: 20\r\nContent-Length: 39\r\n", once(GOOD))),
        ("a negative length", with("Content-Length: -1\r\n", once(GOOD))),
        ("an old answer without a body", once(b"HTTP/1.0 200 OK\r\n\r\n")),
        ("a version from elsewhere", once(b"HTTP/9.9 200 OK\r\n\r\n")),
        ("a switch of protocols", once(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")),
        ("only what comes before an answer", once(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50))),
        ("bytes of something else", once(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")),
        ("nothing", Vec::new()),
    ]
}

/// Answers that never end but need no memory.
fn slow() -> Vec<(&'static str, Vec<Say>)> {
    vec![
        ("silence", vec![Say::Nothing]),
        ("silence after the head", with("Content-Length: 39\r\n", vec![Say::Nothing])),
        ("a drip", with("Content-Length: 4000000\r\n", vec![Say::Drip(b" ".to_vec())])),
        ("a head in drops", vec![Say::Drip(b"HTTP/1.1 200 OK\r\nX: x\r\n".to_vec())]),
        ("what comes before an answer, in drops", vec![Say::Drip(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())]),
    ]
}

#[tokio::test]
async fn endless_answers_are_cut_off() {
    for (name, answer) in endless() {
        let result = exchange(answer, PATIENT).await;
        assert!(matches!(result, Err(SendError::Lost(_))), "{name}: {:?}", result.map_err(|error| error.to_string()));
    }
}

#[tokio::test]
async fn endless_token_is_cut_off() {
    for (name, answer) in endless() {
        let error = sign_in(answer, PATIENT).await;
        assert!(error.is_passing(), "{name}: {error}");
    }
}

#[tokio::test]
async fn non_answers_are_lost() {
    for (name, answer) in broken() {
        let result = exchange(answer, PATIENT).await;
        let said = result.as_ref().err().map(ToString::to_string);
        let switched = matches!(&result, Err(SendError::Refused(reply)) if reply.status == 101);
        assert!(matches!(result, Err(SendError::Lost(_))) || switched, "{name}: {said:?}");
        assert!(said.is_some_and(|said| said.chars().count() < 500), "{name}");
    }
}

#[tokio::test]
async fn non_tokens_are_reported() {
    for (name, answer) in broken() {
        let error = sign_in(answer, PATIENT).await;
        assert!(matches!(error, SignInError::Away { .. } | SignInError::Unreadable { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn slow_answers_time_out() {
    for (name, answer) in slow() {
        let lost = exchange(answer.clone(), BRIEF).await;
        let said = lost.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert!(matches!(lost, Err(SendError::Lost(_))) && said.contains("timed out"), "{name}: {said}");
        let error = sign_in(answer, BRIEF).await;
        assert!(matches!(error, SignInError::Away { .. }), "{name}: {error}");
    }
}

/// These are read and dropped as long as they arrive, so only the time must be bounded.
#[tokio::test]
async fn excessive_promises_are_capped() {
    let promise = vec![Say::Forever(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())];
    let lost = Server::new(token(), promise.clone()).await.client(BRIEF).send(&batch()).await;
    assert!(matches!(&lost, Err(SendError::Lost(said)) if said.contains("timed out")));
    let error = Server::new(promise, Vec::new()).await.client(BRIEF).sign_in().await.expect_err("no token");
    assert!(matches!(error, SignInError::Away { .. }), "{error}");
}

#[tokio::test]
async fn redirects_are_never_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let there = elsewhere.local_addr().expect("an address");
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let fields = format!(
            "Location: http://{there}/\r\nRefresh: 0; url=http://{there}/\r\nAlt-Svc: h2=\"{there}\"\r\nContent-Length: 0\r\n"
        );
        let answer = vec![Say::Once(head(status, &fields))];
        let result = exchange(answer.clone(), PATIENT).await;
        assert!(matches!(&result, Err(SendError::Refused(reply)) if reply.status == status), "{status}");
        assert!(
            matches!(sign_in(answer, PATIENT).await, SignInError::Unreadable { status: told, .. } if told == status)
        );
    }
    let server = Server::new(token(), plain(200, GOOD)).await;
    let client = server.client(PATIENT);
    let at_home = server.url.trim_start_matches("http://");
    for link in
        [format!("http://{there}/v1.0/users"), format!("http://{at_home}@{there}/"), format!("https://{at_home}/users")]
    {
        assert!(matches!(client.page(&link).await, Err(SendError::Lost(_))), "{link}");
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 0, "not even a token is asked for");
    let came = futures_util::FutureExt::now_or_never(elsewhere.accept());
    assert!(came.is_none(), "a redirect was followed");
}

#[tokio::test]
async fn deep_nesting_never_overflows() {
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let item = |fields: &str| format!(r#"{{"responses":[{{"id":"1","status":400,{fields}}}]}}"#);
    for body in [
        item(&format!("\"body\":{deep}")),
        item(&format!("\"headers\":{deep}")),
        item(&format!("\"headers\":{{\"Retry-After\":{deep}}}")),
        item(&format!("\"body\":{{\"error\":{{\"code\":{deep},\"message\":{deep},\"innerError\":{deep}}}}}")),
        item(&format!("\"more\":{deep}")),
        format!("{{\"responses\":{deep}}}"),
        r#"{"responses":[["1",204]]}"#.to_owned(),
    ] {
        if let Ok(response) = exchange(plain(200, body.as_bytes()), PATIENT).await {
            assert!(response.replies.iter().all(|reply| reply.status == 400 && reply.code.is_empty()));
        }
        let refused = exchange(plain(400, body.as_bytes()), PATIENT).await;
        assert!(matches!(refused, Err(SendError::Refused(Reply { status: 400, .. }))));
    }
    for (status, field) in
        [(200, "access_token"), (200, "expires_in"), (400, "error_description"), (400, "error_codes")]
    {
        let body = format!(r#"{{"{field}":{deep}}}"#);
        let error = sign_in(plain(status, body.as_bytes()), PATIENT).await;
        assert!(
            matches!(error, SignInError::Unreadable { status: told, .. } if told == status),
            "{status} {field}: {error}"
        );
    }
}

#[tokio::test]
async fn unrequested_answers_are_ignored() {
    let forged = String::from_utf8(GOOD.to_vec()).expect("text").replace("204", "409");
    let [Say::Once(first), Say::Once(second)] =
        [plain(200, GOOD), plain(200, forged.as_bytes())].map(|mut say| say.remove(0))
    else {
        panic!("whole answers");
    };
    let server = Server::new(token(), vec![Say::Once([first, second].concat()), Say::Nothing]).await;
    let client = server.client(PATIENT);
    for nth in 0..3 {
        let answer = client.send(&batch()).await.expect("an answer");
        assert_eq!(answer.replies[0].status, 204, "batch {nth} was answered before it was sent");
    }
}

#[tokio::test]
async fn answers_use_bounded_memory() {
    let many = format!("{{\"responses\":[{}]}}", vec![r#"{"status":1}"#; (4 << 20) / 13 - 8].join(","));
    let answer = exchange(plain(200, many.as_bytes()), PATIENT).await.expect("items");
    assert!(answer.replies.len() * size_of::<Reply>() <= 64 << 20);
    let old = [once(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"), once(GOOD)].concat();
    let answer = exchange(old, PATIENT).await.expect("an old answer is one");
    assert_eq!(answer.replies[0].status, 204);
}

/// The verdict on the only item of a batch, and its parsed reply.
async fn judged(status: u16, body: &str) -> (Verdict, Reply) {
    let answer = format!(r#"{{"responses":[{{"id":"1","status":{status},"body":{body}}}]}}"#);
    let mut response = exchange(plain(200, answer.as_bytes()), PATIENT).await.expect("an answer");
    let reply = response.replies.remove(0);
    (reply.verdict(Asked::Password), reply)
}

#[tokio::test]
async fn only_204_confirms_a_password() {
    let error = r#"{"error":{"code":"x","message":"y"}}"#;
    for status in [200, 201, 202, 203, 205, 206, 207, 226, 299] {
        for body in ["null", "{}", r#""""#, r#"{"value":true}"#, error] {
            assert_eq!(judged(status, body).await.0, Verdict::Unknown(None), "{status} {body}");
        }
    }
    for body in ["null", "{}", r#""""#, r#"{"@odata.context":"x"}"#, r#"{"error":null}"#] {
        assert_eq!(judged(204, body).await.0, Verdict::Done, "{body}");
    }
    for body in [error, r#"{"error":{}}"#, r#"{"error":"no"}"#, r#"{"error":1,"error":2}"#] {
        assert_eq!(judged(204, body).await.0, Verdict::Unknown(None), "{body}");
    }
}

#[tokio::test]
async fn errors_in_strings_are_parsed() {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let said = "The specified password does not comply with password complexity requirements.";
    let error = format!(r#"{{"error":{{"code":"Request_BadRequest","message":"{said}"}}}}"#);
    for packed in [BASE64_STANDARD.encode(&error), BASE64_STANDARD.encode(format!("\u{FEFF}{error}")), error] {
        let body = serde_json::to_string(&packed).expect("JSON");
        let (verdict, reply) = judged(400, &body).await;
        assert_eq!((verdict, reply.message.as_str()), (Verdict::PasswordRefused, said), "{body}");
    }
    assert_eq!(
        judged(204, &serde_json::to_string(&BASE64_STANDARD.encode(r#"{"error":{}}"#)).expect("JSON")).await.0,
        Verdict::Unknown(None)
    );
}

#[tokio::test]
async fn byte_order_mark_is_skipped() {
    let marked = |json: &[u8]| plain(200, &[b"\xEF\xBB\xBF", json].concat());
    let server = Server::new(marked(TOKEN.as_bytes()), marked(GOOD)).await;
    let answer = server.client(PATIENT).send(&batch()).await.expect("an answer");
    assert_eq!(answer.replies[0].status, 204);
    let page = Server::new(token(), marked(br#"{"value":[{"id":1}]}"#)).await;
    assert_eq!(page.client(PATIENT).page("domains").await.expect("a page").value.len(), 1);
    let refused = [b"\xEF\xBB\xBF".as_slice(), br#"{"error":{"code":"Blocked","message":"y"}}"#].concat();
    let refused = exchange(plain(403, &refused), PATIENT).await;
    assert!(matches!(&refused, Err(SendError::Refused(reply)) if reply.code == "Blocked"));
}

#[tokio::test]
async fn lost_answers_show_no_status() {
    let reply = Reply { code: "answer_lost".into(), message: "no answer (gone)".into(), ..Reply::default() };
    assert_eq!((reply.whole().as_str(), Reply::default().whole().as_str()), ("no answer (gone)", "no answer"));
    let (_, reply) = judged(0, "null").await;
    assert!(!reply.whole().contains("HTTP 0"), "{}", reply.whole());
}
