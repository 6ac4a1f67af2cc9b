//! What is read about the whole tenant: who has directory roles, and which domains are federated.
//!
//! Each read needs its own permission, and none is worth stopping for: what cannot be read is reported as unknown.

use super::LookupError;
use crate::{
    graph::{Graph, Page, SendError},
    ledger::{Ledger, LedgerError, OnHold},
    outcome::{Asked, Verdict},
    util::clock::Clock,
};
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Every assignment of a directory role, with the principal that has it.
const ROLE_ASSIGNMENTS: &str = "roleManagement/directory/roleAssignments?$expand=principal";
const DOMAINS: &str = "domains?$select=id,authenticationType";
/// A list with more pages counts as endless.
const PAGES_MAX: usize = 10_000;
/// How long to wait out problems, and where waits are stored for the next process.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Patience<'a> {
    /// The ledger, in which waits are noted that Graph asks for.
    pub(in crate::engine) ledger: &'a Ledger,
    /// The clock by which they are noted.
    pub(in crate::engine) clock: Clock,
    /// While the service is unavailable.
    pub(in crate::engine) away: Duration,
    /// If Graph asks for a wait.
    pub(in crate::engine) asked: Duration,
}

/// Why a list was not read.
pub(in crate::engine) enum ReadFault {
    /// Graph did not give it.
    Send(SendError),
    /// The ledger cannot be read or written.
    Ledger(LedgerError),
}

impl From<SendError> for ReadFault {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<LedgerError> for ReadFault {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl From<ReadFault> for LookupError {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Send(error) => error.into(),
            ReadFault::Ledger(error) => error.into(),
        }
    }
}

/// Longest wait between two attempts, unless Graph asks for a longer one.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long to try to reach Graph: a user who starts a job wants to know at once if there is no network.
const REACH_MAX: Duration = Duration::from_secs(5);

/// The tenant, as far as it could be read.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    /// The template ids of each principal's roles, by object id.
    pub(super) roles: Option<HashMap<String, Vec<String>>>,
    /// Whether a group has a role but its members could not be read.
    pub(super) has_unread_groups: bool,
    /// The federated domains, in lower case.
    pub(super) federated: Option<HashSet<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleAssignment {
    principal_id: String,
    role_definition_id: String,
    #[serde(default)]
    principal: Option<Principal>,
}

#[derive(Deserialize)]
struct Principal {
    #[serde(default, rename = "@odata.type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Member {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    id: String,
    authentication_type: Option<String>,
}

