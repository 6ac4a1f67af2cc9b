//! `doctor` in good and in broken environments: what it finds, what it advises, and its exit code.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../auth/fake_server.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod fake_server;
#[path = "../support/served.rs"]
mod served;
#[path = "../auth/stage.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod stage;

use fake_server::for_each_connection;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use served::Server;
use stage::{Stage, issued};
use std::{
    fs,
    process::{Command, Output},
    sync::Arc,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

const SECRET: &str = "Zq9~client+secret/of=ours&more";

fn stage() -> Stage {
    Stage::new(|_, issue| issued(&issue()))
}

/// `doctor` with credentials, at the stage's two services.
fn doctor(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = stage.bare(&[&["doctor", "--graph-endpoint", &stage.served.url], arguments].concat());
    command.env("AZURE_AUTHORITY_HOST", &stage.server.url);
    command.envs(stage.ids()).env("AZURE_CLIENT_SECRET", SECRET);
    command
}

/// The page, and whether something stops a run.
fn page(command: &mut Command) -> (String, bool) {
    let output = command.output().expect("it starts");
    let page = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 3)), "{code:?} {page} {}", stage::said(&output));
    assert!(output.stderr.is_empty(), "{}", stage::said(&output));
    (page, code == Some(3))
}

/// The page of an environment in which only these checks find a problem; every problem has its advice.
fn page_with_problems(command: &mut Command, checks: &[&str]) -> String {
    let (page, is_stopped) = page(command);
    let mut lines = page.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(problem) = line.strip_prefix("problem   ") {
            found.push(problem.split("  ").next().unwrap_or_default().to_owned());
            assert!(lines.peek().is_some_and(|next| next.trim_start().starts_with("-> ")), "no advice: {page}");
        }
    }
    assert_eq!(found, checks, "{page}");
    assert!(is_stopped, "{page}");
    page
}

#[test]
fn good_environments_have_no_problem() {
    let stage = stage();
    let before = fs::read_dir(stage.home()).expect("a folder").count();
    let (page, is_stopped) = page(&mut doctor(&stage, &[]));
    assert!(!is_stopped && !page.contains("problem ") && !page.contains("skipped "), "{page}");
    let [(_, tenant), (_, client)] = stage.ids();
    for expected in [
        env!("CARGO_PKG_VERSION"),
        "AZURE_CLIENT_SECRET set; signing in with a client secret",
        &format!("Tenant {tenant}, application {client}"),
        "User-PasswordProfile.ReadWrite.All",
        "agrees with the clocks",
        "MB free",
        "without a proxy (it is on this machine)",
    ] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains(SECRET) && !page.contains("eyJ"), "{page}");
    assert_eq!(fs::read_dir(stage.home()).expect("a folder").count(), before, "nothing is left behind");
    let tally = stage.served.tenant.tally();
    assert_eq!((tally.batches, tally.writes), (0, 0), "no account is touched");
}

#[test]
fn no_credentials_at_all() {
    let stage = stage();
    let mut command = stage.bare(&["doctor", "--graph-endpoint", &stage.served.url]);
    command.env("AZURE_AUTHORITY_HOST", &stage.server.url);
    let page = page_with_problems(&mut command, &["credentials"]);
    assert!(page.contains("-> sign in yourself with --auth browser; for a job, set AZURE_TENANT_ID"), "{page}");
    assert!(page.contains("skipped   sign-in"), "{page}");
}

#[test]
fn a_wrong_secret() {
    let stage = Stage::new(|_, _| {
        fake_server::refused(401, "invalid_client", 7_000_215, &format!("Invalid client secret {SECRET}."))
    });
    let page = page_with_problems(&mut doctor(&stage, &[]), &["sign-in"]);
    assert!(page.contains("AADSTS7000215") && !page.contains(SECRET), "{page}");
}

#[test]
fn a_proxy_that_refuses() {
    let stage = stage();
    let proxy = answering("403 Forbidden", String::new);
    let login = "someone:Proxy-Secret-4711@";
    let mut command = stage.bare(&["doctor", "--graph-endpoint", "https://graph.fabrikam.invalid"]);
    command.envs(stage.ids()).env("AZURE_CLIENT_SECRET", SECRET);
    command.env("AZURE_AUTHORITY_HOST", "https://login.fabrikam.invalid");
    command.env("HTTPS_PROXY", proxy.url.replace("http://", &format!("http://{login}")));
    let page = page_with_problems(&mut command, &["sign-in service", "Graph"]);
    // The names of variables have no case on Windows.
    let shown = format!("through the proxy {} (https_proxy)", proxy.url);
    assert!(page.to_lowercase().contains(&shown), "{shown}: {page}");
    assert!(!page.contains("someone") && !page.contains("4711"), "{page}");
}

