//! The directory: its accounts, and the effect of writing to one.
//!
//! It has no quotas and no tokens, and only the fault that refuses passwords.
//!
//! Invariant: a refused write changes only the number of refused passwords.

use super::{
    account::{Account, AccountKind},
    change::{Change, Profile},
    directory_account::DirectoryAccount,
    faults::{Complexity, Faults},
    index::Index,
    policy,
    random::{guid_of, share},
    refusal::Refusal,
    register::{Register, domain_of},
    schema::{Access, Property},
};
use crate::{account::upn::is_object_id, graph::guid};
use serde_json::Value;
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// All accounts of the directory.
pub(super) struct Tenant {
    pub accounts: Vec<DirectoryAccount>,
    by_upn: Index,
    by_id: Index,
    hasher: RandomState,
    kinds: HashMap<String, AccountKind>,
    complexity: Complexity,
    /// Share of ordinary accounts that an on-premises directory manages.
    synced: f64,
    pub seed: u64,
    /// The user who signs in, once someone has.
    pub administrator: Option<usize>,
    /// `None` if accounts were added since it was computed.
    register: Option<Register>,
    /// What was changed, in order.
    pub log: super::audit_log::ChangeLog,
}

/// The domain if no account has one.
const DOMAIN: &str = "contoso.com";

impl Tenant {
    pub(super) fn new(seed: u64, faults: &Faults) -> Self {
        let kinds = faults.accounts.iter().map(|(key, kind)| (key.to_ascii_lowercase(), *kind)).collect();
        Self {
            accounts: Vec::new(),
            by_upn: Index::new(),
            by_id: Index::new(),
            hasher: RandomState::new(),
            kinds,
            complexity: faults.complexity.clone(),
            synced: faults.synced,
            seed,
            administrator: None,
            register: None,
            log: super::audit_log::ChangeLog::default(),
        }
    }

    /// The kind of an account that was added as this one: the seed and its name make some ordinary ones synced.
    fn drawn(&self, kind: AccountKind, key: &str) -> AccountKind {
        let can_be = self.synced > 0.0 && kind == AccountKind::Normal;
        if can_be && share(self.seed, &format!("synced {key}")) < self.synced { AccountKind::Synced } else { kind }
    }

    /// Adds an account and returns its position. An existing account keeps its passwords and changes to the kind of
    /// `account`.
    pub(super) fn add(&mut self, account: Account) -> usize {
        self.register = None;
        let key = account.upn.to_ascii_lowercase();
        let id = account.id.as_deref().and_then(id_bits).unwrap_or_else(|| guid_of(self.seed, &key));
        let ordered = self.kinds.get(&key).or_else(|| self.kinds.get(&guid::text(id))).copied();
        let kind = ordered.unwrap_or_else(|| self.drawn(account.kind, &key));
        if let Some(at) = self.named(&key).or_else(|| self.with_id(id)) {
            self.accounts[at].kind = kind;
            return at;
        }
        self.insert(id, account.upn, kind)
    }

    /// The user who signs in. The first call makes them an administrator of the tenant: `admin` in the domain of the
    /// first account.
    pub(super) fn administrator(&mut self) -> &DirectoryAccount {
        let at = self.administrator.unwrap_or_else(|| {
            let domain = self.accounts.first().and_then(|held| domain_of(&held.upn));
            let upn = format!("admin@{}", domain.as_deref().unwrap_or(DOMAIN));
            self.add(Account { id: None, upn, kind: AccountKind::Admin })
        });
        self.administrator = Some(at);
        &self.accounts[at]
    }

    /// The tenant with its roles and domains.
    pub(super) fn with_register(&mut self) -> (&Self, &Register) {
        if self.register.is_none() {
            self.register = Some(Register::of(&self.accounts));
        }
        let tenant = &*self;
        (tenant, tenant.register.as_ref().expect("the register was just computed"))
    }

    /// The account with this name or object id, ignoring case.
    pub(super) fn find(&self, key: &str) -> Option<&DirectoryAccount> {
        self.position(key).map(|at| &self.accounts[at])
    }

    pub(super) fn find_mut(&mut self, key: &str) -> Option<&mut DirectoryAccount> {
        self.position(key).map(|at| &mut self.accounts[at])
    }

