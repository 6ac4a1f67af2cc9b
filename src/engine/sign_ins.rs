//! Who of those without a password of their own has tried to sign in since the reset?
//!
//! It refines a sweep: whoever has not tried may not have received the password, and whoever has may need help.
//! `signInActivity` is only read as a list of all users, because Graph allows an application ten such requests a minute.
//! It needs a licence (Entra ID P1 or P2) and `AuditLog.Read.All`; without them it is left out. It changes nothing, in
//! the directory and in the ledger.
//!
//! Invariant: nobody counts as having tried because of a sign-in before the reset.

use super::{
    dispatch::Pace,
    lookup::{LookupError, Patience, ReadFault, read_page},
    pace::{Call, PagePace},
};
use crate::{
    graph::{Graph, Reply, SendError, quota::Quota},
    ledger::{ClaimState, Ledger, LedgerError, ReadLedger, ReportRow},
    outcome::{Asked, Verdict},
    util::sanitize,
};
use futures_util::FutureExt;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::HashMap;

const LIST: &str = "users?$select=id,userPrincipalName,signInActivity";
/// A list with more pages counts as endless.
const PAGES_MAX: usize = 100_000;
/// The part of Graph's code if the tenant has no licence.
const NO_LICENCE: &str = "NonPremiumTenant";

/// What the sign-ins show of the users who have not chosen a password. Users who are not in the list are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    /// They have tried to sign in since the reset, successfully or not.
    pub tried: u64,
    /// They have not.
    pub not_tried: u64,
}

/// How reading the sign-ins ended. It is exhaustive on purpose, as [`RunEnd`](crate::engine::run::RunEnd) is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInsEnd {
    /// They were read.
    Read(SignIns),
    /// The caller asked it to stop.
    Interrupted,
    /// The tenant has no licence for them.
    NoLicence,
    /// The application may not read them; the text says why.
    Denied(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    id: String,
    #[serde(default)]
    user_principal_name: Option<String>,
    #[serde(default)]
    sign_in_activity: Option<Activity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Activity {
    #[serde(default)]
    last_sign_in_date_time: Option<String>,
}

/// Reads the last sign-ins of everybody who had not chosen a password in the last sweep.
///
/// # Errors
/// Fails if the sign-in fails, if the service stays unavailable, or if the ledger cannot be used.
pub async fn read_sign_ins<G: Graph>(
    ledger: &Ledger,
    graph: &G,
    pace: &Pace,
    stop: impl Future<Output = ()>,
) -> Result<SignInsEnd, LookupError> {
    let (mut waiting, mut found) = (resets(ledger)?, SignIns::default());
    let patience = Patience { ledger, clock: pace.clock, away: pace.max_wait, asked: pace.max_asked };
    let mut pages = PagePace::new(Call::SignInActivity, Quota::DOCUMENTED_SIGN_IN_ACTIVITY);
    let (mut stop, mut next) = (std::pin::pin!(stop.fuse()), Some(LIST.to_owned()));
    for _ in 0..PAGES_MAX {
        let Some(url) = next.filter(|_| !waiting.is_empty()) else { return Ok(SignInsEnd::Read(found)) };
        let page = async {
            pages.admit().await;
            read_page(graph, &url, patience).await
        };
        let page = tokio::select! {
            biased;
            () = &mut stop => return Ok(SignInsEnd::Interrupted),
            page = page => page,
        };
        let page = match page {
            Ok(page) => page,
            Err(ReadFault::Send(SendError::Refused(reply))) if is_final(&reply) => return Ok(refused(&reply)),
            Err(fault) => return Err(fault.into()),
        };
        let members = page.value.iter().filter_map(|member| serde_json::from_str(member.get()).ok());
        members.for_each(|member| found.take(&member, &mut waiting));
        next = page.next;
    }
    Err(SendError::Lost("a list of the directory does not end".into()).into())
}

/// When each account was reset, by its id or its name in lower case: the earliest time by the directory's clock.
fn resets(ledger: &ReadLedger) -> Result<HashMap<String, i64>, LedgerError> {
    let mut resets = HashMap::new();
    ledger.for_each_row(|row: ReportRow| {
        if let Some(at) = row.changed_at.filter(|_| row.claimed == Some(ClaimState::No)) {
            let ahead = ledger.clock_at(at).map_or(0, |offset| offset.least);
            resets.insert(row.user_principal_name.to_lowercase(), at.saturating_add(ahead));
        }
        Ok::<_, LedgerError>(())
    })?;
    Ok(resets)
}

impl SignIns {
    fn take(&mut self, member: &Member, waiting: &mut HashMap<String, i64>) {
        let name = member.user_principal_name.as_deref().unwrap_or_default();
        let reset = waiting.remove(&name.to_lowercase()).or_else(|| waiting.remove(&member.id.to_lowercase()));
        let Some(reset) = reset else { return };
        let last = member.sign_in_activity.as_ref().and_then(|activity| activity.last_sign_in_date_time.as_deref());
        let last: Option<Timestamp> = last.and_then(|time| time.parse().ok());
        match last.is_some_and(|last| last.as_millisecond() >= reset) {
            true => self.tried += 1,
            false => self.not_tried += 1,
        }
    }
}

/// Whether another try would be refused, too.
fn is_final(reply: &Reply) -> bool {
    matches!(reply.verdict(Asked::Account), Verdict::Refused(_))
}

fn refused(reply: &Reply) -> SignInsEnd {
    if reply.code.contains(NO_LICENCE) {
        SignInsEnd::NoLicence
    } else {
        SignInsEnd::Denied(sanitize::sentence(&reply.whole()))
    }
}
