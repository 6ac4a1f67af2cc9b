//! A token that cannot be renewed: through every door it ends the sending once, with a cure, and not row by row.

use crate::{
    CLIENT, SECRET, TENANT, azure_cli,
    desk::{self, Desk, Said, Seen},
    device_code,
    pair::Pair,
    site,
};
use passwave::{
    graph::{
        BatchRequest, Graph, Operation, Request, SendError,
        client::{
            Door, GraphClient,
            doors::{AzureCli, Method, Variables},
        },
    },
    password::ForceChange,
    password::Password,
    upn::Upn,
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
    };
    BatchRequest { requests: vec![write] }
}

/// Sign-in, pipeline and Graph in one: lets everybody in until `shut`, from when on Graph takes no token any more.
fn answer(seen: &Seen, shut: bool) -> Said {
    match (seen.path.as_str(), shut) {
        ("/v1.0/$batch", true) => (401, json!({"error": {"code": "InvalidAuthenticationToken", "message": "expired"}})),
        ("/v1.0/$batch", false) => (200, json!({"responses": [{"id": "1", "status": 204}]})),
        (path, false) if path.ends_with("/devicecode") => device_code::code(),
        ("/vouch", _) => (200, json!({"value": "a.b.c"})),
        (_, false) => (200, json!({"access_token": "a.b.c", "expires_in": 3599, "refresh_token": SECRET})),
        (_, true) => desk::refused(401, "invalid_client", 7_000_112, "The application is disabled."),
    }
}

/// Sends one batch, shuts the door, and sees how it ends.
async fn ends(name: &str, desk: &Desk, shut: &AtomicBool, door: Door, close: impl FnOnce()) {
    let graph = site(desk).graph;
    let client = GraphClient::new(site(desk).web.client(&graph).clone(), &graph, door);
    client.send(&batch()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    shut.store(true, Ordering::SeqCst);
    close();
    let refused = client.send(&batch()).await;
    assert!(matches!(&refused, Err(SendError::Refused(reply)) if reply.status == 401), "{name}");
    let sent = |desk: &Desk| desk.seen().iter().filter(|seen| seen.path == "/v1.0/$batch").count();
    assert_eq!(sent(desk), 2, "{name}");
    let Err(SendError::SignIn(told)) = client.send(&batch()).await else { panic!("{name}: it goes on") };
    assert!(told.contains("hint: ") && !told.contains(SECRET) && !told.contains("a.b.c"), "{name}: {told}");
    assert_eq!(sent(desk), 2, "{name}: nothing is sent without a token");
}

fn shuttable() -> (Desk, Arc<AtomicBool>) {
    let shut = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&shut);
    (Desk::new(move |seen| answer(seen, shared.load(Ordering::SeqCst))), shut)
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_ends_it_through_every_door() {
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
        let (desk, shut) = shuttable();
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
                "AZURE_POD_IDENTITY_AUTHORITY_HOST" | "IDENTITY_ENDPOINT" => desk.url.clone(),
                _ => format!("{}/vouch", desk.url),
            };
            Some(value)
        };
        let door = Door::open(method, &site(&desk), &Variables::new(&get), None, Box::new(|_| {})).expect("a door");
        ends(name, &desk, &shut, door, || {}).await;
    }
}

#[tokio::test]
async fn so_it_does_where_the_azure_cli_is_signed_out() {
    let place = tempfile::tempdir().expect("a folder");
    let program = azure_cli::fake(place.path(), &azure_cli::output("a.b.c"), "");
    let (desk, shut) = shuttable();
    let door = Door::Cli(AzureCli::new(&site(&desk), program.into(), None).expect("a door"));
    let sign_out = || drop(azure_cli::fake(place.path(), "", "ERROR: Please run 'az login' to setup account."));
    ends("Azure CLI", &desk, &shut, door, sign_out).await;
}
