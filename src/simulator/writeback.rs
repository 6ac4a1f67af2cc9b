//! Takes passwords for the on-premises directory, and sets them there later.
//!
//! What the service says about a failed operation was never captured, so the words for failures are the simulator's own.

use super::{
    account::AccountKind, action::Action, audit_log::Initiator, context::RequestContext, faults::seconds,
    operations::Operation, policy, random::share, refusal::Refusal, state::State,
};
use crate::{graph::guid, password::ForceChange};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The only authentication method that can be reset.
const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";
/// A slow operation takes this many times as long.
const SLOW_TIMES: f64 = 10.0;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    #[serde(default)]
    new_password: Option<SecretString>,
}

impl State {
    /// Accepts a password for the on-premises directory. Returns where its operation can be followed, if that is told.
    pub(super) fn begin_operation(
        &mut self,
        action: Action<'_>,
        body: &[u8],
        context: &RequestContext,
    ) -> Result<Option<String>, Refusal> {
        let person = context.person().ok_or(Refusal::APPLICATION)?;
        self.permitted(action.permission)?;
        if !action.place.inner.eq_ignore_ascii_case(PASSWORD_METHOD) {
            return Err(Refusal::not_found(&action.place.inner));
        }
        let at = self.tenant.position(action.key).ok_or_else(|| Refusal::not_found(action.key))?;
        let Ok(Parameters { new_password }) = serde_json::from_slice(body) else { return Err(Refusal::BAD_BODY) };
        // Without a password, the service makes one itself, which only works for cloud accounts.
        let password = new_password.ok_or_else(|| Refusal::parameter("newPassword"))?;
        let held = &self.tenant.accounts[at];
        match held.kind {
            AccountKind::Synced if guid::text(held.id) == person => return Err(Refusal::OWN_PASSWORD),
            AccountKind::Synced => {}
            AccountKind::Admin | AccountKind::AdminByGroup => return Err(Refusal::DENIED),
            _ => return Err(Refusal::NOT_ON_PREMISES),
        }
        if !policy::allows(password.expose_secret()) {
            return Err(Refusal::COMPLEXITY);
        }
        Ok(self.accept_operation(at, password, context))
    }

    fn accept_operation(&mut self, at: usize, password: SecretString, context: &RequestContext) -> Option<String> {
        let faults = self.faults.writeback.clone();
        let slow = if self.rng.chance(faults.slow) { SLOW_TIMES } else { 1.0 };
        let name = self.tenant.accounts[at].upn.to_ascii_lowercase();
        let is_refused = faults.refused > 0.0 && share(self.tenant.seed, &format!("policy {name}")) < faults.refused;
        let is_endless = self.rng.chance(faults.endless);
        let failure = match () {
            () if faults.off => Some("OnPremisesWritebackDisabled"),
            () if is_refused => Some("OnPremisesPolicyViolation: the password does not meet the policy of the domain."),
            () if is_endless && self.rng.one_of([true, false]) => Some("OnPremisesTimeout"),
            () => None,
        };
        if failure.is_none() {
            let person = context.person();
            let by = person.as_deref().map_or(Initiator::Application, Initiator::Person);
            self.note_change(&name, context.at.elapsed, &context.client_request_id, by);
        }
        let (id, began) = (self.rng.guid(), context.at.elapsed);
        let ends = began + seconds(faults.seconds).mul_f64(slow);
        let password = Some(password);
        self.operations.all.push(Operation { id: id.clone(), account: at, began, ends, failure, is_endless, password });
        self.operations.open += 1;
        self.tally.operations += 1;
        let account = guid::text(self.tenant.accounts[at].id);
        let is_told = !self.rng.chance(faults.without_address);
        is_told.then(|| {
            let root = context.root();
            format!("{root}/users/{account}/authentication/operations/{id}?aadgdc=SIM01P&aadgsu=ssprprod-a")
        })
    }

    /// Ends the operations whose time has come: their passwords are set, unless they fail.
    pub(super) fn finish_operations(&mut self) {
        if self.operations.open == 0 {
            return;
        }
        let now = self.clock.now().elapsed;
        for operation in self.operations.all.iter_mut().filter(|operation| operation.ends <= now) {
            let Some(password) = operation.password.take() else { continue };
            self.operations.open -= 1;
            if operation.failure.is_none() {
                let held = &mut self.tenant.accounts[operation.account];
                held.give(password.expose_secret(), operation.ends);
                // The user must choose a new password, whatever was asked for.
                held.force_change = ForceChange::NextSignIn;
                self.tenant.log.changed.push(operation.account);
            }
        }
    }
}
