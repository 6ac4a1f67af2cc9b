//! The simulator over HTTP/1.1 and HTTP/2 on a socket, plain or over TLS: only hyper around [`Simulator::answer`].
//!
//! It never prints, and ends when told to, without waiting for open connections.
//!
//! Invariant: a request always names a host, so that the addresses in answers lead back here. HTTP/2 has none in its
//! headers, but in `:authority`; a client that names none at all is told the address of the socket.

use super::{Answer, Request, ServerTls, Tenants, context::http_date};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::{
    Response,
    body::{Frame, Incoming},
    header::{CONTENT_LENGTH, HeaderValue},
    http::request::Parts,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Maximum size of a request body; Graph accepts 4 MB.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Pause after the system refuses a connection, for example because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The body of an answer: its bytes, and possibly the cut.
type Body = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Cut>>>>;

/// The connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the simulated connection is cut")]
struct Cut;

/// What is the same for all requests of a connection.
struct Connection {
    tenants: Tenants,
    scheme: &'static str,
    /// The address of the socket.
    address: String,
}

/// Serves one tenant or many on `listener` until `stop` resolves; open connections are then closed.
///
/// During an outage, new connections are closed at once.
pub async fn serve(tenants: impl Into<Tenants>, listener: TcpListener, stop: impl Future<Output = ()>) {
    accept(tenants.into(), listener, None, stop).await;
}

/// The same over TLS.
pub async fn serve_tls(
    tenants: impl Into<Tenants>,
    listener: TcpListener,
    tls: ServerTls,
    stop: impl Future<Output = ()>,
) {
    accept(tenants.into(), listener, Some(tls), stop).await;
}

async fn accept(tenants: Tenants, listener: TcpListener, tls: Option<ServerTls>, stop: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) if tenants.is_reachable() => {
                    connections.spawn(serve_connection(tenants.clone(), socket, tls.clone()));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection until it ends. Errors are ignored: how it ends is up to the client.
async fn serve_connection(tenants: Tenants, socket: TcpStream, tls: Option<ServerTls>) {
    let _ = socket.set_nodelay(true);
    let address = socket.local_addr().map_or_else(|_| "localhost".to_owned(), |address| address.to_string());
    let scheme = if tls.is_some() { "https" } else { "http" };
    let connection = Arc::new(Connection { tenants, scheme, address });
    match tls {
        None => serve_stream(connection, socket).await,
        Some(tls) => {
            if let Ok(stream) = tls.0.accept(socket).await {
                serve_stream(connection, stream).await;
            }
        }
    }
}

async fn serve_stream(connection: Arc<Connection>, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.respond(request).await }
    });
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

impl Connection {
    /// Answers one request; the error cuts the connection.
    async fn respond(&self, request: hyper::Request<Incoming>) -> Result<Response<Body>, Cut> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return response(self.too_large()),
            Err(_) => return Err(Cut),
        };
        let headers = self.headers(&head);
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let request = Request { method: head.method.as_str(), target, headers: &headers, body: &body };
        response(self.tenants.answer(&request).await.ok_or(Cut)?)
    }

    /// The headers, with the host and the scheme if they came in another way.
    fn headers<'a>(&'a self, head: &'a Parts) -> Vec<(&'a str, &'a str)> {
        let mut headers = Vec::with_capacity(head.headers.len() + 2);
        // An address on the request line overrides the header.
        headers.extend(head.uri.authority().map(|authority| ("host", authority.as_str())));
        headers.extend(head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))));
        if !headers.iter().any(|(name, _)| *name == "host") {
            headers.push(("host", &self.address));
        }
        // After those of the client, so a proxy that says something else is believed.
        headers.push(("x-forwarded-proto", self.scheme));
        headers
    }

    fn too_large(&self) -> Answer {
        let mut answer = Answer::new(413, "text/plain", Vec::new());
        answer.headers.push(("Date".into(), http_date(self.tenants.first().state().clock.now().wall).into()));
        answer
    }
}

fn response(answer: Answer) -> Result<Response<Body>, Cut> {
    let mut parts = Vec::with_capacity(2);
    let missing = answer.length > answer.body.len();
    if !answer.body.is_empty() {
        parts.push(Ok(Frame::data(Bytes::from(answer.body))));
    }
    if missing {
        parts.push(Err(Cut));
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name.as_ref(), value.as_ref());
    }
    if answer.status != 204 {
        response = response.header(CONTENT_LENGTH, HeaderValue::from(answer.length));
    }
    // Only a header that was echoed from the client could be malformed, and hyper has checked those.
    response.body(StreamBody::new(stream::iter(parts))).map_err(|_| Cut)
}