    /// Where the account with this name or object id is.
    pub(super) fn position(&self, key: &str) -> Option<usize> {
        let at = match id_bits(key) {
            Some(id) => self.with_id(id),
            None if key.bytes().any(|byte| byte.is_ascii_uppercase()) => self.named(&key.to_ascii_lowercase()),
            None => self.named(key),
        };
        at.filter(|at| self.accounts[*at].is_there())
    }

    /// Performs a `PATCH`; returns `true` if a password was written.
    pub(super) fn change(&mut self, key: &str, mut change: Change<'_>, elapsed: Duration) -> Result<bool, Refusal> {
        let at = self.position(key).ok_or_else(|| Refusal::not_found(key))?;
        if change.has_properties() {
            let properties = change.properties()?;
            self.check_properties(at, &properties)?;
            let reset = self.reset(at, change.profile.as_ref(), elapsed)?;
            self.write_properties(at, properties);
            return Ok(reset);
        }
        self.reset(at, change.profile.as_ref(), elapsed)
    }

    /// Writes a password; returns `true` if there is one.
    fn reset(&mut self, at: usize, profile: Option<&Profile<'_>>, elapsed: Duration) -> Result<bool, Refusal> {
        let held = &mut self.accounts[at];
        let Some(profile) = profile else { return Ok(false) };
        held.accepts_passwords()?;
        if let Some(password) = &profile.password {
            if !policy::allows(password) || held.is_banned(password, self.seed, &self.complexity) {
                return Err(Refusal::COMPLEXITY);
            }
            held.give(password, elapsed);
        }
        held.force_change = profile.force_change();
        self.log.changed.push(at);
        Ok(profile.password.is_some())
    }

