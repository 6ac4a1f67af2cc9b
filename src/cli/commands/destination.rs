//! The cloud and the endpoints of a call.
//!
//! A run continues in the cloud for which it was planned. Endpoints are never taken from a run folder, because it may
//! come from a stranger: if the run was planned with some, they must be given again.

use crate::cli::{
    args::{Call, ConnectArgs},
    failure::Failure,
};
use passwave::{
    graph::{
        client::{self, EndpointError},
        cloud::{Cloud, OwnEndpoint},
    },
    plan::{NamedTenant, Settings},
};

/// A cloud and its two addresses.
#[derive(Debug)]
pub struct Destination {
    pub cloud: Cloud,
    pub authority: String,
    pub graph: String,
    /// The tenant of the run, if the plan names it.
    pub tenant: Option<NamedTenant>,
}

impl Destination {
    /// For a run that is planned now.
    pub fn new(connect: &ConnectArgs) -> Self {
        Self::in_cloud(connect, connect.cloud.unwrap_or_default())
    }

    /// For the run with these settings.
    pub fn of_run(call: &Call, connect: &ConnectArgs, settings: &Settings) -> Result<Self, Failure> {
        let (own, named) = (settings.cloud, connect.cloud.filter(|_| call.has_argument("cloud")));
        if let (Some(own), Some(named)) = (own, named)
            && own != named
        {
            return Err(Failure::usage(format!(
                "this run was planned for the cloud {own}, but --cloud names {named}; nothing was sent"
            ))
            .hint("leave out --cloud: the run remembers its cloud"));
        }
        let missing = settings.own_endpoints.iter().filter(|endpoint| given(connect, **endpoint).is_none());
        let missing: Vec<String> = missing.map(|endpoint| format!("--{} URL", endpoint.flag())).collect();
        if !missing.is_empty() {
            let flags = missing.join(" ");
            return Err(Failure::usage(format!(
                "this run was planned with {flags} instead of the cloud's own endpoints, and a run folder does not \
                 store them; nothing was sent"
            ))
            .hint(format!("give the same again: {flags}")));
        }
        let destination = Self::in_cloud(connect, own.or(connect.cloud).unwrap_or_default());
        Ok(Self { tenant: settings.tenant.clone(), ..destination })
    }

    fn in_cloud(connect: &ConnectArgs, cloud: Cloud) -> Self {
        let address = |endpoint, usual: &str| given(connect, endpoint).unwrap_or(usual).to_owned();
        Self {
            cloud,
            authority: address(OwnEndpoint::Authority, cloud.authority()),
            graph: address(OwnEndpoint::Graph, cloud.graph()),
            tenant: None,
        }
    }

    /// The endpoints that are not the cloud's own.
    pub fn own_endpoints(&self) -> Result<Vec<OwnEndpoint>, EndpointError> {
        let pairs = [
            (OwnEndpoint::Graph, &*self.graph, self.cloud.graph()),
            (OwnEndpoint::Authority, &*self.authority, self.cloud.authority()),
        ];
        let mut own = Vec::new();
        for (endpoint, used, usual) in pairs {
            let read = match endpoint {
                OwnEndpoint::Graph => client::graph_endpoint,
                OwnEndpoint::Authority => client::endpoint,
            };
            if read(used)? != read(usual)? {
                own.push(endpoint);
            }
        }
        Ok(own)
    }
}

/// The address that was given for an endpoint, if any.
fn given(connect: &ConnectArgs, endpoint: OwnEndpoint) -> Option<&str> {
    let given = match endpoint {
        OwnEndpoint::Graph => &connect.graph_endpoint,
        OwnEndpoint::Authority => &connect.authority_host,
    };
    given.as_deref().filter(|given| !given.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::CallFlag;
    use clap::{Args, FromArgMatches};
    use passwave::{
        password::PasswordPolicy,
        roster::{Roster, RosterOptions},
    };

    fn connect(line: &str) -> (ConnectArgs, Call) {
        let command = ConnectArgs::augment_args(clap::Command::new("run").no_binary_name(true));
        let matches = command.get_matches_from(line.split_whitespace());
        let flag = CallFlag { id: "cloud".into(), long: "cloud".into(), values: Vec::new(), origin: None };
        let flags = if line.contains("--cloud") { vec![flag] } else { Vec::new() };
        (ConnectArgs::from_arg_matches(&matches).expect("flags"), Call { flags, ..Call::default() })
    }

    fn settings(cloud: Option<Cloud>, own_endpoints: &[OwnEndpoint]) -> Settings {
        let roster = Roster::from_bytes("r.csv", b"ann@contoso.com\n".to_vec(), &RosterOptions::default());
        let mut settings = Settings::new(&roster.expect("a roster"), PasswordPolicy::default());
        settings.cloud = cloud;
        settings.own_endpoints = own_endpoints.to_vec();
        settings
    }

    fn of_run(line: &str, settings: &Settings) -> Result<Destination, String> {
        let (connect, call) = connect(line);
        Destination::of_run(&call, &connect, settings).map_err(|failure| failure.to_string())
    }

    #[test]
    fn runs_stay_in_their_cloud() {
        let own = settings(Some(Cloud::Usgov), &[]);
        for line in ["", "--cloud usgov"] {
            let destination = of_run(line, &own).expect("its own cloud");
            assert_eq!(
                (destination.cloud, &*destination.graph),
                (Cloud::Usgov, "https://graph.microsoft.us"),
                "{line}"
            );
        }
        let refused = of_run("--cloud china", &own).expect_err("another cloud");
        assert!(refused.contains("planned for the cloud usgov") && refused.contains("nothing was sent"), "{refused}");
        let older = settings(None, &[]);
        assert_eq!(of_run("--cloud china", &older).expect("as said").cloud, Cloud::China);
        assert_eq!(of_run("", &older).expect("as ever").cloud, Cloud::Global);
    }

    #[test]
    fn endpoints_have_to_be_given_again() {
        let (there, _) =
            connect("--graph-endpoint http://127.0.0.1:1 --authority-host https://login.microsoftonline.com/");
        let own = Destination::new(&there).own_endpoints().expect("addresses");
        assert_eq!(own, [OwnEndpoint::Graph], "a slash at the end makes no other address");
        let refused = of_run("", &settings(Some(Cloud::Global), &own)).expect_err("an address is missing");
        assert!(refused.ends_with("give the same again: --graph-endpoint URL"), "{refused}");
        let moved = of_run("--graph-endpoint http://127.0.0.1:2", &settings(Some(Cloud::Global), &own));
        assert_eq!(moved.expect("given").graph, "http://127.0.0.1:2");
    }
}
