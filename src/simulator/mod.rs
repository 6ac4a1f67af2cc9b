//! A tenant in memory, with Graph's quotas, answers and faults, behind the same trait as the real client.
//!
//! A single entry point takes bytes and returns bytes ([`Simulator::handle`]); it is the same in process and over
//! loopback ([`serve`]). Time is tokio's clock, which tests and rehearsals pause; random choices come from a seed. It
//! connects to nothing, and passwords leave it only through the methods here.
//!
//! Invariant: with the same configuration and the same calls in the same order at the same times, it gives the same
//! answers.

mod account;
mod account_record;
mod action;
mod audit_log;
mod batch;
mod bucket;
mod builtin_roles;
mod call;
mod change;
#[cfg(any(test, debug_assertions))]
mod conform;
mod context;
mod directory_account;
mod entry;
pub mod faults;
mod http;
mod index;
mod one_of_many;
mod operations;
mod perform;
mod permission;
mod place;
mod policy;
mod query;
mod random;
mod record;
mod refusal;
mod register;
mod reply;
mod resources;
mod route;
mod schema;
mod server;
mod state;
mod tenant;
mod tenants;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod writeback;

pub use self::{
    account::{Account, AccountKind},
    faults::{Faults, FaultsError},
    http::{Answer, Request, ResponsePlan},
    one_of_many::TenantOfMany,
    server::{serve, serve_tls},
    tenants::Tenants,
    tls::{ServerTls, ServerTlsError},
    token::{CertificateError, Credentials},
};

use crate::{
    graph::{self, BatchRequest, BatchResponse, Graph, Page, SendError, claims::Claims, guid, quota::Quota, wire},
    password::ForceChange,
};
use audit_log::Initiator;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The settings of a simulator.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SimulatorConfig {
    /// The write quota.
    pub write_quota: Quota,
    /// The write quota of the application over all tenants, if this is one of many.
    pub application_writes: Quota,
    /// The quota of resource units.
    pub resource_units: Quota,
    /// The quota of authentication methods: resets on premises, and looks at their operations.
    pub authentication_methods: Quota,
    /// The faults.
    pub faults: Faults,
    /// The seed for random choices, ids and credentials.
    pub seed: u64,
    /// The wall clock's time when the simulator starts.
    pub epoch: Timestamp,
    /// The address under which clients reach the simulator, without a path: `https://graph.example`. Links in answers
    /// begin with it. `None`, the default, takes scheme and host from each request.
    pub public_url: Option<String>,
    /// Which tenant it is, if it is one of many; see [`Tenants`].
    pub tenant: Option<TenantOfMany>,
}

impl SimulatorConfig {
    /// A calm tenant with `write_quota` and the matching resource units, starting now.
    #[must_use]
    pub fn new(write_quota: Quota, seed: u64) -> Self {
        let resource_units = Quota::resource_units_for(write_quota);
        Self {
            write_quota,
            application_writes: Quota::application_writes_for(write_quota),
            resource_units,
            authentication_methods: Quota::DOCUMENTED_AUTHENTICATION_METHODS,
            faults: Faults::calm(),
            seed,
            epoch: Timestamp::now(),
            public_url: None,
            tenant: None,
        }
    }

    /// The same with these faults.
    #[must_use]
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }
}

impl Default for SimulatorConfig {
    /// A calm tenant with the documented quotas and the seed 0.
    fn default() -> Self {
        Self::new(Quota::DOCUMENTED_WRITES, 0)
    }
}

