//! One call to the directory, alone or as an item of a batch.
//!
//! First the quotas are charged, then a random fault may occur, then the call takes effect. In this order, a throttled
//! call never writes, and a call with a random fault writes only if the faults say so.

use super::{
    action::{Action, Verb},
    context::{RequestContext, TimePoint, http_date},
    faults::{RetryAfterForm, seconds},
    place::{Resource, relative, resource},
    refusal::Refusal,
    reply::{Body, Reply},
    route::{decode, split},
    schema::Target,
    state::State,
};
use std::{borrow::Cow, sync::PoisonError, time::Duration};

pub(super) use super::action::Call;

/// Graph reports the share in use from here on; 1.8 is the highest value that it reports.
const PERCENTAGE_MIN: f64 = 0.8;
const PERCENTAGE_MAX: f64 = 1.8;

/// The write quota of the application in this tenant is spent, or the one over all tenants.
const WRITES_SPENT: &str = "WriteLimitExceeded";
const APPLICATION_SPENT: &str = "WriteLimitExceeded in all tenants";
/// The quota of authentication methods, or of sign-ins, is spent.
const METHODS_SPENT: &str = "";

/// The random faults of a call.
#[derive(Clone, Copy)]
enum InjectedFault {
    Throttled,
    Unavailable,
    Timeout,
    Conflict,
    ConflictAsBadRequest,
    OddSuccess,
}

impl State {
    /// Answers a call whose URL is relative to the API's version.
    pub(super) fn call(&mut self, call: &Call<'_>, eventual: bool, context: &RequestContext) -> Reply {
        let (path, query) = split(relative(call.url));
        match decode(path) {
            Some(path) => self.call_at(&resource(&path), query, call, eventual, context),
            None => Reply::refused(&Refusal::BAD_REQUEST, context),
        }
    }

    /// Answers a call that came alone, and whose URL is already parsed.
    pub(super) fn call_on(
        &mut self,
        resource: &Resource<'_>,
        query: &str,
        call: &Call<'_>,
        context: &RequestContext,
    ) -> Reply {
        self.call_at(resource, query, call, context.eventual, context)
    }

    fn call_at(
        &mut self,
        resource: &Resource<'_>,
        query: &str,
        call: &Call<'_>,
        eventual: bool,
        context: &RequestContext,
    ) -> Reply {
        let place = match resource {
            Resource::Unknown(segment) => return Reply::refused(&Refusal::no_segment(segment), context),
            Resource::Malformed => return Reply::refused(&Refusal::BAD_REQUEST, context),
            // A batch within a batch.
            Resource::Batch => return Reply::refused(&Refusal::METHOD, context),
            Resource::Known(place) | Resource::RevokeSessions(place) => place,
        };
        let (verb, permission) = match Verb::of(&call.method.to_ascii_uppercase(), place.route) {
            Ok(allowed) => allowed,
            Err(refusal) => return Reply::refused(&refusal, context),
        };
        let person = if place.me { context.person() } else { None };
        if place.me && person.is_none() {
            return Reply::refused(&Refusal::NOBODY, context);
        }
        let action = Action { verb, place, key: person.as_deref().unwrap_or(&place.key), eventual, permission };
        if action.needs_body(call) && !(call.has_content_type && call.body.is_some()) {
            return Reply::refused(&Refusal::incomplete(call.id), context);
        }
        self.charged(action, query, call, context)
    }

    /// Answers a call that is complete, if the quotas allow it.
    fn charged(&mut self, action: Action<'_>, query: &str, call: &Call<'_>, context: &RequestContext) -> Reply {
        self.note_arrival(action, context.at);
        let units = action.units(query);
        let mut reply = match self.charge(action, query, units, context.at) {
            Some((wait, spent)) => self.over_quota(wait, spent, action, context),
            None => self.with_random_fault(action, query, call, context),
        };
        reply.headers.push(("x-ms-resource-unit", if units == 1 { "1".into() } else { units.to_string().into() }));
        let used = self.writes.used().max(self.units.used());
        if used > PERCENTAGE_MIN {
            let told = format!("{:.2}", used.min(PERCENTAGE_MAX));
            reply.headers.push(("x-ms-throttle-limit-percentage", told.into()));
        }
        reply
    }

