//! A bad hand between the engine and its devices: with it, a sound engine is to the checkers what a broken one would be.

use super::mishaps::Mishaps;
use crate::{checkers::Row, watch::Watch};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;
use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Page, SendError, claims::Claims, simulator::Simulator},
    ledger::{Ledger, LedgerError},
};
use rusqlite::Connection;
use std::path::Path;

/// What becomes of a batch.
pub type Answer = Result<BatchResponse, SendError>;

/// What a sound engine has before it.
pub struct Honest<'a> {
    /// The guarded way to the tenant.
    pub watch: &'a Watch<'a, Mishaps<'a>>,
    /// A connection of one's own to the ledger.
    pub ledger: &'a Connection,
    /// The tenant without a guard before it.
    pub tenant: &'a Simulator,
    /// A tenant that a rehearsal has nothing to do with.
    pub elsewhere: &'a Simulator,
}

/// A way to send.
pub type Send = for<'a> fn(&'a Honest<'a>, &'a BatchRequest) -> LocalBoxFuture<'a, Answer>;

/// A way to break the engine.
pub struct Sabotage {
    /// What the broken engine does.
    pub name: &'static str,
    /// What it writes otherwise: SQL that the ledger is given with its plan.
    pub ledger: &'static str,
    /// What it sends, and what it hears.
    pub send: Send,
    /// What it makes of the report.
    pub report: fn(&mut Vec<Row>),
    /// How it opens a run, at a time.
    pub open: fn(&Path, Timestamp) -> Result<Ledger, LedgerError>,
}

/// The engine as it is.
pub const UNTOUCHED: Sabotage = Sabotage {
    name: "is as it is",
    ledger: "",
    send: |honest, batch| Box::pin(honest.watch.send(batch)),
    report: |_| {},
    open: Ledger::open_at,
};

/// The directory as the engine sees it, which may be broken.
pub struct Hand<'a> {
    /// What it has before it.
    pub honest: Honest<'a>,
    /// How it is broken.
    pub sabotage: &'a Sabotage,
}

impl Graph for Hand<'_> {
    async fn send(&self, batch: &BatchRequest) -> Answer {
        let answer = (self.sabotage.send)(&self.honest, batch).await;
        if self.honest.watch.verdict().is_err() {
            // What follows upon a fault shows nothing.
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
