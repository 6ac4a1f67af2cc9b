//! Many runs at once, in one task: a limited number of them is open, so that files, memory and threads do not grow with the
//! number of tenants.
//!
//! Invariant: the results are in the order of the jobs.

use futures_util::stream::{self, StreamExt};

/// How many runs are open at once. A handful of tenants at full pace uses up what an application may send, so more would
/// not be faster; and a few that wait long leave the others enough.
pub const OPEN_MAX: usize = 48;

/// Does all jobs, at most `most` of them at a time, and returns their results in the order of the jobs.
pub async fn side_by_side<J, R, F: Future<Output = R>>(jobs: Vec<J>, most: usize, work: impl Fn(J) -> F) -> Vec<R> {
    let numbered = jobs.into_iter().enumerate().map(|(at, job)| {
        let result = work(job);
        async move { (at, result.await) }
    });
    let mut results: Vec<(usize, R)> = stream::iter(numbered).buffer_unordered(most.max(1)).collect().await;
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The order in which jobs of these sizes are begun: the largest, the smallest, the second largest and so on. So the largest
/// ones, which take longest, begin early, and small ones do not wait behind them.
#[must_use]
pub fn in_turn(sizes: &[u64]) -> Vec<usize> {
    let mut by_size: Vec<usize> = (0..sizes.len()).collect();
    by_size.sort_by_key(|at| std::cmp::Reverse(sizes[*at]));
    let (mut order, mut rest) = (Vec::with_capacity(sizes.len()), std::collections::VecDeque::from(by_size));
    while let Some(largest) = rest.pop_front() {
        order.push(largest);
        order.extend(rest.pop_back());
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, time::Duration};
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn few_are_open_at_once() {
        let (open, most, start) = (Cell::new(0), Cell::new(0), Instant::now());
        let (open, most) = (&open, &most);
        let results = side_by_side((0..10_u64).collect(), 3, |job| async move {
            open.set(open.get() + 1);
            most.set(open.get().max(most.get()));
            sleep(Duration::from_secs(10 - job)).await;
            open.set(open.get() - 1);
            job * 2
        });
        assert_eq!(results.await, (0..10).map(|job| job * 2).collect::<Vec<_>>());
        assert_eq!(most.get(), 3);
        assert!(start.elapsed() <= Duration::from_secs(24), "{:?}", start.elapsed());
    }

    #[test]
    fn large_and_small_take_turns() {
        assert_eq!(in_turn(&[5, 900, 1, 7]), [1, 2, 3, 0]);
        assert_eq!(in_turn(&[]), [0; 0]);
    }
}
