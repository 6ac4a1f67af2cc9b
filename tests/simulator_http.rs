//! The simulator over loopback, used by an ordinary HTTP client: the same rules hold as in process.

use passwave::simulator::{
    Account, AccountKind, Credentials, Faults, ServerTls, ServerTlsError, Simulator, SimulatorConfig, serve, serve_tls,
};
use reqwest::{Client, Method, Response, StatusCode};
use secrecy::ExposeSecret;
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

const PASSWORD: &str = "Correct-Horse-7";

/// A served simulator, and a client that has signed in.
struct Served {
    simulator: Arc<Simulator>,
    address: String,
    token: String,
    http: Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn new(faults: &str) -> Self {
        let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
        let simulator = Arc::new(Simulator::new(SimulatorConfig::default().with_faults(faults)));
        (0..20).for_each(|n| simulator.add(Account::normal(format!("user{n}@contoso.com"))));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&simulator);
        let serving = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serve(served, listener, stopped).await;
        });
        let http = Client::builder().no_proxy().build().expect("a client");
        let mut this = Self { simulator, address, token: String::new(), http, stop, serving };
        let Credentials { client_secret, .. } = this.simulator.credentials().clone();
        let signed_in = json(this.sign_in(client_secret.expose_secret()).await).await;
        this.token = signed_in["access_token"].as_str().unwrap_or_default().to_owned();
        this
    }

    async fn sign_in(&self, secret: &str) -> Response {
        let Credentials { tenant_id, client_id, .. } = self.simulator.credentials();
        let url = format!("http://{}/{tenant_id}/oauth2/v2.0/token?client-request-id=7", self.address);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        self.http.post(url).form(&form).send().await.expect("an answer")
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> reqwest::Result<Response> {
        let request = self.http.request(method, format!("http://{}{path}", self.address)).bearer_auth(&self.token);
        request.header("Content-Type", "application/json").body(body).send().await
    }

    async fn wave(&self, n: usize) -> reqwest::Result<Response> {
        let items: Vec<_> = (0..n).map(item).collect();
        self.send(Method::POST, "/v1.0/$batch", format!(r#"{{"requests":[{}]}}"#, items.join(","))).await
    }

    fn written(&self) -> u64 {
        self.simulator.tally().writes
    }
}

fn item(n: usize) -> String {
    format!(
        r#"{{"id":"{n}","method":"PATCH","url":"/users/user{n}@contoso.com",
        "headers":{{"Content-Type":"application/json"}},"body":{}}}"#,
        body()
    )
}

