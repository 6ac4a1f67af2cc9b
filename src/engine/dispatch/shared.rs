//! A quota that is shared with processes on other machines, through the server of their ledgers. It only joins.

use super::{Dispatcher, Ticket};
use crate::{
    graph::Graph,
    ledger::{Ledger, LedgerError},
};

impl<'a, G: Graph, T: Ticket + 'a> Dispatcher<'a, G, T> {
    /// From now on, the quota is shared through the server of `ledger`, if it is on one.
    ///
    /// # Errors
    /// Fails if the server does not answer.
    pub fn share_through(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        self.throttle.share_through(ledger)
    }
}
