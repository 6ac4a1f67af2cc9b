//! The work of `reset` and `run` in a tenant: sign in, complete the plan, ask, send.

use super::{
    approval,
    conditions::{Consent, RunConditions, must_be_expected, must_be_few},
    confirm::{self, KEPT, Share},
    connect::SignIn,
    logging::LoggingGraph,
    look_up,
    other_runs::{Guard, writes_left},
    pace,
    plan_report::{self, Scope},
    result,
    sending::{AfterPilot, send},
    wanted::Now,
};
use crate::cli::{context::Context, failure::Failure};
use passwave::ledger::{Ledger, ReadLedger};

/// Why nothing was sent.
pub enum Refused {
    /// More accounts than intended.
    TooMany(Failure),
    /// Another run has the same accounts.
    Overlaps(Failure),
    Else(Failure),
}

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Else(error.into())
    }
}

impl Refused {
    /// The failure, with the next command if the run is kept.
    pub fn with_next_step(self, context: &Context, ledger: &ReadLedger) -> Failure {
        match self {
            Self::TooMany(failure) | Self::Overlaps(failure) => failure,
            Self::Else(failure) => context.before(failure, KEPT, ledger),
        }
    }
}

/// Completes the plan, asks, sends what is planned, and reports.
pub async fn work(
    context: &Context,
    ledger: &mut Ledger,
    sign_in: &SignIn,
    terms: &RunConditions<'_>,
    now: &Now,
) -> Result<u8, Refused> {
    let reporter = &context.reporter;
    sign_in.must_be_the_same(ledger)?;
    reporter.notice(format!("Signing in with {sign_in}"));
    let mut options = pace::options(reporter, &terms.run.pace, terms.run.pilot, now)?;
    options.trusts_earlier_writeback = terms.says_yes;
    let graph = sign_in.client(reporter);
    let signed_in = sign_in.complete(reporter, &graph, ledger).await?;
    let graph = LoggingGraph::new(&graph, reporter);
    let scope = if ledger.lookup_has_ended()? { Scope::WithoutAccounts } else { Scope::Whole };
    if let Some(code) = look_up::look(reporter, ledger, &graph, &options.pace, &now.wanted).await? {
        context.go_on(KEPT, ledger);
        return Ok(code);
    }
    must_be_expected(ledger, terms.expect)?;
    must_be_few(context, ledger, terms.limit).map_err(Refused::TooMany)?;
    let guard = Guard::new(context, ledger, &signed_in, terms.run)?;
    guard.check(ledger).map_err(Refused::Overlaps)?;
    // Written now, so that after a crash the folder has every password that may be in force.
    result::reports_now(context, ledger)?;
    let quota = options.pace.write_quota;
    let left = writes_left(ledger, quota, &guard.left_by_others())?;
    plan_report::tell(reporter, ledger, (quota, left), &now.wanted, scope)?;
    if terms.consent != Consent::Given
        && let Err(code) = confirm::confirmed(context, ledger, options.pilot.map_or(Share::All, Share::Pilot)).await
    {
        return Ok(code);
    }
    signed_in.note_in(ledger)?;
    ledger.note_approval(approval::of(terms, ledger.has_begun()?))?;
    ledger.note_begun()?;
    guard.begin(ledger).map_err(Refused::Overlaps)?;
    options.left_by_others = guard.left_by_others();
    if !options.left_by_others.is_empty() {
        reporter.detail(1, || "other runs on this machine have spent from the same quota: it counts here, too".into());
    }
    reporter.note_next_step(context.run_again(ledger).to_string());
    let after = if terms.consent == Consent::Given { AfterPilot::End } else { AfterPilot::Ask };
    let ended = send(context, ledger, &graph, options, &now.wanted, after).await;
    guard.leave(ledger);
    Ok(ended?)
}
