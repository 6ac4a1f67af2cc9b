//! A tenant in memory, with Graph's quotas, answers and troubles, behind the same trait as the real client.
//!
//! One entry takes bytes and gives bytes ([`Simulator::handle`]); in process and over loopback ([`serve`]) it is the very
//! same. Time is tokio's clock, which tests and rehearsals pause; chance is drawn from a seed. It never reaches out to
//! anything, and no password leaves it but to whoever asks for it here.
//!
//! Invariant: with the same configuration and the same calls in the same order at the same times, it answers the same.

mod base64;
mod batch;
mod bucket;
mod call;
mod dice;
mod directory;
pub mod faults;
mod http;
mod permission;
mod policy;
mod refusal;
mod reply;
mod route;
mod server;
mod state;
mod tenant;
#[cfg(test)]
mod tests;
mod token;
mod users;
mod visit;

pub use self::{
    faults::{Faults, FaultsError},
    http::{Answer, Fate, Request},
    server::serve,
    tenant::{Account, AccountKind},
    token::Credentials,
};

use crate::{
    graph::{BatchRequest, BatchResponse, Graph, Page, SendError, claims::Claims, wire},
    password::ForceChange,
    quota::Quota,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use state::State;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What a simulator is made of.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// Writes that it grants.
    pub write_quota: Quota,
    /// Resource units that it grants.
    pub resource_units: Quota,
    /// What goes wrong.
    pub faults: Faults,
    /// Where chance, ids and credentials come from.
    pub seed: u64,
    /// What the clock on the wall shows when the simulator begins.
    pub epoch: Timestamp,
}

impl SimulatorConfig {
    /// A calm tenant that grants `write_quota`, with the resource units that go with it, and begins now.
    #[must_use]
    pub fn new(write_quota: Quota, seed: u64) -> Self {
        let resource_units = Quota::resource_units_for(write_quota);
        Self { write_quota, resource_units, faults: Faults::calm(), seed, epoch: Timestamp::now() }
    }
}

impl Default for SimulatorConfig {
    /// A calm tenant with the documented quotas and the seed 0.
    fn default() -> Self {
        Self::new(Quota::DOCUMENTED_WRITES, 0)
    }
}

/// What a simulator has seen, for tests and reports to look at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Batches that came, those refused as a whole included.
    pub batches: u64,
    /// `PATCH` calls that came, alone or in batches, and were well-formed.
    pub patches: u64,
    /// `GET` calls for accounts that came, alone or in batches: one account each, or a page of them.
    pub reads: u64,
    /// All other calls that came, well-formed: for roles, groups and domains, and for sessions to be revoked.
    pub other_calls: u64,
    /// Passwords written.
    pub writes: u64,
    /// Calls answered with 429, each item by itself.
    pub throttled: u64,
    /// Requests answered with 429 as a whole.
    pub throttled_whole: u64,
    /// Times that an account's sign-in sessions were revoked.
    pub revocations: u64,
    /// Calls on an account that came again before the `Retry-After` it was told had passed.
    pub early: u64,
    /// Requests refused for their token.
    pub tokens_refused: u64,
    /// Tokens given out.
    pub tokens_issued: u64,
    /// When the first password was written.
    pub first_write: Option<Instant>,
    /// When the last password was written.
    pub last_write: Option<Instant>,
    /// When the first of the `reads` came.
    pub first_read: Option<Instant>,
    /// When the last of them came.
    pub last_read: Option<Instant>,
    /// Requests that are being answered.
    pub in_flight: usize,
    /// Most requests that were being answered at one time.
    pub in_flight_max: usize,
}

/// A simulated tenant. Shared by reference; every call locks it for as long as it computes, never while it waits.
pub struct Simulator {
    state: Mutex<State>,
    credentials: Credentials,
}

impl Simulator {
    /// A tenant without accounts, whose time begins now. Faults that do not pass [`Faults::check`] have no meaning here.
    #[must_use]
    pub fn new(config: SimulatorConfig) -> Self {
        let state = State::new(config);
        let credentials = state.tokens.credentials.clone();
        Self { state: Mutex::new(state), credentials }
    }

