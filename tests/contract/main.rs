//! What the run relies on from a [`Graph`](passwave::graph::Graph). One suite runs against the simulator in process,
//! the client over loopback HTTP, and a real tenant if one is configured. Other tests cover what only the client can
//! get wrong.

#[path = "../support/served.rs"]
mod served;

mod alone;
mod client;
mod suite;
mod tenant;
mod wire;

use passwave::{
    account::upn::Upn,
    graph::{
        BatchRequest, Operation, Request,
        client::{ClientSecret, GraphClient, ProxyUse, endpoint, http_client},
    },
    password::{ForceChange, Password},
};
use secrecy::SecretString;

/// A batch that gives each account the password of its row.
fn batch(accounts: &[(u64, &str)]) -> BatchRequest {
    batch_of(accounts, |row| Operation::SetPassword(Password::new(password(row)), ForceChange::NextSignIn))
}

/// A batch with one operation for each account.
fn batch_of(accounts: &[(u64, &str)], operation: impl Fn(u64) -> Operation) -> BatchRequest {
    let request = |(row, name): &(u64, &str)| Request {
        row: *row,
        address: Upn::parse(name).expect("a name"),
        operation: operation(*row),
        client_request_id: None,
    };
    BatchRequest { requests: accounts.iter().map(request).collect() }
}

fn password(row: u64) -> String {
    format!("Correct-Horse-{row}")
}

/// A client that signs in at `authority` and sends to `graph`.
fn connect(authority: &str, graph: &str, ids: (&str, &str), secret: SecretString) -> GraphClient<ClientSecret> {
    let (authority, graph) = (endpoint(authority).expect("a URL"), endpoint(graph).expect("a URL"));
    let proxy = if graph.is_encrypted() { ProxyUse::Environment } else { ProxyUse::Never };
    let http = http_client(proxy).expect("a client");
    let credential = ClientSecret::new(http.clone(), &authority, &graph, ids.0, ids.1, secret).expect("good ids");
    GraphClient::new(http, &graph, credential)
}
