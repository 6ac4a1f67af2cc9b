//! The run: claim, admit, send, judge, record, until every row has ended.
//!
//! One task owns the ledger, the throttle and all decisions; only the sending overlaps. It decides nothing that the plan
//! has decided, prints nothing (it emits [`RunEvent`]s), and stops at once where the ledger cannot be written.
//!
//! Invariant: a batch is sent only after the intent to send each of its rows is on disk.

mod doubts;
mod engine;
mod guard;
mod moments;
mod renewal;
mod suspicion;

pub use guard::{Halt, HaltError, Window, WindowError};
pub use renewal::must_be_possible;

use crate::{
    graph::Graph,
    ledger::{Counts, Ledger, LedgerError, Session, Standing},
    outcome::Cause,
    password::PasswordError,
    quota::Quota,
    traffic::{Pace, TrafficError, Waiting},
};
use futures_util::future::FusedFuture;

/// New passwords that are tried for a row whose password Graph refuses.
pub const REPLACEMENTS_MAX: u32 = 2;

/// How a run goes about its work; what it does is in the ledger.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// How fast, and how patiently.
    pub pace: Pace,
    /// Only so many accounts, the next of the plan that have not ended; the others are left for a later run.
    pub pilot: Option<u64>,
    /// When too much goes wrong.
    pub halt_on: Vec<Halt>,
    /// The hours in which anything is sent.
    pub window: Option<Window>,
    /// Whether each account is told as it ends ([`RunEvent::Account`]).
    pub tell_accounts: bool,
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
    /// An account has ended, or, where all were refused for a cause of the run, is planned again.
    Account(Standing),
    /// Nothing is sent for a while.
    Waiting(Waiting),
    /// It was asked to stop, and waits for this many batches in flight.
    Stopping {
        /// Batches whose answers are awaited.
        in_flight: usize,
    },
    /// Rows in doubt were looked at before they are sent again.
    DoubtsLookedAt {
        /// How many.
        rows: u64,
        /// How many of them had been changed, and are left alone.
        settled: u64,
    },
    /// Passwords of rows to be sent are sealed, and no key was given: they have got new ones.
    Renewed {
        /// How many.
        rows: u64,
        /// How many of them have an older one that may be in force.
        in_doubt: u64,
    },
    /// The application may not revoke sessions, as told: they are kept, and nothing more is sent for them.
    SessionsDenied(String),
}

/// How a run ended that was not broken off by an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every row has ended.
    Finished,
    /// It was asked to stop; rows are left.
    Interrupted,
    /// The pilot's accounts have ended; others are left.
    PilotEnded,
    /// Too much went wrong, by this rule; rows are left.
    Halted(Halt),
    /// The hours are over; rows are left.
    WindowClosed,
}

/// Why a run was broken off. Rows that have not ended are planned still, and `passwave run` goes on with them.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Nothing more can be sent.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// Every account so far was refused for the same cause.
    #[error("Graph refused every account so far, so the run was stopped after {rows} of them; they are still planned ({said})\nhint: {}, then go on", .cause.cure())]
    Everyone {
        /// How many.
        rows: usize,
        /// The cause they share.
        cause: Cause,
        /// Graph's words.
        said: String,
    },
    /// Passwords that the roster brought are sealed, and cannot be made anew.
    #[error(
        "the roster brought the passwords, which are sealed, so they cannot be made anew; nothing was sent\n\
         hint: give the key, so that they can be read (--identity KEYFILE, or --passphrase)"
    )]
    Brought(std::path::PathBuf),
    /// No replacement for a refused password.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// What [`run()`] does before it sends anything, for whoever wants to look in between: rows in doubt are looked at, and then
/// those whose passwords are sealed get new ones where no key was given. Tells how the run ends where it is asked to stop
/// meanwhile.
///
/// # Errors
/// As [`run()`].
pub async fn prepare<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(RunEvent),
) -> Result<Option<RunEnd>, RunError> {
    let mut stop = std::pin::pin!(futures_util::FutureExt::fuse(stop));
    settle(ledger, graph, options, &mut stop, emit).await
}

/// A look can only tell whether the password in the ledger is in force: so it comes before there is another.
async fn settle<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &RunOptions,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(RunEvent),
) -> Result<Option<RunEnd>, RunError> {
    renewal::must_be_possible(ledger)?;
    let end = doubts::settle(ledger, graph, options, stop, emit).await?;
    if end.is_none() {
        renewal::renew(ledger, options.pace.clock, emit)?;
    }
    Ok(end)
}

/// Tells how these rows stand, where somebody wants to know.
fn tell_accounts(
    ledger: &Ledger,
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

/// Works on the rows of `ledger` through `graph` until all have ended, `stop` resolves, a guard rail is met, or nothing
/// more can be done.
///
/// Rows that a crash left in doubt are looked at before they are sent again, where the application may read them. In a
/// sealed run whose key was not given, rows that have not ended then get new passwords.
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
    let mut stop = std::pin::pin!(futures_util::FutureExt::fuse(stop));
    if let Some(end) = settle(ledger, graph, options, &mut stop, emit).await? {
        return Ok(end);
    }
    ledger.limit_to(options.pilot.map(|nth| ledger.nth_pending(nth)).transpose()?.flatten());
    // If this process is killed, the note and the rows are all that tell of it.
    let began_at = options.pace.clock.millis();
    ledger.begin_process(began_at, &options.pace.write_quota.to_string())?;
    let mut engine = engine::Engine::new(ledger, graph, options, began_at, emit);
    let end = engine.work(&mut stop).await;
    let (session, moments) = (engine.session(), engine.into_moments());
    let mut note = || ledger.add_moments(moments.kept()).and_then(|()| ledger.add_session(&session));
    let noted = if matches!(end, Err(RunError::Ledger(_))) { Ok(()) } else { note() };
    ledger.must_be_in_place()?;
    noted?;
    end
}

/// The least time in which the quota allows a session's accounts, in seconds, and the share of that pace it reached;
/// none where the full bucket held them all, so that nothing limited it.
#[must_use]
pub fn share_of_possible(session: &Session) -> Option<(f64, f64)> {
    let quota: Quota = session.write_quota.parse().ok()?;
    let least = quota.least_time(session.settled + session.revoked).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
    let took = session.last_write?.saturating_sub(session.first_write?) as f64 / 1_000.0;
    (least > 0.0 && took > 0.0).then(|| (least, (least / took).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::{Session, share_of_possible};

    /// 100 seconds over `settled` accounts and `revoked` sessions, in the documented quota.
    fn session(settled: u64, revoked: u64) -> Session {
        let (first_write, last_write) = (Some(5_000), Some(105_000));
        Session { first_write, last_write, settled, revoked, write_quota: "3000/150s".into(), ..Session::default() }
    }

    fn share(settled: u64, revoked: u64) -> Option<(f64, f64)> {
        share_of_possible(&session(settled, revoked))
    }

    #[test]
    fn the_share_is_the_least_time_over_the_time_it_took() {
        assert_eq!(share(3_000, 0), None, "the full bucket held them all");
        assert_eq!(share(4_000, 0), Some((50.0, 0.5)));
        assert_eq!(share(3_500, 500), share(4_000, 0), "sessions cost as much as passwords");
        assert_eq!(share(6_000, 0), Some((150.0, 1.0)), "faster than the quota allows is a bucket of somebody else's");
        let at_once = Session { last_write: Some(5_000), ..session(4_000, 0) };
        assert_eq!(share_of_possible(&at_once), None, "in no time there is no share of it");
    }
}
