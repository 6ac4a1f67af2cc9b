//! A loopback endpoint that records requests and returns the given answers.

use crate::served::Server;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tokio::net::TcpStream;

/// A request as received.
#[derive(Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    pub body: String,
}

/// The status and body of an answer.
pub type FakeAnswer = (u16, Value);

/// Answers until it is dropped.
pub struct FakeServer {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _server: Server,
}

impl Seen {
    /// A field of the form; empty if it is missing.
    pub fn field(&self, name: &str) -> String {
        pairs(&self.body).remove(name).unwrap_or_default()
    }

    /// The names of the form's fields, in order.
    pub fn fields(&self) -> Vec<String> {
        let mut names: Vec<_> = pairs(&self.body).into_keys().collect();
        names.sort();
        names
    }

    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The method and path.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

fn pairs(text: &str) -> HashMap<String, String> {
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().expect("UTF-8").into_owned()
    };
    let fields = text.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (plain(name), plain(value))).collect()
}

/// An access token as Entra issues it.
pub fn token(token: &str) -> FakeAnswer {
    (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}))
}

/// A refusal as Entra words it.
pub fn refused(status: u16, error: &str, code: u32, said: &str) -> FakeAnswer {
    let description = format!("AADSTS{code}: {said}\r\nTrace ID: x\r\nCorrelation ID: y");
    (status, json!({"error": error, "error_description": description, "error_codes": [code]}))
}

/// A server that runs `handle` for each connection.
pub fn for_each_connection<F: Future<Output = ()> + Send + 'static>(
    handle: impl Fn(TcpStream) -> F + Send + 'static,
) -> Server {
    Server::start(async move |listener, stop| {
        let accepting = async {
            loop {
                let (socket, _) = listener.accept().await.expect("a connection");
                tokio::spawn(handle(socket));
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = stop => {}
        }
    })
}

impl FakeServer {
    /// Serves `answer`.
    pub fn new(answer: impl Fn(&Seen) -> FakeAnswer + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&seen));
        let server = for_each_connection(move |socket| {
            let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
            let service = service_fn(move |request| {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                async move { respond(request, &*answer, &kept).await }
            });
            async move {
                let server = Builder::new(TokioExecutor::new());
                drop(server.serve_connection(TokioIo::new(socket), service).await);
            }
        });
        Self { url: server.url.clone(), seen, _server: server }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("whole").clone()
    }

    /// The only request so far.
    pub fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{:?}", seen.iter().map(Seen::line).collect::<Vec<_>>());
        seen.remove(0)
    }
}

async fn respond(
    request: Request<Incoming>,
    answer: &(impl Fn(&Seen) -> FakeAnswer + ?Sized),
    kept: &Mutex<Vec<Seen>>,
) -> Result<Response<Full<bytes::Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let headers = head.headers.iter();
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default()),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").to_owned())).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, said) = answer(&seen);
    kept.lock().expect("whole").push(seen);
    let bytes = bytes::Bytes::from(said.to_string());
    Ok(Response::builder().status(status).body(Full::new(bytes)).expect("an answer"))
}
