//! The browser: what it is sent to, what it may come back with, and how the session is renewed. A plain HTTP client
//! plays the browser.

use crate::{
    CLIENT, SECRET, TENANT, endpoints,
    fake_server::{self, FakeAnswer, FakeServer, Seen},
    person,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use passwave::graph::client::{
    GraphClient, SignInError, TokenSource,
    auth::{Browser, CLIENT_ID_DEFAULT, Needs, PersonOptions, Prompt},
};
use reqwest::Url;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const CODE: &str = "1.AXoA+code/of=ours";

/// A page that the user was sent to.
#[derive(Clone)]
struct Sent {
    url: Url,
    port: u16,
    is_again: bool,
}

impl Sent {
    fn value(&self, name: &str) -> String {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The address to which the browser comes back with `fields`.
    fn back(&self, fields: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&self.value("redirect_uri"), fields).expect("a URL")
    }

    /// The same with a code.
    fn with_code(&self) -> Url {
        self.back(&[("code", CODE), ("state", &self.value("state"))])
    }
}

/// What the browser has got: status and page.
type Pages = Arc<Mutex<Vec<(u16, String)>>>;

/// A user who comes back with what `answer` makes of each page.
struct User {
    sent: Arc<Mutex<Vec<Sent>>>,
    pages: Pages,
    options: PersonOptions,
}

impl User {
    fn new(answer: impl Fn(&Sent) -> Vec<Url> + Send + Sync + 'static) -> Self {
        let (sent, pages): (Arc<Mutex<Vec<Sent>>>, Pages) = Default::default();
        let (kept, got) = (Arc::clone(&sent), Arc::clone(&pages));
        let options = PersonOptions::new(Box::new(move |prompt| {
            let Prompt::Browser { url, port, is_again, .. } = prompt else { panic!("no browser") };
            let page = Sent { url: Url::parse(url).expect("a URL"), port: *port, is_again: *is_again };
            kept.lock().expect("whole").push(page.clone());
            let (visits, got) = (answer(&page), Arc::clone(&got));
            tokio::spawn(async move {
                for url in visits {
                    let page = visit(url).await;
                    got.lock().expect("whole").push(page);
                }
            });
        }));
        Self { sent, pages, options }
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().expect("whole").clone()
    }

    /// The pages, once there are `number` of them.
    async fn pages(&self, number: usize) -> Vec<(u16, String)> {
        while self.pages.lock().expect("whole").len() < number {
            tokio::task::yield_now().await;
        }
        self.pages.lock().expect("whole").clone()
    }

    fn browser(&mut self, server: &FakeServer, tenant: Option<&str>) -> Browser {
        let options = std::mem::replace(&mut self.options, person());
        Browser::new(&endpoints(server), tenant.map(str::to_owned), options).expect("a credential")
    }
}

async fn visit(url: Url) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(url).header("Accept-Language", "de-AT,en;q=0.5").send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

fn token_of(claims: &Value) -> String {
    format!("e30.{}.c2ln", BASE64.encode(claims.to_string()))
}

/// A service that redeems every code, for the nonce of the last page that `User` was sent to.
fn server(nonce: Arc<Mutex<String>>, renewals: Vec<FakeAnswer>) -> FakeServer {
    let renewed = AtomicUsize::new(0);
    FakeServer::new(move |seen| match seen.field("grant_type").as_str() {
        "authorization_code" => issued(&nonce.lock().expect("whole")),
        _ => renewals[renewed.fetch_add(1, Ordering::Relaxed).min(renewals.len() - 1)].clone(),
    })
}

fn issued(nonce: &str) -> FakeAnswer {
    let access = token_of(&json!({"tid": TENANT, "oid": "o1", "upn": "ann@contoso.com", "scp": "x"}));
    let id = token_of(&json!({"nonce": nonce}));
    (200, json!({"access_token": access, "expires_in": 3599, "refresh_token": "r1", "id_token": id}))
}

/// A user who signs in, and a service that issues tokens for them.
fn good(renewals: Vec<FakeAnswer>) -> (User, FakeServer) {
    let nonce = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&nonce);
    let user = User::new(move |sent| {
        *kept.lock().expect("whole") = sent.value("nonce");
        vec![sent.with_code()]
    });
    (user, server(nonce, renewals))
}

