//! The path of a request through the simulator: network, sign-in, random faults, directory.
//!
//! Everything is decided here when the request arrives; only the answer is delayed. So a client that gives up waiting
//! meets a real situation: a write that took effect.

use super::{
    call::Call,
    context::{RequestContext, TimePoint, http_date},
    faults::seconds,
    http::{Answer, Request, ResponsePlan},
    refusal::Refusal,
    reply::{Body, Reply},
    route::{Resource, decode, route, split},
    state::State,
    token::{Place, Visit, place},
};
use std::time::Duration;

/// The random faults of a whole request.
#[derive(Clone, Copy, PartialEq)]
enum InjectedFault {
    Throttled,
    Unavailable,
    Timeout,
    BadGateway,
    LostBefore,
    LostAfter,
    Truncated,
}

/// The page that a gateway before Graph sends when Graph does not answer it.
const GATEWAY_PAGE: &[u8] = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n";

impl State {
    pub(super) fn handle(&mut self, request: &Request<'_>) -> ResponsePlan {
        if !self.is_reachable() {
            return ResponsePlan { delay: Duration::ZERO, answer: None };
        }
        let context = RequestContext::new(request, self.clock.now(), self.public_url.as_deref(), &mut self.rng);
        let delay = self.delay() + self.browser_delay(request);
        ResponsePlan { delay, answer: self.answer(request, &context) }
    }

    /// How much longer a browser waits for its answer.
    fn browser_delay(&self, request: &Request<'_>) -> Duration {
        let late = self.faults.token.browser_seconds;
        let is_browser = || matches!(place(split(request.target).0), Some(Place::Authorize { .. }));
        if late > 0 && is_browser() { Duration::from_secs(late.into()) } else { Duration::ZERO }
    }

    fn delay(&mut self) -> Duration {
        let jitter = self.rng.below(self.faults.latency_jitter_ms);
        let latency = Duration::from_millis(self.faults.latency_ms + jitter);
        let stalls = self.rng.chance(self.faults.stall.share);
        latency + if stalls { seconds(self.faults.stall.seconds) } else { Duration::ZERO }
    }

    fn answer(&mut self, request: &Request<'_>, context: &RequestContext) -> Option<Answer> {
        let (path, query) = split(request.target);
        let path = decode(path);
        let Some(place) = path.as_deref().and_then(place) else {
            let resource = path.as_deref().map_or(Resource::Malformed, route);
            return self.graph(request, &resource, query, context);
        };
        let (rng, directory) = (&mut self.rng, &mut self.tenant);
        let mut answer = self.tokens.answer(&place, &mut Visit { request, query, context, rng, directory });
        context.sign(&mut answer);
        Some(answer)
    }

    /// The result of a request to the directory; `None` if the connection is cut.
    fn graph(
        &mut self,
        request: &Request<'_>,
        resource: &Resource<'_>,
        query: &str,
        context: &RequestContext,
    ) -> Option<Answer> {
        self.tally.batches += u64::from(*resource == Resource::Batch);
        let fault = match self.refuses_entry(request, context.at) {
            Some(refusal) => return Some(whole(&refusal, context)),
            None => self.fault(),
        };
        let failure = fault.and_then(|fault| self.failure(fault, context));
        match fault {
            Some(InjectedFault::LostBefore) => return None,
            Some(InjectedFault::Throttled) => return Some(self.throttle_whole(request, resource, context)),
            _ if failure.is_some() && !self.rng.chance(self.faults.requests.applied) => return failure,
            _ => {}
        }
        let mut answer = self.directory(request, resource, query, context);
        context.sign(&mut answer);
        if fault.is_some() {
            // A client that was not told to wait cannot come too early.
            self.hold_all(request, resource, Duration::ZERO);
        }
        match fault {
            Some(InjectedFault::LostAfter) => None,
            Some(InjectedFault::Truncated) => self.cut_off(answer),
            _ => failure.or(Some(answer)),
        }
    }

