//! Requests that are sent by themselves: a reset on premises, and the look at its operation, over both ways to the
//! simulated tenant.

use crate::served::Served;
use passwave::{
    account::upn::Upn,
    graph::{
        Graph, NOT_AT_GRAPH, Operation, Reply, Request, SendError,
        client::{
            GraphClient, ProxyUse, Web,
            auth::{Credential, Endpoints, Method, PersonOptions, Variables},
            endpoint, graph_endpoint, http_client,
        },
    },
    password::Password,
    simulator::{Account, AccountKind, Simulator},
};
use std::time::Duration;

/// Tests a rule over both ways, each with a fresh tenant that has these faults and is signed in as a person.
macro_rules! rule {
    ($($name:ident, $faults:expr;)*) => {
        mod in_process {
            $(#[tokio::test]
            async fn $name() {
                let served = super::tenant($faults);
                served.tenant.sign_in_as_person();
                super::$name(&*served.tenant, &served.tenant).await;
            })*
        }
        mod over_http {
            $(#[tokio::test]
            async fn $name() {
                let served = super::tenant($faults);
                super::$name(&super::person(&served.url), &served.tenant).await;
            })*
        }
    };
}

rule! {
    accepted_passwords_are_set_later, r#"{"writeback": {"seconds": 0.3}}"#;
    refusals_of_the_directory_are_operations_that_fail, r#"{"writeback": {"seconds": 0, "refused": 1}}"#;
    answers_without_an_address_are_answers, r#"{"writeback": {"without_address": 1}}"#;
    only_synced_accounts_are_reset_on_premises, "{}";
    limit_is_kept_by_the_tenant, "{}";
    lost_answers_are_lost, r#"{"requests": {"lost_after": 1}}"#;
}

const SYNCED: &str = "o'brien@contoso.com";

fn tenant(faults: &str) -> Served {
    let token = r#""token": {"device_polls": 0, "device_interval_seconds": 0}"#;
    let comma = if faults == "{}" { "" } else { ", " };
    let served = Served::new(&["ann@contoso.com".into()], &format!("{{{token}{comma}{}", &faults[1..]));
    served.tenant.add(Account { kind: AccountKind::Synced, ..Account::normal(SYNCED) });
    served
}

/// A client that a person has signed in to.
fn person(url: &str) -> GraphClient<Credential> {
    let endpoints = Endpoints {
        authority: endpoint(url).expect("a URL"),
        graph: graph_endpoint(url).expect("a URL"),
        web: Web::new(None).expect("a client"),
    };
    let variables = Variables::new(&|_| None);
    let credential = Credential::open(Method::DeviceCode, &endpoints, &variables, PersonOptions::new(Box::new(|_| {})));
    let credential = credential.expect("a credential").for_writeback().expect("a person");
    GraphClient::new(http_client(ProxyUse::Never).expect("a client"), &endpoints.graph, credential)
}

async fn send(graph: &impl Graph, name: &str, operation: Operation) -> Result<Reply, SendError> {
    let request = Request::new(7, Upn::parse(name).expect("a name"), operation);
    let mut response = graph.send_alone(&request).await?;
    assert!(response.replies.len() == 1 && response.date.is_some());
    let reply = response.replies.remove(0);
    assert_eq!(reply.row, Some(7));
    Ok(reply)
}

async fn reset(graph: &impl Graph, name: &str) -> Reply {
    let operation = Operation::ResetOnPremises(Password::new("Correct-Horse-7".into()));
    send(graph, name, operation).await.expect("an answer")
}

async fn follow(graph: &impl Graph, url: &str) -> (String, String) {
    let reply = send(graph, SYNCED, Operation::Follow(url.to_owned())).await.expect("an answer");
    let operation = reply.operation.expect("an operation");
    (operation.status, operation.detail)
}

async fn accepted_passwords_are_set_later(graph: &impl Graph, tenant: &Simulator) {
    let reply = reset(graph, SYNCED).await;
    let url = reply.location.expect("an address");
    assert_eq!(reply.status, 202);
    assert!(
        url.contains("/authentication/operations/") && url.contains("?aadgdc=") && url.contains("&aadgsu="),
        "{url}"
    );
    while follow(graph, &url).await.0 == "running" {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(follow(graph, &url).await, ("succeeded".to_owned(), "ResetSuccess".to_owned()));
    assert!(tenant.holds(SYNCED, "Correct-Horse-7"));
    assert_eq!((tenant.operations_of(SYNCED), tenant.tally().writes), (1, 0));
}

async fn refusals_of_the_directory_are_operations_that_fail(graph: &impl Graph, tenant: &Simulator) {
    let url = reset(graph, SYNCED).await.location.expect("an address");
    let (status, detail) = follow(graph, &url).await;
    assert!(status == "failed" && detail.contains("policy"), "{detail}");
    assert!(tenant.ever_given(SYNCED).is_empty());
}

async fn answers_without_an_address_are_answers(graph: &impl Graph, tenant: &Simulator) {
    let reply = reset(graph, SYNCED).await;
    assert_eq!((reply.status, reply.location, tenant.operations_of(SYNCED)), (202, None, 1));
}

async fn only_synced_accounts_are_reset_on_premises(graph: &impl Graph, tenant: &Simulator) {
    assert_eq!(reset(graph, "ann@contoso.com").await.status, 400);
    assert_eq!(reset(graph, "nobody@contoso.com").await.status, 404);
    assert_eq!(tenant.tally().operations, 0);
}

async fn limit_is_kept_by_the_tenant(graph: &impl Graph, tenant: &Simulator) {
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let reply = reset(graph, SYNCED).await;
        assert_eq!(reply.status == 429, reply.retry_after.is_some());
        statuses.push(reply.status);
    }
    assert_eq!(statuses[..5], [202; 5]);
    assert!(statuses[5..].contains(&429), "{statuses:?}");
    assert!(tenant.tally().throttled > 0);
}

async fn lost_answers_are_lost(graph: &impl Graph, tenant: &Simulator) {
    let operation = Operation::ResetOnPremises(Password::new("Correct-Horse-7".into()));
    assert!(matches!(send(graph, SYNCED, operation).await, Err(SendError::Lost(_))));
    assert_eq!(tenant.operations_of(SYNCED), 1, "sent exactly once");
}

#[tokio::test]
async fn tokens_stay_at_graph() {
    let served = tenant("{}");
    let (graph, elsewhere) = (person(&served.url), tenant("{}"));
    for url in [
        format!("{}/v1.0/users/x/authentication/operations/y", elsewhere.url),
        "https://graph.example/v1.0/users/x/authentication/operations/y".to_owned(),
        format!("{}/v1.0/users", served.url.replace("http://", "http://user:secret@")),
        "ftp://graph.microsoft.com/v1.0".to_owned(),
    ] {
        let request = Request::new(7, Upn::parse(SYNCED).expect("a name"), Operation::Follow(url.clone()));
        let response = graph.send_alone(&request).await.expect("a reply");
        let code = response.replies[0].code.as_str();
        assert!(code == NOT_AT_GRAPH || url.starts_with("ftp"), "{url}: {code}");
    }
    assert_eq!((elsewhere.tenant.tally().tokens_refused, elsewhere.tenant.tally().polls), (0, 0));
}

#[tokio::test]
async fn applications_are_refused() {
    let served = tenant("{}");
    let reply = reset(&*served.tenant, SYNCED).await;
    assert_eq!((reply.status, reply.code.as_str(), served.tenant.operations_of(SYNCED)), (403, "accessDenied", 0));
}