fn tokens(server: &FakeServer) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.path.ends_with("/token")).collect()
}

#[tokio::test]
async fn signs_in_with_code_and_proof() {
    let (mut user, server) = good(vec![]);
    user.browser(&server, None).fetch().await.expect("a token");
    let sent = &user.sent()[0];
    assert_eq!(sent.url.path(), "/organizations/oauth2/v2.0/authorize");
    let fields: HashMap<String, String> = sent.url.query_pairs().into_owned().collect();
    let scope = format!("{0}/User-PasswordProfile.ReadWrite.All {0}/User.Read.All offline_access openid", server.url);
    for (name, expected) in [
        ("client_id", CLIENT_ID_DEFAULT),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("redirect_uri", &format!("http://localhost:{}", sent.port)),
        ("scope", &scope),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
    ] {
        assert_eq!(fields[name], expected, "{name}");
    }
    assert!(!sent.is_again && !fields.contains_key("login_hint"));
    let seen = &tokens(&server)[0];
    assert_eq!(seen.line(), "POST /organizations/oauth2/v2.0/token");
    assert_eq!(seen.field("redirect_uri"), fields["redirect_uri"], "the same in both requests");
    assert_eq!((seen.field("code").as_str(), seen.field("client_id").as_str()), (CODE, CLIENT_ID_DEFAULT));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seen.field("code_verifier").as_bytes());
    assert_eq!(BASE64.encode(hash), fields["code_challenge"]);
    let [(status, page)] = &user.pages(1).await[..] else { panic!("one page") };
    assert!(*status == 200 && page.contains("<html lang=\"de\">") && page.contains("angemeldet"), "{page}");
    assert!(!page.contains(CODE));
}

#[tokio::test]
async fn flags_reach_the_page() {
    let (mut user, server) = good(vec![]);
    user.options.client_id = Some(CLIENT.into());
    user.options.login_hint = Some("ann+x@contoso.com".into());
    user.options.needs = Needs { writes: true, reads: false, revokes: true, audits: false };
    user.browser(&server, Some(TENANT)).fetch().await.expect("a token");
    let sent = &user.sent()[0];
    assert_eq!(sent.url.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
    assert_eq!((sent.value("login_hint").as_str(), sent.value("prompt").as_str()), ("ann+x@contoso.com", ""));
    assert_eq!(sent.value("client_id"), CLIENT);
    assert!(
        sent.value("scope").contains("/User.RevokeSessions.All ") && !sent.value("scope").contains("User.Read.All")
    );
}

#[tokio::test]
async fn other_requests_do_not_end_the_wait() {
    let nonce = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&nonce);
    let mut user = User::new(move |sent| {
        *kept.lock().expect("whole") = sent.value("nonce");
        let state = sent.value("state");
        let others =
            ["/favicon.ico", "/", "/?code=x", &format!("/x?code=x&state={state}"), &format!("/?state={state}")];
        let others = others.map(|path| Url::parse(&(sent.value("redirect_uri") + path)).expect("a URL"));
        others.into_iter().chain([sent.with_code()]).collect()
    });
    let server = server(nonce, vec![]);
    user.browser(&server, None).fetch().await.expect("a token");
    let statuses: Vec<u16> = user.pages(6).await.into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, [404, 404, 404, 404, 404, 200]);
}

