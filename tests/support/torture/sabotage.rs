//! A wrapper around the engine's ledger and connection: with it, a sound engine looks broken to the checkers.

use super::disturbances::Disturbances;
use crate::{checkers::Row, watch::Watch};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Page, Request, SendError, claims::Claims},
    ledger::{Ledger, LedgerError},
    simulator::Simulator,
};
use rusqlite::Connection;
use std::path::Path;

/// The result of a batch.
pub type Answer = Result<BatchResponse, SendError>;

/// What a sound engine works with.
pub struct Honest<'a> {
    /// The guarded connection to the tenant.
    pub watch: &'a Watch<'a, Disturbances<'a>>,
    /// A separate connection to the ledger.
    pub ledger: &'a Connection,
    /// The tenant without a guard.
    pub tenant: &'a Simulator,
    /// A tenant that a rehearsal must not touch.
    pub elsewhere: &'a Simulator,
}

/// A way to send.
pub type Send = for<'a> fn(&'a Honest<'a>, &'a BatchRequest) -> LocalBoxFuture<'a, Answer>;

/// A way to send a request by itself.
pub type SendAlone = for<'a> fn(&'a Honest<'a>, &'a Request) -> LocalBoxFuture<'a, Answer>;

/// A way to break the engine.
pub struct Sabotage {
    /// What the broken engine does.
    pub name: &'static str,
    /// The changes to what it writes: SQL that is added to the ledger with its plan.
    pub ledger: &'static str,
    /// What it sends and receives.
    pub send: Send,
    /// The same for requests that are sent by themselves.
    pub alone: SendAlone,
    /// How it changes the report.
    pub report: fn(&mut Vec<Row>),
    /// How it opens a run at a given time.
    pub open: fn(&Path, Timestamp) -> Result<Ledger, LedgerError>,
}

/// The engine without changes.
pub const UNTOUCHED: Sabotage = Sabotage {
    name: "is as it is",
    ledger: "",
    send: |honest, batch| Box::pin(honest.watch.send(batch)),
    alone: |honest, request| Box::pin(honest.watch.send_alone(request)),
    report: |_| {},
    open: Ledger::open_at,
};

/// The directory as the engine sees it, which may be broken.
pub struct Hand<'a> {
    /// What it works with.
    pub honest: Honest<'a>,
    /// How it is broken.
    pub sabotage: &'a Sabotage,
}

impl Graph for Hand<'_> {
    async fn send(&self, batch: &BatchRequest) -> Answer {
        let answer = (self.sabotage.send)(&self.honest, batch).await;
        if self.honest.watch.verdict().is_err() {
            // Nothing after a fault is checked.
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn send_alone(&self, request: &Request) -> Answer {
        let answer = (self.sabotage.alone)(&self.honest, request).await;
        if self.honest.watch.verdict().is_err() {
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.honest.watch.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.honest.watch.claims().await
    }
}
