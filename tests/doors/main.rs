//! The doors: each against a loopback endpoint of its own that keeps what arrives, and then through the program itself.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../support/served.rs"]
mod served;

mod azure_cli;
mod certificate;
mod desk;
mod device_code;
mod ends;
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

use desk::Desk;
use passwave::graph::client::{
    Door, SignInError, Web,
    doors::{Method, Site, Variables},
    endpoint,
};

const TENANT: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const CLIENT: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
/// What must never be shown.
const SECRET: &str = "s3cret+/=&~Q";

/// Sign-in and Graph at `desk`.
fn site(desk: &Desk) -> Site {
    let url = endpoint(&desk.url).expect("a URL");
    Site { web: Web::new(None).expect("clients"), authority: url.clone(), graph: url }
}

/// The door that `method` names, before `desk`, where `variables` are set.
fn open(method: Method, desk: &Desk, variables: &[(&str, &str)]) -> Result<Door, SignInError> {
    let get = lookup(variables);
    Door::open(method, &site(desk), &Variables::new(&get), None, Box::new(|_| {}))
}

fn lookup(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    |name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned())
}

/// What a door says that cannot be opened.
fn refusal(method: Method, desk: &Desk, variables: &[(&str, &str)]) -> String {
    open(method, desk, variables).err().expect("refused").to_string()
}
