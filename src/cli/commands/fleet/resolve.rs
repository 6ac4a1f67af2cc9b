//! Finds out the tenants of a roster's domains, each once, before anything is sent to a tenant.

use crate::cli::{
    args::ConnectArgs,
    commands::{
        connect,
        destination::Destination,
        signals::interrupted,
        system::{Clock, runtime},
        target::Target,
    },
    console::Reporter,
    failure::Failure,
};
use passwave::{
    account::tenant::TenantName,
    fleet::{Split, side_by_side},
    graph::client::{DiscoveryError, tenant_id},
};
use std::collections::HashMap;

/// How many domains are looked up at the same time.
const AT_ONCE: usize = 16;

/// The id of each name, or why it names no tenant.
pub type Ids = HashMap<TenantName, Result<String, String>>;

/// Looks up the domains of `split`. A rehearsal asks nobody: each name is a tenant of its own.
pub fn ids(reporter: &Reporter, split: &Split, connect: &ConnectArgs, target: Target) -> Result<Ids, Failure> {
    let mut names: Vec<TenantName> = split.names().cloned().collect();
    names.sort();
    names.dedup();
    let is_known = |name: &TenantName| matches!(name, TenantName::Id(_)) || target.is_rehearsal();
    if names.iter().all(is_known) {
        return Ok(names.into_iter().map(|name| (name.clone(), Ok(name.as_str().to_owned()))).collect());
    }
    let endpoints = connect::endpoints(connect, &Destination::new(connect))?;
    let (web, authority) = (&endpoints.web, &endpoints.authority);
    let found = runtime(Clock::Real)?.block_on(async {
        let all = side_by_side(names, AT_ONCE, |name| async move {
            let id = tenant_id(web, authority, &name).await;
            (name, id)
        });
        tokio::select! {
            biased;
            found = all => Ok(found),
            () = interrupted(reporter) => Err(Failure::interrupted("interrupted while the tenants were found out; nothing was sent")),
        }
    })?;
    found
        .into_iter()
        .map(|(name, id)| match id {
            Ok(id) => Ok((name, Ok(id))),
            Err(unknown @ DiscoveryError::NoSuchTenant { .. }) => Ok((name, Err(unknown.to_string()))),
            Err(error) => Err(error.into()),
        })
        .collect()
}
