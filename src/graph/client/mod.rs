//! The real client: sends batches over HTTPS, and renews its token.
//!
//! It sends each batch exactly once: no redirects, no hidden retries, no chunked bodies. Its timeouts are above Graph's
//! own 30 seconds, so a slow answer is not mistaken for a lost one. It never waits for the pace; the throttle does.
//!
//! Invariant: it reports "not sent" only if no connection was made.

pub mod auth;
mod endpoint;
mod probe;
mod proxy;
mod web;

pub use auth::{ClientSecret, Credential, SignInError, Token, TokenCache, TokenSource};
pub use endpoint::{Endpoint, EndpointError, endpoint, graph_endpoint};
pub use probe::{ProbeAnswer, ProbeError, probe};
pub use proxy::Route;
pub use web::{HttpClient, ProxyUse, Web, http_client, http_client_within};

use super::{BatchRequest, BatchResponse, Graph, Operation, Page, Reply, SendError, claims::Claims, guid, wire};
use crate::util::redact::Redactor;
use bytes::Bytes;
use endpoint::below;
use reqwest::{
    RequestBuilder, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use web::{chain, limited};

/// A connection to Microsoft Graph, signed in through `S`.
pub struct GraphClient<S> {
    http: HttpClient,
    root: Url,
    batch_url: Url,
    tokens: TokenCache<S>,
}

impl<S: TokenSource> GraphClient<S> {
    /// A client for the Graph root `graph` (such as `https://graph.microsoft.com`).
    #[must_use]
    pub fn new(http: HttpClient, graph: &Endpoint, source: S) -> Self {
        let batch_url = below(graph.url(), "v1.0/$batch");
        Self { http, root: graph.url().clone(), batch_url, tokens: TokenCache::new(source) }
    }

    /// The same, but accepts only tokens of `tenant`; see [`TokenCache::of_tenant`].
    #[must_use]
    pub fn of_tenant(self, tenant: Option<&str>) -> Self {
        Self { tokens: self.tokens.of_tenant(tenant), ..self }
    }

    /// Signs in now, so that a wrong secret shows up before anything else happens.
    ///
    /// # Errors
    /// Says why there is no token.
    pub async fn sign_in(&self) -> Result<(), SignInError> {
        self.tokens.token().await.map(drop)
    }

    async fn token(&self) -> Result<Token, SendError> {
        self.tokens.token().await.map_err(|error| match error.is_passing() {
            true => SendError::NotSent(error.to_string()),
            false => SendError::SignIn(error),
        })
    }

    /// One request and its complete answer.
    async fn exchange(&self, request: RequestBuilder, token: &Token) -> Result<(wire::Envelope, Vec<u8>), SendError> {
        let request = request
            .header(AUTHORIZATION, token.header())
            .header("client-request-id", guid::text(guid::version_4(rand::random())));
        let answer = request.send().await.map_err(send_error)?;
        let envelope = envelope(answer.status().as_u16(), answer.headers());
        match limited(answer).await {
            Ok(body) => Ok((envelope, body)),
            // For a refusal, the status alone is enough.
            Err(_) if envelope.status >= 300 => Ok((envelope, Vec::new())),
            Err(lost) => Err(lost),
        }
    }

    async fn batch(&self, batch: &BatchRequest, token: &Token) -> Result<BatchResponse, SendError> {
        let request = self
            .http
            .post(self.batch_url.clone())
            .header(CONTENT_TYPE, "application/json")
            // Owned, so that the buffer is wiped after its last part was written.
            .body(Bytes::from_owner(wire::encode(batch)));
        let (envelope, body) = self.exchange(request, token).await?;
        wire::decode(&envelope, &body)
    }

    /// The URL of a page. A link in an answer must lead to Graph itself, because the token goes with it.
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
        let mut answer = self.batch(batch, &token).await;
        withhold(&mut answer, batch, &token);
        let refused = match &answer {
            Ok(response) => response.replies.iter().any(|reply| reply.status == 401),
            Err(error) => is_unauthorized(error),
        };
        if refused {
            self.tokens.refuse(&token);
        }
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let (url, token) = (self.page_url(url)?, self.token().await?);
        let (envelope, body) = self.exchange(self.http.get(url), &token).await?;
        let mut page = wire::decode_page(&envelope, &body);
        if let Err(SendError::Refused(reply)) = &mut page {
            redact(reply, &Redactor::of([token.text()]));
        }
        if page.as_ref().is_err_and(is_unauthorized) {
            self.tokens.refuse(&token);
        }
        page
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        Ok(self.token().await?.claims())
    }
}

/// Redacts the token and the batch's own passwords in everything that the answer says.
fn withhold(answer: &mut Result<BatchResponse, SendError>, batch: &BatchRequest, token: &Token) {
    let replies = match answer {
        Ok(response) => {
            // Graph's own id is not a piece of a secret.
            if !response.request_id.is_empty() && token.text().contains(&response.request_id) {
                response.request_id.clear();
            }
            response.replies.as_mut_slice()
        }
        Err(SendError::Refused(reply)) => std::slice::from_mut(reply),
        Err(_) => return,
    };
    let mut said = replies.iter_mut().filter(|reply| has_words(reply)).peekable();
    if said.peek().is_some() {
        let passwords = batch.requests.iter().filter_map(|request| match &request.operation {
            Operation::SetPassword(password, _) => Some(password.expose()),
            Operation::RevokeSessions | Operation::Read => None,
        });
        let secrets = Redactor::of(passwords.chain([token.text()]));
        said.for_each(|reply| redact(reply, &secrets));
    }
}

fn has_words(reply: &Reply) -> bool {
    !(reply.code.is_empty() && reply.message.is_empty() && reply.request_id.is_empty())
}

fn redact(reply: &mut Reply, secrets: &Redactor) {
    [&mut reply.code, &mut reply.message, &mut reply.request_id].into_iter().for_each(|text| secrets.redact(text));
}

fn is_unauthorized(error: &SendError) -> bool {
    matches!(error, SendError::Refused(reply) if reply.status == 401)
}

fn send_error(error: reqwest::Error) -> SendError {
    let mut text = chain(&error);
    if web::is_untrusted(&text) {
        text += "; if a proxy inspects TLS, its certificate must be trusted here";
    }
    if error.is_connect() || error.is_builder() { SendError::NotSent(text) } else { SendError::Lost(text) }
}

fn envelope(status: u16, headers: &HeaderMap) -> wire::Envelope {
    wire::Envelope::read(status, |name| headers.get(name).and_then(|value| value.to_str().ok()))
}