/// A request to `port` as raw bytes; what came back.
async fn raw(host: &str, port: u16, text: &str) -> String {
    let mut stream = TcpStream::connect((host, port)).await.expect("a connection");
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A request that is refused while it is sent may break the connection.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn listens_on_both_versions_of_ip_and_ignores_bad_clients() {
    let nonce = Arc::new(Mutex::new(String::new()));
    let (kept, mut statuses) = (Arc::clone(&nonce), Vec::new());
    let server = server(nonce, vec![]);
    let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel::<Sent>();
    let options = PersonOptions::new(Box::new(move |prompt| {
        let Prompt::Browser { url, port, is_again, .. } = prompt else { panic!("no browser") };
        let sent = Sent { url: Url::parse(url).expect("a URL"), port: *port, is_again: *is_again };
        *kept.lock().expect("whole") = sent.value("nonce");
        drop(asked.send(sent));
    }));
    let browser = Browser::new(&endpoints(&server), None, options).expect("a credential");
    let visiting = async {
        let sent = asks.recv().await.expect("a page");
        let silent = TcpStream::connect(("127.0.0.1", sent.port)).await.expect("a connection");
        let has_six = tokio::net::TcpListener::bind("[::1]:0").await.is_ok();
        for host in ["127.0.0.1", "::1"].into_iter().take(1 + usize::from(has_six)) {
            for text in
                ["POST / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]
            {
                let answer = raw(host, sent.port, text).await;
                statuses.push(answer.split(' ').nth(1).unwrap_or_default().to_owned());
            }
            let long = format!("GET /?code={} HTTP/1.1\r\n\r\n", "x".repeat(64 << 10));
            assert!(!raw(host, sent.port, &long).await.contains(" 200 "));
        }
        let outside = TcpStream::connect(("127.0.0.2", sent.port)).await;
        assert!(outside.is_err() || cfg!(not(target_os = "linux")), "only one address of loopback is open");
        let page = visit(sent.with_code()).await;
        assert!(TcpStream::connect(("127.0.0.1", sent.port)).await.is_err(), "the port is closed after the answer");
        drop(silent);
        page
    };
    let (token, (status, _)) = tokio::join!(browser.fetch(), visiting);
    token.expect("a token");
    assert_eq!(status, 200);
    for four in statuses.chunks(4) {
        assert_eq!(four, ["405", "405", "400", "404"]);
    }
}

#[tokio::test]
async fn foreign_answers_are_refused() {
    let server = server(Arc::default(), vec![]);
    let mut user = User::new(|sent| vec![sent.back(&[("code", CODE), ("state", "other")])]);
    let error = user.browser(&server, None).fetch().await.err().expect("refused");
    assert!(matches!(error, SignInError::Foreign { what: "state" }), "{error}");
    assert!(tokens(&server).is_empty(), "the code is not redeemed");
    assert_eq!(user.pages(1).await[0].0, 400);

    for nonce in ["", "other"] {
        let server = self::server(Arc::new(Mutex::new(nonce.into())), vec![]);
        let mut user = User::new(|sent| vec![sent.with_code()]);
        let error = user.browser(&server, None).fetch().await.err().expect("refused");
        assert!(matches!(error, SignInError::Foreign { what: "nonce" }), "{error}");
    }
}

#[tokio::test]
async fn refusals_in_the_browser_have_their_code() {
    for (error, said, code) in [
        ("access_denied", "AADSTS65004: User declined to consent.\r\nTrace ID: <b>x</b>", Some(65_004)),
        ("access_denied", "AADSTS90094: <script>alert(1)</script> needs an admin.", Some(90_094)),
        ("invalid_request", "AADSTS53003: Blocked by Conditional Access.", Some(53_003)),
        ("access_denied", "", None),
    ] {
        let server = self::server(Arc::default(), vec![]);
        let mut user = User::new(move |sent| {
            vec![sent.back(&[("error", error), ("error_description", said), ("state", &sent.value("state"))])]
        });
        let browser = user.browser(&server, None);
        let refused = browser.fetch().await.err().expect("refused");
        assert!(matches!(refused, SignInError::Refused { code: told, .. } if told == code), "{refused:?}");
        let page = user.pages(1).await.remove(0);
        assert!(page.0 == 400 && !page.1.contains("<script") && !page.1.contains("<b>"), "{}", page.1);
        assert!(page.1.contains("fehlgeschlagen"), "{}", page.1);
        assert!(browser.fetch().await.is_err());
        assert_eq!(user.sent().len(), 1, "nobody is asked again after a refusal");
    }
}

#[tokio::test]
async fn refusals_of_the_code_have_their_code() {
    for (error, code) in [("invalid_grant", 65_001), ("invalid_grant", 54_005), ("invalid_grant", 50_057)] {
        let server = FakeServer::new(move |_| fake_server::refused(400, error, code, &format!("no: {CODE}")));
        let mut user = User::new(|sent| vec![sent.with_code()]);
        let refused = user.browser(&server, None).fetch().await.err().expect("refused");
        assert!(refused.to_string().contains(&format!("AADSTS{code}: no: [withheld]")), "{refused}");
        assert!(!user.pages(1).await[0].1.contains(CODE));
    }
}

#[tokio::test]
async fn short_failures_do_not_cost_the_sign_in() {
    let (nonce, asked) = (Arc::new(Mutex::new(String::new())), AtomicUsize::new(0));
    let kept = Arc::clone(&nonce);
    let server = FakeServer::new(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => (503, Value::Null),
        _ => issued(&nonce.lock().expect("whole")),
    });
    let mut user = User::new(move |sent| {
        *kept.lock().expect("whole") = sent.value("nonce");
        vec![sent.with_code()]
    });
    user.browser(&server, None).fetch().await.expect("a token");
    assert_eq!((user.sent().len(), server.seen().len()), (1, 2));
}

#[tokio::test]
async fn nobody_comes_back() {
    let server = self::server(Arc::default(), vec![]);
    let mut user = User::new(|_| vec![]);
    user.options.limit = Duration::from_millis(20);
    let late = user.browser(&server, None).fetch().await.err().expect("late");
    assert!(late.to_string().contains("nobody signed in within"), "{late}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn renews_with_the_newest_refresh_token() {
    let renewal =
        |refresh: Option<&str>| (200, json!({"access_token": "a.b.c", "expires_in": 3599, "refresh_token": refresh}));
    let (mut user, server) = good(vec![renewal(Some(SECRET)), renewal(None), (503, Value::Null), renewal(None)]);
    let browser = user.browser(&server, None);
    for _ in 0..3 {
        browser.fetch().await.expect("a token");
    }
    assert!(browser.fetch().await.err().expect("away").is_passing());
    browser.fetch().await.expect("a token");
    let refreshes: Vec<_> = tokens(&server)[1..].iter().map(|seen| seen.field("refresh_token")).collect();
    assert_eq!(refreshes, ["r1", SECRET, SECRET, SECRET]);
    assert_eq!(user.sent().len(), 1);
}

#[tokio::test]
async fn refused_renewal_asks_the_same_user_again() {
    let ended = fake_server::refused(400, "invalid_grant", 70_043, "sign-in frequency");
    let (mut user, server) = good(vec![ended]);
    let browser = user.browser(&server, None);
    browser.fetch().await.expect("a token");
    browser.fetch().await.expect("another token");
    let [first, second] = &user.sent()[..] else { panic!("two pages") };
    assert!(!first.is_again && second.is_again);
    assert_eq!((second.value("login_hint").as_str(), second.value("prompt").as_str()), ("ann@contoso.com", ""));
    assert_ne!((first.value("state"), first.value("nonce")), (second.value("state"), second.value("nonce")));
}

#[tokio::test]
async fn another_person_is_refused() {
    let access = token_of(&json!({"tid": TENANT, "oid": "o2", "upn": "bob@contoso.com", "scp": "x"}));
    let other = (200, json!({"access_token": access, "expires_in": 3599, "refresh_token": "r2"}));
    let nonce = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&nonce);
    let mut user = User::new(move |sent| {
        *kept.lock().expect("whole") = sent.value("nonce");
        vec![sent.with_code()]
    });
    let server = FakeServer::new(move |seen| match seen.field("grant_type").as_str() {
        "authorization_code" => {
            let (status, mut said) = issued(&nonce.lock().expect("whole"));
            // So short that the next call renews it.
            said["expires_in"] = json!(0);
            (status, said)
        }
        _ => other.clone(),
    });
    let graph = endpoints(&server).graph;
    let client = GraphClient::new(endpoints(&server).web.client(&graph).clone(), &graph, user.browser(&server, None));
    client.sign_in().await.expect("a token");
    for _ in 0..2 {
        let error = client.sign_in().await.expect_err("refused");
        let told = error.to_string();
        assert!(told.contains("signed in as ann@contoso.com") && told.contains("for bob@contoso.com"), "{told}");
    }
    assert_eq!(tokens(&server).len(), 2, "the service is not asked again");
}
