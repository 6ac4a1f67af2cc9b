//! Each sign-in method through the program, to the end of a real run against Graph on loopback.

use crate::{
    SECRET, azure_cli, device_code,
    fake_server::{self, Seen},
    pair::Pair,
    stage::{Stage, issued, said},
};
use serde_json::json;
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Issues a token for the secret, or for an assertion that has three parts.
fn entra(seen: &Seen, issue: &dyn Fn() -> String) -> fake_server::FakeAnswer {
    let proven = seen.field("client_secret") == SECRET || seen.field("client_assertion").split('.').count() == 3;
    match seen.path.ends_with("/oauth2/v2.0/token") && proven {
        true => issued(&issue()),
        false => fake_server::refused(401, "invalid_client", 7_000_215, "Invalid client secret provided."),
    }
}

fn with(stage: &Stage, more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    [&stage.ids()[..], more].concat()
}

#[test]
fn signs_in_with_a_client_secret() {
    let stage = Stage::new(entra);
    let told = stage.reset(&[], &with(&stage, &[("AZURE_CLIENT_SECRET", SECRET.into())]));
    let [(_, tenant), (_, client)] = stage.ids();
    assert!(told.contains("Signing in with the client secret in AZURE_CLIENT_SECRET"), "{told}");
    assert!(told.contains(&format!("Tenant {tenant}, application {client}, 127.0.0.1")), "{told}");
    assert!(!told.contains(SECRET));
}

#[test]
fn signs_in_with_a_certificate() {
    let stage = Stage::new(entra);
    let file = stage.home().join("application.pem");
    fs::write(&file, Pair::rsa().pem()).expect("written");
    let path = file.to_str().expect("text").to_owned();
    let told = stage.reset(&[], &with(&stage, &[("AZURE_CLIENT_CERTIFICATE_PATH", path)]));
    assert!(told.contains("the certificate in AZURE_CLIENT_CERTIFICATE_PATH"), "{told}");
}

#[test]
fn signs_in_with_a_token_file() {
    let stage = Stage::new(entra);
    fs::write(stage.home().join("token"), "a.b.c").expect("written");
    let told = stage.reset(&["--auth", "workload"], &with(&stage, &[("AZURE_FEDERATED_TOKEN_FILE", "token".into())]));
    assert!(told.contains("the federated token in AZURE_FEDERATED_TOKEN_FILE"), "{told}");
}

#[test]
fn signs_in_with_github_actions() {
    let stage = Stage::new(|seen, issue| match seen.path.as_str() {
        "/idtoken" if seen.header("authorization") == format!("Bearer {SECRET}") => (200, json!({"value": "a.b.c"})),
        _ => entra(seen, issue),
    });
    let job = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/idtoken?api-version=2.0", stage.server.url)),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET.into()),
    ];
    let told = stage.reset(&[], &with(&stage, &job));
    assert!(told.contains("this job's identity from GitHub Actions") && !told.contains(SECRET), "{told}");
}

#[test]
fn signs_in_with_an_app_identity() {
    let stage = Stage::new(|seen, issue| match seen.header("x-identity-header") {
        SECRET => (200, json!({"access_token": issue(), "expires_on": "4102444800"})),
        _ => (401, json!({"statusCode": 401, "message": "no header"})),
    });
    let endpoint = format!("{}/msi/token", stage.server.url);
    let told = stage.reset(&[], &[("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", SECRET.into())]);
    let [(_, tenant), _] = stage.ids();
    assert!(told.contains("the managed identity of this app") && told.contains(&format!("Tenant {tenant}")), "{told}");
}

#[test]
fn signs_in_with_the_azure_cli() {
    let stage = Stage::new(|_, issue| issued(&issue()));
    let bin = stage.home().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let absent = stage.program(&["reset", "wave.csv", "--run-dir", "run", "--yes", "--auth", "cli"]).output();
    let absent = absent.expect("it starts");
    assert_eq!(absent.status.code(), Some(2), "{}", said(&absent));
    assert!(said(&absent).contains("not on the PATH") && !stage.home().join("run").exists());

    azure_cli::fake(&bin, "", "ERROR: Please run 'az login' to setup account.");
    let out = stage.program(&["reset", "wave.csv", "--run-dir", "out", "--yes"]).output().expect("it starts");
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
    assert!(said(&out).contains("hint: run `az login`") && said(&out).contains("passwave run out"), "{}", said(&out));

    let token = stage.token();
    azure_cli::fake(&bin, &azure_cli::output(&token), "");
    let told = stage.reset(&[], &[]);
    assert!(told.contains("the session of the Azure CLI") && !told.contains(&token), "{told}");
}

