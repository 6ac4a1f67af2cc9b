//! The lookup: reads every account of the plan before anything is sent.
//!
//! It finds out who is signed in and with which permissions, who has directory roles and which domains are federated,
//! and then reads each account. So writes go to object ids, and most disasters show before they happen. It only reads.
//! If a read is not permitted, it says so, and the plan uses the roster's names.
//!
//! Invariant: a row that is skipped here is never sent, and its password is deleted.

mod classify;
mod permissions;
mod tenant;

pub use permissions::permission_warnings;

use crate::{
    account::upn::Upn,
    engine::{
        dispatch::Pace,
        reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
    },
    graph::{Graph, SendError, client::SignInError},
    ledger::{Ledger, LedgerError},
    plan::Lookup,
    roster::exclusions::Exclusions,
    util::{
        clock::{Clock, Offset},
        sanitize,
    },
};
use classify::{Asked, Standards};
use futures_util::{FutureExt, future::FusedFuture};
use std::collections::{BTreeSet, HashMap};
use tenant::Tenant;
pub(super) use tenant::{Patience, ReadFault, page as read_page};

/// Warn about passwords that were set within this time before the lookup: a run that has not ended may have set them.
const RECENT_MINUTES: i64 = 10;

/// The options of a lookup.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LookupOptions {
    /// Speed and patience.
    pub pace: Pace,
    /// Whether the run will revoke sessions. If so, the lookup also checks the permission for that.
    pub revokes_sessions: bool,
}

impl LookupOptions {
    /// Options for a run that does not revoke sessions.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self { pace, ..Self::default() }
    }
}

/// How a lookup ended. It is exhaustive on purpose, as [`RunEnd`](crate::engine::run::RunEnd) is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupEnd {
    /// Every account was looked up.
    Done,
    /// No account was, because it was not wanted or not permitted; the plan uses the roster's names.
    Without,
    /// The caller asked it to stop; the results so far are kept.
    Interrupted,
}

/// Progress of the lookup.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LookupEvent {
    /// This many accounts will be read.
    Begins(u64),
    /// Progress of reading.
    Reading(ReadEvent),
    /// Something that the administrator should know before the run.
    Warning(String),
}

/// Why a lookup stopped early. The results so far are kept, and a later run continues it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// Reading was broken off.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The sign-in failed.
    #[error(transparent)]
    SignIn(SignInError),
    /// The tenant could not be read.
    #[error("the tenant could not be read before the run ({0}); nothing was sent")]
    Tenant(String),
    /// The lookup was required, but is not permitted.
    #[error("accounts cannot be looked up, and the plan requires it ({0}); nothing was sent")]
    Denied(String),
}

impl From<SendError> for LookupError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::SignIn(said) => Self::SignIn(said),
            other => Self::Tenant(sanitize::sentence(&other.to_string())),
        }
    }
}

impl From<LedgerError> for LookupError {
    fn from(error: LedgerError) -> Self {
        Self::Read(error.into())
    }
}

/// Looks up all accounts of the plan that were not looked up yet, and completes the plan with what was found.
///
/// # Errors
/// Says why the lookup cannot continue.
pub async fn look_up<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    options: &LookupOptions,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(LookupEvent),
) -> Result<LookupEnd, LookupError> {
    let rules = ledger.settings().rules;
    if rules.lookup == Lookup::Off {
        let warning = without(ledger, "the plan does not use it")?;
        warning.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning.into())));
        return Ok(LookupEnd::Without);
    }
    let pace = &options.pace;
    let patience = Patience { ledger, clock: pace.clock, away: pace.max_wait, asked: pace.max_asked };
    let (claims, tenant) = (graph.claims().await?, Tenant::read(graph, patience).await?);
    let warnings = permissions::warnings(claims.as_ref(), &tenant, options.revokes_sessions);
    warnings.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning)));
    emit(LookupEvent::Begins(ledger.left_to_look_up()?));
    let exclusions: Exclusions = ledger.exclusions()?.into_iter().collect();
    let current_user =
        claims.as_ref().filter(|claims| !claims.is_application).and_then(|claims| claims.object_id.clone());
    let current_user = current_user.map(|id| id.to_ascii_lowercase());
    let (settings, current_user) = (ledger.settings().clone(), current_user.as_deref());
    let standards =
        Standards { rules, origin: settings.origin(), tenant: &tenant, exclusions: &exclusions, current_user };
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
                "accounts cannot be looked up ({said}): the plan uses the names in the roster; grant the application \
                 User.Read.All to find missing, synced and other accounts first"
            )));
            let warning = without(ledger, &said)?;
            warning.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning.into())));
            return Ok(LookupEnd::Without);
        }
        ReadEnd::Finished => ledger.end_lookup(None)?,
    }
    recent_changes(ledger, pace)?.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning)));
    unknown(&tenant).for_each(|warning| emit(LookupEvent::Warning(warning.into())));
    let role = claims.and_then(|claims| permissions::missing_role(&claims, &tenant, &targets));
    role.into_iter().for_each(|warning| emit(LookupEvent::Warning(warning)));
    Ok(LookupEnd::Done)
}

/// Makes the plan use the roster's names, because nothing is looked up for the reason `said`. Returns what the
/// administrator should know about that.
pub fn without(ledger: &mut Ledger, said: &str) -> Result<Option<&'static str>, LedgerError> {
    ledger.end_lookup(Some(said))?;
    let warning = "without a lookup, passwave recognizes an excluded account only if the roster names it in the same way: \
                   not if one has its name and the other its object id, or another of its names";
    Ok((!ledger.exclusions()?.is_empty()).then_some(warning))
}

/// A warning about passwords that were set moments before this run would set new ones.
fn recent_changes(ledger: &Ledger, pace: &Pace) -> Result<Option<String>, LedgerError> {
    let now = ledger.directory_time(pace.clock.millis());
    let (number, names) = ledger.changed_since(now - RECENT_MINUTES * 60_000)?;
    let names: Vec<_> = names.iter().map(|name| sanitize::line(name)).collect();
    let more = if number > names.len() as u64 { ", …" } else { "" };
    let accounts = if number == 1 { "account" } else { "accounts" };
    Ok((number > 0).then(|| {
        format!(
            "{number} {accounts} of this plan got a new password within the last {} minutes, or were created then ({}{more}): \
             another run may be working on them, and the password that is written last counts",
            RECENT_MINUTES,
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

/// What could not be read about the tenant, and the consequences.
fn unknown(tenant: &Tenant) -> impl Iterator<Item = &'static str> {
    let roles = "directory roles cannot be read (permission RoleManagement.Read.Directory): accounts that hold one are \
        not recognized, and Graph refuses those with a higher role than the application";
    let domains = "domains cannot be read (permission Domain.Read.All): federated accounts are not recognized, and \
        Graph refuses them";
    let groups = "groups that hold directory roles cannot be read (permission GroupMember.Read.All): accounts that \
        hold a role through one are not recognized";
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
    /// Roles of accounts that will be reset.
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