    fn refuses_entry(&mut self, request: &Request<'_>, at: TimePoint) -> Option<Refusal> {
        if let Err(refusal) = self.tokens.admit(request.header("authorization"), at) {
            self.tally.tokens_refused += 1;
            return Some(refusal);
        }
        let encoding = request.header("transfer-encoding").unwrap_or_default();
        encoding.to_ascii_lowercase().contains("chunked").then_some(Refusal::CHUNKED)
    }

    fn fault(&mut self) -> Option<InjectedFault> {
        let faults = &self.faults.requests;
        self.rng.pick(&[
            (faults.throttled, InjectedFault::Throttled),
            (faults.unavailable, InjectedFault::Unavailable),
            (faults.timeout, InjectedFault::Timeout),
            (faults.bad_gateway, InjectedFault::BadGateway),
            (faults.lost_before, InjectedFault::LostBefore),
            (faults.lost_after, InjectedFault::LostAfter),
            (faults.truncated, InjectedFault::Truncated),
        ])
    }

    /// The answer that replaces the directory's.
    fn failure(&mut self, fault: InjectedFault, context: &RequestContext) -> Option<Answer> {
        match fault {
            InjectedFault::BadGateway => {
                let mut answer = Answer::new(502, "text/html", GATEWAY_PAGE.to_vec());
                answer.headers.push(("Date".into(), http_date(context.at.wall).into()));
                Some(answer)
            }
            InjectedFault::Timeout => Some(whole(&Refusal::TIMEOUT, context)),
            InjectedFault::Unavailable => {
                let (told, _) = self.retry_after(seconds(self.faults.requests.retry_after_seconds));
                let mut answer = whole(&Refusal::UNAVAILABLE, context);
                answer.headers.extend(told.map(|told| ("Retry-After".into(), told)));
                Some(answer)
            }
            _ => None,
        }
    }

    fn throttle_whole(&mut self, request: &Request<'_>, resource: &Resource<'_>, context: &RequestContext) -> Answer {
        self.tally.throttled_whole += 1;
        let (told, wait) = self.retry_after(seconds(self.faults.requests.retry_after_seconds));
        self.hold_all(request, resource, context.at.elapsed + wait);
        let mut answer = whole(&Refusal::throttled(), context);
        answer.headers.extend(told.map(|told| ("Retry-After".into(), told)));
        answer
    }

    /// Makes every account in a request remember until when it must not be called again.
    fn hold_all(&mut self, request: &Request<'_>, resource: &Resource<'_>, until: Duration) {
        match resource {
            Resource::Batch => self.hold_batch(request.body, until),
            resource => self.hold_account(resource, until),
        }
    }

    fn directory(
        &mut self,
        request: &Request<'_>,
        resource: &Resource<'_>,
        query: &str,
        context: &RequestContext,
    ) -> Answer {
        if request.method == "POST" && *resource == Resource::Batch {
            return match self.batch(request.body, context) {
                Ok(body) => Answer::new(200, "application/json", body),
                Err(refusal) => Reply::refused(&refusal, context).into_answer(),
            };
        }
        // An action without a body is complete when it comes alone; within a batch it must declare it.
        let action = matches!(resource, Resource::RevokeSessions(_));
        let call = Call {
            id: "",
            method: request.method,
            url: request.target,
            has_content_type: action || request.header("content-type").is_some(),
            body: (action || !request.body.is_empty()).then_some(request.body),
        };
        self.call_on(resource, query, &call, context).into_answer()
    }

    /// Drops a part of the body; an answer without a body is lost completely.
    fn cut_off(&mut self, mut answer: Answer) -> Option<Answer> {
        let kept = usize::try_from(self.rng.below(answer.body.len() as u64)).unwrap_or_default();
        answer.body.truncate(kept);
        (answer.length > 0).then_some(answer)
    }
}

/// A refusal of a whole request.
fn whole(refusal: &Refusal, context: &RequestContext) -> Answer {
    let mut answer = Reply::new(refusal.status, Body::Json(refusal.body(context))).into_answer();
    if refusal.status == 401 {
        // Graph's own application id.
        let challenge = format!(
            "Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", \
             client_id=\"00000003-0000-0000-c000-000000000000\"",
            context.base
        );
        answer.headers.push(("WWW-Authenticate".into(), challenge.into()));
    }
    context.sign(&mut answer);
    answer
}
