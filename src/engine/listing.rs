//! Reads a list of Graph page by page, within a limit that only this list has.
//!
//! It waits out problems that pass, and what Graph asks for. It knows nothing of what is on a page.
//!
//! Invariant: never more requests than the limit allows are made, in any span of its length.

use crate::{
    graph::{Graph, RawJson, SendError},
    outcome::{Asked, Verdict},
    util::sanitize,
};
use std::{collections::VecDeque, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};

/// Longest pause between two attempts, unless Graph asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long to try one page while the service is unavailable.
const AWAY_MAX: Duration = Duration::from_secs(15 * 60);
/// A list with more pages counts as endless.
const PAGES_MAX: usize = 100_000;

/// How many requests are allowed in each span of time.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    pub requests: usize,
    pub per: Duration,
}

/// Why a page was not read.
pub(super) enum ListingFault {
    /// It may not be read; the text says why.
    Denied(String),
    Send(Box<SendError>),
}

/// A list that is being read.
pub(super) struct Listing<'a, G> {
    graph: &'a G,
    rate: Rate,
    /// The next page; `None` at the end.
    next: Option<String>,
    /// When the last requests were made.
    made: VecDeque<Instant>,
    pages: usize,
}

impl<'a, G: Graph> Listing<'a, G> {
    pub(super) const fn new(graph: &'a G, rate: Rate, url: String) -> Self {
        Self { graph, rate, next: Some(url), made: VecDeque::new(), pages: 0 }
    }

    /// The members on the next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<RawJson>>, ListingFault> {
        let Some(url) = self.next.clone() else { return Ok(None) };
        self.pages += 1;
        if self.pages > PAGES_MAX {
            return Err(ListingFault::Send(Box::new(SendError::Lost("a list of the directory does not end".into()))));
        }
        let (began, mut pause) = (Instant::now(), Duration::from_secs(1));
        loop {
            self.may_ask().await;
            let error = match self.graph.page(&url).await {
                Ok(page) => {
                    self.next = page.next;
                    return Ok(Some(page.value));
                }
                Err(error) => error,
            };
            let wait = match wait_after(error) {
                Ok(wait) if began.elapsed() < AWAY_MAX => wait.asked.max(pause),
                Ok(wait) => return Err(ListingFault::Send(wait.error)),
                Err(fault) => return Err(fault),
            };
            sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Waits until the limit allows one more request, and counts it.
    async fn may_ask(&mut self) {
        if self.made.len() >= self.rate.requests
            && let Some(first) = self.made.pop_front()
        {
            sleep_until(first + self.rate.per).await;
        }
        self.made.push_back(Instant::now());
    }
}

/// A problem that may pass.
struct Passing {
    asked: Duration,
    error: Box<SendError>,
}

fn wait_after(error: SendError) -> Result<Passing, ListingFault> {
    let asked = match &error {
        SendError::NotSent(_) | SendError::Lost(_) => Duration::ZERO,
        SendError::SignIn(_) => return Err(ListingFault::Send(Box::new(error))),
        SendError::Refused(reply) => match reply.verdict(Asked::Account) {
            Verdict::Throttled(wait) | Verdict::Unknown(wait) => wait.unwrap_or_default(),
            Verdict::Busy | Verdict::TokenRefused => Duration::ZERO,
            _ if reply.status == 403 => return Err(ListingFault::Denied(sanitize::sentence(&reply.whole()))),
            _ => return Err(ListingFault::Send(Box::new(error))),
        },
    };
    Ok(Passing { asked, error: Box::new(error) })
}
