//! A company proxy that inspects TLS: the program behind it, with and without its certificate.

use crate::{
    fake_server::for_each_connection,
    served::Server,
    stage::{Stage, issued, said},
};
use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, date_time_ymd};
use std::{
    fs,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
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

/// Names that no resolver knows, so they can only be reached through the proxy.
const AUTHORITY: &str = "https://login.fabrikam.invalid";
const GRAPH: &str = "https://graph.fabrikam.invalid";

/// Decrypts what is sent through it, and forwards it in clear text, whatever the host.
pub struct InspectingProxy {
    pub url: String,
    /// The certificate of its authority, in PEM.
    pub authority: String,
    heads: Arc<Mutex<Vec<String>>>,
    _server: Server,
}

/// A name that is valid today, as strict platforms require.
fn named(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("names");
    let today = jiff::Zoned::now().date();
    let ymd = |date: jiff::civil::Date| date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8);
    parameters.not_before = ymd(today.saturating_sub(jiff::Span::new().days(2)));
    parameters.not_after = ymd(today.saturating_add(jiff::Span::new().days(30)));
    parameters
}

impl InspectingProxy {
    /// A proxy that forwards everything to `upstream`, a host and a port.
    pub fn new(upstream: String) -> Self {
        let mut parameters = named(&[]);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = parameters.self_signed(&key).expect("a certificate").pem();
        let tls = acceptor(&Issuer::new(parameters, key));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        let server = for_each_connection(move |socket| {
            let opened = open(socket, tls.clone(), upstream.clone(), Arc::clone(&kept));
            // The client decides how a connection ends.
            async move { drop(opened.await) }
        });
        Self { url: server.url.clone(), authority, heads, _server: server }
    }

    /// The first line of each request, or the host that a SOCKS request names.
    pub fn hosts(&self) -> Vec<String> {
        let heads = self.heads.lock().expect("whole");
        heads.iter().map(|head| head.lines().next().unwrap_or_default().to_owned()).collect()
    }

    /// User names and passwords that the proxy received.
    pub fn logins(&self) -> Vec<String> {
        let heads = self.heads.lock().expect("whole");
        let lines = heads.iter().flat_map(|head| head.lines());
        let value = |line: &str| {
            let (name, value) = line.split_once(": Basic ")?;
            let login =
                BASE64_STANDARD.decode(value).ok().filter(|_| name.eq_ignore_ascii_case("proxy-authorization"))?;
            String::from_utf8(login).ok()
        };
        lines.filter_map(value).collect()
    }
}

fn acceptor(issuer: &Issuer<'_, KeyPair>) -> TlsAcceptor {
    let mut parameters = named(&["login.fabrikam.invalid", "graph.fabrikam.invalid"]);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.signed_by(&key, issuer).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    TlsAcceptor::from(Arc::new(config.expect("a certificate with its key")))
}

async fn open(
    socket: TcpStream,
    tls: TlsAcceptor,
    upstream: String,
    heads: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    if socket.fill_buf().await?.first() == Some(&5) {
        head = socks(&mut socket).await?;
    }
    while !head.starts_with("SOCKS") && !head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let is_http = !head.starts_with("SOCKS");
    heads.lock().expect("whole").push(head);
    if is_http {
        socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    }
    let mut opened = tls.accept(socket.into_inner()).await?;
    let mut upstream = TcpStream::connect(upstream).await?;
    tokio::io::copy_bidirectional(&mut opened, &mut upstream).await.map(drop)
}

/// The handshake of SOCKS 5 without a password (RFC 1928), for a host name.
async fn socks(socket: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut greeting = [0; 2];
    socket.read_exact(&mut greeting).await?;
    socket.read_exact(&mut vec![0; usize::from(greeting[1])]).await?;
    socket.write_all(&[5, 0]).await?;
    let mut request = [0; 5];
    socket.read_exact(&mut request).await?;
    let mut host = vec![0; usize::from(request[4]) + 2];
    socket.read_exact(&mut host).await?;
    socket.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
    Ok(format!("SOCKS {}", String::from_utf8_lossy(&host[..host.len() - 2])))
}

/// Runs the program through the proxy `url`; returns its exit code and output.
pub fn run(stage: &Stage, folder: &str, more: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let all = [
        &["reset", "wave.csv", "--yes", "--run-dir", folder, "--max-wait", "1s"][..],
        &["--authority-host", AUTHORITY, "--graph-endpoint", GRAPH],
        more,
    ];
    let credentials = stage.served.tenant.credentials();
    let secret = secrecy::ExposeSecret::expose_secret(&credentials.client_secret).to_owned();
    let mut command = stage.bare(&all.concat());
    command.envs(stage.ids()).env("AZURE_CLIENT_SECRET", secret).envs(variables.iter().copied());
    let output = command.output().expect("it starts");
    (output.status.code(), said(&output))
}

#[test]
fn inspecting_proxy_needs_trust() {
    let stage = Stage::new(|_, issue| issued(&issue()));
    let opener = InspectingProxy::new(stage.served.url.replace("http://", ""));
    let file = stage.home().join("company.pem");
    fs::write(&file, &opener.authority).expect("written");
    let proxy = [("HTTPS_PROXY", opener.url.as_str())];

    let (code, told) = run(&stage, "untrusted", &[], &proxy);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("cannot be trusted") && told.contains("--ca-file"), "{told}");
    assert_eq!(stage.served.tenant.tally().tokens_issued, 0, "no secret went over that connection");
    assert_eq!(opener.hosts().len(), 1, "what will not pass is not tried again");

    let (code, told) = run(&stage, "trusted", &["--ca-file", "company.pem"], &proxy);
    assert_eq!(code, Some(0), "{told}");
    let hosts = opener.hosts();
    let connected = |host: &str| hosts.iter().any(|line| line.starts_with(&format!("CONNECT {host}:443 ")));
    assert!(connected("login.fabrikam.invalid") && connected("graph.fabrikam.invalid"), "{hosts:?}");
    assert!(stage.served.tenant.tally().writes > 0);

    let around = [proxy[0], ("NO_PROXY", ".fabrikam.invalid")];
    let (code, told) = run(&stage, "around", &["--ca-file", "company.pem"], &around);
    assert_eq!(code, Some(3), "{told}");
    assert_eq!(opener.hosts().len(), hosts.len(), "NO_PROXY is heeded: {told}");
}

#[test]
fn local_addresses_bypass_the_proxy() {
    let stage = Stage::new(|_, issue| issued(&issue()));
    let opener = InspectingProxy::new(stage.served.url.replace("http://", ""));
    let proxies = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
    let mut variables = stage.ids().to_vec();
    variables.push(("AZURE_CLIENT_SECRET", "s".into()));
    variables.extend(proxies.map(|name| (name, opener.url.clone())));
    stage.reset(&[], &variables);
    assert_eq!(opener.hosts(), Vec::<String>::new());
}
