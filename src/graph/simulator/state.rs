//! A request's way through the simulator: network, sign-in, luck, directory.
//!
//! Everything is decided here, at the moment the request comes; the answer is only delayed. So a client that gives up
//! waiting meets what it meets in the field: a write that took effect.

use super::{
    SimulatorConfig, Tally,
    bucket::Bucket,
    call::Call,
    dice::Dice,
    faults::{Faults, seconds},
    http::{Answer, Fate, Request},
    refusal::Refusal,
    reply::{Body, Reply},
    route::{Resource, Route, decode, route, split},
    tenant::Tenant,
    token::{Subject, Tokens},
    visit::{Clock, Moment, Sight, Visit, http_date},
};
use serde_json::json;
use std::time::Duration;

/// All that changes while the simulator works.
pub(super) struct State {
    pub clock: Clock,
    pub tenant: Tenant,
    pub writes: Bucket,
    pub units: Bucket,
    pub tokens: Tokens,
    pub dice: Dice,
    pub faults: Faults,
    pub tally: Tally,
    /// The token that the simulator's own client uses, and when it takes a new one.
    own: Option<(String, Duration)>,
}

/// What chance does to a request as a whole.
#[derive(Clone, Copy, PartialEq)]
enum Mishap {
    Throttled,
    Unavailable,
    Timeout,
    BadGateway,
    LostBefore,
    LostAfter,
    Truncated,
}

/// What stands before Graph says this when Graph does not answer it.
const GATEWAY_PAGE: &[u8] = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

/// What every 401 of Graph carries.
const CHALLENGE: &str = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
    client_id=\"00000003-0000-0000-c000-000000000000\"";

impl State {
    pub(super) fn new(config: SimulatorConfig) -> Self {
        let SimulatorConfig { write_quota, resource_units, faults, seed, epoch } = config;
        Self {
            clock: Clock { started: tokio::time::Instant::now(), epoch },
            tenant: Tenant::new(seed, &faults.accounts, &faults.complexity),
            writes: Bucket::new(write_quota, faults.quota_full, &faults.competing),
            units: Bucket::new(resource_units, faults.quota_full, &faults.competing),
            tokens: Tokens::new(seed, &faults.token, faults.denied),
            dice: Dice::new(seed),
            faults,
            tally: Tally::default(),
            own: None,
        }
    }

    /// Whether there is a network at all.
    pub(super) fn is_reachable(&self) -> bool {
        let now = self.clock.now().elapsed.as_secs_f64();
        !self
            .faults
            .outages
            .iter()
            .any(|outage| (outage.from_seconds..outage.from_seconds + outage.seconds).contains(&now))
    }

    pub(super) fn handle(&mut self, request: &Request<'_>) -> Fate {
        if !self.is_reachable() {
            return Fate { delay: Duration::ZERO, answer: None };
        }
        let visit = Visit::new(request, self.clock.now(), &mut self.dice);
        Fate { delay: self.delay(), answer: self.answer(request, &visit) }
    }

    fn delay(&mut self) -> Duration {
        let jitter = self.dice.below(self.faults.latency_jitter_ms);
        let latency = Duration::from_millis(self.faults.latency_ms + jitter);
        let stalls = self.dice.chance(self.faults.stall.share);
        latency + if stalls { seconds(self.faults.stall.seconds) } else { Duration::ZERO }
    }

    fn answer(&mut self, request: &Request<'_>, visit: &Visit) -> Option<Answer> {
        let (path, query) = split(request.target);
        let path = decode(path);
        let route = path.as_deref().map_or(Route::Graph(Resource::Malformed), route);
        let mut answer = match (request.method, route) {
            (_, Route::Graph(resource)) => return self.graph(request, &resource, query, visit),
            ("POST", Route::Token { tenant }) => {
                self.tokens.sign_in(tenant, request.body, visit, &mut self.dice, &mut self.tenant)
            }
            ("POST", Route::DeviceCode { tenant }) => self.tokens.invite(tenant, request.body, visit, &mut self.dice),
            ("GET", Route::OpenIdConfiguration { tenant }) => openid_configuration(tenant, visit),
            ("GET", Route::InstanceDiscovery) => instance_discovery(&self.tokens.credentials.tenant_id, visit),
            _ => Answer::new(404, "text/plain", Vec::new()),
        };
        visit.sign(&mut answer);
        Some(answer)
    }

    /// What comes of a request to the directory; nothing where the connection is cut.
    fn graph(&mut self, request: &Request<'_>, resource: &Resource<'_>, query: &str, visit: &Visit) -> Option<Answer> {
        self.tally.batches += u64::from(*resource == Resource::Batch);
        let mishap = match self.refuses_entry(request, visit.at) {
            Some(refusal) => return Some(whole(&refusal, visit)),
            None => self.mishap(),
        };
        let failure = mishap.and_then(|mishap| self.failure(mishap, visit));
        match mishap {
            Some(Mishap::LostBefore) => return None,
            Some(Mishap::Throttled) => return Some(self.throttle_whole(request, resource, visit)),
            _ if failure.is_some() && !self.dice.chance(self.faults.requests.applied) => return failure,
            _ => {}
        }
        let mut answer = self.directory(request, resource, query, visit);
        visit.sign(&mut answer);
        if mishap.is_some() {
            // Whoever is not told to wait cannot come too early.
            self.hold_all(request, resource, Duration::ZERO);
        }
        match mishap {
            Some(Mishap::LostAfter) => None,
            Some(Mishap::Truncated) => self.cut_off(answer),
            _ => failure.or(Some(answer)),
        }
    }