    fn check_properties(&mut self, at: usize, properties: &[(&'static Property, Value)]) -> Result<(), Refusal> {
        for (property, value) in properties {
            let held = &self.accounts[at];
            match property.access {
                Access::Sensitive => held.accepts_sensitive()?,
                _ => held.accepts_changes()?,
            }
            if property.name == "userPrincipalName" {
                self.check_name(value.as_str().unwrap_or_default(), Some(at))?;
            }
        }
        Ok(())
    }

    /// Whether an account can have this name: it has a domain of the tenant, and no other account has it.
    fn check_name(&mut self, upn: &str, own: Option<usize>) -> Result<(), Refusal> {
        let domain = domain_of(upn).ok_or(Refusal::UPN_DOMAIN)?;
        let (tenant, register) = self.with_register();
        if !register.domains.iter().any(|(known, _)| *known == domain) {
            return Err(Refusal::UPN_DOMAIN);
        }
        match tenant.position(upn) {
            Some(at) if own != Some(at) => Err(Refusal::UPN_TAKEN),
            _ => Ok(()),
        }
    }

    fn write_properties(&mut self, at: usize, properties: Vec<(&'static Property, Value)>) {
        for (property, value) in properties {
            match (property.name, value) {
                ("userPrincipalName", Value::String(upn)) => self.rename(at, upn),
                (name, value) => self.accounts[at].write(name, value),
            }
        }
        self.log.changed.push(at);
    }

    fn rename(&mut self, at: usize, upn: String) {
        self.free_name_of(at);
        self.accounts[at].upn = upn.into();
        self.take_name_of(at);
        self.register = None;
    }

    /// Performs a `POST` of a new account; returns its position.
    pub(super) fn create(&mut self, body: &[u8], elapsed: Duration) -> Result<usize, Refusal> {
        let mut change = Change::read(body)?;
        let properties = change.properties()?;
        for name in ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"] {
            let given = properties.iter().any(|(property, value)| property.name == name && !value.is_null());
            given.then_some(()).ok_or_else(|| Refusal::required(name))?;
        }
        let profile = change.profile.as_ref().filter(|profile| profile.password.is_some());
        let profile = profile.ok_or_else(|| Refusal::required("passwordProfile"))?;
        if !profile.password.as_deref().is_some_and(policy::allows) {
            return Err(Refusal::COMPLEXITY);
        }
        let upn = properties.iter().find(|(property, _)| property.name == "userPrincipalName");
        let upn = upn.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned();
        self.check_name(&upn, None)?;
        // The same name can come again after its account was deleted, but never the same id.
        let id = guid_of(self.seed, &format!("{upn} {}", self.accounts.len()));
        let at = self.insert(id, upn, AccountKind::Normal);
        self.accounts[at].more_mut().created = Some(elapsed);
        self.reset(at, Some(profile), elapsed)?;
        self.write_properties(at, properties);
        Ok(at)
    }

    /// Deletes an account, so that it can be restored; its name is free then.
    pub(super) fn delete(&mut self, key: &str, elapsed: Duration) -> Result<(), Refusal> {
        let at = self.position(key).ok_or_else(|| Refusal::not_found(key))?;
        self.accounts[at].accepts_sensitive()?;
        self.free_name_of(at);
        self.accounts[at].more_mut().deleted = Some(elapsed);
        self.register = None;
        self.log.changed.push(at);
        Ok(())
    }

    /// Where the deleted account with this id is.
    pub(super) fn deleted(&self, id: &str) -> Result<usize, Refusal> {
        let at = id_bits(id).and_then(|id| self.with_id(id));
        at.filter(|at| self.accounts[*at].deleted().is_some()).ok_or_else(|| Refusal::not_found(id))
    }

    /// Restores a deleted account; returns its position.
    pub(super) fn restore(&mut self, id: &str) -> Result<usize, Refusal> {
        let at = self.deleted(id)?;
        let upn = self.accounts[at].upn.to_ascii_lowercase();
        if self.position(&upn).is_some() {
            return Err(Refusal::UPN_TAKEN);
        }
        self.take_name_of(at);
        self.accounts[at].more_mut().deleted = None;
        self.register = None;
        self.log.changed.push(at);
        Ok(at)
    }

    /// Deletes an account for good.
    pub(super) fn purge(&mut self, id: &str) -> Result<(), Refusal> {
        let at = self.deleted(id)?;
        let (accounts, id) = (&self.accounts, self.accounts[at].id);
        self.by_id.remove(self.hasher.hash_one(id), |at| accounts[at].id == id);
        self.accounts[at].kind = AccountKind::Missing;
        Ok(())
    }

    fn insert(&mut self, id: u128, upn: String, kind: AccountKind) -> usize {
        let at = self.accounts.len();
        self.accounts.push(DirectoryAccount::new(id, upn.into(), kind));
        self.take_name_of(at);
        let (accounts, hasher) = (&self.accounts, &self.hasher);
        self.by_id.add(at, |at| hasher.hash_one(accounts[at].id));
        self.register = None;
        at
    }

    /// Where the account with this name in lower case is.
    fn named(&self, name: &str) -> Option<usize> {
        self.by_upn.find(self.hasher.hash_one(name), |at| self.accounts[at].upn.eq_ignore_ascii_case(name))
    }

    fn with_id(&self, id: u128) -> Option<usize> {
        self.by_id.find(self.hasher.hash_one(id), |at| self.accounts[at].id == id)
    }

    /// From now on, this account is the one with its name.
    fn take_name_of(&mut self, at: usize) {
        self.free_name_of(at);
        let (accounts, hasher) = (&self.accounts, &self.hasher);
        self.by_upn.add(at, |at| hasher.hash_one(accounts[at].upn.to_ascii_lowercase()));
    }

    /// From now on, no account has the name of this one.
    fn free_name_of(&mut self, at: usize) {
        let (accounts, name) = (&self.accounts, self.accounts[at].upn.to_ascii_lowercase());
        let hash = self.hasher.hash_one(&name);
        self.by_upn.remove(hash, |at| accounts[at].upn.eq_ignore_ascii_case(&name));
    }
}

/// The bits of an object id; `None` if the text is not one.
pub(super) fn id_bits(text: &str) -> Option<u128> {
    if !is_object_id(text) {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{account::upn::Upn, password::ForceChange};
    use secrecy::ExposeSecret;

    const ID: &str = "0B8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    fn tenant(complexity: &Complexity) -> Tenant {
        let kinds = HashMap::from([("Boss@contoso.com".to_owned(), AccountKind::Admin)]);
        let faults = Faults { accounts: kinds, complexity: complexity.clone(), ..Faults::default() };
        let mut tenant = Tenant::new(1, &faults);
        for upn in ["Ann@contoso.com", "boss@contoso.com"] {
            tenant.add(Account::normal(upn));
        }
        tenant.add(Account::from(&Upn::parse(ID).expect("an object id")));
        for (upn, kind) in [
            ("synced", AccountKind::Synced),
            ("guest", AccountKind::Guest),
            ("elsewhere", AccountKind::Federated),
            ("helper", AccountKind::AdminByGroup),
            ("off", AccountKind::Disabled),
            ("gone", AccountKind::Missing),
        ] {
            tenant.add(Account { id: None, upn: format!("{upn}@contoso.com"), kind });
        }
        tenant
    }

    fn body(password: &str) -> Vec<u8> {
        format!(r#"{{"@odata.type":"x","passwordProfile":{{"password":"{password}","forceChangePasswordNextSignIn":true}}}}"#)
            .into_bytes()
    }

    fn patch(tenant: &mut Tenant, key: &str, body: &[u8]) -> Result<bool, Refusal> {
        tenant.change(key, Change::read(body)?, Duration::from_secs(1))
    }

    #[test]
    fn account_kinds_answer_like_the_directory() {
        let mut tenant = tenant(&Complexity::default());
        for (key, expected) in [
            ("ANN@contoso.com", Ok(true)),
            (ID, Ok(true)),
            ("off@contoso.com", Ok(true)),
            ("boss@contoso.com", Err(Refusal::DENIED)),
            ("synced@contoso.com", Err(Refusal::SYNCED)),
            ("guest@contoso.com", Err(Refusal::EXTERNAL)),
            ("elsewhere@contoso.com", Err(Refusal::FEDERATED)),
            ("helper@contoso.com", Err(Refusal::DENIED)),
            ("gone@contoso.com", Err(Refusal::not_found("gone@contoso.com"))),
            ("nobody@contoso.com", Err(Refusal::not_found("nobody@contoso.com"))),
        ] {
            assert_eq!(patch(&mut tenant, key, &body("Abcdefg1")), expected, "{key}");
        }
        let ann = tenant.find("ann@contoso.com").expect("ann");
        assert_eq!(ann.force_change, ForceChange::NextSignIn);
        assert_eq!(tenant.find(&guid::text(ann.id)).expect("by id").upn, ann.upn);
    }

    #[test]
    fn bodies_are_parsed_but_not_guessed() {
        let mut tenant = tenant(&Complexity::default());
        let mut patch = |body: &[u8]| patch(&mut tenant, "ann@contoso.com", body);
        assert_eq!(patch(b"{}"), Ok(false));
        assert_eq!(patch(br#"{"passwordProfile":null,"jobTitle":"x"}"#), Ok(false));
        assert_eq!(patch(br#"{"passwordProfile":{"forceChangePasswordNextSignInWithMfa":true}}"#), Ok(false));
        assert_eq!(patch(br#"{"passwordProfile":"x"}"#), Err(Refusal::BAD_BODY));
        assert_eq!(patch(b"PATCH"), Err(Refusal::BAD_BODY));
        assert_eq!(tenant.find("ann@contoso.com").expect("ann").force_change, ForceChange::NextSignInWithMfa);
    }

    #[test]
    fn refused_passwords_are_not_kept() {
        let mut tenant = tenant(&Complexity::default());
        for password in ["Abcdefg1", "Abcdefg1", "Abcdefg2", "short", "Abcdefg1"] {
            let _ = patch(&mut tenant, "ann@contoso.com", &body(password));
        }
        let given: Vec<_> = tenant.find("ann@contoso.com").expect("ann").given().map(|p| p.expose_secret()).collect();
        assert_eq!(given, ["Abcdefg1", "Abcdefg2", "Abcdefg1"]);
    }

    #[test]
    fn banned_passwords_stay_banned() {
        let mut tenant = tenant(&Complexity { share: 1.0, times: 2 });
        let mut tries = ["Abcdefg1", "Abcdefg1", "Abcdefg2", "Abcdefg2", "Abcdefg3", "Abcdefg3"].into_iter();
        let results: Vec<_> = tries
            .by_ref()
            .map(|password| patch(&mut tenant, "ann@contoso.com", &body(password)).map_err(|refusal| refusal.status))
            .collect();
        assert_eq!(results, [Err(400), Err(400), Err(400), Err(400), Ok(true), Ok(true)]);
    }
}