fn body() -> String {
    format!(r##"{{"@odata.type":"#microsoft.graph.user","passwordProfile":{{"password":"{PASSWORD}"}}}}"##)
}

async fn json(response: Response) -> serde_json::Value {
    serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON")
}

#[tokio::test]
async fn client_signs_in_and_writes() {
    let served = Served::new("{}").await;
    assert_eq!(served.token.split('.').count(), 3);
    let response = served.wave(20).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    for name in ["request-id", "client-request-id", "date", "x-ms-ags-diagnostic", "content-length"] {
        assert!(response.headers().contains_key(name), "{name}");
    }
    assert_eq!(json(response).await["responses"].as_array().map(Vec::len), Some(20));
    assert!((0..20).all(|n| served.simulator.holds(&format!("user{n}@contoso.com"), PASSWORD)));
    let alone = served.send(Method::PATCH, "/beta//users('user1@contoso.com')", body()).await.expect("an answer");
    assert_eq!((alone.status(), served.written()), (StatusCode::NO_CONTENT, 21));
    let read = served.send(Method::GET, "/v1.0/users/USER1%40contoso.com?$select=id", "").await.expect("an answer");
    assert!(json(read).await["id"].is_string());
    served.stop.send(()).expect("still serving");
    served.serving.await.expect("a clean end");
}

#[tokio::test]
async fn client_looks_up_before_writing() {
    let served = Served::new(r#"{"accounts": {"user3@contoso.com": "admin_by_group"}}"#).await;
    let upn = "nic@fabrikam.com".to_owned();
    served.simulator.add(Account { id: None, upn, kind: AccountKind::Federated });
    let get = async |path: &str| json(served.send(Method::GET, path, "").await.expect("an answer")).await;
    let domains = get("/v1.0/domains?$select=id,authenticationType").await;
    assert_eq!(domains["value"][1]["authenticationType"], "Federated");
    let roles = get("/v1.0/roleManagement/directory/roleAssignments?$expand=principal($select=id)").await;
    assert_eq!(roles["value"][1]["principal"]["@odata.type"], "#microsoft.graph.group");
    let group = roles["value"][1]["principalId"].as_str().expect("a group");
    let members = get(&format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$select=id")).await;
    let helper = get("/v1.0/users/user3@contoso.com?$select=id").await;
    assert_eq!(members["value"][0]["id"], helper["id"]);
    let revoked = served.send(Method::POST, "/v1.0/users/user1@contoso.com/revokeSignInSessions", "").await;
    assert_eq!(json(revoked.expect("an answer")).await["value"], true);
    let tally = served.simulator.tally();
    assert_eq!((tally.reads, tally.revocations, tally.other_calls, tally.writes), (1, 1, 4, 0));
}

#[tokio::test]
async fn user_signs_in_with_a_code() {
    let mut served = Served::new(r#"{"token": {"device_interval_seconds": 0}}"#).await;
    let client = ("client_id", "14d82eec-204b-4c2f-b7e8-296a70dab67e");
    let base = format!("http://{}/organizations/oauth2/v2.0", served.address);
    let scope = ("scope", "https://graph.microsoft.com/.default offline_access");
    let invitation = served.http.post(format!("{base}/devicecode")).form(&[client, scope]).send().await;
    let invitation = json(invitation.expect("an answer")).await;
    let code = invitation["device_code"].as_str().expect("a code");
    let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    let redeem = async || {
        let form = [grant, client, ("device_code", code)];
        served.http.post(format!("{base}/token")).form(&form).send().await.expect("an answer")
    };
    let pending = redeem().await;
    assert_eq!((pending.status(), pending.headers().contains_key("date")), (StatusCode::BAD_REQUEST, true));
    assert_eq!(json(pending).await["error"], "authorization_pending");
    let signed_in = json(redeem().await).await;
    let refresh = signed_in["refresh_token"].as_str().expect("a refresh token");
    let form = [("grant_type", "refresh_token"), client, ("refresh_token", refresh), scope];
    let renewed = served.http.post(format!("{base}/token")).form(&form).send().await.expect("an answer");
    served.token = json(renewed).await["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(served.wave(3).await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(served.written(), 3);
}

#[tokio::test]
async fn bad_credentials_are_401() {
    let served = Served::new("{}").await;
    let refused = served.sign_in("wrong").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let refused = json(refused).await;
    assert_eq!((&refused["error"], &refused["error_codes"][0]), (&"invalid_client".into(), &7_000_215.into()));
    let bare = served.http.get(format!("http://{}/v1.0/users", served.address)).send().await.expect("an answer");
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert!(bare.headers().contains_key("www-authenticate"));
    assert_eq!(json(bare).await["error"]["code"], "InvalidAuthenticationToken");
}

#[tokio::test]
async fn metadata_leads_back_here() {
    let served = Served::new("{}").await;
    let tenant = &served.simulator.credentials().tenant_id;
    let url = format!("http://{}/{tenant}/v2.0/.well-known/openid-configuration", served.address);
    let configuration = json(served.http.get(url).send().await.expect("an answer")).await;
    assert_eq!(configuration["token_endpoint"], format!("http://{}/{tenant}/oauth2/v2.0/token", served.address));
}

#[tokio::test]
async fn a_chunked_body_is_refused() {
    let served = Served::new("{}").await;
    let body = format!(r#"{{"requests":[{}]}}"#, item(0));
    let request = format!(
        "POST /v1.0/$batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        served.token,
        body.len(),
    );
    let mut socket = TcpStream::connect(&served.address).await.expect("a connection");
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    assert_eq!(served.written(), 0);
}

#[tokio::test]
async fn lost_answers_are_connection_errors() {
    let lost = Served::new(r#"{"requests": {"lost_after": 1}}"#).await;
    assert!(lost.wave(3).await.is_err());
    assert_eq!(lost.simulator.holds("user0@contoso.com", PASSWORD), lost.written() > 0);
    assert!(lost.written() >= 3);
    let cut = Served::new(r#"{"requests": {"truncated": 1}}"#).await;
    let outcome = match cut.wave(3).await {
        Ok(response) => response.bytes().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(outcome.is_err());
    assert!(cut.written() >= 3);
}

#[tokio::test]
async fn outages_close_connections() {
    let faults = Faults::from_json(br#"{"outages": [{"from_seconds": 0, "seconds": 3600}]}"#).expect("good faults");
    let simulator = Arc::new(Simulator::new(SimulatorConfig::default().with_faults(faults)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/v1.0/users", listener.local_addr().expect("an address"));
    let asking = async { Client::builder().no_proxy().build().expect("a client").get(url).send().await };
    tokio::select! {
        () = serve(simulator, listener, std::future::pending()) => panic!("ended by itself"),
        answer = asking => assert!(answer.is_err()),
    }
}

#[tokio::test]
async fn oversized_body_is_refused() {
    let served = Served::new("{}").await;
    // The answer may come before the whole body is sent; then the connection breaks.
    let answer = served.send(Method::POST, "/v1.0/$batch", vec![b' '; (4 << 20) + 1]).await;
    assert!(answer.map_or(true, |answer| answer.status() == StatusCode::PAYLOAD_TOO_LARGE));
    assert_eq!(served.written(), 0);
}

/// A certificate for `localhost` that nobody else has, and its own authority.
fn localhost() -> (String, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    (cert.pem(), signing_key.serialize_pem())
}

/// Every absolute address in a text.
fn addresses(text: &str) -> Vec<&str> {
    let starts = text.match_indices("http").map(|(at, _)| &text[at..]);
    let starts = starts.filter(|from| from.starts_with("http://") || from.starts_with("https://"));
    starts.map(|from| from.split(['"', '\\', ' ', ',', '<']).next().unwrap_or_default()).collect()
}

/// Asks for everything that has addresses in it, and returns them with the questions.
async fn told_addresses(http: &Client, base: &str, simulator: &Simulator) -> Vec<(String, String)> {
    let Credentials { tenant_id, client_id, client_secret } = simulator.credentials();
    let (scope, oauth) = (format!("{base}/.default"), format!("{base}/{tenant_id}/oauth2/v2.0"));
    let secret = client_secret.expose_secret();
    let proof = [("grant_type", "client_credentials"), ("client_id", client_id), ("scope", scope.as_str())];
    let signed_in = http.post(format!("{oauth}/token")).form(&[&proof[..], &[("client_secret", secret)]].concat());
    let signed_in = json(signed_in.send().await.expect("an answer")).await;
    let token = signed_in["access_token"].as_str().expect("a token");
    let mut requests = vec![
        http.post(format!("{oauth}/token")).form(&proof),
        http.post(format!("{oauth}/devicecode")).form(&proof[1..]),
        http.get(format!("{base}/v1.0/users")),
        http.get(format!("{oauth}/authorize?client_id={client_id}&redirect_uri=x")),
    ];
    for path in [
        "common/v2.0/.well-known/openid-configuration",
        "common/.well-known/openid-configuration",
        "contoso.com/v2.0/.well-known/openid-configuration",
        "common/discovery/v2.0/keys",
        "common/discovery/instance",
        "metadata/endpoints?api-version=2022-09-01",
        "v1.0/users?$top=1",
        "v1.0/users?$top=1&$select=id&$filter=accountEnabled%20eq%20true",
        "beta/users?$top=2",
        "v1.0/users/user1@contoso.com",
        "v1.0/domains",
        "v1.0/roleManagement/directory/roleAssignments",
        "v1.0/nothing",
        "nothing",
    ] {
        requests.push(http.get(format!("{base}/{path}")).bearer_auth(token));
    }
    let item = r#"{"requests":[{"id":"1","method":"GET","url":"/users?$top=1"}]}"#;
    let batch = http.post(format!("{base}/v1.0/$batch")).header("Content-Type", "application/json").body(item);
    requests.push(batch.bearer_auth(token));
    let mut told = Vec::new();
    for request in requests {
        let answer = request.send().await.expect("an answer");
        let question = answer.url().to_string();
        let headers: Vec<_> = answer.headers().values().filter_map(|value| value.to_str().ok()).collect();
        let mut text = headers.join(" ");
        text.push_str(&String::from_utf8_lossy(&answer.bytes().await.expect("a body")));
        told.extend(addresses(&text).into_iter().map(|address| (question.clone(), address.to_owned())));
    }
    told
}

#[tokio::test]
async fn every_address_leads_back_here() {
    let (certificate, key) = localhost();
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
    for (is_tls, is_http2) in [(false, false), (false, true), (true, false), (true, true)] {
        let simulator = Arc::new(Simulator::new(SimulatorConfig::default()));
        (0..20).for_each(|n| simulator.add(Account::normal(format!("user{n}@contoso.com"))));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let served = Arc::clone(&simulator);
        if is_tls {
            let tls = ServerTls::from_pem(certificate.as_bytes(), key.as_bytes()).expect("a pair");
            tokio::spawn(serve_tls(served, listener, tls, std::future::pending()));
        } else {
            tokio::spawn(serve(served, listener, std::future::pending()));
        }
        let http = Client::builder().no_proxy().tls_certs_only([trusted.clone()]);
        let http = if is_http2 { http.http2_prior_knowledge() } else { http.http1_only() }.build().expect("a client");
        let base = format!("{}://localhost:{port}", if is_tls { "https" } else { "http" });
        let version = http.get(format!("{base}/common/discovery/instance")).send().await.expect("an answer").version();
        assert_eq!(version == reqwest::Version::HTTP_2, is_http2);
        let told = told_addresses(&http, &base, &simulator).await;
        assert!(told.len() > 30, "only {}", told.len());
        for (question, address) in told {
            assert!(address.starts_with(&base), "{question} tells {address}");
        }
    }
}

#[tokio::test]
async fn certificates_that_cannot_be_served_are_told_apart() {
    let ((certificate, key), (_, other)) = (localhost(), localhost());
    let read = |certificate: &str, key: &str| ServerTls::from_pem(certificate.as_bytes(), key.as_bytes()).err();
    assert!(read(&certificate, &key).is_none());
    assert!(matches!(read(&key, &key), Some(ServerTlsError::Certificate)));
    assert!(matches!(read(&certificate, &certificate), Some(ServerTlsError::Key)));
    assert!(matches!(read(&certificate, &other), Some(ServerTlsError::Pair(_))));
}
