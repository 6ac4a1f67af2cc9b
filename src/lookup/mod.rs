//! Looking first: every account of the plan, before anything is sent to it.
//!
//! It asks who is signed in and what that may do, who holds directory roles and which domains are federated, and then
//! reads each account, so that writes go to object ids and most disasters show before they happen. It only reads; where
//! it may not, it says so and the plan goes by the roster's names.
//!
//! Invariant: a row that is skipped here is never sent, and its password is gone.

mod classify;
mod permissions;
mod tenant;

pub use classify::{DISABLED, READY, UNREAD};

use crate::{
    clean,
    clock::{Clock, Offset},
    exclusions::Exclusions,
    graph::{Graph, SendError},
    ledger::{Ledger, LedgerError},
    plan::Lookup,
    reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    traffic::Pace,
    upn::Upn,
};
use classify::{Asked, Standards};
use futures_util::{FutureExt, future::FusedFuture};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tenant::{Patience, Tenant};

/// Passwords that were set less than so long before the look are told: those of a run that is still at work are.
const MOMENTS: Duration = Duration::from_secs(600);

/// How a look-up ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupEnd {
    /// Every account was looked up.
    Done,
    /// None was, as it was not wanted or not permitted; the plan goes by the roster's names.
    Without,
    /// It was asked to stop; what was found is kept.
    Interrupted,
}

/// What is told while it looks.
#[derive(Clone, Debug)]
pub enum LookupEvent {
    /// So many accounts are to be read.
    Begins(u64),
    /// It reads.
    Reading(ReadEvent),
    /// Something that the administrator should know before going on.
    Warning(String),
}

/// Why a look-up was broken off. What was found is kept, and `passwave run` goes on with it.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// Reading was broken off.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nobody could sign in.
    #[error("{0}")]
    SignIn(String),
    /// The tenant could not be asked.
    #[error(
        "the tenant could not be read before the run ({0}); nothing was sent
hint: check the network and the service's health, then go on"
    )]
    Tenant(String),
    /// It was required, and is not permitted.
    #[error(
        "accounts cannot be looked up, and --lookup required was given ({0}); nothing was sent\nhint: grant the application User.Read.All with admin consent, or plan with --lookup auto"
    )]
    Denied(String),
}

impl From<SendError> for LookupError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::SignIn(said) => Self::SignIn(said),
            other => Self::Tenant(clean::sentence(&other.to_string())),
        }
    }
}

impl From<LedgerError> for LookupError {
    fn from(error: LedgerError) -> Self {
        Self::Read(error.into())
    }
}

/// Looks up all accounts of the plan that were not looked up yet, and completes the plan with what was found.
/// `revokes_sessions` tells whether that permission is looked for too.
///
/// # Errors
/// Says what stands against going on.
pub async fn look_up<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    pace: &Pace,
    revokes_sessions: bool,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(LookupEvent),
) -> Result<LookupEnd, LookupError> {
    let rules = ledger.settings().rules;
    if rules.lookup == Lookup::Off {
        let warning = without(ledger, "it was not wanted (--lookup off)")?;
        warning.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning.into())));
        return Ok(LookupEnd::Without);
    }
    let patience = Patience { away: pace.max_wait, asked: pace.max_asked };
    let (claims, tenant) = (graph.claims().await?, Tenant::read(graph, patience).await?);
    let warnings = permissions::warnings(claims.as_ref(), &tenant, revokes_sessions);
    warnings.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning)));
    emit(LookupEvent::Begins(ledger.left_to_look_up()?));
    let exclusions: Exclusions = ledger.exclusions()?.into_iter().collect();
    let oneself = claims.as_ref().filter(|claims| !claims.is_application).and_then(|claims| claims.object_id.clone());
    let oneself = oneself.map(|id| id.to_ascii_lowercase());
    let (settings, oneself) = (ledger.settings().clone(), oneself.as_deref());
    let standards = Standards { rules, origin: settings.origin(), tenant: &tenant, exclusions: &exclusions, oneself };
    let (after, away, targets) = (0, HashMap::new(), BTreeSet::new());
    let mut accounts = Accounts { ledger, clock: pace.clock, standards, after, away, targets };
    let mut stop = std::pin::pin!(stop.fuse());
    let end = read(graph, pace, &mut accounts, &mut stop, emit).await?;
    let targets = std::mem::take(&mut accounts.targets);
    match end {
        ReadEnd::Interrupted => return Ok(LookupEnd::Interrupted),
        ReadEnd::Denied(said) if rules.lookup == Lookup::Required => return Err(LookupError::Denied(said)),
        ReadEnd::Denied(said) => {
            emit(LookupEvent::Warning(format!(
                "accounts cannot be looked up ({said}): the plan goes by the names in the roster; grant the application \
                 User.Read.All to have missing, synced and other accounts found first"
            )));
            let warning = without(ledger, &said)?;
            warning.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning.into())));
            return Ok(LookupEnd::Without);
        }
        ReadEnd::Finished => ledger.end_lookup(None)?,
    }
    moments_ago(ledger, pace)?.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning)));
    unknown(&tenant).for_each(|warning| emit(LookupEvent::Warning(warning.into())));
    let role = claims.and_then(|claims| permissions::missing_role(&claims, &tenant, &targets));
    role.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning)));
    Ok(LookupEnd::Done)
}

