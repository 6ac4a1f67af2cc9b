//! The run: claim, admit, send, judge, record, until every row has ended.
//!
//! One task owns the ledger, the throttle and all decisions; only sending is concurrent. It changes no decision of the
//! plan, prints nothing (it emits [`RunEvent`]s), and stops at once if the ledger cannot be written.
//!
//! Invariant: a batch is sent only after the intent to send each of its rows is on disk.

mod derivation;
mod doubts;
mod guard;
mod pauses;
mod reissue;
mod systemic;
mod write_loop;

pub use guard::{Halt, HaltError, Window, WindowError};
pub use reissue::must_be_possible;
pub use write_loop::writeback_time;

use crate::{
    engine::{
        dispatch::{DispatchError, Pace, Waiting},
        fenced::Fenced,
        pace::writes_left,
    },
    graph::{Graph, quota::Quota},
    ledger::{Counts, KeptPace, Ledger, LedgerError, OnHold, Process, ReadLedger, RowStatus, SignedInAs},
    outcome::Cause,
    password::PasswordError,
};
use futures_util::future::FusedFuture;
use std::time::Duration;

/// How many new passwords are tried for a row if Graph refuses its password.
pub const REPLACEMENTS_MAX: u32 = 2;

/// How a run works. What it does is in the ledger.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// Speed and patience.
    pub pace: Pace,
    /// Reset only this many accounts: the next ones of the plan that have not ended. The others are left for a later
    /// run.
    pub pilot: Option<u64>,
    /// When to stop because too much goes wrong.
    pub halt_on: Vec<Halt>,
    /// The hours in which anything is sent.
    pub window: Option<Window>,
    /// Whether to report each account as it ends ([`RunEvent::Account`]).
    pub tell_accounts: bool,
    /// Whether passwords for the on-premises directory start at once if one of them succeeded in an earlier process of this
    /// run. Without this, each process begins with one of them and sends more when that one has succeeded.
    pub trusts_earlier_writeback: bool,
    /// The identity with which the run signs in. It is noted in the ledger before anything is sent, for the reports.
    pub signed_in: Option<SignedInAs>,
    /// What other runs of this machine left of the same quota.
    pub left_by_others: Vec<KeptPace>,
}

/// Progress of the run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunEvent {
    /// Facts were recorded.
    Progress {
        /// The number of rows in each state.
        counts: Counts,
        /// How many answers were 429 so far in this process.
        throttled: u64,
        /// How many of the open accounts need no refill of the quota. While the run waits, this is less than none.
        covered: f64,
        /// The time from sending a batch to its answer of late.
        latency: Duration,
    },
    /// An account has ended, or is planned again, because all accounts were refused for a cause of the whole run.
    Account(RowStatus),
    /// A pause in sending.
    Waiting(Waiting),
    /// The caller asked the run to stop; it waits for the batches in flight.
    Stopping {
        /// Batches without an answer so far.
        in_flight: usize,
    },
    /// Rows in doubt were checked before they are sent again.
    DoubtsLookedAt {
        /// How many.
        rows: u64,
        /// How many of them had changed, and are left alone.
        settled: u64,
    },
    /// The passwords of rows to be sent are sealed, and no key was given: these rows have new passwords.
    Reissued {
        /// How many.
        rows: u64,
        /// How many of them have an older password that may be in force.
        in_doubt: u64,
    },
    /// The application may not revoke sessions; the text says why. Sessions are left alone, and no more requests are
    /// sent for them.
    SessionsDenied(String),
}

/// How a run ended without an error.
///
/// It is exhaustive on purpose: a caller must decide what each end means, and the compiler shows a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every row has ended.
    Finished,
    /// The caller asked it to stop; some rows are left.
    Interrupted,
    /// The accounts of the pilot have ended; others are left.
    PilotEnded,
    /// Too much went wrong by this rule; some rows are left.
    Halted(Halt),
    /// The hours are over; some rows are left.
    WindowClosed,
    /// All other accounts have ended, but the first password for the on-premises directory was not set, so no more were
    /// sent there. The row is that of this first account.
    WritebackPilotFailed(u64),
}

/// Why a run stopped early. Open rows are still planned, and a later run continues them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing more can be sent.
    #[error(transparent)]
    Dispatcher(#[from] DispatchError),
    /// Every account so far was refused for the same cause.
    #[error(
        "Graph refused every account so far, so the run was stopped after {rows} of them; they are still planned ({said})"
    )]
    Everyone {
        /// How many.
        rows: usize,
        /// The cause they share.
        cause: Cause,
        /// Graph's words.
        said: String,
    },
    /// The passwords came from the roster and are sealed, so they cannot be generated again.
    #[error("the passwords came from the roster and are sealed, so they cannot be generated again; nothing was sent")]
    ProvidedPassword(std::path::PathBuf),
    /// No replacement could be generated for a refused password.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// The first part of [`run()`], for callers that want to look at the ledger before anything is sent. It checks rows in
/// doubt. Then, if no key was given, rows with sealed passwords get new ones. Returns how the run ends if it is asked
/// to stop meanwhile.
///
/// # Errors
/// Same as [`run()`].
pub async fn prepare<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(RunEvent),
) -> Result<Option<RunEnd>, RunError> {
    let mut stop = std::pin::pin!(futures_util::FutureExt::fuse(stop));
    let graph = &Fenced::new(graph, ledger);
    settle(ledger, graph, options, &mut stop, emit).await
}

