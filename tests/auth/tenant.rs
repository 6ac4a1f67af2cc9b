//! A sign-in service that issues tokens of a tenant other than the requested one.

use crate::stage::{Stage, issued, said};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const OTHER: &str = "99999999-0000-4000-8000-000000000009";

/// `token` as another tenant would have issued it.
fn of_other(token: &str) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&BASE64.decode(parts[1]).expect("base64")).expect("claims");
    claims["tid"] = json!(OTHER);
    format!("{}.{}.{}", parts[0], BASE64.encode(claims.to_string()), parts[2])
}

/// A stage that issues such tokens while `lies` is set. Its Graph accepts each token for two requests.
fn stage(lies: &Arc<AtomicBool>) -> Stage {
    let lies = Arc::clone(lies);
    Stage::with(r#"{"token": {"revoked_after_requests": 2}}"#, move |_, issue| {
        let token = issue();
        issued(&if lies.load(Ordering::SeqCst) { of_other(&token) } else { token })
    })
}

fn run(stage: &Stage, tenant: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let [_, client] = stage.ids();
    let mut command = stage.program(arguments);
    command.envs([client, ("AZURE_TENANT_ID", tenant.into()), ("AZURE_CLIENT_SECRET", "s".into())]);
    let output = command.output().expect("it starts");
    (output.status.code(), said(&output))
}

const RESET: [&str; 7] = ["reset", "wave.csv", "--run-dir", "run", "--yes", "--lookup", "off"];

#[test]
fn tokens_of_other_tenants_are_refused() {
    let stage = stage(&Arc::new(AtomicBool::new(true)));
    let [(_, tenant), _] = stage.ids();
    let (code, told) = run(&stage, &tenant, &RESET);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains(OTHER) && told.contains(&tenant), "{told}");
    assert_eq!(stage.served.tenant.tally().batches, 0, "nothing is sent with it");
}

#[test]
fn renewal_in_another_tenant_stops() {
    for by_domain in [false, true] {
        let lies = Arc::new(AtomicBool::new(false));
        let stage = stage(&lies);
        let [(_, tenant), _] = stage.ids();
        let asked = if by_domain { "contoso.onmicrosoft.com" } else { &tenant };
        let (code, told) = run(&stage, asked, &[&RESET[..], &["--pilot", "3"]].concat());
        assert_eq!(code, Some(3), "the pilot: {told}");
        lies.store(true, Ordering::SeqCst);
        let batches = stage.served.tenant.tally().batches;
        let (code, told) = run(&stage, asked, &["run", "run"]);
        assert!(matches!(code, Some(2 | 3)), "{told}");
        assert!(told.contains(OTHER) && told.contains(&tenant), "{told}");
        assert_eq!(stage.served.tenant.tally().batches, batches, "nothing is sent with it");
        lies.store(false, Ordering::SeqCst);
        run_to_the_end(&stage, asked);
    }
}

#[test]
fn renewed_tokens_are_checked() {
    let lies = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&lies);
    let stage = Stage::with(r#"{"token": {"revoked_after_requests": 1}}"#, move |_, issue| {
        let token = issue();
        // From the second token on.
        issued(&if shared.swap(true, Ordering::SeqCst) { of_other(&token) } else { token })
    });
    let [(_, tenant), _] = stage.ids();
    let (code, told) = run(&stage, &tenant, &RESET);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains(OTHER) && told.contains(&tenant) && told.contains("passwave run"), "{told}");
    let (tally, tokens) = (stage.served.tenant.tally(), stage.server.seen().len());
    assert!(tally.writes > 0 && tally.writes < 45, "{} writes: it stops in the middle", tally.writes);
    assert_eq!(tokens, 2, "a lying service is not asked again");
    assert!(stage.check().iter().any(|row| row.status == "pending"));
}

fn run_to_the_end(stage: &Stage, asked: &str) {
    let (code, told) = run(stage, asked, &["run", "run"]);
    assert_eq!(code, Some(0), "{told}");
    stage.check_ended();
}
