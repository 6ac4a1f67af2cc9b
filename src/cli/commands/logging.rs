//! The output of `-v`, `-vv` and `-vvv`: each exchange with Graph and with the sign-in service.
//!
//! It is between the work and the client, passes everything on unchanged, and sees nothing secret. Foreign text is
//! sanitized.

use super::signals::stop_signal;
use crate::cli::console::Reporter;
use passwave::{
    graph::{
        BatchRequest, BatchResponse, Graph, Operation, Page, Reply, Request, SendError,
        claims::Claims,
        client::{SignInError, Token, TokenSource, auth::Credential},
    },
    util::{
        format::{counted, short},
        sanitize,
    },
};
use std::{cell::Cell, time::Instant};

/// Batches with problems, and sign-ins.
const TROUBLE: u8 = 1;
/// Every exchange.
const EXCHANGES: u8 = 2;
/// Every request in them.
const ITEMS: u8 = 3;

/// Logs everything that passes through it.
pub struct LoggingGraph<'a, G> {
    graph: &'a G,
    reporter: &'a Reporter,
    batches: Cell<u64>,
}

impl<'a, G: Graph> LoggingGraph<'a, G> {
    pub fn new(graph: &'a G, reporter: &'a Reporter) -> Self {
        Self { graph, reporter, batches: Cell::new(0) }
    }
}

impl<G: Graph> Graph for LoggingGraph<'_, G> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.batches.set(self.batches.get() + 1);
        let (nth, begun) = (self.batches.get(), Instant::now());
        let detail = |level, text: &dyn Fn() -> String| self.reporter.detail(level, text);
        detail(ITEMS, &|| format!("batch {nth}: POST /v1.0/$batch, {}", requests(batch.requests.len())));
        batch.requests.iter().for_each(|request| detail(ITEMS, &|| format!("batch {nth}: {}", asked(request))));
        let answer = self.graph.send(batch).await;
        let took = begun.elapsed().as_millis();
        match &answer {
            Ok(response) => {
                let refused = response.replies.iter().filter(|reply| reply.status >= 300).count();
                let level = if refused > 0 { TROUBLE } else { EXCHANGES };
                detail(level, &|| format!("batch {nth}: {}", outcome(batch, response, refused, took)));
                response.replies.iter().for_each(|reply| detail(ITEMS, &|| format!("batch {nth}: {}", summary(reply))));
            }
            Err(error) => detail(TROUBLE, &|| format!("batch {nth}: {} after {took} ms", failed(error))),
        }
        answer
    }

    async fn send_alone(&self, request: &Request) -> Result<BatchResponse, SendError> {
        let begun = Instant::now();
        let answer = self.graph.send_alone(request).await;
        let took = begun.elapsed().as_millis();
        let (level, what): (u8, String) = match &answer {
            Ok(response) => {
                let refused = response.replies.iter().any(|reply| reply.status >= 300);
                (if refused { TROUBLE } else { EXCHANGES }, response.replies.iter().map(summary).collect())
            }
            Err(error) => (TROUBLE, failed(error)),
        };
        self.reporter.detail(level, || format!("{}: {what} after {took} ms", asked(request)));
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let begun = Instant::now();
        let page = self.graph.page(url).await;
        let took = begun.elapsed().as_millis();
        // The query of a next page is only meant for Graph.
        let path = sanitize::sentence(url.split('?').next().unwrap_or_default());
        match &page {
            Ok(page) => {
                self.reporter.detail(EXCHANGES, || {
                    format!("GET {path}: HTTP 200 after {took} ms, {} members", page.value.len())
                });
            }
            Err(error) => self.reporter.detail(TROUBLE, || format!("GET {path}: {} after {took} ms", failed(error))),
        }
        page
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.graph.claims().await
    }
}

/// A token source that logs its use.
pub struct LoggingTokenSource<'a> {
    credential: &'a Credential,
    reporter: &'a Reporter,
}

impl<'a> LoggingTokenSource<'a> {
    pub const fn new(credential: &'a Credential, reporter: &'a Reporter) -> Self {
        Self { credential, reporter }
    }
}

impl TokenSource for LoggingTokenSource<'_> {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let begun = Instant::now();
        let fetched = match self.credential.waits_for_a_person() {
            true => unless_interrupted(self.credential.fetch()).await,
            false => self.credential.fetch().await,
        };
        let how = if fetched.is_ok() { "a new token" } else { "no token" };
        self.reporter.detail(TROUBLE, || format!("sign-in: {how} after {} ms", begun.elapsed().as_millis()));
        fetched
    }
}

/// A run that was asked to stop waits for its batches, so these must not go on waiting for a user.
async fn unless_interrupted(fetch: impl Future<Output = Result<Token, SignInError>>) -> Result<Token, SignInError> {
    tokio::select! {
        // Listening begins before the user sees the first prompt.
        biased;
        () = stop_signal() => Err(SignInError::Interrupted),
        fetched = fetch => fetched,
    }
}

fn requests(number: usize) -> String {
    counted(number as u64, "request", "requests")
}

fn asked(request: &Request) -> String {
    let (method, action) = match request.operation {
        Operation::SetPassword(..) => ("PATCH", ""),
        Operation::RevokeSessions => ("POST", "/revokeSignInSessions"),
        Operation::Read => ("GET", ""),
        Operation::ResetOnPremises(_) => ("POST", "/authentication/methods/…/resetPassword"),
        Operation::Follow(_) => ("GET", "/authentication/operations/…"),
    };
    format!("row {}: {method} {}{action}", request.row, request.address.path())
}

fn outcome(batch: &BatchRequest, response: &BatchResponse, refused: usize, took: u128) -> String {
    let mut text = format!("HTTP 200 after {took} ms, {}", requests(batch.requests.len()));
    let throttled = response.replies.iter().filter(|reply| reply.status == 429).count();
    for (number, what) in [(refused, "not done"), (throttled, "of them throttled")] {
        if number > 0 {
            text += &format!(", {number} {what}");
        }
    }
    if let Some(share) = response.throttle_percentage {
        text += &format!(", quota in use {share:.2}");
    }
    text + &id(&response.request_id)
}

fn summary(reply: &Reply) -> String {
    let row = reply.row.map_or_else(|| "no row".into(), |row| format!("row {row}"));
    let mut text = format!("{row}: {}", sanitize::sentence(&reply.whole()));
    if let Some(wait) = reply.retry_after {
        text += &format!(", wait {}", short(wait));
    }
    text + &id(&reply.request_id)
}

fn id(request_id: &str) -> String {
    if request_id.is_empty() { String::new() } else { format!(", request-id {}", sanitize::for_terminal(request_id)) }
}

fn failed(error: &SendError) -> String {
    let (what, more) = match error {
        SendError::NotSent(_) => ("not sent: ", String::new()),
        SendError::Lost(_) => ("answer lost: ", String::new()),
        SendError::Refused(reply) => ("", id(&reply.request_id)),
        SendError::SignIn(_) => ("not signed in: ", String::new()),
    };
    format!("{what}{}{more}", sanitize::sentence(error.to_string().lines().next().unwrap_or_default()))
}
