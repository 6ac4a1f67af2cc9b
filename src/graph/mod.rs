//! Microsoft Graph from the run's view: one trait, which the real client and the simulator both implement.
//!
//! Both speak the same bytes ([`wire`]), so what the simulator proves also holds for the client. Nothing here retries,
//! waits or judges; the run does.
//!
//! Invariant: [`SendError::NotSent`] is returned only if no byte of the batch can have reached Graph.

pub mod claims;
pub mod client;
pub mod cloud;
pub(crate) mod guid;
pub(crate) mod json;
pub mod quota;
mod raw_json;
pub mod retry_after;
pub mod user;
pub mod wire;

pub use raw_json::RawJson;

use crate::{
    account::upn::Upn,
    outcome::{Asked, Body, Verdict},
    password::{ForceChange, Password},
};
use claims::Claims;
use jiff::Timestamp;
use std::time::Duration;
use user::User;

/// Maximum number of requests in one `$batch` (JSON batching, request rules).
pub const BATCH_ITEMS_MAX: usize = 20;

/// The code of the reply about an operation whose address does not lead to Graph: nothing was sent there.
pub const NOT_AT_GRAPH: &str = "operation_not_at_graph";

/// What to do with an account.
pub enum Operation {
    /// `PATCH`: sets this password, and what the user has to do at the next sign-in.
    SetPassword(Password, ForceChange),
    /// `POST …/revokeSignInSessions`: every signed-in user has to sign in again.
    RevokeSessions,
    /// `GET`: what the directory says about it, see [`User`].
    Read,
    /// `POST …/resetPassword`: sets this password in the on-premises directory that manages the account. The answer names
    /// an address at which the operation can be followed. Only for [`Graph::send_alone`].
    ResetOnPremises(Password),
    /// `GET` of the operation at this address, see [`OperationState`]. Only for [`Graph::send_alone`].
    Follow(String),
}

/// How an operation that the service has accepted stands (Graph's resource `longRunningOperation`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationState {
    /// `notStarted`, `running`, `succeeded` or `failed`, or whatever else the service says.
    pub status: String,
    /// What the service says about it, or empty.
    pub detail: String,
}

/// One operation on one account.
pub struct Request {
    /// The row of the roster; it is the request's id in the batch.
    pub row: u64,
    /// The account.
    pub address: Upn,
    /// What to do.
    pub operation: Operation,
    /// Our own id of it, the bits of a GUID, which Graph may note in its logs (`client-request-id`).
    pub client_request_id: Option<u128>,
}

impl Request {
    /// A request without an id of ours.
    #[must_use]
    pub const fn new(row: u64, address: Upn, operation: Operation) -> Self {
        Self { row, address, operation, client_request_id: None }
    }
}

/// Up to [`BATCH_ITEMS_MAX`] requests that are sent together; each row has at most one.
pub struct BatchRequest {
    /// The requests.
    pub requests: Vec<Request>,
}

impl BatchRequest {
    /// Our own id of the batch: that of its first request that has one.
    #[must_use]
    pub fn client_request_id(&self) -> Option<u128> {
        self.requests.iter().find_map(|request| request.client_request_id)
    }
}

/// Graph's answer to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The row, if the id in the answer is a number. The run notices answers to requests that were never sent.
    pub row: Option<u64>,
    /// HTTP status of this item.
    pub status: u16,
    /// `Retry-After`, if it can be parsed; at most an hour.
    pub retry_after: Option<Duration>,
    /// The seconds that it named, if they exceed the accepted hour; otherwise 0.
    pub seconds_named: u32,
    /// Whether a 429 says that a quota is spent (`x-ms-throttle-scope`, `x-ms-throttle-information`), and not that the
    /// service is busy.
    pub is_over_quota: bool,
    /// Whether that quota is the one of the application over all tenants (`Application/…`, not `Tenant_Application/…`).
    pub is_of_application: bool,
    /// `error.code`, or empty.
    pub code: String,
    /// `error.message`, or empty.
    pub message: String,
    /// `error.innerError.request-id`, or empty.
    pub request_id: String,
    /// What kind of body it has.
    pub body: Body,
    /// The account, if it was read.
    pub user: Option<Box<User>>,
    /// Where an operation that was accepted can be followed: an address at Graph itself, or `None`.
    pub location: Option<String>,
    /// The operation, if it was followed.
    pub operation: Option<Box<OperationState>>,
}

