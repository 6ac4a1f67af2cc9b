//! Graph behind a fence: a process that may have lost its run sends nothing more.

use crate::{
    graph::{BatchRequest, BatchResponse, Graph, Page, Request, SendError, claims::Claims},
    ledger::{Fence, Ledger},
};

/// Sends as long as the process holds its run.
pub(super) struct Fenced<'a, G> {
    graph: &'a G,
    fence: Fence,
}

impl<'a, G: Graph> Fenced<'a, G> {
    pub(super) fn new(graph: &'a G, ledger: &Ledger) -> Self {
        Self { graph, fence: ledger.fence() }
    }
}

/// What is not sent to Graph any more.
fn lost() -> SendError {
    SendError::NotSent("another process may have taken over the run".into())
}

impl<G: Graph> Graph for Fenced<'_, G> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        match self.fence.is_open() {
            true => self.graph.send(batch).await,
            false => Err(lost()),
        }
    }

    async fn send_alone(&self, request: &Request) -> Result<BatchResponse, SendError> {
        match self.fence.is_open() {
            true => self.graph.send_alone(request).await,
            false => Err(lost()),
        }
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.graph.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.graph.claims().await
    }
}
