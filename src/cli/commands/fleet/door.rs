//! The sign-in of each tenant: its own credential and tokens, over one HTTP client for all.

use crate::cli::{
    args::ConnectArgs,
    commands::{
        applications::Applications,
        connect::{self, SignIn},
        destination::Destination,
    },
    console::Reporter,
    context::Context,
    failure::Failure,
};
use passwave::{
    engine::pace::AllTenants,
    fleet::{Fleet, Member},
    graph::{
        client::auth::{Endpoints, Needs},
        quota::Quota,
    },
    plan::NamedTenant,
};
use std::collections::HashMap;

/// What the sign-ins of all tenants share.
pub struct Doors<'a> {
    connect: &'a ConnectArgs,
    endpoints: Endpoints,
    applications: Applications,
}

/// The tenant of a member; `None` for the rows without a certain one.
pub fn tenant_of(member: &Member) -> Option<NamedTenant> {
    let id = member.tenant_id.clone().or_else(|| Some(member.name.clone()).filter(|name| !name.is_empty()))?;
    Some(NamedTenant { id, name: member.name.clone(), names: member.names.clone() })
}

impl<'a> Doors<'a> {
    /// Reads the flags. Nothing is sent.
    pub fn open(
        reporter: &Reporter,
        connect: &'a ConnectArgs,
        to: &Destination,
        fleet: &Fleet,
    ) -> Result<Self, Failure> {
        let endpoints = connect::endpoints(connect, to)?;
        let applications = Applications::open(connect.tenants.as_deref())?;
        let tenants: Vec<NamedTenant> = fleet.manifest().tenants.iter().filter_map(tenant_of).collect();
        for name in applications.others(&tenants) {
            reporter.notice(format!("--tenants: {name} is no tenant of this fleet, by this name."));
        }
        Ok(Self { connect, endpoints, applications })
    }

    /// The sign-in of one tenant. Nothing is sent.
    pub fn of(&self, context: &Context, member: &Member, needs: Needs, writeback: bool) -> Result<SignIn, Failure> {
        let tenant = tenant_of(member);
        let place = (self.endpoints.clone(), tenant.as_ref());
        SignIn::at(&context.reporter, self.connect, place, &self.applications, needs)?.for_writeback(writeback)
    }
}

/// The limits over all tenants: one for each application.
#[derive(Default)]
pub struct Limits(HashMap<String, AllTenants>);

impl Limits {
    /// The limit of the application with this id.
    pub fn of(&mut self, client_id: Option<&str>, writes: Quota) -> AllTenants {
        let id = client_id.unwrap_or_default().to_ascii_lowercase();
        self.0.entry(id).or_insert_with(|| AllTenants::new(writes)).clone()
    }
}
