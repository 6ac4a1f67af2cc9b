//! The simulator over HTTP on a socket: hyper around [`Simulator::answer`], and nothing of its own.
//!
//! It never prints, and ends when it is told to, without waiting for what is open.

use super::{Answer, Request, Simulator, visit::http_date};
use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::{
    Response,
    body::{Frame, Incoming},
    header::{CONTENT_LENGTH, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Most bytes of a request body; Graph takes 4 MB.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Pause after the machine refuses a connection, for instance because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The body of an answer: what there is of it, and then perhaps the cut.
type Parts = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Cut>>>>;

/// The connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the simulated connection is cut")]
struct Cut;

/// Serves `simulator` on `listener` until `stop` ends; connections that are still open are closed then.
///
/// In an outage of the faults, new connections are closed at once.
pub async fn serve(simulator: Arc<Simulator>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) if simulator.is_reachable() => {
                    connections.spawn(converse(Arc::clone(&simulator), socket));
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers one connection until it ends. How it ends is the client's affair, so errors fall away here.
async fn converse(simulator: Arc<Simulator>, socket: TcpStream) {
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let simulator = Arc::clone(&simulator);
        async move { respond(&simulator, request).await }
    });
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
}

/// Answers one request; the error cuts the connection.
async fn respond(simulator: &Simulator, request: hyper::Request<Incoming>) -> Result<Response<Parts>, Cut> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let mut answer = Answer::new(413, "text/plain", Vec::new());
            answer.headers.push(("Date".into(), http_date(simulator.state().clock.now().wall).into()));
            return response(answer);
        }
        Err(_) => return Err(Cut),
    };
    let headers: Vec<_> =
        head.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let request = Request { method: head.method.as_str(), target, headers: &headers, body: &body };
    response(simulator.answer(&request).await.ok_or(Cut)?)
}

fn response(answer: Answer) -> Result<Response<Parts>, Cut> {
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
    // Only a header that a client sent to be echoed could be malformed, and hyper has checked those.
    response.body(StreamBody::new(stream::iter(parts))).map_err(|_| Cut)
}