    fn note_arrival(&mut self, action: Action<'_>, at: TimePoint) {
        match (action.verb, action.place.route.target) {
            (Verb::Patch, _) => self.tally.patches += 1,
            (_, Target::ResetOnPremises) => self.tally.resets_on_premises += 1,
            (_, Target::Operation) => self.tally.polls += 1,
            (Verb::Get, Target::User | Target::Users) => {
                self.tally.reads += 1;
                self.tally.first_read.get_or_insert(at.instant);
                self.tally.last_read = Some(at.instant);
            }
            _ => self.tally.other_calls += 1,
        }
        let held = action.account().and_then(|key| self.tenant.find(key)?.more());
        self.tally.early += u64::from(held.is_some_and(|held| at.elapsed < held.not_before));
    }

    /// Charges both quotas of the call. If one is spent, returns the longer wait and its quota.
    fn charge(
        &mut self,
        action: Action<'_>,
        query: &str,
        units: u32,
        at: TimePoint,
    ) -> Option<(Duration, &'static str)> {
        if action.is_of_reports() {
            return self.reports.charge(at.elapsed, 1.0).map(|wait| (wait, METHODS_SPENT));
        }
        if action.is_of_sign_ins(query) {
            let sign_ins = self.sign_ins.charge(at.elapsed, 1.0);
            let units = self.units.charge(at.elapsed, f64::from(units));
            return sign_ins.max(units).map(|wait| (wait, METHODS_SPENT));
        }
        if action.is_of_methods() {
            let methods = self.methods.charge(at.elapsed, 1.0);
            let units = self.units.charge(at.elapsed, f64::from(units));
            return methods.max(units).map(|wait| (wait, METHODS_SPENT));
        }
        let writes = if action.is_write() { self.writes.charge(at.elapsed, 1.0) } else { None };
        let of_all = self
            .application
            .as_ref()
            .filter(|_| action.is_write())
            .and_then(|shared| shared.lock().unwrap_or_else(PoisonError::into_inner).charge(at.elapsed, 1.0));
        let units = self.units.charge(at.elapsed, f64::from(units));
        if of_all > writes.max(units) {
            of_all.map(|wait| (wait, APPLICATION_SPENT))
        } else if writes >= units {
            writes.map(|wait| (wait, WRITES_SPENT))
        } else {
            units.map(|wait| (wait, "ResourceUnitLimitExceeded"))
        }
    }

    fn over_quota(
        &mut self,
        wait: Duration,
        spent: &'static str,
        action: Action<'_>,
        context: &RequestContext,
    ) -> Reply {
        let mut reply = self.throttled(wait, action.account(), context);
        if spent == METHODS_SPENT {
            // No such refusal was ever captured, so it names nothing but the wait.
            return reply;
        }
        let credentials = &self.tokens.credentials;
        let (whose, kind, spent) = match spent {
            APPLICATION_SPENT => ("Application", "Write", WRITES_SPENT),
            WRITES_SPENT => ("Tenant_Application", "Write", WRITES_SPENT),
            _ => ("Tenant_Application", "ReadWrite", spent),
        };
        let scope = format!("{whose}/{kind}/{}/{}", credentials.client_id, credentials.tenant_id);
        reply.headers.push(("x-ms-throttle-scope", scope.into()));
        reply.headers.push(("x-ms-throttle-information", spent.into()));
        reply
    }

