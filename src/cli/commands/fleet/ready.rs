//! Completes the plan of one tenant: signs in, looks its accounts up, and checks that it may start.

use crate::cli::{
    args::{OpenArgs, RunArgs},
    commands::{
        connect::SignInInfo,
        look_up, pace, sealing,
        wanted::{self, Now},
    },
    context::Context,
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    engine::{pace::AllTenants, run::must_be_possible},
    graph::Graph,
    ledger::{Ledger, LedgerError, ReadLedger},
    seal::Identities,
};
use std::path::Path;

/// A tenant whose plan is complete.
pub struct Ready {
    /// Its position in the fleet.
    pub at: usize,
    /// Accounts to be reset.
    pub pending: u64,
    /// What its run does, besides the resets.
    pub now: Now,
    /// Who has signed in; `None` in a rehearsal.
    pub signed_in: Option<SignInInfo>,
}

/// What the work on every tenant needs.
pub struct Common<'a> {
    pub run: &'a RunArgs,
    pub expect: Option<&'a str>,
    /// The keys of the sealed passwords, if they were given.
    pub keys: Option<Identities>,
}

impl Common<'_> {
    /// Opens the ledger of a tenant for work.
    pub fn open(&self, folder: &Path) -> Result<Ledger, Failure> {
        let mut ledger = Ledger::open(folder)?;
        if let Some(keys) = &self.keys {
            ledger.unlock(keys)?;
        }
        must_be_possible(&ledger)?;
        Ok(ledger)
    }
}

/// The keys for the runs of a fleet, of which `ledger` is one: asked for once.
pub fn keys(context: &Context, ledger: &ReadLedger, open: Option<&OpenArgs>) -> Result<Option<Identities>, Failure> {
    open.map_or(Ok(None), |open| sealing::keys(&context.reporter, ledger, open))
}

/// What this call asks of a tenant's run. A complete plan must be unchanged.
pub fn asked(context: &Context, ledger: &mut Ledger, common: &Common<'_>) -> Result<Now, Failure> {
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
    }
    let now = wanted::now(context, ledger, common.run, common.expect)?;
    now.keep(&context.reporter, ledger)?;
    Ok(now)
}

/// Looks up the accounts, unless that is done.
///
/// # Errors
/// Fails also if it was interrupted.
pub async fn look<G: Graph>(
    context: &Context,
    ledger: &mut Ledger,
    graph: &G,
    (common, limit): (&Common<'_>, AllTenants),
    now: &Now,
) -> Result<(), Failure> {
    let mut pace = pace::options(&context.reporter, &common.run.pace, None, now)?.pace;
    pace.all_tenants = Some(limit);
    match look_up::look(&context.reporter, ledger, graph, &pace, &now.wanted).await? {
        None => Ok(()),
        Some(INTERRUPTED) => {
            Err(Failure::interrupted("interrupted before its accounts were looked up; nothing was sent"))
        }
        Some(_) => Err(Failure::away("its accounts could not be looked up; nothing was sent").about("look_up")),
    }
}

/// A tenant whose plan is complete in this ledger.
pub fn ready(at: usize, ledger: &ReadLedger, now: Now, signed_in: Option<SignInInfo>) -> Result<Ready, LedgerError> {
    Ok(Ready { at, pending: ledger.counts().pending(), now, signed_in })
}
