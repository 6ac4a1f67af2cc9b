//! A test of your own against a simulated tenant in the same process: three lines start it.
//!
//! ```sh
//! cargo run --example in_process_tenant
//! ```
//!
//! Any HTTP client can use it. The simulator tells what it has seen, so a test needs no guesses.
#![expect(clippy::print_stdout, reason = "an example prints what it did")]

use passwave::simulator::{Account, Simulator, SimulatorConfig, serve};
use secrecy::ExposeSecret;
use std::{error::Error, future::pending, sync::Arc};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The three lines. Nothing has to be stopped: it ends with the runtime.
    let (tenant, listener) =
        (Arc::new(Simulator::new(SimulatorConfig::default())), TcpListener::bind("127.0.0.1:0").await?);
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(Arc::clone(&tenant), listener, pending()));

    // What is tested: here, a client that sets one password.
    tenant.add(Account::normal("ann@contoso.com"));
    set_password(&url, &tenant, "ann@contoso.com", "Correct-Horse-7").await?;

    // What the tenant knows about it.
    assert!(tenant.holds("ann@contoso.com", "Correct-Horse-7"));
    assert_eq!(tenant.tally().writes, 1);
    println!("ann@contoso.com has the password, after {} write", tenant.tally().writes);
    Ok(())
}

/// Signs in with the simulator's credentials, and writes to Graph.
async fn set_password(url: &str, tenant: &Simulator, upn: &str, password: &str) -> Result<(), Box<dyn Error>> {
    let credentials = tenant.credentials();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &credentials.client_id),
        ("client_secret", credentials.client_secret.expose_secret()),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let http = reqwest::Client::builder().no_proxy().build()?;
    let signed_in = http.post(format!("{url}/{}/oauth2/v2.0/token", credentials.tenant_id)).form(&form).send().await?;
    let signed_in: serde_json::Value = serde_json::from_slice(&signed_in.bytes().await?)?;
    let body = serde_json::json!({"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": true}});
    let request = http.patch(format!("{url}/v1.0/users/{upn}")).header("Content-Type", "application/json");
    let token = signed_in["access_token"].as_str().unwrap_or_default();
    request.bearer_auth(token).body(body.to_string()).send().await?.error_for_status()?;
    Ok(())
}
