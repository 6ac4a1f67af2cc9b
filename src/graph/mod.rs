//! Microsoft Graph as the run sees it: one trait, under which the real client and the simulator are peers.
//!
//! Both speak the same bytes ([`wire`]), so what the simulator proves holds for the client. Nothing here retries, waits
//! or judges: that is the run's work.
//!
//! Invariant: [`SendError::NotSent`] is said only where no byte of the batch can have reached Graph.

pub mod claims;
pub mod client;
mod guid;
mod json;
pub mod simulator;
pub mod user;
pub mod wire;

use crate::{
    outcome::{Asked, Body, Verdict},
    password::{ForceChange, Password},
    upn::Upn,
};
use claims::Claims;
use jiff::Timestamp;
use serde_json::value::RawValue;
use std::time::Duration;
use user::User;

/// Most requests that Graph takes in one `$batch` (JSON batching, request rules).
pub const BATCH_ITEMS_MAX: usize = 20;

/// What is asked for an account.
pub enum Operation {
    /// `PATCH`: this is its password from now on, and this its person does at the next sign-in.
    SetPassword(Password, ForceChange),
    /// `POST …/revokeSignInSessions`: whoever is signed in signs in again.
    RevokeSessions,
    /// `GET`: what the directory says of it, see [`User`].
    Read,
}

/// One operation on one account.
pub struct Request {
    /// The row of the roster; it is the request's id in the batch.
    pub row: u64,
    /// The account.
    pub address: Upn,
    /// What is asked.
    pub operation: Operation,
}

/// Up to [`BATCH_ITEMS_MAX`] requests that travel as one; no two of one row.
pub struct BatchRequest {
    /// The requests.
    pub requests: Vec<Request>,
}

/// What Graph said to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The row, where the id in the answer is a number; an answer to nothing that was asked is for the run to notice.
    pub row: Option<u64>,
    /// HTTP status of this item.
    pub status: u16,
    /// `Retry-After`, if there is one that can be read; an hour at most.
    pub retry_after: Option<Duration>,
    /// Seconds that it named, if those are more than the hour that is believed; else 0.
    pub seconds_named: u32,
    /// `error.code`, or nothing.
    pub code: String,
    /// `error.message`, or nothing.
    pub message: String,
    /// `error.innerError.request-id`, or nothing.
    pub request_id: String,
    /// What kind of body it has.
    pub body: Body,
    /// The account, where it was read.
    pub user: Option<Box<User>>,
}

/// What Graph said to a batch that it took apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchResponse {
    /// In Graph's order, which is no order; items can be missing or stand twice.
    pub replies: Vec<Reply>,
    /// The `request-id` of the whole, for Microsoft's support.
    pub request_id: String,
    /// Highest `x-ms-throttle-limit-percentage` met; 1.0 is the limit, and it is told from 0.8 upwards.
    pub throttle_percentage: Option<f64>,
    /// What Graph's clock shows (`Date`), in whole seconds.
    pub date: Option<Timestamp>,
}

/// A page of a collection.
#[derive(Debug, Default)]
pub struct Page {
    /// Its members, as they came.
    pub value: Vec<Box<RawValue>>,
    /// Where the next page is, if there is one: what [`Graph::page`] takes.
    pub next: Option<String>,
}

/// Why there is no [`BatchResponse`].
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection: nothing reached Graph.
    #[error("{0}")]
    NotSent(String),
    /// Sent, and no usable answer came: any of the writes may have taken effect.
    #[error("{0}")]
    Lost(String),
    /// Graph, or something before it, answered for the batch as a whole with a status other than 200.
    #[error("{}", .0.whole())]
    Refused(Reply),
    /// There is no token to send with.
    #[error("{0}")]
    SignIn(String),
}

impl Reply {
    /// What this says about what was `asked`.
    #[must_use]
    pub fn verdict(&self, asked: Asked) -> Verdict {
        Verdict::of(asked, self.status, self.retry_after, self.body, (&self.code, &self.message))
    }

    /// The wait that was named, if it is longer than is believed.
    #[must_use]
    pub fn named(&self) -> Option<Duration> {
        (self.seconds_named > 0).then(|| Duration::from_secs(self.seconds_named.into()))
    }

    /// Status, code and message in one line, for a person. An answer that never came has no status and no code to show.
    #[must_use]
    pub fn whole(&self) -> String {
        let said = match self.status {
            0 if self.message.is_empty() => return "no answer".to_owned(),
            0 => return self.message.clone(),
            _ => [self.code.as_str(), self.message.as_str()],
        };
        let said: Vec<_> = said.into_iter().filter(|part| !part.is_empty()).collect();
        format!("HTTP {} {}", self.status, said.join(": ")).trim_end().to_owned()
    }
}

/// A directory that takes batches.
pub trait Graph {
    /// Sends one batch, once.
    ///
    /// # Errors
    /// Tells apart what was not sent, what was refused as a whole, and what may have taken effect.
    fn send(&self, batch: &BatchRequest) -> impl Future<Output = Result<BatchResponse, SendError>>;

    /// Reads one page of a collection, once. `url` is a path below the API's version, or the [`Page::next`] of a page.
    ///
    /// # Errors
    /// As [`Graph::send`].
    fn page(&self, url: &str) -> impl Future<Output = Result<Page, SendError>>;

    /// What the access token says of itself; nothing where it cannot be read, as Graph's tokens are not ours to read.
    ///
    /// # Errors
    /// Where nobody can sign in.
    fn claims(&self) -> impl Future<Output = Result<Option<Claims>, SendError>>;
}
