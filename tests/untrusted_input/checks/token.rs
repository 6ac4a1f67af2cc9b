//! The answer of a token endpoint over a socket: a token, or the right error.

use passwave::{
    graph::client::{ClientSecret, ProxyUse, SignInError, TokenSource, endpoint, http_client},
    secrecy::ExposeSecret,
};
use serde::de::IgnoredAny;
use std::{cell::RefCell, rc::Rc};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    task::LocalSet,
};

const SECRET: &str = "canary~secret~of~the~application";
const STATUSES: [u16; 12] = [200, 200, 200, 200, 201, 302, 400, 401, 403, 429, 500, 503];

/// An endpoint that returns the given answer, and a sign-in method that uses it.
struct Stage {
    runtime: Runtime,
    tasks: LocalSet,
    answer: Rc<RefCell<(u16, Vec<u8>)>>,
    credential: ClientSecret,
}

thread_local! {
    /// Never dropped: where a thread drops its variables late, the runtime's own are gone by then, and its end aborts.
    static STAGE: &'static Stage = Box::leak(Box::new(Stage::new()));
}

/// The first byte selects the status, the others are the body.
pub fn check(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(first) % STATUSES.len()];
    STAGE.with(|stage| stage.fetch(status, body));
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (tasks, answer) = (LocalSet::new(), Rc::new(RefCell::new((200, Vec::new()))));
        let listener = tasks.block_on(&runtime, TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = endpoint(&format!("http://{}", listener.local_addr().expect("an address"))).expect("a URL");
        let told = Rc::clone(&answer);
        tasks.spawn_local(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::task::spawn_local(converse(socket, Rc::clone(&told)));
            }
        });
        let http = http_client(ProxyUse::Never).expect("a client");
        let credential = ClientSecret::new(http, &url, &url, "contoso.com", "app", SECRET.to_owned().into());
        Self { runtime, tasks, answer, credential: credential.expect("good ids") }
    }

    fn fetch(&self, status: u16, body: &[u8]) {
        *self.answer.borrow_mut() = (status, body.to_vec());
        let unmarked = body.trim_ascii_start();
        let unmarked = unmarked.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(unmarked);
        let is_json = serde_json::from_slice::<IgnoredAny>(unmarked).is_ok();
        match self.tasks.block_on(&self.runtime, self.credential.fetch()) {
            Ok(token) => {
                assert!(status == 200 && is_json);
                let authorization = token.authorization();
                let text = authorization.expose_secret().strip_prefix("Bearer ").expect("a bearer token");
                assert!(!text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "a header");
                let _ = token.claims();
            }
            Err(error) => {
                match &error {
                    SignInError::Away { .. } => assert!(status == 429 || status >= 500),
                    SignInError::Unreadable { status: told, .. } => assert!(*told == status),
                    SignInError::Refused { .. } => assert!(is_json && !matches!(status, 200 | 429 | 500..)),
                    _ => panic!("the ids are good"),
                }
                check_message(&error.to_string());
            }
        }
    }
}

/// Entra's messages do not move the cursor, are not too long, and do not contain the secret.
fn check_message(message: &str) {
    assert!(!message.contains(SECRET), "{message}");
    assert!(message.chars().all(|c| c == '\n' || !c.is_control()), "{message:?} holds control characters");
    assert!(message.chars().count() < 1_000, "a message of {} characters", message.chars().count());
}

async fn converse(socket: TcpStream, answer: Rc<RefCell<(u16, Vec<u8>)>>) {
    let _ = socket.set_nodelay(true);
    let mut socket = BufReader::new(socket);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let start = head.len();
            if socket.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
            let line = head[start..].to_ascii_lowercase();
            length = line.strip_prefix("content-length:").map_or(length, |told| told.trim().parse().expect("a length"));
        }
        let mut form = vec![0; length];
        let whole = socket.read_exact(&mut form).await;
        let (status, body) = answer.borrow().clone();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        if whole.is_err() || socket.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
            return;
        }
    }
}
