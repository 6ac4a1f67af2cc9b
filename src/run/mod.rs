//! The run: claim, admit, send, judge, record, until every row has ended.
//!
//! One task owns the ledger, the throttle and all decisions; only the sending overlaps. It decides nothing that the plan
//! has decided, prints nothing (it emits [`RunEvent`]s), and stops at once where the ledger cannot be written.
//!
//! Invariant: a batch is sent only after the intent to send each of its rows is on disk.

mod engine;
mod judge;
mod trouble;

use crate::{
    graph::{BATCH_ITEMS_MAX, Graph},
    ledger::{Counts, Ledger, LedgerError, Session},
    outcome::Cause,
    password::PasswordError,
    quota::Quota,
};
use std::time::Duration;

/// Batches in flight at most, unless `--concurrency` says otherwise: far more than the documented quota ever needs, and
/// what Microsoft's own bulk writers use.
pub const CONCURRENCY: usize = 16;
/// How long trouble that nobody here can mend is waited out, unless `--max-wait` says otherwise.
pub const MAX_WAIT: Duration = Duration::from_secs(15 * 60);
/// Uncertain answers and conflicts after which a row is given up; with the back-off between them, some four minutes.
pub const TROUBLES_MAX: u32 = 10;
/// New passwords that are tried for a row whose password Graph refuses.
pub const REPLACEMENTS_MAX: u32 = 2;

/// How a run goes about its work; what it does is in the ledger.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions {
    /// The write quota to ride.
    pub write_quota: Quota,
    /// Batches in flight at most.
    pub concurrency: usize,
    /// Accounts in a batch, 1 to [`BATCH_ITEMS_MAX`].
    pub batch_size: usize,
    /// How long a network or service that is away is waited for.
    pub max_wait: Duration,
    /// Seed of the jitter in waits.
    pub seed: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            write_quota: Quota::DOCUMENTED_WRITES,
            concurrency: CONCURRENCY,
            batch_size: BATCH_ITEMS_MAX,
            max_wait: MAX_WAIT,
            seed: 0,
        }
    }
}

/// Why nothing is sent for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Graph answered 429.
    Asked,
    /// The network or the service is away, as told.
    Away(String),
}

/// What the run tells while it works.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// Facts were recorded.
    Progress {
        /// How many rows stand where.
        counts: Counts,
        /// Answers 429 so far in this process.
        throttled: u64,
    },
    /// Nothing is sent for a while.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// How long.
        wait: Duration,
    },
    /// It was asked to stop, and waits for this many batches in flight.
    Stopping {
        /// Batches whose answers are awaited.
        in_flight: usize,
    },
}

/// How a run ended that was not broken off by an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every row has ended.
    Finished,
    /// It was asked to stop; rows are left.
    Interrupted,
}

/// Why a run was broken off. Rows that have not ended are planned still, and `passwave run` goes on with them.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No token.
    #[error("{0}")]
    SignIn(String),
    /// Tokens that were just issued are refused.
    #[error(
        "Graph refuses the tokens that the sign-in service has just issued ({0})\nhint: check that --cloud, --authority-host and --graph-endpoint belong together"
    )]
    TokenRefused(String),
    /// Every account so far was refused for the same cause.
    #[error("Graph refused every account so far, so the run was stopped after {rows} of them; they are still planned ({said})\nhint: {}, then go on with `passwave run`", .cause.cure())]
    Everyone {
        /// How many.
        rows: usize,
        /// The cause they share.
        cause: Cause,
        /// Graph's words.
        said: String,
    },
    /// Graph, or something before it, refuses the batch itself.
    #[error(
        "the batch as a whole was refused: {0}\nhint: check --graph-endpoint and whether a proxy answers in Graph's place, then go on with `passwave run`"
    )]
    BatchRefused(String),
    /// The network or the service stayed away.
    #[error(
        "no usable answer for {waited:.0?} ({said})\nhint: check the network and the service's health, then go on with `passwave run`; --max-wait sets how long to wait"
    )]
    Away {
        /// How long.
        waited: Duration,
        /// The last words.
        said: String,
    },
    /// Graph answers, and accepts nothing.
    #[error(
        "Graph has put off every write for {0:.0?}\nhint: another job may be using up this application's quota; go on later with `passwave run`, or wait longer with --max-wait"
    )]
    Stalled(Duration),
    /// No replacement for a refused password.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// Works on the rows of `ledger` through `graph` until all have ended, `stop` resolves, or nothing more can be done.
///
/// After `stop`, no row is claimed any more, and the answers to what is in flight are awaited and recorded.
///
/// # Errors
/// Says what stands against going on. The ledger holds everything up to then, so a later call goes on.
pub async fn run<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(RunEvent),
) -> Result<RunEnd, RunError> {
    let mut engine = engine::Engine::new(ledger, graph, options, emit);
    let end = engine.work(stop).await;
    let session = engine.session();
    drop(engine);
    if !matches!(end, Err(RunError::Ledger(_))) {
        ledger.add_session(&session)?;
    }
    end
}

/// The least time in which the quota allows a session's accounts, in seconds, and the share of that pace it reached;
/// none where the full bucket held them all, so that nothing limited it.
#[must_use]
pub fn share_of_possible(session: &Session) -> Option<(f64, f64)> {
    let quota: Quota = session.write_quota.parse().ok()?;
    let least = quota.least_time(session.settled).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
    let took = (session.last_write? - session.first_write?) as f64 / 1_000.0;
    (least > 0.0 && took > 0.0).then(|| (least, (least / took).min(1.0)))
}
