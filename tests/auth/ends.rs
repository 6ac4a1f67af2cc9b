//! A token that cannot be renewed ends the sending once, not row by row, with every sign-in method.

use crate::{
    CLIENT, SECRET, TENANT, azure_cli, device_code, endpoints,
    fake_server::{self, FakeAnswer, FakeServer, Seen},
    pair::Pair,
    person,
};
use passwave::{
    account::upn::Upn,
    graph::{
        BatchRequest, Graph, Operation, Request, SendError,
        client::{
            Credential, GraphClient,
            auth::{AzureCli, Method, Variables},
        },
    },
    password::{ForceChange, Password},
};
use serde_json::json;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

fn batch() -> BatchRequest {
    let password = Password::new("Correct-Horse-1".into());
    let write = Request {
        row: 1,
        address: Upn::parse("ann@contoso.com").expect("a name"),
        operation: Operation::SetPassword(password, ForceChange::NextSignIn),
        client_request_id: None,
    };
    BatchRequest { requests: vec![write] }
}

/// The sign-in service, pipeline and Graph in one. It accepts everyone, but once `shut`, Graph refuses every token.
fn answer(seen: &Seen, shut: bool) -> FakeAnswer {
    match (seen.path.as_str(), shut) {
        ("/v1.0/$batch", true) => (401, json!({"error": {"code": "InvalidAuthenticationToken", "message": "expired"}})),
        ("/v1.0/$batch", false) => (200, json!({"responses": [{"id": "1", "status": 204}]})),
        (path, false) if path.ends_with("/devicecode") => device_code::code(),
        ("/vouch", _) => (200, json!({"value": "a.b.c"})),
        (_, false) => (200, json!({"access_token": "a.b.c", "expires_in": 3599, "refresh_token": SECRET})),
        (_, true) => fake_server::refused(401, "invalid_client", 7_000_112, "The application is disabled."),
    }
}

/// Sends one batch, makes Graph refuse tokens, and checks how the sending ends.
async fn ends(name: &str, server: &FakeServer, shut: &AtomicBool, credential: Credential, close: impl FnOnce()) {
    let graph = endpoints(server).graph;
    let client = GraphClient::new(endpoints(server).web.client(&graph).clone(), &graph, credential);
    client.send(&batch()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    shut.store(true, Ordering::SeqCst);
    close();
    let refused = client.send(&batch()).await;
    assert!(matches!(&refused, Err(SendError::Refused(reply)) if reply.status == 401), "{name}");
    let sent = |server: &FakeServer| server.seen().iter().filter(|seen| seen.path == "/v1.0/$batch").count();
    assert_eq!(sent(server), 2, "{name}");
    let Err(SendError::SignIn(told)) = client.send(&batch()).await else { panic!("{name}: it continues") };
    let told = format!("{told} {told:?}");
    assert!(!told.contains("hint: ") && !told.contains(SECRET) && !told.contains("a.b.c"), "{name}: {told}");
    assert_eq!(sent(server), 2, "{name}: nothing is sent without a token");
}

fn shuttable() -> (FakeServer, Arc<AtomicBool>) {
    let shut = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&shut);
    (FakeServer::new(move |seen| answer(seen, shared.load(Ordering::SeqCst))), shut)
}

#[tokio::test]
async fn failed_renewal_ends_every_method() {
    let place = tempfile::tempdir().expect("a folder");
    let [pem, file] = ["both.pem", "token"].map(|name| place.path().join(name));
    fs::write(&pem, Pair::rsa().pem()).expect("written");
    fs::write(&file, "a.b.c").expect("written");
    let (pem, file) = (pem.to_str().expect("text"), file.to_str().expect("text"));
    for (name, method) in [
        ("AZURE_CLIENT_SECRET", Method::Secret),
        ("AZURE_CLIENT_CERTIFICATE_PATH", Method::Certificate),
        ("AZURE_FEDERATED_TOKEN_FILE", Method::Workload),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", Method::Workload),
        ("SYSTEM_OIDCREQUESTURI", Method::Workload),
        ("IDENTITY_ENDPOINT", Method::Managed),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", Method::Managed),
        ("device code", Method::DeviceCode),
    ] {
        let (server, shut) = shuttable();
        let get = |wanted: &str| {
            let value = match wanted {
                "AZURE_TENANT_ID" => TENANT.to_owned(),
                "AZURE_CLIENT_ID" => CLIENT.to_owned(),
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN" | "SYSTEM_ACCESSTOKEN" | "IDENTITY_HEADER" => SECRET.to_owned(),
                "AZURE_SERVICE_CONNECTION_ID" => "c".to_owned(),
                _ if wanted != name => return None,
                "AZURE_CLIENT_SECRET" => SECRET.to_owned(),
                "AZURE_CLIENT_CERTIFICATE_PATH" => pem.to_owned(),
                "AZURE_FEDERATED_TOKEN_FILE" => file.to_owned(),
                "AZURE_POD_IDENTITY_AUTHORITY_HOST" | "IDENTITY_ENDPOINT" => server.url.clone(),
                _ => format!("{}/vouch", server.url),
            };
            Some(value)
        };
        let credential =
            Credential::open(method, &endpoints(&server), &Variables::new(&get), person()).expect("a credential");
        ends(name, &server, &shut, credential, || {}).await;
    }
}

#[tokio::test]
async fn signed_out_azure_cli_ends_too() {
    let place = tempfile::tempdir().expect("a folder");
    let program = azure_cli::fake(place.path(), &azure_cli::output("a.b.c"), "");
    let (server, shut) = shuttable();
    let credential = Credential::Cli(AzureCli::new(&endpoints(&server), program.into(), None).expect("a credential"));
    let sign_out = || drop(azure_cli::fake(place.path(), "", "ERROR: Please run 'az login' to setup account."));
    ends("Azure CLI", &server, &shut, credential, sign_out).await;
}