    /// Adds an account. One that is there already, by name or id, becomes of the new kind and keeps its passwords.
    pub fn add(&self, account: Account) {
        self.state().tenant.add(account);
    }

    /// Somebody else changes an account's password now, past the quotas and the rules. It stands in
    /// [`ever_given`](Self::ever_given) and as the account's last change; where there is no such account, nothing happens.
    pub fn change_elsewhere(&self, key: &str, password: &str) {
        let mut state = self.state();
        let now = state.clock.now().elapsed;
        if let Some(held) = state.tenant.find_mut(key) {
            held.give(password, now);
        }
    }

    /// What to sign in with.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether a connection can be made; not so in an outage of the faults.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.state().is_reachable()
    }

    /// Takes a request, lets it take effect, and says what becomes of it. It does not wait: that is the caller's part.
    #[must_use]
    pub fn handle(&self, request: &Request<'_>) -> Fate {
        self.state().handle(request)
    }

    /// Takes a request and answers when the time has come; none where the connection is cut.
    pub async fn answer(&self, request: &Request<'_>) -> Option<Answer> {
        let _flight = Flight::begin(self);
        let fate = self.handle(request);
        if !fate.delay.is_zero() {
            tokio::time::sleep(fate.delay).await;
        }
        fate.answer
    }

    /// Whether the account holds this password now. False for accounts that are not there or were never written.
    #[must_use]
    pub fn holds(&self, key: &str, password: &str) -> bool {
        self.password(key).is_some_and(|held| held.expose_secret() == password)
    }

    /// The password that the account holds now; none where it still has the one from before the simulator.
    #[must_use]
    pub fn password(&self, key: &str) -> Option<SecretString> {
        self.state().tenant.find(key)?.password().cloned()
    }

    /// Every password that the account was ever given, in order; the same one twice in a row stands once.
    #[must_use]
    pub fn ever_given(&self, key: &str) -> Vec<SecretString> {
        self.state().tenant.find(key).map(|held| held.given.clone()).unwrap_or_default()
    }

    /// What the account's user must do at the next sign-in, as the last write had it.
    #[must_use]
    pub fn force_change(&self, key: &str) -> Option<ForceChange> {
        self.state().tenant.find(key).map(|held| held.force_change)
    }

    /// How often the account's sign-in sessions were revoked.
    #[must_use]
    pub fn sessions_revoked(&self, key: &str) -> u32 {
        self.state().tenant.find(key).map_or(0, |held| held.sessions_revoked)
    }

    /// What has happened so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let state = self.state();
        Tally { tokens_issued: state.tokens.issued, ..state.tally.clone() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered; it ends with the answer, or where the caller gives up.
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
    /// A request of the simulator's own client, and the whole answer.
    async fn exchange(&self, method: &str, target: &str, body: &[u8]) -> Result<Answer, SendError> {
        if !self.is_reachable() {
            return Err(SendError::NotSent("the simulated network is down; the faults have an outage now".into()));
        }
        let token = self.state().own_token();
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let request = Request { method, target, headers: &headers, body };
        let answer = self.answer(&request).await;
        let answer = answer.ok_or_else(|| SendError::Lost("the connection was cut before the answer came".into()))?;
        if answer.status == 401 {
            self.state().forget_token(&token);
        }
        Ok(answer)
    }
}

impl Graph for Simulator {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let answer = self.exchange("POST", "/v1.0/$batch", &wire::encode(batch)).await?;
        wire::decode(&answer.envelope(), &answer.body)
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        let below = url.strip_prefix("https://graph.microsoft.com/v1.0/").unwrap_or(url);
        let target = format!("/v1.0/{}", below.trim_start_matches('/'));
        let answer = self.exchange("GET", &target, &[]).await?;
        wire::decode_page(&answer.envelope(), &answer.body)
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        Ok(Claims::of(&self.state().own_token()))
    }
}
