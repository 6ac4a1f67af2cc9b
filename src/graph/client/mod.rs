//! The real client: batches over HTTPS, with a token that renews itself.
//!
//! It sends each batch exactly once: no redirects, no hidden retries, no chunked bodies, and time-outs above Graph's own
//! 30 seconds, so that a slow answer is not taken for a lost one. It never waits for the pace: the throttle does.
//!
//! Invariant: "not sent" is said only where no connection came about.

mod door;
mod token;

pub use door::{ClientSecret, SignInError};
pub use token::{Token, TokenCache, TokenSource};

use super::{BatchRequest, BatchResponse, Graph, Page, SendError, claims::Claims, guid, wire};
use bytes::Bytes;
use reqwest::{
    RequestBuilder, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use std::time::Duration;

/// Time to come to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for a whole exchange; Graph gives up on a batch after 30 seconds and answers 504.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(75);
/// Most bytes of an answer that are read; twenty items with their errors are under a hundredth of it.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// A connection to Microsoft Graph, signed in through `S`.
pub struct GraphClient<S> {
    http: reqwest::Client,
    root: Url,
    batch_url: Url,
    tokens: TokenCache<S>,
}

/// Why there is no client for an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL that can be used.
    #[error("{url} is no endpoint: {why}\nhint: give https://HOST, or http:// for loopback only")]
    Unusable {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The TLS library could not be set up.
    #[error(
        "the HTTP client could not be set up: {0}\nhint: the system's certificates may be missing (package ca-certificates)"
    )]
    Setup(#[from] reqwest::Error),
}

/// Checks an endpoint: https, or http where it is loopback, and nothing else in it but a host, a port and a path.
///
/// # Errors
/// Says what is wrong with it.
pub fn endpoint(text: &str) -> Result<Url, EndpointError> {
    let unusable = |why| EndpointError::Unusable { url: crate::clean::for_terminal(text), why };
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&with_scheme).map_err(|_| unusable("it cannot be read as a URL"))?;
    let host = url.host_str().ok_or_else(|| unusable("it names no host"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => return Err(unusable("passwords and secrets go over plain http to loopback only")),
        _ => return Err(unusable("it is neither https nor http")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("it holds more than a host, a port and a path"));
    }
    Ok(url)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// `path` below `base`, whether or not that ends in a slash.
pub(crate) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// The HTTP client that Graph and the sign-in share.
///
/// # Errors
/// Where TLS cannot be set up.
pub fn http_client(loopback: bool) -> Result<reqwest::Client, EndpointError> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("passwave/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(EXCHANGE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // The run counts and paces every attempt; one that it does not know of would break both.
        .retry(reqwest::retry::never());
    let builder = if loopback { builder.no_proxy() } else { builder };
    Ok(builder.build()?)
}

impl<S: TokenSource> GraphClient<S> {
    /// A client for the Graph root `graph` (such as `https://graph.microsoft.com`).
    #[must_use]
    pub fn new(http: reqwest::Client, graph: &Url, source: S) -> Self {
        let batch_url = below(graph, "v1.0/$batch");
        Self { http, root: graph.clone(), batch_url, tokens: TokenCache::new(source) }
    }

    /// Signs in now, so that a wrong secret shows before anything else happens.
    ///
    /// # Errors
    /// Says why there is no token.
    pub async fn sign_in(&self) -> Result<(), SignInError> {
        self.tokens.token().await.map(drop)
    }

    async fn token(&self) -> Result<Token, SendError> {
        self.tokens.token().await.map_err(|error| match error.is_passing() {
            true => SendError::NotSent(error.to_string()),
            false => SendError::SignIn(error.to_string()),
        })
    }

    /// One request and its answer, to its last byte.
    async fn exchange(&self, request: RequestBuilder, token: &Token) -> Result<(wire::Envelope, Vec<u8>), SendError> {
        let request = request
            .header(AUTHORIZATION, token.header())
            .header("client-request-id", guid::text(guid::version_4(rand::random())));
        let answer = request.send().await.map_err(send_error)?;
        let envelope = envelope(answer.status().as_u16(), answer.headers());
        match limited(answer).await {
            Ok(body) => Ok((envelope, body)),
            // The status alone says enough where it is a refusal.
            Err(_) if envelope.status >= 300 => Ok((envelope, Vec::new())),
            Err(lost) => Err(lost),
        }
    }

    async fn batch(&self, batch: &BatchRequest, token: &Token) -> Result<BatchResponse, SendError> {
        let request = self
            .http
            .post(self.batch_url.clone())
            .header(CONTENT_TYPE, "application/json")
            // Owned, so that the buffer is wiped when the last part of it has been written.
            .body(Bytes::from_owner(wire::encode(batch)));
        let (envelope, body) = self.exchange(request, token).await?;
        wire::decode(&envelope, &body)
    }

    /// Where a page is. A link out of an answer may lead nowhere else than to Graph itself: the token goes with it.
    fn page_url(&self, url: &str) -> Result<Url, SendError> {
        let whole = if url.starts_with("https://") || url.starts_with("http://") {
            Url::parse(url).ok()
        } else {
            Url::parse(&format!("{}/{}", below(&self.root, "v1.0"), url.trim_start_matches('/'))).ok()
        };
        whole
            .filter(|url| url.origin() == self.root.origin())
            .ok_or_else(|| SendError::Lost("the answer names a next page that is not at Graph".into()))
    }
}

impl<S: TokenSource> Graph for GraphClient<S> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let token = self.token().await?;
        let answer = self.batch(batch, &token).await;
        let refused = match &answer {
            Ok(response) => response.replies.iter().any(|reply| reply.status == 401),
            Err(error) => is_unauthorized(error),
        };
        if refused {
            self.tokens.refuse(&token).await;
        }
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let (url, token) = (self.page_url(url)?, self.token().await?);
        let (envelope, body) = self.exchange(self.http.get(url), &token).await?;
        let page = wire::decode_page(&envelope, &body);
        if page.as_ref().is_err_and(is_unauthorized) {
            self.tokens.refuse(&token).await;
        }
        page
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        Ok(self.token().await?.claims())
    }
}

