//! What `-v`, `-vv` and `-vvv` tell: each exchange with Graph and with the sign-in service.
//!
//! It stands between the work and the client, passes everything on as it is, and sees only what holds no secret. What
//! others say is cleaned.

use crate::terminal::{counted, detail, short};
use passwave::{
    clean,
    graph::{
        BatchRequest, BatchResponse, Graph, Operation, Page, Reply, Request, SendError,
        claims::Claims,
        client::{SignInError, Token, TokenSource, doors::Door},
    },
};
use std::{cell::Cell, time::Instant};

/// Batches that met with trouble, and sign-ins.
const TROUBLE: u8 = 1;
/// Every exchange.
const EXCHANGES: u8 = 2;
/// Every request in them.
const ITEMS: u8 = 3;

/// Tells what goes through it.
pub struct Told<'a, G> {
    graph: &'a G,
    batches: Cell<u64>,
}

impl<'a, G: Graph> Told<'a, G> {
    pub fn new(graph: &'a G) -> Self {
        Self { graph, batches: Cell::new(0) }
    }
}

impl<G: Graph> Graph for Told<'_, G> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.batches.set(self.batches.get() + 1);
        let (nth, begun) = (self.batches.get(), Instant::now());
        detail(ITEMS, || format!("batch {nth}: POST /v1.0/$batch, {}", requests(batch.requests.len())));
        batch.requests.iter().for_each(|request| detail(ITEMS, || format!("batch {nth}: {}", asked(request))));
        let answer = self.graph.send(batch).await;
        let took = begun.elapsed().as_millis();
        match &answer {
            Ok(response) => {
                let refused = response.replies.iter().filter(|reply| reply.status >= 300).count();
                let level = if refused > 0 { TROUBLE } else { EXCHANGES };
                detail(level, || format!("batch {nth}: {}", outcome(batch, response, refused, took)));
                response.replies.iter().for_each(|reply| detail(ITEMS, || format!("batch {nth}: {}", said(reply))));
            }
            Err(error) => detail(TROUBLE, || format!("batch {nth}: {} after {took} ms", failed(error))),
        }
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let begun = Instant::now();
        let page = self.graph.page(url).await;
        let took = begun.elapsed().as_millis();
        // Behind the question mark of a next page stands what only Graph can read.
        let path = clean::sentence(url.split('?').next().unwrap_or_default());
        match &page {
            Ok(page) => {
                detail(EXCHANGES, || format!("GET {path}: HTTP 200 after {took} ms, {} members", page.value.len()));
            }
            Err(error) => detail(TROUBLE, || format!("GET {path}: {} after {took} ms", failed(error))),
        }
        page
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.graph.claims().await
    }
}

/// A door that tells when it is gone through.
pub struct ToldDoor<'a>(pub &'a Door);

impl TokenSource for ToldDoor<'_> {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let begun = Instant::now();
        let fetched = self.0.fetch().await;
        let how = if fetched.is_ok() { "a new token" } else { "no token" };
        detail(TROUBLE, || format!("sign-in: {how} after {} ms", begun.elapsed().as_millis()));
        fetched
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

fn said(reply: &Reply) -> String {
    let row = reply.row.map_or_else(|| "no row".into(), |row| format!("row {row}"));
    let mut text = format!("{row}: {}", clean::sentence(&reply.whole()));
    if let Some(wait) = reply.retry_after {
        text += &format!(", wait {}", short(wait));
    }
    text + &id(&reply.request_id)
}

fn id(request_id: &str) -> String {
    if request_id.is_empty() { String::new() } else { format!(", request-id {}", clean::for_terminal(request_id)) }
}

fn failed(error: &SendError) -> String {
    let (what, more) = match error {
        SendError::NotSent(_) => ("not sent: ", String::new()),
        SendError::Lost(_) => ("answer lost: ", String::new()),
        SendError::Refused(reply) => ("", id(&reply.request_id)),
        SendError::SignIn(_) => ("not signed in: ", String::new()),
    };
    format!("{what}{}{more}", clean::sentence(error.to_string().lines().next().unwrap_or_default()))
}
