//! Requests that are sent by themselves, through the same pace, patience and token as batches.

use super::{Dispatcher, Pace, Ticket};
use crate::{engine::pace::Throttle, graph::Graph};

impl<'a, G: Graph, T: Ticket + 'a> Dispatcher<'a, G, T> {
    /// A dispatcher that sends each request by itself ([`Graph::send_alone`]), whatever the pace says about batches. Every
    /// 429 counts as that of a spent quota, because there are so few requests.
    pub fn alone(graph: &'a G, pace: &'a Pace, throttle: Throttle, concurrency: usize) -> Self {
        Self { concurrency, is_alone: true, ..Self::new(graph, pace, throttle, concurrency) }
    }

    /// Whether the last answers were usable.
    pub fn is_connected(&self) -> bool {
        self.connectivity.is_connected()
    }
}