fn is_unauthorized(error: &SendError) -> bool {
    matches!(error, SendError::Refused(reply) if reply.status == 401)
}

fn send_error(error: reqwest::Error) -> SendError {
    let text = chain(&error);
    if error.is_connect() || error.is_builder() { SendError::NotSent(text) } else { SendError::Lost(text) }
}

/// An error with its causes and without its URL, which says nothing new.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if cause.and_then(std::error::Error::source).is_none() {
            let comma = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{comma}{error}");
        }
        cause = error.source();
    }
    if text.is_empty() { "the exchange failed".into() } else { text }
}

fn envelope(status: u16, headers: &HeaderMap) -> wire::Envelope {
    wire::Envelope::read(status, |name| headers.get(name).and_then(|value| value.to_str().ok()))
}

/// The body, up to a limit: nobody can fill our memory.
async fn limited(mut answer: reqwest::Response) -> Result<Vec<u8>, SendError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| SendError::Lost(chain(&error)))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(SendError::Lost("the answer is far too long to come from Graph".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_https_or_loopback() {
        for good in ["https://graph.microsoft.com", "graph.microsoft.us", "http://127.0.0.1:8080", "http://[::1]:1/x"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com",
            "ftp://x",
            "https://",
            "https://a:b@c.d",
            "https://x.y/?q",
            "http://127.0.0.1.x.com",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_go_below_the_endpoint() {
        let at = |base: &str| below(&endpoint(base).expect("an endpoint"), "v1.0/$batch").to_string();
        assert_eq!(at("https://graph.microsoft.com"), "https://graph.microsoft.com/v1.0/$batch");
        assert_eq!(at("http://localhost:1/graph/"), "http://localhost:1/graph/v1.0/$batch");
    }
}
