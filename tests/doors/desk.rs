//! A loopback endpoint that keeps what arrives and answers as it is told.

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
    thread,
};
use tokio::{net::TcpListener, sync::oneshot};

/// A request as it came.
#[derive(Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    pub body: String,
}

/// Status and body of an answer.
pub type Said = (u16, Value);

/// Answers until it is dropped.
pub struct Desk {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Seen {
    /// A field of the form, or nothing.
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

    /// Method and path.
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
pub fn token(token: &str) -> Said {
    (200, json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token}))
}

/// A refusal as Entra says it.
pub fn refused(status: u16, error: &str, code: u32, said: &str) -> Said {
    let description = format!("AADSTS{code}: {said}\r\nTrace ID: x\r\nCorrelation ID: y");
    (status, json!({"error": error, "error_description": description, "error_codes": [code]}))
}

impl Desk {
    /// Serves `answer`.
    pub fn new(answer: impl Fn(&Seen) -> Said + Send + Sync + 'static) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (listens, told) = std::sync::mpsc::channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let answer = Arc::new(answer);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                listens.send(listener.local_addr().expect("an address")).expect("somebody waits");
                let accepting = async {
                    loop {
                        let (socket, _) = listener.accept().await.expect("a connection");
                        let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                        let service = service_fn(move |request| {
                            let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                            async move { respond(request, &*answer, &kept).await }
                        });
                        let server = Builder::new(TokioExecutor::new());
                        tokio::spawn(async move { drop(server.serve_connection(TokioIo::new(socket), service).await) });
                    }
                };
                tokio::select! {
                    () = accepting => {}
                    _ = stopped => {}
                }
            });
        });
        let url = format!("http://{}", told.recv().expect("it listens"));
        Self { url, seen, stop: Some(stop), thread: Some(thread) }
    }

    /// All that has come so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("whole").clone()
    }

    /// The one request that has come.
    pub fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{:?}", seen.iter().map(Seen::line).collect::<Vec<_>>());
        seen.remove(0)
    }
}

async fn respond(
    request: Request<Incoming>,
    answer: &(impl Fn(&Seen) -> Said + ?Sized),
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

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
