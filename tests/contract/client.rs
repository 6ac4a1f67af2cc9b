//! What only the client can get wrong: tests against a server that returns arbitrary bytes.

use crate::{batch, connect, served::Served};
use passwave::graph::{Graph, SendError, client::SignInError};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

const IDS: (&str, &str) = ("contoso.onmicrosoft.com", "11111111-2222-4333-8444-555555555555");
const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"aaa.bbb.ccc"}"#;
const GOOD: &str = r#"{"responses":[{"id":"1","status":204}]}"#;

/// A request as received.
struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next_back()
    }
}

/// Issues tokens, and answers everything else with `answer`, each on its own connection.
async fn server(answer: Vec<u8>) -> (String, mpsc::UnboundedReceiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (tell, seen) = mpsc::unbounded_channel();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(converse(socket, Arc::clone(&answer), tell.clone()));
        }
    });
    (url, seen)
}

async fn converse(socket: TcpStream, answer: Arc<Vec<u8>>, tell: mpsc::UnboundedSender<Seen>) {
    let mut socket = BufReader::new(socket);
    let mut seen = Seen { head: String::new(), body: Vec::new() };
    while !seen.head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut seen.head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    seen.body.resize(length, 0);
    socket.read_exact(&mut seen.body).await.expect("the whole body");
    let bytes = match seen.head.contains("/oauth2/v2.0/token") {
        true => plain(200, TOKEN.as_bytes()),
        false => answer.to_vec(),
    };
    drop(tell.send(seen));
    // The client may close the connection before it has read everything.
    drop(socket.write_all(&bytes).await);
    drop(socket.shutdown().await);
}

/// A complete answer with its length.
fn plain(status: u16, body: &[u8]) -> Vec<u8> {
    with_length(status, body, body.len())
}

fn with_length(status: u16, body: &[u8], length: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Sends one batch of one row to a server that returns `answer`. Also returns what the server received of the batch.
async fn exchange(answer: Vec<u8>) -> (Result<passwave::graph::BatchResponse, SendError>, Vec<Seen>) {
    let (url, mut seen) = server(answer).await;
    let result = connect(&url, &url, IDS, "s".into()).send(&batch(&[(1, "ann@contoso.com")])).await;
    let mut all = Vec::new();
    seen.close();
    while let Some(request) = seen.recv().await {
        all.push(request);
    }
    (result, all)
}

#[tokio::test]
async fn batches_are_never_chunked() {
    let (url, mut seen) = server(plain(200, GOOD.as_bytes())).await;
    let client = connect(&url, &format!("{url}/below/"), IDS, "s3cret+/=&".into());
    let names: Vec<String> = (0..20).map(|n| format!("{}{n}@contoso.com", "x".repeat(60))).collect();
    let rows: Vec<_> = names.iter().enumerate().map(|(row, name)| (row as u64, name.as_str())).collect();
    client.send(&batch(&rows)).await.expect("an answer");
    let token = seen.recv().await.expect("a sign-in");
    assert!(token.head.starts_with("POST /contoso.onmicrosoft.com/oauth2/v2.0/token HTTP/1.1"), "{}", token.head);
    let form = String::from_utf8(token.body).expect("text");
    assert!(form.contains("client_secret=s3cret%2B%2F%3D%26") && form.contains("grant_type=client_credentials"));
    let sent = seen.recv().await.expect("a batch");
    assert!(sent.head.starts_with("POST /below/v1.0/$batch HTTP/1.1"), "{}", sent.head);
    assert_eq!(sent.header("transfer-encoding"), None);
    assert_eq!(sent.header("content-length"), Some(sent.body.len().to_string().as_str()));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("authorization"), Some("Bearer aaa.bbb.ccc"));
    assert!(sent.header("client-request-id").is_some_and(passwave::account::upn::is_object_id));
    let json: serde_json::Value = serde_json::from_slice(&sent.body).expect("JSON");
    assert_eq!(json["requests"].as_array().map(Vec::len), Some(20));
    assert!(seen.try_recv().is_err(), "one request and no more");
}

