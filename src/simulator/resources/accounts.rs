//! Reads accounts.

use super::{Asked, Directory, memberships};
use crate::simulator::{
    account_record::AccountRecord, query::Candidates, refusal::Refusal, reply::Body, tenant::Tenant,
};
use serde_json::{Map, Value, json};

/// OData's name for the set of all accounts.
const SET: &str = "users";

/// `GET /users/{key}` without related objects.
pub(super) fn read(tenant: &Tenant, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let at = tenant.position(asked.key).ok_or_else(|| Refusal::not_found(asked.key))?;
    Ok(one(tenant, asked, at))
}

/// The account at a position.
pub(super) fn one(tenant: &Tenant, asked: &Asked<'_>, at: usize) -> Body {
    let record = AccountRecord { held: &tenant.accounts[at], view: asked.view, related: None };
    asked.one(SET, &record)
}

/// `GET /users/{key}` with `$expand`.
pub(super) fn read_related(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let at = directory.position(asked.key)?;
    Ok(asked.one(SET, &directory.with_related(at)))
}

/// `GET /users`.
pub(super) fn list(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    let tenant = directory.tenant;
    // A filter that names its accounts does not look at the others.
    let candidates = match asked.query.filter.as_ref().and_then(|filter| filter.keys()) {
        Some(keys) => {
            let mut positions: Vec<_> = keys.into_iter().filter_map(|key| tenant.position(key)).collect();
            positions.sort_unstable();
            positions.dedup();
            Candidates::These(positions)
        }
        None => Candidates::Below(tenant.accounts.len()),
    };
    asked.list(SET, candidates, |at| {
        let there = tenant.accounts[at].is_there();
        there.then(|| if asked.query.expand.is_empty() { directory.account(at) } else { directory.with_related(at) })
    })
}

/// `GET /directory/deletedItems/microsoft.graph.user`.
pub(super) fn deleted(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    let accounts = &directory.tenant.accounts;
    let deleted = |at: usize| directory.tenant.deleted(&crate::graph::guid::text(accounts[at].id)).is_ok();
    let positions = (0..accounts.len()).filter(|at| accounts[*at].deleted().is_some() && deleted(*at)).collect();
    asked.list("directoryObjects", Candidates::These(positions), |at| Some(directory.account(at)))
}

/// `GET /directory/deletedItems/{id}`.
pub(super) fn read_deleted(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let at = directory.tenant.deleted(asked.key)?;
    Ok(asked.one("directoryObjects", &directory.account(at)))
}

/// `GET /users/{key}/manager`: nobody here has one.
pub(super) fn manager(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    directory.position(asked.key)?;
    Err(Refusal::not_found("manager"))
}

/// `GET /users/delta`: all accounts first, and then those that changed since.
pub(super) fn delta(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    let (accounts, log) = (&directory.tenant.accounts, &directory.tenant.log.changed);
    let query = &asked.query;
    let changed: Vec<usize> = match query.delta_token.as_deref() {
        None => (0..accounts.len()).filter(|at| accounts[*at].is_there()).collect(),
        Some("latest") => Vec::new(),
        Some(token) => {
            let since: usize = token.parse().map_err(|_| Refusal::BAD_PAGE_TOKEN)?;
            let mut positions = log.get(since..).unwrap_or_default().to_vec();
            positions.sort_unstable();
            positions.dedup();
            positions
        }
    };
    let records = changed.into_iter().map(|at| (at, directory.account(at)));
    let wanted = |record: &AccountRecord<'_>| query.filter.as_ref().is_none_or(|filter| filter.matches(record));
    let mut value: Vec<Value> = Vec::new();
    for (at, record) in records.filter(|(_, record)| wanted(record)) {
        let id = crate::graph::guid::text(accounts[at].id);
        value.push(match accounts[at].is_there() {
            true => asked.item(&record),
            false => json!({"id": id, "@removed": {"reason": "changed"}}),
        });
    }
    let link = format!("{}?{}", asked.address(), query.again(&format!("$deltatoken={}", log.len())));
    Ok(Body::json(&json!({
        "@odata.context": asked.context(SET, ""), "@odata.deltaLink": link, "value": value,
    })))
}

impl<'a> Directory<'a> {
    /// Where the account with this key is.
    pub(super) fn position(&self, key: &str) -> Result<usize, Refusal> {
        self.tenant.position(key).ok_or_else(|| Refusal::not_found(key))
    }

    pub(super) fn account(&self, at: usize) -> AccountRecord<'a> {
        AccountRecord { held: &self.tenant.accounts[at], view: self.view, related: None }
    }

    fn with_related(&self, at: usize) -> AccountRecord<'a> {
        let related: Map<String, Value> = memberships::related(*self, at);
        AccountRecord { related: Some(related), ..self.account(at) }
    }
}