/// What a simulator has seen, for tests and reports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Batches received, including those refused as a whole.
    pub batches: u64,
    /// Well-formed `PATCH` calls, alone or in batches.
    pub patches: u64,
    /// `GET` calls for accounts, alone or in batches: for one account each, or a page of them.
    pub reads: u64,
    /// All other well-formed calls: for roles, groups and domains, and to revoke sessions.
    pub other_calls: u64,
    /// Passwords written.
    pub writes: u64,
    /// Well-formed calls that reset a password on premises.
    pub resets_on_premises: u64,
    /// How many of them were accepted.
    pub operations: u64,
    /// Calls that looked at an operation.
    pub polls: u64,
    /// Calls answered with 429; each item of a batch counts.
    pub throttled: u64,
    /// Requests answered with 429 as a whole.
    pub throttled_whole: u64,
    /// How often an account's sign-in sessions were revoked.
    pub revocations: u64,
    /// Calls to an account that came before its `Retry-After` had passed.
    pub early: u64,
    /// Requests refused because of their token.
    pub tokens_refused: u64,
    /// Tokens issued.
    pub tokens_issued: u64,
    /// When the first password was written.
    pub first_write: Option<Instant>,
    /// When the last password was written.
    pub last_write: Option<Instant>,
    /// When the first of the `reads` arrived.
    pub first_read: Option<Instant>,
    /// When the last of them arrived.
    pub last_read: Option<Instant>,
    /// Requests in progress.
    pub in_flight: usize,
    /// Maximum number of requests in progress at the same time.
    pub in_flight_max: usize,
}

/// A simulated tenant, shared by reference. Every call locks it while it computes, but never while it waits.
pub struct Simulator {
    state: Mutex<State>,
    credentials: Credentials,
}

impl Simulator {
    /// A tenant without accounts that starts now. Faults that do not pass [`Faults::check`] have no defined effect.
    #[must_use]
    pub fn new(config: SimulatorConfig) -> Self {
        let state = State::new(config);
        let credentials = state.tokens.credentials.clone();
        Self { state: Mutex::new(state), credentials }
    }

    /// Adds an account. If it exists, by name or id, it changes to the new kind and keeps its passwords.
    pub fn add(&self, account: Account) {
        self.state().tenant.add(account);
    }

    /// Changes an account's password as if someone else did it now, ignoring quotas and rules. It counts in
    /// [`ever_given`](Self::ever_given) and as the account's last change. Does nothing if there is no such account.
    pub fn change_elsewhere(&self, key: &str, password: &str) {
        let mut state = self.state();
        let now = state.clock.now().elapsed;
        if let Some(held) = state.tenant.find_mut(key) {
            held.give(password, now);
            state.note_change(key, now, "", Initiator::User);
        }
    }

    /// An account's user tries to sign in now, which `signInActivity` shows. Does nothing if there is no such account.
    pub fn sign_in_elsewhere(&self, key: &str) {
        let mut state = self.state();
        let now = state.clock.now().elapsed;
        if let Some(held) = state.tenant.find_mut(key) {
            held.more_mut().signed_in = Some(now);
        }
    }

    /// From now on, the simulator's own client (its [`Graph`]) signs in as a person, the tenant's administrator. Resets on
    /// premises are refused to applications.
    pub fn sign_in_as_person(&self) {
        self.state().sign_in_as_person();
    }

    /// How often a reset on premises was accepted for this account.
    #[must_use]
    pub fn operations_of(&self, key: &str) -> usize {
        let state = self.state();
        state.tenant.position(key).map_or(0, |at| state.operations.number_of(at))
    }

    /// Lets the application sign in with these certificates (PEM) and their private keys. Without one, an assertion that
    /// a certificate has signed is refused.
    ///
    /// # Errors
    /// Fails if there is no readable certificate.
    pub fn register_certificates(&self, pem: &[u8]) -> Result<(), CertificateError> {
        self.state().tokens.add_certificates(pem)
    }

    /// Lets the application sign in with the tokens that `issuer` gives `subject` (workload identity federation). The
    /// simulator connects to nothing, so it does not verify their signatures.
    pub fn trust_federation(&self, issuer: impl Into<String>, subject: impl Into<String>) {
        self.state().tokens.add_federation(issuer.into(), subject.into());
    }