/// Graph's answers to a batch that it processed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchResponse {
    /// In Graph's order, which is arbitrary; items may be missing or appear twice.
    pub replies: Vec<Reply>,
    /// The `request-id` of the whole, for Microsoft's support.
    pub request_id: String,
    /// The highest `x-ms-throttle-limit-percentage` in the answer; 1.0 is the limit, and it is sent from 0.8 upwards.
    pub throttle_percentage: Option<f64>,
    /// The time on Graph's clock (`Date`), in whole seconds.
    pub date: Option<Timestamp>,
}

/// A page of a collection.
#[derive(Debug, Default)]
pub struct Page {
    /// Its members, unparsed.
    pub value: Vec<RawJson>,
    /// The URL of the next page, for [`Graph::page`]; `None` on the last page.
    pub next: Option<String>,
}

/// Why there is no [`BatchResponse`].
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection: nothing reached Graph.
    #[error("{0}")]
    NotSent(String),
    /// Sent, but no usable answer arrived: any of the writes may have taken effect.
    #[error("{0}")]
    Lost(String),
    /// Graph, or a proxy before it, answered the batch as a whole with a status other than 200.
    #[error("{}", .0.whole())]
    Refused(Reply),
    /// There is no token.
    #[error(transparent)]
    SignIn(#[from] client::SignInError),
}

impl Reply {
    /// What this means for what was `asked`.
    #[must_use]
    pub fn verdict(&self, asked: Asked) -> Verdict {
        Verdict::of(asked, self.status, self.retry_after, self.body, (&self.code, &self.message))
    }

    /// The wait that was named, if it is longer than accepted.
    #[must_use]
    pub fn named(&self) -> Option<Duration> {
        (self.seconds_named > 0).then(|| Duration::from_secs(self.seconds_named.into()))
    }

    /// Status, code and message in one line, for display. If there was no answer, there is no status or code.
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

/// A directory that accepts batches.
pub trait Graph {
    /// Sends one batch, once.
    ///
    /// # Errors
    /// Distinguishes what was not sent, what was refused as a whole, and what may have taken effect.
    fn send(&self, batch: &BatchRequest) -> impl Future<Output = Result<BatchResponse, SendError>>;

    /// Sends one request by itself and not in a batch, once. The only reply is the answer to it, whatever its status is.
    ///
    /// An operation is only followed at Graph itself: an address that leads elsewhere gets the reply
    /// [`NOT_AT_GRAPH`], and nothing is sent.
    ///
    /// # Errors
    /// Fails like [`Graph::send`], but never with [`SendError::Refused`].
    fn send_alone(&self, request: &Request) -> impl Future<Output = Result<BatchResponse, SendError>> {
        let row = request.row;
        async move { Err(SendError::NotSent(format!("row {row} cannot be sent alone here"))) }
    }

    /// Reads one page of a collection, once. `url` is a path below the API's version, or the [`Page::next`] of a page.
    ///
    /// # Errors
    /// Fails like [`Graph::send`].
    fn page(&self, url: &str) -> impl Future<Output = Result<Page, SendError>>;

    /// What the access token says about itself; `None` if it cannot be read, because Graph's tokens are opaque to
    /// clients.
    ///
    /// # Errors
    /// Fails if the sign-in fails.
    fn claims(&self) -> impl Future<Output = Result<Option<Claims>, SendError>>;
}
