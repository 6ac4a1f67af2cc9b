//! The same against a real tenant, if the environment names one. If not, nothing is tested and nothing printed.
//!
//! `PASSWAVE_TEST_TENANT` (its id), `PASSWAVE_TEST_CLIENT_ID`, `PASSWAVE_TEST_CLIENT_SECRET`, and
//! `PASSWAVE_TEST_ACCOUNTS`: up to 19 accounts that exist only for this, separated by commas. Their passwords are
//! changed and thrown away.

use crate::connect;
use passwave::{
    account::upn::Upn,
    graph::{BatchRequest, Graph, Operation, Request},
    password::{BannedWords, ForceChange, Generator, PasswordPolicy, Person, Style},
};

#[tokio::test]
async fn real_tenant_accepts_the_contract() {
    let variable = |name: &str| std::env::var(format!("PASSWAVE_TEST_{name}")).ok();
    let (Some(tenant), Some(client), Some(secret), Some(accounts)) =
        (variable("TENANT"), variable("CLIENT_ID"), variable("CLIENT_SECRET"), variable("ACCOUNTS"))
    else {
        return;
    };
    let (authority, graph) = ("https://login.microsoftonline.com", "https://graph.microsoft.com");
    let graph = connect(authority, graph, (&tenant, &client), secret.into());
    let missing = format!("passwave-nobody@{}", accounts.split(['@', ',']).nth(1).expect("a domain"));
    let names: Vec<&str> = accounts.split(',').map(str::trim).chain([missing.as_str()]).collect();
    let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
    let passwords = Generator::new(&policy).expect("randomness").generate(&vec![Person::default(); names.len()]);
    let writes = names.iter().zip(passwords.expect("passwords")).enumerate();
    let write = |(row, (name, password)): (usize, (&&str, _))| Request {
        row: row as u64,
        address: Upn::parse(name).expect("a name"),
        operation: Operation::SetPassword(password, ForceChange::NextSignIn),
        client_request_id: None,
    };
    let batch = BatchRequest { requests: writes.map(write).collect() };
    let response = graph.send(&batch).await.expect("an answer");
    for reply in response.replies {
        let expected = if reply.row == Some(names.len() as u64 - 1) { 404 } else { 204 };
        assert_eq!(reply.status, expected, "{}: {}", reply.code, reply.message);
    }
}