/// A check only shows whether the password in the ledger is in force, so it must come before a new password.
async fn settle<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(RunEvent),
) -> Result<Option<RunEnd>, RunError> {
    options.signed_in.iter().try_for_each(|signed_in| ledger.set_signed_in(signed_in))?;
    reissue::must_be_possible(ledger)?;
    let end = doubts::settle(ledger, graph, options, stop, emit).await?;
    if end.is_none() {
        reissue::reissue(ledger, options.pace.clock, emit)?;
    }
    Ok(end)
}

/// Reports the state of these rows, if the caller wants to know.
fn tell_accounts(
    ledger: &ReadLedger,
    options: &RunOptions,
    rows: impl Iterator<Item = u64>,
    emit: &mut dyn FnMut(RunEvent),
) -> Result<(), LedgerError> {
    if options.tell_accounts {
        let rows: Vec<u64> = rows.collect();
        ledger.standings(&rows)?.into_iter().for_each(|standing| emit(RunEvent::Account(standing)));
    }
    Ok(())
}

/// Works on the rows of `ledger` through `graph` until all have ended, `stop` resolves, a guard rail stops it, or
/// nothing more can be done.
///
/// Rows that a crash left in doubt are checked before they are sent again, if the application may read them. In a
/// sealed run without its key, open rows then get new passwords. After `stop`, no more rows are claimed, and the
/// answers to everything in flight are awaited and recorded.
///
/// # Errors
/// Says why the run cannot continue. The ledger holds everything up to then, so a later call continues.
pub async fn run<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(RunEvent),
) -> Result<RunEnd, RunError> {
    let mut stop = std::pin::pin!(futures_util::FutureExt::fuse(stop));
    let graph = &Fenced::new(graph, ledger);
    if let Some(end) = settle(ledger, graph, options, &mut stop, emit).await? {
        return Ok(end);
    }
    ledger.limit_to(options.pilot.map(|nth| ledger.nth_pending(nth)).transpose()?.flatten());
    // If this process is killed, the note and the rows are the only record of it.
    let began_at = options.pace.clock.millis();
    let left = left_at_start(ledger, options, began_at)?;
    ledger.begin_process(began_at, &options.pace.write_quota.to_string(), left)?;
    let mut engine = write_loop::Engine::new(ledger, graph, options, began_at, emit);
    let end = engine.work(&mut stop).await;
    let (session, pauses) = (engine.session(), engine.into_pauses());
    let mut note = || ledger.add_pauses(pauses.kept()).and_then(|()| ledger.add_session(&session));
    let noted = if matches!(end, Err(RunError::Ledger(_))) { Ok(()) } else { note() };
    ledger.must_be_in_place()?;
    noted?;
    end
}

/// How many writes the quota has left, if the bucket is not full. A wait that is not over comes before the first write, so
/// it does not count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
fn left_at_start(ledger: &ReadLedger, options: &RunOptions, now: i64) -> Result<Option<u64>, LedgerError> {
    let own = ledger.kept_pace(OnHold::Writes, now)?;
    let left = writes_left(options.pace.write_quota, own.iter().chain(&options.left_by_others));
    Ok((left < f64::from(options.pace.write_quota.units.get())).then_some(left.max(0.0) as u64))
}

/// The minimum time in seconds in which the quota allows a process's accounts, and the share of that pace that the process
/// reached. `None` if all of them fit into what the bucket had left, so nothing limited the process.
#[must_use]
pub fn share_of_possible(Process { session, left, .. }: &Process) -> Option<(f64, f64)> {
    let (quota, writes): (Quota, _) = (session.write_quota.parse().ok()?, session.settled + session.revoked);
    #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
    let least = left.map_or(quota.least_time(writes), |left| quota.least_time_from(writes, left as f64)).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
    let took = session.last_write?.saturating_sub(session.first_write?) as f64 / 1_000.0;
    (least > 0.0 && took > 0.0).then(|| (least, (least / took).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::share_of_possible;
    use crate::ledger::{Process, Session};

    /// 100 seconds for `settled` accounts and `revoked` sessions, at the documented quota.
    fn session(settled: u64, revoked: u64) -> Session {
        let (first_write, last_write) = (Some(5_000), Some(105_000));
        Session { first_write, last_write, settled, revoked, write_quota: "3000/150s".into(), ..Session::default() }
    }

    fn share(settled: u64, revoked: u64) -> Option<(f64, f64)> {
        share_of_possible(&Process { session: session(settled, revoked), ..Process::default() })
    }

    #[test]
    fn share_is_minimum_over_actual_time() {
        assert_eq!(share(3_000, 0), None, "the full bucket held them all");
        assert_eq!(share(4_000, 0), Some((50.0, 0.5)));
        assert_eq!(share(3_500, 500), share(4_000, 0), "sessions cost as much as passwords");
        assert_eq!(share(6_000, 0), Some((150.0, 1.0)), "faster than the quota allows is a bucket of somebody else's");
        let at_once = Session { last_write: Some(5_000), ..session(4_000, 0) };
        let process = |session, left| Process { session, left, ..Process::default() };
        assert_eq!(share_of_possible(&process(at_once, None)), None, "in no time there is no share of it");
        let after_another = process(session(1_500, 0), Some(500));
        assert_eq!(share_of_possible(&after_another), Some((50.0, 0.5)), "the bucket was not full");
        assert_eq!(share_of_possible(&process(session(500, 0), Some(500))), None, "what was left held them all");
    }
}
