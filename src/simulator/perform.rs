//! Does what a call asks for, once quotas and random faults let it.

#[cfg(any(test, debug_assertions))]
use super::conform;
use super::{
    action::{Action, Call, Verb},
    audit_log::Initiator,
    change::Change,
    context::RequestContext,
    permission::Permission,
    refusal::Refusal,
    reply::{Body, Reply},
    resources::{self, Asked},
    schema::Target,
    state::State,
};

/// The property that needs a permission and a licence of its own.
const SIGN_INS: &str = "signInActivity";

impl State {
    pub(super) fn perform(
        &mut self,
        action: Action<'_>,
        query: &str,
        call: &Call<'_>,
        context: &RequestContext,
    ) -> Reply {
        if action.place.route.target == Target::ResetOnPremises {
            return self.accept(action, call, context);
        }
        match self.attempt(action, query, call, context) {
            Ok((status, body)) => {
                let reply = Reply::new(status, body);
                #[cfg(any(test, debug_assertions))]
                conform::check(action.place, &reply);
                reply
            }
            Err(refusal) => Reply::refused(&refusal, context),
        }
    }

    /// Does what the call asks for; the status and the body of a success.
    fn attempt(
        &mut self,
        action: Action<'_>,
        query: &str,
        call: &Call<'_>,
        context: &RequestContext,
    ) -> Result<(u16, Body), Refusal> {
        let Action { verb, place, key, eventual, permission } = action;
        if permission == Permission::ReadAuditLog && !permission.is_granted(self.faults.denied) {
            return Err(Refusal::NO_AUDIT_LOG);
        }
        self.permitted(permission)?;
        let body = call.body.unwrap_or_default();
        match (verb, place.route.target) {
            (Verb::Patch, _) => return Ok((204, self.patch(key, body, context)?)),
            (Verb::Delete, Target::User) => {
                self.tenant.delete(key, context.at.elapsed)?;
                return Ok((204, self.no_body()));
            }
            (Verb::Delete, _) => {
                self.tenant.purge(key)?;
                return Ok((204, self.no_body()));
            }
            (Verb::Post, Target::RevokeSessions) => return Ok((200, self.revoke_sessions(key, context)?)),
            _ => {}
        }
        if place.route.target == Target::Operation {
            context.person().ok_or(Refusal::APPLICATION)?;
            let asked =
                Asked::read(place, key, "", eventual, (context, self.view(context.at), &self.tokens.credentials))?;
            return Ok((200, self.operations.read(&asked, self.tenant.position(key))?));
        }
        // Only a GET has query options.
        let query = if verb == Verb::Get { query } else { "" };
        let view = self.view(context.at);
        let asked = Asked::read(place, key, query, eventual, (context, view, &self.tokens.credentials))?;
        if asked.query.select.iter().flatten().any(|name| *name == SIGN_INS) {
            self.permitted(Permission::ReadAuditLog)?;
            if !self.faults.premium {
                return Err(Refusal::NOT_PREMIUM);
            }
        }
        match verb {
            Verb::Get => Ok((200, resources::get(&mut self.tenant, &asked)?)),
            Verb::Ask => Ok((200, resources::ask(&mut self.tenant, &asked, body)?)),
            Verb::Post | Verb::Patch | Verb::Delete => {
                let (status, at) = match place.route.target {
                    Target::Restore => (200, self.tenant.restore(key)?),
                    _ => (201, self.tenant.create(body, context.at.elapsed)?),
                };
                Ok((status, resources::account(&self.tenant, &asked, at)))
            }
        }
    }

    /// Answers a request to reset a password on premises: it is accepted, and done later.
    fn accept(&mut self, action: Action<'_>, call: &Call<'_>, context: &RequestContext) -> Reply {
        match self.begin_operation(action, call.body.unwrap_or_default(), context) {
            Ok(location) => {
                let mut reply = Reply::new(202, Body::Absent);
                reply.headers.extend(location.map(|location| ("Location", location.into())));
                #[cfg(any(test, debug_assertions))]
                conform::check(action.place, &reply);
                reply
            }
            Err(refusal) => Reply::refused(&refusal, context),
        }
    }

    pub(super) fn permitted(&self, permission: Permission) -> Result<(), Refusal> {
        if permission.is_granted(self.faults.denied) { Ok(()) } else { Err(Refusal::DENIED) }
    }

    fn revoke_sessions(&mut self, key: &str, context: &RequestContext) -> Result<Body, Refusal> {
        let held = self.tenant.find_mut(key).ok_or_else(|| Refusal::not_found(key))?;
        let held = held.more_mut();
        held.sessions_revoked += 1;
        held.revoked = Some(context.at.elapsed);
        self.tally.revocations += 1;
        let name = format!("{}/$metadata#Edm.Boolean", context.root());
        Ok(Body::json(&serde_json::json!({"@odata.context": name, "value": true})))
    }

    fn patch(&mut self, key: &str, body: &[u8], context: &RequestContext) -> Result<Body, Refusal> {
        let at = context.at;
        let change = Change::read(body)?;
        if change.has_properties() {
            self.permitted(Permission::WriteUsers)?;
        }
        if self.tenant.change(key, change, at.elapsed)? {
            self.tally.writes += 1;
            let person = context.person();
            let by = person.as_deref().map_or(Initiator::Application, Initiator::Person);
            self.note_change(key, at.elapsed, &context.client_request_id, by);
            self.tally.first_write.get_or_insert(at.instant);
            self.tally.last_write = Some(at.instant);
        }
        Ok(self.no_body())
    }

    /// The body of a 204: captures show none, or null.
    fn no_body(&mut self) -> Body {
        if self.rng.chance(self.faults.responses.empty_bodies) {
            return Body::Empty;
        }
        if self.rng.one_of([true, false]) { Body::Absent } else { Body::Null }
    }
}