#[test]
fn a_clock_that_is_ten_minutes_off() {
    for (minutes, direction) in [(-10, "ahead of the clocks"), (10, "behind the clocks")] {
        let stage = stage();
        let there = answering("200 OK", move || {
            let there = Timestamp::now() + SignedDuration::from_mins(minutes);
            format!("Date: {}\r\n", DateTimePrinter::new().timestamp_to_rfc9110_string(&there).expect("a date"))
        });
        let mut command = doctor(&stage, &["--authority-host", &there.url, "--auth", "managed"]);
        command.env("IDENTITY_ENDPOINT", format!("{}/msi", stage.server.url)).env("IDENTITY_HEADER", SECRET);
        let page = page_with_problems(&mut command, &["clock"]);
        assert!(page.contains(direction), "{page}");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let stage = stage();
    let page = page_with_problems(&mut doctor(&stage, &["--run-dir", "wave.csv/run"]), &["folder"]);
    assert!(page.contains("no run folder can be made in") && page.contains("--run-dir"), "{page}");
}

#[test]
fn a_certificate_that_nobody_trusts() {
    let stage = stage();
    let server = with_own_certificate();
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let page = page_with_problems(&mut doctor(&stage, &["--authority-host", &url]), &["sign-in service"]);
    assert!(page.contains("localhost cannot be trusted") || page.contains("to localhost cannot be"), "{page}");
    assert!(page.contains("--ca-file") && page.contains("skipped   sign-in"), "{page}");
}

#[test]
fn a_sign_in_service_that_is_away() {
    let stage = stage();
    let gone = "http://127.0.0.1:1";
    let page = page_with_problems(&mut doctor(&stage, &["--authority-host", gone]), &["sign-in service"]);
    assert!(page.contains("cannot be reached") && page.contains("agrees with the clocks"), "{page}");
}

#[test]
fn settings_that_cannot_be_used() {
    let stage = stage();
    let page =
        page_with_problems(doctor(&stage, &[]).env("HTTPS_PROXY", "http://someone:hunter 2@proxy"), &["network"]);
    assert!(page.to_lowercase().contains("https_proxy is not a valid proxy address"), "{page}");
    assert!(!page.contains("someone") && !page.contains("hunter"), "{page}");
    let page = page_with_problems(&mut doctor(&stage, &["--ca-file", "absent.pem"]), &["network"]);
    assert!(page.contains("absent.pem"), "{page}");
}

#[test]
fn programs_get_each_finding() {
    let stage = stage();
    let Output { stdout, status, .. } = doctor(&stage, &["--json", "--quiet"]).output().expect("it starts");
    let text = String::from_utf8(stdout).expect("UTF-8");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let findings: Vec<&Value> = lines.iter().filter(|line| line["event"] == "finding").collect();
    assert!(findings.len() > 10 && findings.iter().all(|finding| finding["result"] == "ok"), "{text}");
    let last = lines.last().expect("a line");
    assert_eq!((&last["event"], last["exit_code"].as_i64(), status.code()), (&"finished".into(), Some(0), Some(0)));
}

/// A server that answers each request with this status and these headers.
fn answering(status: &'static str, headers: impl Fn() -> String + Send + Sync + 'static) -> Server {
    let headers = Arc::new(headers);
    for_each_connection(move |socket| {
        let headers = Arc::clone(&headers);
        // The client decides how a connection ends.
        async move { drop(answer(socket, status, &headers()).await) }
    })
}

async fn answer(socket: TcpStream, status: &str, headers: &str) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && socket.read_line(&mut head).await? > 0 {}
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n");
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await
}

/// A server whose certificate is signed by nobody.
fn with_own_certificate() -> Server {
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(["localhost".to_owned()]).expect("names");
    let certificate = names.self_signed(&key).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a pair");
    let tls = TlsAcceptor::from(Arc::new(config));
    for_each_connection(move |socket| {
        let tls = tls.clone();
        async move { drop(tls.accept(socket).await) }
    })
}
