//! Everything that changes while the simulator runs.

use super::{
    SimulatorConfig, Tally,
    audit_log::{AuditRecord, Initiator},
    bucket::{Bucket, SharedBucket},
    context::{Clock, ReadView, TimePoint},
    faults::{Competing, Faults, seconds},
    operations::Operations,
    random::Rng,
    tenant::Tenant,
    token::Tokens,
};
use crate::graph::quota::Quota;
use std::time::Duration;

/// Everything that changes while the simulator runs.
pub(super) struct State {
    pub clock: Clock,
    pub tenant: Tenant,
    pub writes: Bucket,
    pub units: Bucket,
    /// What the application has over all tenants, if this is one of many.
    pub application: Option<SharedBucket>,
    pub tokens: Tokens,
    pub rng: Rng,
    pub faults: Faults,
    pub tally: Tally,
    /// The token of the simulator's own client, and when to renew it.
    own: Option<(String, Duration)>,
    /// Whether the simulator's own client signs in as a person, and not as the application.
    is_person: bool,
    /// The quota of authentication methods.
    pub methods: Bucket,
    /// The quota of the audit log.
    pub reports: Bucket,
    /// The quota of the last sign-ins.
    pub sign_ins: Bucket,
    /// Passwords on their way to the on-premises directory.
    pub operations: Operations,
    /// Scheme and host of the addresses in answers, if they do not follow the request.
    pub public_url: Option<String>,
}

impl State {
    pub(super) fn new(config: SimulatorConfig) -> Self {
        let SimulatorConfig {
            write_quota,
            application_writes: _,
            resource_units,
            authentication_methods,
            faults,
            seed,
            epoch,
            public_url,
            tenant,
        } = config;
        Self {
            clock: Clock { started: tokio::time::Instant::now(), epoch },
            tenant: Tenant::new(seed, &faults),
            writes: Bucket::new(write_quota, faults.quota_full, &faults.competing),
            units: Bucket::new(resource_units, faults.quota_full, &faults.competing),
            application: None,
            tokens: Tokens::new(seed, &faults.token, faults.denied, tenant.as_ref()),
            rng: Rng::new(seed),
            faults,
            tally: Tally::default(),
            own: None,
            is_person: false,
            methods: Bucket::new(authentication_methods, 1.0, &Competing::default()),
            reports: Bucket::new(Quota::DOCUMENTED_AUDIT_LOG, 1.0, &Competing::default()),
            sign_ins: Bucket::new(Quota::DOCUMENTED_SIGN_IN_ACTIVITY, 1.0, &Competing::default()),
            operations: Operations::default(),
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
        }
    }

    /// Whether there is a network.
    pub(super) fn is_reachable(&self) -> bool {
        let now = self.clock.now().elapsed.as_secs_f64();
        !self
            .faults
            .outages
            .iter()
            .any(|outage| (outage.from_seconds..outage.from_seconds + outage.seconds).contains(&now))
    }

    /// What a read at this time can see.
    pub(super) fn view(&self, at: TimePoint) -> ReadView {
        let lag = seconds(self.faults.replication_lag_seconds);
        ReadView { clock: self.clock, seen: at.elapsed.checked_sub(lag) }
    }

    /// Adds a record to the audit log.
    pub(super) fn note_change(&mut self, key: &str, at: Duration, correlation_id: &str, by: Initiator<&str>) {
        if let Some(account) = self.tenant.position(key) {
            self.tenant.log.note(&AuditRecord { account, at, correlation_id, by });
        }
    }

    /// The token of the simulator's own client, renewed early enough.
    pub(super) fn own_token(&mut self) -> String {
        let at = self.clock.now();
        if let Some((token, until)) = &self.own
            && at.elapsed < *until
        {
            return token.clone();
        }
        let person = self.is_person.then(|| self.tenant.administrator()).map(|held| (held.id, held.upn.clone()));
        let person = person.as_ref().map(|(id, upn)| (*id, &**upn));
        let token = self.tokens.issue_own(person, at, &mut self.rng);
        self.own = Some((token.clone(), at.elapsed + self.tokens.life().mul_f64(0.9)));
        token
    }

    /// From now on, the simulator's own client signs in as the tenant's administrator.
    pub(super) fn sign_in_as_person(&mut self) {
        self.is_person = true;
        self.own = None;
    }

    /// Forgets the client's own token after it was refused, unless another one has already replaced it.
    pub(super) fn forget_token(&mut self, refused: &str) {
        self.own.take_if(|(token, _)| token == refused);
    }
}
