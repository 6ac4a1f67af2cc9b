//! Many tenants behind one address: each request goes to the tenant that its path or its token names.
//!
//! All have the same application with the same secret, as a multi-tenant application has. Each has its own accounts,
//! quotas, faults and tokens. What the application may write over all tenants is one quota for all.
//!
//! Invariant: a request with a token reaches only the tenant that issued it.

use super::{
    Answer, Request, Simulator, SimulatorConfig, TenantOfMany,
    bucket::Bucket,
    faults::Competing,
    random::{guid_of, hash},
    route::{decode, split},
    token::place,
};
use crate::{account::tenant::TenantName, graph::claims::Claims, graph::guid};
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// One tenant or many, by their names. Clones are the same tenants.
#[derive(Clone)]
pub struct Tenants(Arc<Inner>);

struct Inner {
    all: Vec<(String, Arc<Simulator>)>,
    /// Names and ids in lower case.
    by_name: HashMap<String, usize>,
}

impl From<Arc<Simulator>> for Tenants {
    fn from(only: Arc<Simulator>) -> Self {
        Self(Arc::new(Inner { all: vec![(String::new(), only)], by_name: HashMap::new() }))
    }
}

impl Tenants {
    /// A tenant for each name, all configured like `config` but with the faults that it has for this one. Names that are
    /// not ids get one that only depends on the seed and the name. There must be at least one.
    #[must_use]
    pub fn new(names: &[TenantName], config: &SimulatorConfig) -> Self {
        let mut inner = Inner { all: Vec::new(), by_name: HashMap::new() };
        let writes = Bucket::new(config.application_writes, 1.0, &Competing::default());
        let writes = Arc::new(Mutex::new(writes));
        for name in names {
            let tenant = Simulator::new(config_of(name, config));
            tenant.state().application = Some(Arc::clone(&writes));
            let id = tenant.credentials().tenant_id.clone();
            inner.by_name.insert(id, inner.all.len());
            inner.by_name.insert(name.as_str().to_owned(), inner.all.len());
            inner.all.push((name.as_str().to_owned(), Arc::new(tenant)));
        }
        Self(Arc::new(inner))
    }

    /// The tenant with this id or name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Simulator>> {
        self.0.by_name.get(&name.to_ascii_lowercase()).map(|at| &self.0.all[*at].1)
    }

    /// All of them with their names, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Simulator>)> {
        self.0.all.iter().map(|(name, tenant)| (name.as_str(), tenant))
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> &Simulator {
        &self.0.all[0].1
    }

    /// Whether a connection can be made to any of them.
    pub(super) fn is_reachable(&self) -> bool {
        self.0.all.iter().any(|(_, tenant)| tenant.is_reachable())
    }

    /// Takes a request and answers when it is time; `None` if the connection is cut.
    pub async fn answer(&self, request: &Request<'_>) -> Option<Answer> {
        if self.0.by_name.is_empty() {
            return self.first().answer(request).await;
        }
        let (tenant, target) = self.addressee(request);
        tenant.answer(&Request { target: &target, ..*request }).await
    }

    /// The tenant that a request is for, and its target there.
    fn addressee<'r>(&self, request: &'r Request<'_>) -> (&Simulator, Cow<'r, str>) {
        let target = Cow::Borrowed(request.target);
        let path = split(request.target).0;
        let is_sign_in = decode(path).as_deref().and_then(place).is_some();
        if !is_sign_in {
            let token = request.header("authorization").and_then(|value| value.split_once(' '));
            let id = token.and_then(|(_, token)| Claims::of(token.trim())?.tenant_id);
            return (id.and_then(|id| self.get(&id)).map_or_else(|| self.first(), Arc::as_ref), target);
        }
        let name = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let Some(tenant) = self.get(name) else { return (self.first(), target) };
        let other = tenant.issues_for().filter(|_| path.ends_with("/token"));
        match other.and_then(|other| self.get(&other)) {
            Some(other) => (other, request.target.replacen(name, &other.credentials().tenant_id, 1).into()),
            None => (tenant, target),
        }
    }
}

/// The configuration of one tenant.
fn config_of(name: &TenantName, config: &SimulatorConfig) -> SimulatorConfig {
    let mut config = config.clone();
    let (id, domain) = match name {
        TenantName::Id(id) => (id.clone(), None),
        TenantName::Domain(domain) => (guid::text(guid_of(config.seed, domain)), Some(domain.clone())),
    };
    let is_named = |key: &&String| key.eq_ignore_ascii_case(name.as_str()) || key.eq_ignore_ascii_case(&id);
    if let Some(key) = config.faults.tenants.keys().find(is_named).cloned() {
        config.faults = config.faults.tenants.remove(&key).unwrap_or_default();
    }
    config.faults.tenants.clear();
    config.tenant = Some(TenantOfMany { id, domain, application: config.seed });
    config.seed = hash(config.seed, name.as_str());
    config
}
