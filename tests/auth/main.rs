//! The sign-in methods: each against its own loopback endpoint, which records the requests, and then through the
//! program.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../support/served.rs"]
mod served;

mod azure_cli;
mod browser;
mod browser_program;
mod certificate;
mod device_code;
mod ends;
mod fake_server;
mod key_files;
mod managed;
mod offers;
mod pair;
mod program;
mod proxy;
mod proxy_variables;
mod stage;
mod tenant;
mod workload;

use fake_server::FakeServer;
use passwave::graph::client::{
    Credential, SignInError, Web,
    auth::{Endpoints, Method, PersonOptions, Variables},
    endpoint,
};

const TENANT: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const CLIENT: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
/// A secret that must never be shown.
const SECRET: &str = "s3cret+/=&~Q";

/// Sign-in service and Graph at `server`.
fn endpoints(server: &FakeServer) -> Endpoints {
    let url = endpoint(&server.url).expect("a URL");
    Endpoints { web: Web::new(None).expect("clients"), authority: url.clone(), graph: url }
}

/// The sign-in method against `server`, with these variables set.
fn open(method: Method, server: &FakeServer, variables: &[(&str, &str)]) -> Result<Credential, SignInError> {
    let get = lookup(variables);
    Credential::open(method, &endpoints(server), &Variables::new(&get), person())
}

/// A user who is shown nothing.
fn person() -> PersonOptions {
    PersonOptions::new(Box::new(|_| {}))
}

fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    |name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
}

/// The error for a sign-in method that cannot be used.
fn refusal(method: Method, server: &FakeServer, variables: &[(&str, &str)]) -> String {
    let error = open(method, server, variables).err().expect("refused");
    format!("{error} {error:?}")
}