    fn refuses_entry(&mut self, request: &Request<'_>, at: Moment) -> Option<Refusal> {
        if let Err(refusal) = self.tokens.admit(request.header("authorization"), at) {
            self.tally.tokens_refused += 1;
            return Some(refusal);
        }
        let encoding = request.header("transfer-encoding").unwrap_or_default();
        encoding.to_ascii_lowercase().contains("chunked").then_some(Refusal::CHUNKED)
    }

    fn mishap(&mut self) -> Option<Mishap> {
        let faults = &self.faults.requests;
        self.dice.pick(&[
            (faults.throttled, Mishap::Throttled),
            (faults.unavailable, Mishap::Unavailable),
            (faults.timeout, Mishap::Timeout),
            (faults.bad_gateway, Mishap::BadGateway),
            (faults.lost_before, Mishap::LostBefore),
            (faults.lost_after, Mishap::LostAfter),
            (faults.truncated, Mishap::Truncated),
        ])
    }

    /// The answer that stands in the place of the directory's.
    fn failure(&mut self, mishap: Mishap, visit: &Visit) -> Option<Answer> {
        match mishap {
            Mishap::BadGateway => {
                let mut answer = Answer::new(502, "text/html", GATEWAY_PAGE.to_vec());
                answer.headers.push(("Date".into(), http_date(visit.at.wall).into()));
                Some(answer)
            }
            Mishap::Timeout => Some(whole(&Refusal::TIMEOUT, visit)),
            Mishap::Unavailable => {
                let (told, _) = self.retry_after(seconds(self.faults.requests.retry_after_seconds));
                let mut answer = whole(&Refusal::UNAVAILABLE, visit);
                answer.headers.extend(told.map(|told| ("Retry-After".into(), told)));
                Some(answer)
            }
            _ => None,
        }
    }

    fn throttle_whole(&mut self, request: &Request<'_>, resource: &Resource<'_>, visit: &Visit) -> Answer {
        self.tally.throttled_whole += 1;
        let (told, wait) = self.retry_after(seconds(self.faults.requests.retry_after_seconds));
        self.hold_all(request, resource, visit.at.elapsed + wait);
        let mut answer = whole(&Refusal::throttled(), visit);
        answer.headers.extend(told.map(|told| ("Retry-After".into(), told)));
        answer
    }

    /// Has every account that a request speaks of remember until when it is to be left alone.
    fn hold_all(&mut self, request: &Request<'_>, resource: &Resource<'_>, until: Duration) {
        match resource {
            Resource::Batch => self.hold_batch(request.body, until),
            resource => self.hold_account(resource, until),
        }
    }

    fn directory(&mut self, request: &Request<'_>, resource: &Resource<'_>, query: &str, visit: &Visit) -> Answer {
        if request.method == "POST" && *resource == Resource::Batch {
            return match self.batch(request.body, visit) {
                Ok(body) => Answer::new(200, "application/json", body),
                Err(refusal) => Reply::refused(&refusal, visit).into_answer(),
            };
        }
        // An action without a body is complete when it comes alone; within a batch it must say so.
        let action = matches!(resource, Resource::RevokeSessions(_));
        let call = Call {
            id: "",
            method: request.method,
            url: request.target,
            has_content_type: action || request.header("content-type").is_some(),
            body: (action || !request.body.is_empty()).then_some(request.body),
        };
        self.call_on(resource, query, &call, visit).into_answer()
    }

    /// How far a read at this time can see.
    pub(super) fn sight(&self, at: Moment) -> Sight {
        let lag = seconds(self.faults.replication_lag_seconds);
        Sight { clock: self.clock, seen: at.elapsed.checked_sub(lag) }
    }

    /// Leaves a part of the body away; an answer without a body is lost altogether.
    fn cut_off(&mut self, mut answer: Answer) -> Option<Answer> {
        let kept = usize::try_from(self.dice.below(answer.body.len() as u64)).unwrap_or_default();
        answer.body.truncate(kept);
        (answer.length > 0).then_some(answer)
    }

    /// The token of the simulator's own client, which takes a new one in good time.
    pub(super) fn own_token(&mut self) -> String {
        let at = self.clock.now();
        if let Some((token, until)) = &self.own
            && at.elapsed < *until
        {
            return token.clone();
        }
        let token = self.tokens.issue(&Subject::Application, at, &mut self.dice);
        self.own = Some((token.clone(), at.elapsed + self.tokens.life().mul_f64(0.9)));
        token
    }

    /// Forgets the own token, since it was refused; another one may have taken its place meanwhile.
    pub(super) fn forget_token(&mut self, refused: &str) {
        self.own.take_if(|(token, _)| token == refused);
    }
}

/// A refusal of a request as a whole.
fn whole(refusal: &Refusal, visit: &Visit) -> Answer {
    let mut answer = Reply::new(refusal.status, Body::Json(refusal.body(visit))).into_answer();
    if refusal.status == 401 {
        answer.headers.push(("WWW-Authenticate".into(), CHALLENGE.into()));
    }
    visit.sign(&mut answer);
    answer
}

fn openid_configuration(tenant: &str, visit: &Visit) -> Answer {
    let base = &visit.base;
    Answer::json(
        200,
        &json!({
            "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
            // As Entra names itself wherever it is asked; MSAL believes no issuer on plain http.
            "issuer": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
            "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
            "response_types_supported": ["token"],
            "scopes_supported": ["openid", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "cloud_instance_name": "microsoftonline.com",
            "msgraph_host": base.trim_start_matches("http://"),
        }),
    )
}

fn instance_discovery(tenant: &str, visit: &Visit) -> Answer {
    let host = visit.base.trim_start_matches("http://");
    Answer::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", visit.base),
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }),
    )
}