#[test]
fn signs_in_with_a_device_code() {
    let asked = AtomicUsize::new(0);
    let stage = Stage::new(move |seen, issue| match seen.path.ends_with("/devicecode") {
        true => device_code::code(),
        false if asked.fetch_add(1, Ordering::Relaxed) < 2 => device_code::pending(),
        false => issued(&issue()),
    });
    let told = stage.reset(&["--auth", "device-code"], &[]);
    for expected in ["\n    https://microsoft.com/devicelogin\n", "\n    F2X-9\u{FFFD}[2J\n", "within 15 min"] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains(SECRET), "{told}");
    assert!(stage.server.seen().iter().all(|seen| seen.path.starts_with("/organizations/")));
}

#[test]
fn runs_stay_in_their_tenant() {
    const OTHER: &str = "cccccccc-0000-4000-8000-00000000000c";
    let stage = Stage::new(|seen, issue| match seen.path.as_str() {
        "/msi" => (200, json!({"access_token": issue(), "expires_on": "4102444800"})),
        _ => entra(seen, issue),
    });
    let planned = stage.bare(&["plan", "wave.csv", "--run-dir", "run"]).output().expect("it starts");
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let ledger = || rusqlite::Connection::open(stage.home().join("run/ledger.db")).expect("a ledger");
    let begin_in = |tenant: &str| {
        let sql = "INSERT OR REPLACE INTO run (name, value) VALUES ('tenant_id', ?1)";
        ledger().execute(sql, [tenant]).expect("a note");
    };
    begin_in(OTHER);
    let secret = with(&stage, &[("AZURE_CLIENT_SECRET", SECRET.into())]);
    let app = vec![("IDENTITY_ENDPOINT", format!("{}/msi", stage.server.url)), ("IDENTITY_HEADER", SECRET.into())];
    let run = |variables: &[(&'static str, String)]| {
        stage.program(&["run", "run", "--yes"]).envs(variables.iter().cloned()).output().expect("it starts")
    };
    for (variables, asked) in [(&secret, 0), (&app, 1)] {
        let refused = run(variables);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(&format!("started in tenant {OTHER}")), "{}", said(&refused));
        assert_eq!((stage.server.seen().len(), stage.served.tenant.tally().batches), (asked, 0));
    }
    let [(_, tenant), (_, client)] = stage.ids();
    begin_in(&tenant.to_uppercase());
    let ended = run(&app);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let note = |name: &str| -> String {
        ledger().query_row("SELECT value FROM run WHERE name = ?1", [name], |row| row.get(0)).expect("a note")
    };
    assert_eq!((note("tenant_id"), note("client_id")), (tenant, client));
}

#[test]
fn ended_sign_in_stops_the_run() {
    let shut = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&shut);
    let stage = Stage::with(r#"{"token": {"revoked_after_requests": 1}}"#, move |seen, issue| {
        match shared.swap(true, Ordering::SeqCst) {
            true => {
                fake_server::refused(401, "invalid_client", 7_000_222, "The provided client secret keys are expired.")
            }
            false => entra(seen, issue),
        }
    });
    let variables = with(&stage, &[("AZURE_CLIENT_SECRET", SECRET.into())]);
    let run =
        |arguments: &[&str]| stage.program(arguments).envs(variables.iter().cloned()).output().expect("it starts");
    let stopped = run(&["reset", "wave.csv", "--run-dir", "run", "--yes", "--lookup", "off"]);
    let told = said(&stopped);
    assert_eq!(stopped.status.code(), Some(3), "{told}");
    assert_eq!(told.matches("AADSTS7000222").count(), 1, "{told}");
    assert!(told.contains("has expired: make a new one") && told.contains("passwave run run"), "{told}");
    let report = stage.check();
    assert!(report.iter().all(|row| row.status == "reset" || row.status == "pending"), "no row has failed of it");
    assert!(report.iter().any(|row| row.status == "reset") && report.iter().any(|row| row.status == "pending"));
    let asked = stage.server.seen().len();
    assert!(asked <= 3, "once for each of the two batches in flight at most: {asked}");
    // Each sign-in lasts for one batch, as before.
    while stage.check().iter().any(|row| row.status == "pending") {
        shut.store(false, Ordering::SeqCst);
        let writes = stage.served.tenant.tally().writes;
        run(&["run", "run"]);
        assert!(stage.served.tenant.tally().writes > writes, "it continues");
    }
    stage.check_ended();
}

#[test]
fn client_id_needs_device_code() {
    let stage = Stage::new(entra);
    let all = ["reset", "wave.csv", "--run-dir", "run", "--yes", "--client-id", "x"];
    let refused = stage.program(&all).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--auth device-code") && !stage.home().join("run").exists());
}
