//! What is read of the tenant as a whole: who holds directory roles, and which domains are federated.
//!
//! Each needs a permission of its own, and nothing here is worth stopping for: what cannot be read is not known, and is
//! told.

use crate::{
    graph::{Graph, Page, SendError},
    outcome::{Asked, Verdict},
};
use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// Every assignment of a directory role, with its holder.
const ROLE_ASSIGNMENTS: &str = "roleManagement/directory/roleAssignments?$expand=principal";
const DOMAINS: &str = "domains?$select=id,authenticationType";
/// Pages after which a list is taken for endless.
const PAGES_MAX: usize = 10_000;
/// How long trouble is waited out.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// With a service that is away.
    pub(super) away: Duration,
    /// Where Graph asks for a wait.
    pub(super) asked: Duration,
}

/// Longest wait between two attempts, unless Graph asks for more.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long Graph is tried to be reached: whoever starts a job wants to know at once that there is no network.
const REACH_MAX: Duration = Duration::from_secs(5);

/// The tenant, as far as it can be read.
#[derive(Debug, Default)]
pub(super) struct Tenant {
    /// Template ids of the roles that each principal holds, by its object id.
    pub(super) roles: Option<HashMap<String, Vec<String>>>,
    /// Whether a group holds a role whose members could not be read.
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
    /// Reads what may be read, with so much `patience`.
    ///
    /// # Errors
    /// Where nobody can sign in, or the service stays away.
    pub(super) async fn read(graph: &impl Graph, patience: Patience) -> Result<Self, SendError> {
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

    /// The roles that a principal holds.
    pub(super) fn roles_of(&self, object_id: &str) -> &[String] {
        self.roles.as_ref().and_then(|roles| roles.get(object_id)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn is_federated(&self, user_principal_name: &str) -> bool {
        let domain = user_principal_name.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
        domain.zip(self.federated.as_ref()).is_some_and(|(domain, federated)| federated.contains(&domain))
    }
}

/// A list, or nothing where it may not be read or is not to be had in this tenant. A list that was only put off is
/// neither: to go on without it would take administrators for ordinary accounts.
fn allowed<T>(list: Result<T, SendError>) -> Result<Option<T>, SendError> {
    match list {
        Err(error @ SendError::Refused(_)) if wait_after(&error).is_none() => Ok(None),
        other => other.map(Some),
    }
}

/// Who holds which roles, by object id, themselves or as members of a group; and whether a group could not be read.
async fn holders(
    graph: &impl Graph,
    assignments: Vec<RoleAssignment>,
    patience: Patience,
) -> Result<(HashMap<String, Vec<String>>, bool), SendError> {
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

/// All members of a collection that can be understood.
async fn collection<T: for<'de> Deserialize<'de>>(
    graph: &impl Graph,
    url: &str,
    patience: Patience,
) -> Result<Vec<T>, SendError> {
    let (mut members, mut next) = (Vec::new(), Some(url.to_owned()));
    for _ in 0..PAGES_MAX {
        let Some(url) = next else { return Ok(members) };
        let page = page(graph, &url, patience).await?;
        members.extend(page.value.iter().filter_map(|member| serde_json::from_str(member.get()).ok()));
        next = page.next;
    }
    Err(SendError::Lost("a list of the directory does not end".into()))
}

/// One page, asked for again while that may help.
async fn page(graph: &impl Graph, url: &str, patience: Patience) -> Result<Page, SendError> {
    let Patience { away, asked: asked_max } = patience;
    let began = Instant::now();
    let mut pause = Duration::from_secs(1);
    loop {
        let error = match graph.page(url).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let patience = if matches!(error, SendError::NotSent(_)) { REACH_MAX } else { away };
        let is_bearable = |asked: &Duration| began.elapsed() < patience && *asked <= asked_max;
        let wait = wait_after(&error).filter(is_bearable).map(|asked| asked.max(pause));
        let Some(wait) = wait else { return Err(error) };
        sleep(wait).await;
        pause = (pause * 2).min(WAIT_MAX);
    }
}

/// How long to wait at least before asking again; none where that would not help.
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