    fn with_random_fault(
        &mut self,
        action: Action<'_>,
        query: &str,
        call: &Call<'_>,
        context: &RequestContext,
    ) -> Reply {
        let faults = &self.faults.items;
        let applied = faults.applied;
        let fault = self.rng.pick(&[
            (faults.throttled, InjectedFault::Throttled),
            (faults.unavailable, InjectedFault::Unavailable),
            (faults.timeout, InjectedFault::Timeout),
            (faults.conflict, InjectedFault::Conflict),
            (faults.conflict_as_bad_request, InjectedFault::ConflictAsBadRequest),
            (faults.odd_success, InjectedFault::OddSuccess),
        ]);
        let refusal = match fault {
            None => return self.perform(action, query, call, context),
            // Only writes can conflict, or succeed with an undocumented answer.
            Some(InjectedFault::Conflict | InjectedFault::ConflictAsBadRequest | InjectedFault::OddSuccess)
                if !action.is_write() =>
            {
                return self.perform(action, query, call, context);
            }
            Some(InjectedFault::OddSuccess) => {
                if self.rng.chance(applied) {
                    self.perform(action, query, call, context);
                }
                return self.odd_success(context);
            }
            Some(InjectedFault::Throttled) => {
                let wait = seconds(faults.throttled_seconds);
                return self.throttled(wait, action.account(), context);
            }
            Some(InjectedFault::Conflict) => Refusal::CONFLICT,
            Some(InjectedFault::ConflictAsBadRequest) => Refusal::CONFLICT_AS_BAD_REQUEST,
            Some(InjectedFault::Unavailable) => Refusal::UNAVAILABLE,
            Some(InjectedFault::Timeout) => Refusal::TIMEOUT,
        };
        if refusal.status >= 500 && self.rng.chance(applied) {
            self.perform(action, query, call, context);
        }
        Reply::refused(&refusal, context)
    }

    /// A success that Graph does not document.
    fn odd_success(&mut self, context: &RequestContext) -> Reply {
        let status = self.rng.one_of([200, 201, 202, 205, 299, 204]);
        // 204 would be a success if it did not have the body of an error.
        let body = match status == 204 || self.rng.one_of([true, false]) {
            true => Body::Json(Refusal::UNAVAILABLE.body(context)),
            false => Body::Empty,
        };
        Reply::new(status, body)
    }

    /// A 429 that names `wait`; the account remembers it.
    fn throttled(&mut self, wait: Duration, key: Option<&str>, context: &RequestContext) -> Reply {
        self.tally.throttled += 1;
        let (told, at_least) = self.retry_after(wait);
        if let Some(held) = key.and_then(|key| self.tenant.find_mut(key)) {
            held.more_mut().not_before = context.at.elapsed + at_least;
        }
        let credentials = &self.tokens.credentials;
        let refusal = if self.rng.one_of([true, false]) {
            Refusal::throttled()
        } else {
            Refusal::throttled_by_directory(&credentials.client_id, &credentials.tenant_id)
        };
        let mut reply = Reply::refused(&refusal, context);
        reply.headers.extend(told.map(|told| ("Retry-After", told)));
        reply
    }

    /// The text for `wait`, and the shortest wait that a reader of that text must keep.
    pub(super) fn retry_after(&mut self, wait: Duration) -> (Option<Cow<'static, str>>, Duration) {
        use RetryAfterForm::{Absent, Date, Fraction, Mixed, One, Seconds};
        let whole = wait.as_secs_f64().ceil().max(1.0);
        let form = match self.faults.retry_after {
            Mixed => self.rng.one_of([Seconds, Fraction, Date, One, Absent]),
            form => form,
        };
        match form {
            Seconds | Mixed => (Some(whole.to_string().into()), seconds(whole)),
            Fraction => {
                let millis = (wait.as_secs_f64() * 1e3).ceil() / 1e3;
                (Some(format!("{millis:.3}").into()), seconds(millis))
            }
            // A client compares a date with the wall clock, which does not stop with a paused clock.
            Date => {
                let then = jiff::Timestamp::now().as_second().saturating_add(wait.as_secs_f64().ceil() as i64 + 1);
                (jiff::Timestamp::from_second(then).ok().map(|then| http_date(then).into()), wait)
            }
            One => (Some("1".into()), Duration::from_secs(1)),
            Absent => (None, Duration::ZERO),
        }
    }

    /// Makes the account of a call remember until when it must not be called again.
    pub(super) fn hold(&mut self, url: &str, until: Duration) {
        if let Some(path) = decode(split(relative(url)).0) {
            self.hold_account(&resource(&path), until);
        }
    }

    pub(super) fn hold_account(&mut self, resource: &Resource<'_>, until: Duration) {
        if let Resource::Known(place) | Resource::RevokeSessions(place) = resource
            && matches!(place.route.target, Target::User | Target::RevokeSessions | Target::ResetOnPremises)
            && let Some(held) = self.tenant.find_mut(&place.key)
        {
            held.more_mut().not_before = until;
        }
    }
}