#[tokio::test]
async fn redirects_are_refused() {
    for status in [301, 302, 307, 308] {
        let followed = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let elsewhere = followed.local_addr().expect("an address");
        let head = format!("HTTP/1.1 {status} X\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n");
        let (result, seen) = exchange(head.into_bytes()).await;
        assert!(matches!(&result, Err(SendError::Refused(reply)) if reply.status == status), "{status}");
        assert_eq!(seen.len(), 2);
        let came = futures_util::FutureExt::now_or_never(followed.accept());
        assert!(came.is_none(), "{status}: a redirect was followed");
    }
}

#[tokio::test]
async fn malformed_answers_count_as_lost() {
    let page = b"<html><body>Please sign in to the guest network</body></html>";
    let deep = [b"{\"value\":".as_slice(), &b"[".repeat(200_000), &b"]".repeat(200_000), b"}"].concat();
    for (name, answer) in [
        ("a page instead of an answer of Graph", plain(200, page)),
        ("half a body", with_length(200, &GOOD.as_bytes()[..20], GOOD.len())),
        ("no body", plain(200, b"")),
        ("another JSON", plain(200, br#"{"value":[]}"#)),
        ("bytes that are no text", plain(200, b"{\"responses\":[\xff\xfe")),
        ("brackets without number", plain(200, &deep)),
        ("ten megabytes", plain(200, &vec![b' '; 10 << 20])),
        ("nothing at all", Vec::new()),
        ("half a head", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
    ] {
        let (result, seen) = exchange(answer).await;
        assert!(matches!(result, Err(SendError::Lost(_))), "{name}: {:?}", result.map_err(|error| error.to_string()));
        assert_eq!(seen.len(), 2, "{name}: one sign-in and one batch");
    }
}

#[tokio::test]
async fn status_counts_without_a_body() {
    for (status, body, length) in
        [(502, &b"<html>"[..], 6), (503, b"<html", 4_000), (500, &vec![b'x'; 10 << 20], 10 << 20)]
    {
        let (result, _) = exchange(with_length(status, body, length)).await;
        let Err(SendError::Refused(reply)) = result else { panic!("{status}: not refused") };
        assert_eq!((reply.status, reply.code.as_str()), (status, ""));
    }
}

#[tokio::test]
async fn refused_connections_send_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let nobody = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let (url, _seen) = server(Vec::new()).await;
    let one = batch(&[(1, "ann@contoso.com")]);
    for (authority, graph) in [(&url, &nobody), (&nobody, &url)] {
        let result = connect(authority, graph, IDS, "s".into()).send(&one).await;
        assert!(matches!(result, Err(SendError::NotSent(_))), "{:?}", result.map_err(|error| error.to_string()));
    }
}

#[tokio::test]
async fn wrong_secret_shows_its_code() {
    let served = Served::new(&["ann@contoso.com".into()], "{}");
    let credentials = served.tenant.credentials();
    let ids = (credentials.tenant_id.as_str(), credentials.client_id.as_str());
    let client = connect(&served.url, &served.url, ids, "wrong".into());
    let refused = client.sign_in().await;
    assert!(matches!(refused, Err(SignInError::Refused { code: Some(7_000_215), .. })));
    let result = client.send(&batch(&[(1, "ann@contoso.com")])).await;
    assert!(matches!(&result, Err(SendError::SignIn(said)) if said.to_string().contains("AADSTS7000215")));
    assert_eq!(served.tenant.tally().batches, 0);
}

#[tokio::test]
async fn concurrent_batches_share_a_sign_in() {
    let names: Vec<String> = (0..10).map(|n| format!("user{n}@contoso.com")).collect();
    let served = Served::new(&names, r#"{"latency_ms": 20}"#);
    let credentials = served.tenant.credentials();
    let ids = (credentials.tenant_id.as_str(), credentials.client_id.as_str());
    let client = connect(&served.url, &served.url, ids, credentials.client_secret.clone());
    let good = AtomicUsize::new(0);
    let one = |name: String| {
        let (client, good) = (&client, &good);
        async move {
            let answer = client.send(&batch(&[(1, &name)])).await.expect("an answer");
            good.fetch_add(usize::from(answer.replies[0].status == 204), Ordering::Relaxed);
        }
    };
    futures_util::future::join_all(names.into_iter().map(one)).await;
    assert_eq!((good.into_inner(), served.tenant.tally().tokens_issued), (10, 1));
}