impl Tenant {
    /// Reads everything that may be read, within `patience`.
    ///
    /// # Errors
    /// Fails if the sign-in fails, if the service stays unavailable, or if the ledger cannot be used.
    pub(super) async fn read(graph: &impl Graph, patience: Patience<'_>) -> Result<Self, ReadFault> {
        let assignments = allowed(collection::<RoleAssignment>(graph, ROLE_ASSIGNMENTS, patience).await)?;
        let (mut roles, mut has_unread_groups) = (None, false);
        if let Some(assignments) = assignments {
            let (holders, unread) = holders(graph, assignments, patience).await?;
            (roles, has_unread_groups) = (Some(holders), unread);
        }
        let federated = allowed(collection::<Domain>(graph, DOMAINS, patience).await)?.map(|domains| {
            let is_federated = |domain: &Domain| {
                domain.authentication_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("federated"))
            };
            domains.into_iter().filter(is_federated).map(|domain| domain.id.to_ascii_lowercase()).collect()
        });
        Ok(Self { roles, has_unread_groups, federated })
    }

    /// The roles of a principal.
    pub(super) fn roles_of(&self, object_id: &str) -> &[String] {
        self.roles.as_ref().and_then(|roles| roles.get(object_id)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_federated(&self, user_principal_name: &str) -> bool {
        let domain = user_principal_name.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
        domain.zip(self.federated.as_ref()).is_some_and(|(domain, federated)| federated.contains(&domain))
    }
}

/// The list, or `None` if it may not be read or this tenant does not offer it. A temporary failure is neither: without
/// the list, administrators would count as ordinary accounts.
#[expect(clippy::result_large_err, reason = "a reply that refuses a whole batch is rare, and moved once")]
fn allowed<T>(list: Result<T, ReadFault>) -> Result<Option<T>, ReadFault> {
    match list {
        Err(ReadFault::Send(error @ SendError::Refused(_))) if wait_after(&error).is_none() => Ok(None),
        other => other.map(Some),
    }
}

/// The roles of each object id, direct or through a group; and whether a group could not be read.
async fn holders(
    graph: &impl Graph,
    assignments: Vec<RoleAssignment>,
    patience: Patience<'_>,
) -> Result<(HashMap<String, Vec<String>>, bool), ReadFault> {
    let (mut holders, mut unread) = (HashMap::<String, Vec<String>>::new(), false);
    for assignment in assignments {
        let mut principals = vec![assignment.principal_id];
        let kind = assignment.principal.and_then(|principal| principal.kind);
        if kind.is_some_and(|kind| kind.ends_with("group")) {
            let members = format!("groups/{}/transitiveMembers?$select=id", principals[0]);
            let members = allowed(collection::<Member>(graph, &members, patience).await)?;
            unread |= members.is_none();
            principals = members.into_iter().flatten().map(|member| member.id).collect();
        }
        for principal in principals {
            let role = assignment.role_definition_id.to_ascii_lowercase();
            holders.entry(principal.to_ascii_lowercase()).or_default().push(role);
        }
    }
    Ok((holders, unread))
}

/// All members of a collection that can be parsed.
async fn collection<T: for<'de> Deserialize<'de>>(
    graph: &impl Graph,
    url: &str,
    patience: Patience<'_>,
) -> Result<Vec<T>, ReadFault> {
    let (mut members, mut next) = (Vec::new(), Some(url.to_owned()));
    for _ in 0..PAGES_MAX {
        let Some(url) = next else { return Ok(members) };
        let page = page(graph, &url, patience).await?;
        members.extend(page.value.iter().filter_map(|member| serde_json::from_str(member.get()).ok()));
        next = page.next;
    }
    Err(SendError::Lost("a list of the directory does not end".into()).into())
}

/// One page, with retries while they may help.
pub(in crate::engine) async fn page(graph: &impl Graph, url: &str, patience: Patience<'_>) -> Result<Page, ReadFault> {
    let Patience { ledger, clock, away, asked: asked_max } = patience;
    sleep(ledger.hold_left(OnHold::TenantReads, clock.millis())?).await;
    let began = Instant::now();
    let mut pause = Duration::from_secs(1);
    loop {
        let error = match graph.page(url).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        keep_wait(patience, wait_after(&error).unwrap_or_default())?;
        let patience = if matches!(error, SendError::NotSent(_)) { REACH_MAX } else { away };
        let is_bearable = |asked: &Duration| began.elapsed() < patience && *asked <= asked_max;
        let wait = wait_after(&error).filter(is_bearable).map(|asked| asked.max(pause));
        let Some(wait) = wait else { return Err(error.into()) };
        sleep(wait).await;
        pause = (pause * 2).min(WAIT_MAX);
    }
}

/// Notes a wait that Graph asked for now, so that the next process keeps it if this one is killed.
fn keep_wait(patience: Patience<'_>, asked: Duration) -> Result<(), LedgerError> {
    if asked.is_zero() {
        return Ok(());
    }
    let now = patience.clock.millis();
    let until = now.saturating_add(i64::try_from(asked.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX));
    patience.ledger.note_hold(OnHold::TenantReads, (now, until))
}

/// The minimum wait before a retry; `None` if a retry would not help.
fn wait_after(error: &SendError) -> Option<Duration> {
    match error {
        SendError::NotSent(_) | SendError::Lost(_) => Some(Duration::ZERO),
        SendError::Refused(reply) => match reply.verdict(Asked::Account) {
            Verdict::Throttled(wait) | Verdict::Unknown(wait) => Some(wait.unwrap_or_default()),
            Verdict::Busy | Verdict::TokenRefused => Some(Duration::ZERO),
            Verdict::Done | Verdict::PasswordRefused | Verdict::Refused(_) => None,
        },
        SendError::SignIn(_) => None,
    }
}