    /// The credentials to sign in with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether a connection can be made; `false` during an outage.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.state().is_reachable()
    }

    /// Takes a request, applies its effect, and says what happens to it. It does not wait; the caller has to.
    #[must_use]
    pub fn handle(&self, request: &Request<'_>) -> ResponsePlan {
        self.state().handle(request)
    }

    /// Takes a request and answers when it is time; `None` if the connection is cut.
    pub async fn answer(&self, request: &Request<'_>) -> Option<Answer> {
        let _flight = Flight::begin(self);
        let fate = self.handle(request);
        if !fate.delay.is_zero() {
            tokio::time::sleep(fate.delay).await;
        }
        fate.answer
    }

    /// Whether the account has this password now; `false` if it does not exist or was never written.
    #[must_use]
    pub fn holds(&self, key: &str, password: &str) -> bool {
        self.password(key).is_some_and(|held| held.expose_secret() == password)
    }

    /// The account's current password; `None` if it still has the one from before the simulator.
    #[must_use]
    pub fn password(&self, key: &str) -> Option<SecretString> {
        self.state().tenant.find(key)?.password().cloned()
    }

    /// Every password that the account was given, in order; equal ones in a row count once.
    #[must_use]
    pub fn ever_given(&self, key: &str) -> Vec<SecretString> {
        self.state().tenant.find(key).map(|held| held.given().cloned().collect()).unwrap_or_default()
    }

    /// What the account's user must do at the next sign-in, according to the last write.
    #[must_use]
    pub fn force_change(&self, key: &str) -> Option<ForceChange> {
        self.state().tenant.find(key).map(|held| held.force_change)
    }

    /// How often the account's sign-in sessions were revoked.
    #[must_use]
    pub fn sessions_revoked(&self, key: &str) -> u32 {
        self.state().tenant.find(key).and_then(|held| held.more()).map_or(0, |more| more.sessions_revoked)
    }

    /// The tenant whose tokens it issues in place of its own, if the faults say so.
    fn issues_for(&self) -> Option<String> {
        self.state().tokens.issues_for().map(str::to_owned)
    }

    /// What has happened so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let state = self.state();
        Tally { tokens_issued: state.tokens.issued, ..state.tally.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.finish_operations();
        state
    }
}

/// A request in progress; it ends with the answer, or if the caller gives up.
struct Flight<'a>(&'a Simulator);

impl<'a> Flight<'a> {
    fn begin(simulator: &'a Simulator) -> Self {
        let tally = &mut simulator.state().tally;
        tally.in_flight += 1;
        tally.in_flight_max = tally.in_flight_max.max(tally.in_flight);
        Self(simulator)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.state().tally.in_flight -= 1;
    }
}

impl Simulator {
    /// A request of the simulator's own client, and its whole answer.
    async fn exchange(&self, method: &str, target: &str, body: &[u8], id: Option<u128>) -> Result<Answer, SendError> {
        if !self.is_reachable() {
            return Err(SendError::NotSent("the simulated network is down; the faults have an outage now".into()));
        }
        if let Some(refused) = self.state().tokens.refused() {
            return Err(refused.into());
        }
        let token = self.state().own_token();
        let bearer = format!("Bearer {token}");
        let id = id.map(guid::text);
        let mut headers = vec![("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        headers.extend(id.as_deref().map(|id| (wire::CLIENT_REQUEST_ID, id)));
        let request = Request { method, target, headers: &headers, body };
        let answer = self.answer(&request).await;
        let answer = answer.ok_or_else(|| SendError::Lost("the connection was cut before the answer came".into()))?;
        if answer.status == 401 {
            self.state().forget_token(&token);
        }
        Ok(answer)
    }
}

/// The path and the query of a whole address, or of a path below the API's version.
fn target_of(url: &str) -> String {
    let below = url.split_once("/v1.0/").map_or(url, |(_, below)| below);
    format!("/v1.0/{}", below.trim_start_matches('/'))
}

impl Graph for Simulator {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let answer = self.exchange("POST", "/v1.0/$batch", &wire::encode(batch), batch.client_request_id()).await?;
        wire::decode(&answer.envelope(), &answer.body)
    }

    async fn send_alone(&self, request: &graph::Request) -> Result<BatchResponse, SendError> {
        let Some(alone) = wire::encode_alone(request) else {
            return Err(SendError::NotSent("this request only exists within a batch".into()));
        };
        let answer =
            self.exchange(alone.method, &target_of(&alone.url), &alone.body, request.client_request_id).await?;
        Ok(wire::decode_alone(request.row, &answer.envelope(), &answer.body))
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let answer = self.exchange("GET", &target_of(url), &[], None).await?;
        wire::decode_page(&answer.envelope(), &answer.body)
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        if let Some(refused) = self.state().tokens.refused() {
            return Err(refused.into());
        }
        Ok(Claims::of(&self.state().own_token()))
    }
}