/// Has the plan go by the names in the roster, as nothing is looked up for the reason `said`; returns what the
/// administrator should know of that.
///
/// # Errors
/// Where the ledger cannot be written.
pub fn without(ledger: &mut Ledger, said: &str) -> Result<Option<&'static str>, LedgerError> {
    ledger.end_lookup(Some(said))?;
    let warning = "without a look-up, excluded accounts are recognised only as they are written: an account that is \
                   excluded by its name and stands in the roster by its object id, or by another name, is not";
    Ok((!ledger.exclusions()?.is_empty()).then_some(warning))
}

/// What is to be said of passwords that were set moments before this run would set others.
fn moments_ago(ledger: &Ledger, pace: &Pace) -> Result<Option<String>, LedgerError> {
    let now = ledger.directory_time(pace.clock.millis());
    let (number, names) = ledger.changed_since(now - MOMENTS.as_millis() as i64)?;
    let names: Vec<String> = names.iter().map(|name| clean::line(name)).collect();
    let more = if number > names.len() as u64 { ", …" } else { "" };
    let accounts = if number == 1 { "account" } else { "accounts" };
    Ok((number > 0).then(|| {
        format!(
            "{number} {accounts} of this plan got a new password within the last {} minutes, or were created then ({}{more}): \
             another run may be at work on them, and whichever writes last decides which password counts",
            MOMENTS.as_secs() / 60,
            names.join(", ")
        )
    }))
}

async fn read<G: Graph>(
    graph: &G,
    pace: &Pace,
    accounts: &mut Accounts<'_>,
    stop: &mut (impl FusedFuture<Output = ()> + Unpin),
    emit: &mut dyn FnMut(LookupEvent),
) -> Result<ReadEnd, ReadError> {
    reader::read(graph, pace, accounts, stop, &mut |event| emit(LookupEvent::Reading(event))).await
}

/// What could not be read of the tenant, and what follows.
fn unknown(tenant: &Tenant) -> impl Iterator<Item = &'static str> {
    let roles = "directory roles cannot be read (permission RoleManagement.Read.Directory): accounts that hold one are \
                 not told apart, and Graph refuses those that are above the application";
    let domains = "domains cannot be read (permission Domain.Read.All): federated accounts are not told apart, and Graph \
                   refuses them";
    let groups = "groups that hold directory roles cannot be read (permission GroupMember.Read.All): accounts that hold \
                  a role through one are not told apart";
    let unread =
        [(tenant.roles.is_none(), roles), (tenant.has_unread_groups, groups), (tenant.federated.is_none(), domains)];
    unread.into_iter().filter(|(is_unread, _)| *is_unread).map(|(_, warning)| warning)
}

/// The accounts of the plan, in roster order.
struct Accounts<'a> {
    ledger: &'a mut Ledger,
    clock: Clock,
    standards: Standards<'a>,
    after: u64,
    away: HashMap<u64, Asked>,
    /// Roles that accounts hold which are to be reset.
    targets: BTreeSet<String>,
}

impl Reading for Accounts<'_> {
    fn ledger(&self) -> &Ledger {
        self.ledger
    }

    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError> {
        let mut next = Vec::new();
        for asked in self.ledger.to_look_up(self.after, most)? {
            let address = Upn::parse(&asked.user_principal_name).map_err(|_| LedgerError::BadAddress(asked.row))?;
            next.push((asked.row, address.clone()));
            self.after = asked.row;
            self.away.insert(asked.row, Asked { row: asked.row, line: asked.line, address });
        }
        Ok(next)
    }

    fn keep(&mut self, found: Vec<(u64, Found)>, offset: Option<Offset>) -> Result<(), LedgerError> {
        offset.into_iter().for_each(|offset| self.ledger.learn_clock(offset, self.clock.millis()));
        let mut kept = Vec::with_capacity(found.len());
        for (row, found) in found {
            let Some(asked) = self.away.remove(&row) else { continue };
            let looked = self.standards.classify(&asked, found);
            if let (None, Some(id)) = (&looked.skip, &looked.object_id) {
                self.targets.extend(self.standards.tenant.roles_of(id).iter().cloned());
            }
            kept.push(looked);
        }
        self.ledger.keep_looked(&kept)
    }
}
