//! One call on the directory, whether it came alone or as an item of a batch.
//!
//! First the quotas are charged, then chance may strike, then the call takes effect: in this order, so that a throttled
//! call never writes, and one that fails by chance writes only where the faults say so.

use super::{
    directory,
    faults::{RetryAfterForm, seconds},
    permission::Permission,
    refusal::Refusal,
    reply::{Body, Reply},
    route::{Resource, cost, decode, relative, resource, split},
    state::State,
    token::service_principal,
    users,
    visit::{Moment, Visit, http_date},
};
use std::{borrow::Cow, time::Duration};

/// From here on Graph tells how much of a quota is used; 1.8 is the highest that it tells.
const PERCENTAGE_MIN: f64 = 0.8;
const PERCENTAGE_MAX: f64 = 1.8;

/// A call as it came.
pub(super) struct Call<'a> {
    /// Its id in the batch; empty where it came alone.
    pub id: &'a str,
    pub method: &'a str,
    /// Path and query below the API's version.
    pub url: &'a str,
    pub has_content_type: bool,
    pub body: Option<&'a [u8]>,
}

/// What is to be done to which account.
#[derive(Clone, Copy)]
enum Deed<'a> {
    Patch(&'a str),
    RevokeSessions(&'a str),
    Read(&'a str),
    List,
    RoleAssignments,
    Members(&'a str),
    Domains,
}

/// What chance does to a call.
#[derive(Clone, Copy)]
enum Mishap {
    Throttled,
    Unavailable,
    Timeout,
    Conflict,
    ConflictAsBadRequest,
    OddSuccess,
}

impl<'a> Deed<'a> {
    fn of(method: &str, resource: &'a Resource<'a>) -> Result<Self, Refusal> {
        match (method, resource) {
            (_, Resource::Unknown(segment)) => Err(Refusal::no_segment(segment)),
            (_, Resource::Malformed) => Err(Refusal::BAD_REQUEST),
            ("PATCH", Resource::User(key)) => Ok(Self::Patch(key)),
            ("GET", Resource::User(key)) => Ok(Self::Read(key)),
            ("GET", Resource::Users) => Ok(Self::List),
            ("GET", Resource::RoleAssignments) => Ok(Self::RoleAssignments),
            ("GET", Resource::Members(key)) => Ok(Self::Members(key)),
            ("GET", Resource::Domains) => Ok(Self::Domains),
            ("POST", Resource::RevokeSessions(key)) => Ok(Self::RevokeSessions(key)),
            // A batch within a batch comes here too.
            _ => Err(Refusal::METHOD),
        }
    }

    fn is_write(self) -> bool {
        matches!(self, Self::Patch(_) | Self::RevokeSessions(_))
    }

    /// The account that it is about.
    fn key(self) -> Option<&'a str> {
        match self {
            Self::Patch(key) | Self::RevokeSessions(key) | Self::Read(key) => Some(key),
            Self::List | Self::RoleAssignments | Self::Members(_) | Self::Domains => None,
        }
    }

    /// What it takes to be allowed to.
    fn permission(self) -> Permission {
        match self {
            Self::Patch(_) => Permission::WritePasswords,
            Self::RevokeSessions(_) => Permission::RevokeSessions,
            Self::Read(_) | Self::List => Permission::ReadUsers,
            Self::RoleAssignments => Permission::ReadRoles,
            Self::Members(_) => Permission::ReadGroups,
            Self::Domains => Permission::ReadDomains,
        }
    }

    /// Resource units that it costs (Graph's throttling limits, identity and access).
    fn units(self, query: &str) -> u32 {
        match self {
            // Nothing makes these cheaper, and there are many of them.
            Self::Patch(_) | Self::RevokeSessions(_) | Self::Read(_) => 1,
            Self::List => cost(2, query),
            Self::Members(_) => cost(5, query),
            Self::RoleAssignments | Self::Domains => cost(1, query),
        }
    }
}

impl State {
    /// Answers a call whose URL is relative to the API's version.
    pub(super) fn call(&mut self, call: &Call<'_>, visit: &Visit) -> Reply {
        let (path, query) = split(relative(call.url));
        match decode(path) {
            Some(path) => self.call_on(&resource(&path), query, call, visit),
            None => Reply::refused(&Refusal::BAD_REQUEST, visit),
        }
    }

    /// Answers a call whose URL has been read.
    pub(super) fn call_on(&mut self, resource: &Resource<'_>, query: &str, call: &Call<'_>, visit: &Visit) -> Reply {
        let deed = match Deed::of(&call.method.to_ascii_uppercase(), resource) {
            Ok(deed) if deed.is_write() && !(call.has_content_type && call.body.is_some()) => {
                return Reply::refused(&Refusal::incomplete(call.id), visit);
            }
            Ok(deed) => deed,
            Err(refusal) => return Reply::refused(&refusal, visit),
        };
        self.note_arrival(deed, visit.at);
        let units = deed.units(query);
        let mut reply = match self.charge(deed.is_write(), units, visit.at) {
            Some((wait, spent)) => self.over_quota(wait, spent, deed, visit),
            None => self.by_chance(deed, query, call, visit),
        };
        reply.headers.push(("x-ms-resource-unit", if units == 1 { "1".into() } else { units.to_string().into() }));
        let used = self.writes.used().max(self.units.used());
        if used > PERCENTAGE_MIN {
            let told = format!("{:.2}", used.min(PERCENTAGE_MAX));
            reply.headers.push(("x-ms-throttle-limit-percentage", told.into()));
        }
        reply
    }

    fn note_arrival(&mut self, deed: Deed<'_>, at: Moment) {
        match deed {
            Deed::Patch(_) => self.tally.patches += 1,
            Deed::Read(_) | Deed::List => {
                self.tally.reads += 1;
                self.tally.first_read.get_or_insert(at.instant);
                self.tally.last_read = Some(at.instant);
            }
            _ => self.tally.other_calls += 1,
        }
        let held = deed.key().and_then(|key| self.tenant.find(key));
        self.tally.early += u64::from(held.is_some_and(|held| at.elapsed < held.not_before));
    }

    /// Charges both quotas; where one is spent, tells the longer wait and which it was.
    fn charge(&mut self, write: bool, units: u32, at: Moment) -> Option<(Duration, &'static str)> {
        let writes = if write { self.writes.charge(at.elapsed, 1.0) } else { None };
        let units = self.units.charge(at.elapsed, f64::from(units));
        if writes >= units {
            writes.map(|wait| (wait, "WriteLimitExceeded"))
        } else {
            units.map(|wait| (wait, "ResourceUnitLimitExceeded"))
        }
    }

    fn over_quota(&mut self, wait: Duration, spent: &'static str, deed: Deed<'_>, visit: &Visit) -> Reply {
        let mut reply = self.throttled(wait, deed.key(), visit);
        let credentials = &self.tokens.credentials;
        let kind = if spent == "WriteLimitExceeded" { "Write" } else { "ReadWrite" };
        let scope = format!("Tenant_Application/{kind}/{}/{}", credentials.client_id, credentials.tenant_id);
        reply.headers.push(("x-ms-throttle-scope", scope.into()));
        reply.headers.push(("x-ms-throttle-information", spent.into()));
        reply
    }

    fn by_chance(&mut self, deed: Deed<'_>, query: &str, call: &Call<'_>, visit: &Visit) -> Reply {
        let faults = &self.faults.items;
        let applied = faults.applied;
        let mishap = self.dice.pick(&[
            (faults.throttled, Mishap::Throttled),
            (faults.unavailable, Mishap::Unavailable),
            (faults.timeout, Mishap::Timeout),
            (faults.conflict, Mishap::Conflict),
            (faults.conflict_as_bad_request, Mishap::ConflictAsBadRequest),
            (faults.odd_success, Mishap::OddSuccess),
        ]);
        let refusal = match mishap {
            None => return self.act(deed, query, call, visit),
            // Only writes get in each other's way, or are confirmed oddly.
            Some(Mishap::Conflict | Mishap::ConflictAsBadRequest | Mishap::OddSuccess) if !deed.is_write() => {
                return self.act(deed, query, call, visit);
            }
            Some(Mishap::OddSuccess) => {
                if self.dice.chance(applied) {
                    self.act(deed, query, call, visit);
                }
                return self.odd_success(visit);
            }
            Some(Mishap::Throttled) => {
                let wait = seconds(faults.throttled_seconds);
                return self.throttled(wait, deed.key(), visit);
            }
            Some(Mishap::Conflict) => Refusal::CONFLICT,
            Some(Mishap::ConflictAsBadRequest) => Refusal::CONFLICT_AS_BAD_REQUEST,
            Some(Mishap::Unavailable) => Refusal::UNAVAILABLE,
            Some(Mishap::Timeout) => Refusal::TIMEOUT,
        };
        if refusal.status >= 500 && self.dice.chance(applied) {
            self.act(deed, query, call, visit);
        }
        Reply::refused(&refusal, visit)
    }

    /// A success that Graph does not document.
    fn odd_success(&mut self, visit: &Visit) -> Reply {
        let status = self.dice.one_of([200, 201, 202, 205, 299, 204]);
        // 204 would be a success, if it did not bring the body of an error.
        let body = match status == 204 || self.dice.one_of([true, false]) {
            true => Body::Json(Refusal::UNAVAILABLE.body(visit)),
            false => Body::Empty,
        };
        Reply::new(status, body)
    }

    fn act(&mut self, deed: Deed<'_>, query: &str, call: &Call<'_>, visit: &Visit) -> Reply {
        let done = match deed {
            _ if !deed.permission().is_granted(self.faults.denied) => Err(Refusal::DENIED),
            Deed::Patch(key) => self.patch(key, call.body.unwrap_or_default(), visit.at),
            Deed::RevokeSessions(key) => self.revoke_sessions(key),
            Deed::Read(key) => users::read(&self.tenant, self.sight(visit.at), key, query),
            Deed::List => users::list(&self.tenant, self.sight(visit.at), query, &visit.base),
            Deed::RoleAssignments => {
                let application = service_principal(&self.tokens.credentials.client_id);
                directory::role_assignments(&mut self.tenant, application, query, &visit.base)
            }
            Deed::Members(key) => directory::members(&mut self.tenant, key, query, &visit.base),
            Deed::Domains => directory::domains(&mut self.tenant, query, &visit.base),
        };
        match done {
            Ok(Body::Json(json)) => Reply::new(200, Body::Json(json)),
            Ok(nothing) => Reply::new(204, nothing),
            Err(refusal) => Reply::refused(&refusal, visit),
        }
    }

    fn revoke_sessions(&mut self, key: &str) -> Result<Body, Refusal> {
        let done = users::revoke_sessions(&mut self.tenant, key);
        self.tally.revocations += u64::from(done.is_ok());
        done
    }

    fn patch(&mut self, key: &str, body: &[u8], at: Moment) -> Result<Body, Refusal> {
        if self.tenant.patch(key, body, at.elapsed)? {
            self.tally.writes += 1;
            self.tally.first_write.get_or_insert(at.instant);
            self.tally.last_write = Some(at.instant);
        }
        Ok(match self.dice.below(3) {
            0 => Body::Absent,
            1 => Body::Null,
            _ => Body::Empty,
        })
    }

    /// A 429 that names `wait`, and is remembered by the account.
    fn throttled(&mut self, wait: Duration, key: Option<&str>, visit: &Visit) -> Reply {
        self.tally.throttled += 1;
        let (told, at_least) = self.retry_after(wait);
        if let Some(held) = key.and_then(|key| self.tenant.find_mut(key)) {
            held.not_before = visit.at.elapsed + at_least;
        }
        let credentials = &self.tokens.credentials;
        let refusal = if self.dice.one_of([true, false]) {
            Refusal::throttled()
        } else {
            Refusal::throttled_by_directory(&credentials.client_id, &credentials.tenant_id)
        };
        let mut reply = Reply::refused(&refusal, visit);
        reply.headers.extend(told.map(|told| ("Retry-After", told)));
        reply
    }

    /// How `wait` is written, and the least time that a reader of that must wait.
    pub(super) fn retry_after(&mut self, wait: Duration) -> (Option<Cow<'static, str>>, Duration) {
        use RetryAfterForm::{Absent, Date, Fraction, Mixed, One, Seconds};
        let whole = wait.as_secs_f64().ceil().max(1.0);
        let form = match self.faults.retry_after {
            Mixed => self.dice.one_of([Seconds, Fraction, Date, One, Absent]),
            form => form,
        };
        match form {
            Seconds | Mixed => (Some(whole.to_string().into()), seconds(whole)),
            Fraction => {
                let millis = (wait.as_secs_f64() * 1e3).ceil() / 1e3;
                (Some(format!("{millis:.3}").into()), seconds(millis))
            }
            // Whoever reads a date compares it with the clock on the wall, which a paused clock does not move.
            Date => {
                let then = jiff::Timestamp::now().as_second().saturating_add(wait.as_secs_f64().ceil() as i64 + 1);
                (jiff::Timestamp::from_second(then).ok().map(|then| http_date(then).into()), wait)
            }
            One => (Some("1".into()), Duration::from_secs(1)),
            Absent => (None, Duration::ZERO),
        }
    }

    /// Has the account that a call speaks of remember until when it is to be left alone.
    pub(super) fn hold(&mut self, url: &str, until: Duration) {
        if let Some(path) = decode(split(relative(url)).0) {
            self.hold_account(&resource(&path), until);
        }
    }

    pub(super) fn hold_account(&mut self, resource: &Resource<'_>, until: Duration) {
        if let Resource::User(key) | Resource::RevokeSessions(key) = resource
            && let Some(held) = self.tenant.find_mut(key)
        {
            held.not_before = until;
        }
    }
}
