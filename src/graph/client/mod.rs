//! The real client: sends batches over HTTPS, and renews its token.
//!
//! It sends each batch exactly once: no redirects, no hidden retries, no chunked bodies. Its timeouts are above Graph's
//! own 30 seconds, so a slow answer is not mistaken for a lost one. It never waits for the pace; the throttle does.
//!
//! Invariant: it reports "not sent" only if no connection was made.

pub mod auth;
mod discovery;
mod endpoint;
mod probe;
mod proxy;
mod web;

pub use auth::{ClientSecret, Credential, SignInError, Token, TokenCache, TokenSource};
pub use discovery::{DiscoveryError, tenant_id};
pub use endpoint::{Endpoint, EndpointError, endpoint, graph_endpoint};
pub use probe::{ProbeAnswer, ProbeError, probe};
pub use proxy::Route;
pub use web::{HttpClient, ProxyUse, Web, http_client, http_client_within};

use super::{
    BatchRequest, BatchResponse, Graph, NOT_AT_GRAPH, Operation, Page, Reply, Request, SendError,
    claims::Claims,
    guid,
    wire::{self, Alone},
};
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
    async fn exchange(
        &self,
        request: RequestBuilder,
        token: &Token,
        id: Option<u128>,
    ) -> Result<(wire::Envelope, Vec<u8>), SendError> {
        let id = guid::text(id.unwrap_or_else(|| guid::version_4(rand::random())));
        let request = request.header(AUTHORIZATION, token.header()).header(wire::CLIENT_REQUEST_ID, id);
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
        let (envelope, body) = self.exchange(request, token, batch.client_request_id()).await?;
        wire::decode(&envelope, &body)
    }

    /// The URL of a path below the API's version, or of a link in an answer. It must lead to Graph itself, because the
    /// token goes with it.
    fn url_at_graph(&self, url: &str) -> Option<Url> {
        let whole = if url.starts_with("https://") || url.starts_with("http://") {
            Url::parse(url).ok()
        } else {
            Url::parse(&format!("{}/{}", below(&self.root, "v1.0"), url.trim_start_matches('/'))).ok()
        };
        let is_plain = |url: &Url| url.username().is_empty() && url.password().is_none();
        whole.filter(|url| url.origin() == self.root.origin() && is_plain(url))
    }

    /// Keeps the address of an operation only if it leads to Graph itself. It may be relative to the request's.
    fn keep_own_location(&self, requested: &Url, reply: &mut Reply) {
        let Some(told) = reply.location.take() else { return };
        let whole = requested.join(&told).ok();
        reply.location = whole.and_then(|url| self.url_at_graph(url.as_str())).map(String::from);
        if reply.location.is_none() {
            reply.code = NOT_AT_GRAPH.to_owned();
            reply.message = "the answer names an address for its operation that is not at Graph".to_owned();
        }
    }
}

impl<S: TokenSource> Graph for GraphClient<S> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let token = self.token().await?;
        let mut answer = self.batch(batch, &token).await;
        withhold(&mut answer, &batch.requests, &token);
        let refused = match &answer {
            Ok(response) => response.replies.iter().any(|reply| reply.status == 401),
            Err(error) => is_unauthorized(error),
        };
        if refused {
            self.tokens.refuse(&token);
        }
        answer
    }

    async fn send_alone(&self, request: &Request) -> Result<BatchResponse, SendError> {
        let Some(Alone { method, url, body }) = wire::encode_alone(request) else {
            return Err(SendError::NotSent("this request only exists within a batch".into()));
        };
        let Some(url) = self.url_at_graph(&url) else { return Ok(not_at_graph(request.row)) };
        let token = self.token().await?;
        let sent = match method {
            "POST" => {
                self.http.post(url.clone()).header(CONTENT_TYPE, "application/json").body(Bytes::from_owner(body))
            }
            _ => self.http.get(url.clone()),
        };
        let (envelope, body) = self.exchange(sent, &token, request.client_request_id).await?;
        let mut answer = wire::decode_alone(request.row, &envelope, &body);
        answer.replies.iter_mut().for_each(|reply| self.keep_own_location(&url, reply));
        let mut answer = Ok(answer);
        withhold(&mut answer, std::slice::from_ref(request), &token);
        if envelope.status == 401 {
            self.tokens.refuse(&token);
        }
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let url = self.url_at_graph(url);
        let url = url.ok_or_else(|| SendError::Lost("the answer names a next page that is not at Graph".into()))?;
        let token = self.token().await?;
        let (envelope, body) = self.exchange(self.http.get(url), &token, None).await?;
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
fn withhold(answer: &mut Result<BatchResponse, SendError>, requests: &[Request], token: &Token) {
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
        let passwords = requests.iter().filter_map(|request| match &request.operation {
            Operation::SetPassword(password, _) | Operation::ResetOnPremises(password) => Some(password.expose()),
            Operation::RevokeSessions | Operation::Read | Operation::Follow(_) => None,
        });
        let secrets = Redactor::of(passwords.chain([token.text()]));
        said.for_each(|reply| redact(reply, &secrets));
    }
}

fn has_words(reply: &Reply) -> bool {
    !(reply.code.is_empty() && reply.message.is_empty() && reply.request_id.is_empty()) || reply.operation.is_some()
}

fn redact(reply: &mut Reply, secrets: &Redactor) {
    [&mut reply.code, &mut reply.message, &mut reply.request_id].into_iter().for_each(|text| secrets.redact(text));
    if let Some(operation) = &mut reply.operation {
        [&mut operation.status, &mut operation.detail].into_iter().for_each(|text| secrets.redact(text));
    }
}

/// The reply about an operation whose address leads elsewhere: the token is not sent there.
fn not_at_graph(row: u64) -> BatchResponse {
    let message = "the operation's address is not at Graph, so nothing was sent to it".to_owned();
    let reply = Reply { row: Some(row), status: 400, code: NOT_AT_GRAPH.into(), message, ..Reply::default() };
    BatchResponse { replies: vec![reply], ..BatchResponse::default() }
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
