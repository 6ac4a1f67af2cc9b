//! Where a call goes: the cloud by its name, and endpoints that were given in its place.
//!
//! A run goes on in the cloud that it was planned for. Endpoints are never taken from a run folder, which may come from a
//! stranger: if it was planned with some, they have to be given again.

use crate::{
    cli::{Call, ConnectArgs, call},
    failure::Failure,
};
use passwave::{
    cloud::{Cloud, OwnEndpoint},
    graph::client::{self, EndpointError},
    plan::Settings,
};

/// A cloud and the two addresses that are used in it.
#[derive(Debug)]
pub struct Destination {
    pub cloud: Cloud,
    pub authority: String,
    pub graph: String,
}

impl Destination {
    /// For a run that is planned now.
    pub fn new(connect: &ConnectArgs) -> Self {
        Self::in_cloud(connect, connect.cloud.unwrap_or_default())
    }

    /// For the run with these settings.
    pub fn of_run(connect: &ConnectArgs, settings: &Settings) -> Result<Self, Failure> {
        Self::of_run_after(call(), connect, settings)
    }

    fn of_run_after(call: &Call, connect: &ConnectArgs, settings: &Settings) -> Result<Self, Failure> {
        let (own, named) = (settings.cloud, connect.cloud.filter(|_| call.says("cloud")));
        if let (Some(own), Some(named)) = (own, named)
            && own != named
        {
            return Err(Failure::usage(format!(
                "this run was planned for the cloud {own}, and --cloud {named} is another one; nothing was sent\n\
                 hint: leave --cloud out, as the run remembers its own"
            )));
        }
        let missing = settings.own_endpoints.iter().filter(|endpoint| given(connect, **endpoint).is_none());
        let missing: Vec<String> = missing.map(|endpoint| format!("--{} URL", endpoint.flag())).collect();
        if !missing.is_empty() {
            let flags = missing.join(" ");
            return Err(Failure::usage(format!(
                "this run was planned with {flags} in place of the cloud's own, and a run folder does not keep such an \
                 address; nothing was sent\nhint: give the same again: {flags}"
            )));
        }
        Ok(Self::in_cloud(connect, own.or(connect.cloud).unwrap_or_default()))
    }

    fn in_cloud(connect: &ConnectArgs, cloud: Cloud) -> Self {
        let address = |endpoint, usual: &str| given(connect, endpoint).unwrap_or(usual).to_owned();
        Self {
            cloud,
            authority: address(OwnEndpoint::Authority, cloud.authority()),
            graph: address(OwnEndpoint::Graph, cloud.graph()),
        }
    }

    /// Which addresses are not the cloud's own.
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

/// What was given for an endpoint, if anything was.
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
    use crate::cli::CallFlag;
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
        let settings = Settings::new(&roster.expect("a roster"), PasswordPolicy::default());
        Settings { cloud, own_endpoints: own_endpoints.to_vec(), ..settings }
    }

    fn of_run(line: &str, settings: &Settings) -> Result<Destination, String> {
        let (connect, call) = connect(line);
        Destination::of_run_after(&call, &connect, settings).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_run_goes_on_in_its_own_cloud() {
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
