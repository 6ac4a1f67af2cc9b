//! How a process ends: by itself, after a request to stop, or cut off at a given moment.

use super::disk::Failure;
use crate::watch::{Cut, Watch};
use futures_util::FutureExt;
use passwave::graph::Graph;
use std::{
    future::poll_fn,
    pin::pin,
    task::Poll::{Pending, Ready},
    time::Duration,
};

/// A process that was polled this often is in an endless loop.
const POLLS_MAX: u32 = 2_000_000;

/// What happens to a process.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// Nothing.
    Spared,
    /// It is asked to stop after this time.
    Stop(Duration),
    /// It dies at this poll, wherever it waits then.
    Poll(u32),
    /// It dies when the intent of its nth batch is on disk, before the batch is sent.
    BeforeSending(u32),
    /// It dies when its nth batch has taken effect, before the answer arrives.
    BeforeAnswer(u32),
    /// The disk fails at the nth row that it writes.
    Disk(Failure, u32),
}

/// How a process ended.
#[derive(Debug)]
pub enum End<T> {
    /// By itself.
    Itself(T),
    /// It was cut off.
    Cut,
    /// It was cut off because it would never have ended.
    Endless,
}

impl Ending {
    /// Where the guard cuts it off.
    pub fn cut(self) -> Cut {
        match self {
            Self::BeforeSending(nth) => Cut::BeforeSending(nth),
            Self::BeforeAnswer(nth) => Cut::BeforeAnswer(nth),
            _ => Cut::Never,
        }
    }

    /// The disk failure.
    pub fn disk(self) -> Option<(Failure, u32)> {
        if let Self::Disk(failure, nth) = self { Some((failure, nth)) } else { None }
    }

    /// Runs a process until it ends, or until its doom; then it is dropped.
    pub async fn drive<G: Graph, T>(self, process: impl Future<Output = T>, watch: &Watch<'_, G>) -> End<T> {
        let mut process = pin!(process);
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            let polled = process.as_mut().poll(context);
            match (polled, self) {
                (Ready(end), _) => Ready(End::Itself(end)),
                (Pending, Self::Poll(nth)) if polls >= nth => Ready(End::Cut),
                (Pending, _) if watch.reached.notified().now_or_never().is_some() => Ready(End::Cut),
                (Pending, _) if watch.verdict().is_err() => Ready(End::Cut),
                (Pending, _) if polls > POLLS_MAX => Ready(End::Endless),
                (Pending, _) => Pending,
            }
        })
        .await
    }
}
