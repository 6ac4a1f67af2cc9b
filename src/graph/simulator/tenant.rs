//! The directory: its accounts, and what writing a password does to one.
//!
//! It knows no quota, no token and no fault but the one that is about passwords. Passwords are held in memory only, as
//! secrets, so that tests can ask whether an account holds what the operator was told.
//!
//! Invariant: a refused write changes nothing but the count of passwords that were refused.

use super::{
    dice::{guid_of, hash, share},
    directory::{Register, domain_of},
    faults::Complexity,
    policy,
    refusal::Refusal,
};
use crate::{
    graph::guid,
    password::ForceChange,
    upn::{Upn, is_object_id},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{borrow::Cow, collections::HashMap, time::Duration};

/// What an account is, and so how the directory answers a write to it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A cloud account: the password is taken.
    #[default]
    Normal,
    /// Holds a directory role above the application's: 403, as if the permission were missing. It has an active
    /// assignment of Global Administrator, or of User Administrator if it is the person who signs in.
    Admin,
    /// Is in a group that holds a directory role, Helpdesk Administrator: 403, since only the highest roles reach the
    /// members of such a group.
    AdminByGroup,
    /// Mastered by an on-premises directory: 400.
    Synced,
    /// From another tenant: 400. The names of guests usually hold `#EXT#`.
    Guest,
    /// Signs in at another identity provider, and so does its whole domain: 400.
    Federated,
    /// Its sign-in is blocked; the password is taken nevertheless.
    Disabled,
    /// Not in the directory (any more): 404.
    Missing,
}

/// An account to be added to the simulated tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its object id, a GUID; made from the name and the simulator's seed where there is none, or where it is no GUID.
    pub id: Option<String>,
    /// Its user principal name.
    pub upn: String,
    /// What it is.
    pub kind: AccountKind,
}

impl Account {
    /// An ordinary account with this name.
    #[must_use]
    pub fn normal(upn: impl Into<String>) -> Self {
        Self { id: None, upn: upn.into(), kind: AccountKind::Normal }
    }
}

impl From<&Upn> for Account {
    /// The account that a roster means. One that is named by its object id gets a name made of it.
    fn from(address: &Upn) -> Self {
        let text = address.as_str();
        if !address.is_object_id() {
            return Self::normal(text);
        }
        Self { id: Some(text.to_owned()), ..Self::normal(format!("{}@contoso.com", text.to_ascii_lowercase())) }
    }
}

/// An account as the directory holds it.
pub(super) struct Held {
    pub id: u128,
    pub upn: Box<str>,
    pub kind: AccountKind,
    pub force_change: ForceChange,
    /// Every password it was given, in order; the last one is in force.
    pub given: Vec<SecretString>,
    /// When one was given, since the simulator began; in order, and also where it was the same as before.
    pub changes: Vec<Duration>,
    /// When it was told to be asked again, at the earliest.
    pub not_before: Duration,
    pub sessions_revoked: u32,
    /// How many different passwords of it were refused, and the last of them, as a hash.
    refused: (u32, u64),
}

/// All accounts of the directory.
pub(super) struct Tenant {
    pub accounts: Vec<Held>,
    by_upn: HashMap<Box<str>, usize>,
    by_id: HashMap<u128, usize>,
    kinds: HashMap<String, AccountKind>,
    complexity: Complexity,
    pub seed: u64,
    /// The person who signs in, once somebody has.
    pub administrator: Option<usize>,
    /// None where accounts were added since it was made.
    register: Option<Register>,
}

/// Where nobody has a domain.
const DOMAIN: &str = "contoso.com";

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, default, rename = "passwordProfile")]
    profile: Option<Profile<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'a> {
    #[serde(borrow, default)]
    password: Option<Cow<'a, str>>,
    #[serde(default)]
    force_change_password_next_sign_in: Option<bool>,
    #[serde(default)]
    force_change_password_next_sign_in_with_mfa: Option<bool>,
}

impl Tenant {
    pub(super) fn new(seed: u64, kinds: &HashMap<String, AccountKind>, complexity: &Complexity) -> Self {
        let kinds = kinds.iter().map(|(key, kind)| (key.to_ascii_lowercase(), *kind)).collect();
        let (accounts, by_upn, by_id) = Default::default();
        let (complexity, administrator, register) = (complexity.clone(), None, None);
        Self { accounts, by_upn, by_id, kinds, complexity, seed, administrator, register }
    }

    /// Adds an account and says where it stands; one that is there already keeps its passwords and becomes what
    /// `account` says it is.
    pub(super) fn add(&mut self, account: Account) -> usize {
        self.register = None;
        let key = account.upn.to_ascii_lowercase();
        let id = account.id.as_deref().and_then(id_bits).unwrap_or_else(|| guid_of(self.seed, &key));
        let ordered = self.kinds.get(&key).or_else(|| self.kinds.get(&guid::text(id))).copied();
        let kind = ordered.unwrap_or(account.kind);
        let known = self.by_upn.get(key.as_str()).or_else(|| self.by_id.get(&id));
        if let Some(at) = known.copied() {
            self.accounts[at].kind = kind;
            return at;
        }
        let at = self.accounts.len();
        self.by_upn.insert(key.into(), at);
        self.by_id.insert(id, at);
        self.accounts.push(Held::new(id, account.upn.into(), kind));
        at
    }

    /// The person who signs in, made an administrator of the tenant the first time: `admin` in the domain of the account
    /// that was added first.
    pub(super) fn administrator(&mut self) -> &Held {
        let at = self.administrator.unwrap_or_else(|| {
            let domain = self.accounts.first().and_then(|held| domain_of(&held.upn));
            let upn = format!("admin@{}", domain.as_deref().unwrap_or(DOMAIN));
            self.add(Account { id: None, upn, kind: AccountKind::Admin })
        });
        self.administrator = Some(at);
        &self.accounts[at]
    }

    /// Who holds roles and which domains there are, with the accounts that this speaks of.
    pub(super) fn register(&mut self) -> (&Register, &[Held]) {
        let register = self.register.get_or_insert_with(|| Register::of(&self.accounts));
        (register, &self.accounts)
    }

    /// The account with this name or object id, whatever its case.
    pub(super) fn find(&self, key: &str) -> Option<&Held> {
        self.position(key).map(|at| &self.accounts[at])
    }

    pub(super) fn find_mut(&mut self, key: &str) -> Option<&mut Held> {
        self.position(key).map(|at| &mut self.accounts[at])
    }

    fn position(&self, key: &str) -> Option<usize> {
        let at = match id_bits(key) {
            Some(id) => self.by_id.get(&id),
            None if key.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                self.by_upn.get(key.to_ascii_lowercase().as_str())
            }
            None => self.by_upn.get(key),
        };
        at.copied().filter(|at| self.accounts[*at].kind != AccountKind::Missing)
    }

    /// What `PATCH` does: true where a password was written. Members other than `passwordProfile` mean nothing here.
    pub(super) fn patch(&mut self, key: &str, body: &[u8], elapsed: Duration) -> Result<bool, Refusal> {
        let change: Change = serde_json::from_slice(body).map_err(|_| Refusal::BAD_BODY)?;
        let (seed, complexity) = (self.seed, self.complexity.clone());
        let held = self.find_mut(key).ok_or_else(|| Refusal::not_found(key))?;
        held.accepts_writes()?;
        let Some(profile) = change.profile else { return Ok(false) };
        if let Some(password) = &profile.password {
            if !policy::allows(password) || held.is_banned(password, seed, &complexity) {
                return Err(Refusal::COMPLEXITY);
            }
            held.give(password, elapsed);
        }
        held.force_change = profile.force_change();
        Ok(profile.password.is_some())
    }
}

impl Held {
    fn new(id: u128, upn: Box<str>, kind: AccountKind) -> Self {
        Self {
            id,
            upn,
            kind,
            force_change: ForceChange::No,
            given: Vec::new(),
            changes: Vec::new(),
            not_before: Duration::ZERO,
            sessions_revoked: 0,
            refused: (0, 0),
        }
    }

    /// The password in force, if it was given here.
    pub(super) fn password(&self) -> Option<&SecretString> {
        self.given.last()
    }

    fn accepts_writes(&self) -> Result<(), Refusal> {
        match self.kind {
            AccountKind::Normal | AccountKind::Disabled => Ok(()),
            AccountKind::Admin | AccountKind::AdminByGroup => Err(Refusal::DENIED),
            AccountKind::Synced => Err(Refusal::SYNCED),
            AccountKind::Guest => Err(Refusal::EXTERNAL),
            AccountKind::Federated => Err(Refusal::FEDERATED),
            AccountKind::Missing => Err(Refusal::not_found(&self.upn)),
        }
    }

    /// A password that was refused once is refused again, so that asking twice for the same gives the same answer.
    fn is_banned(&mut self, password: &str, seed: u64, complexity: &Complexity) -> bool {
        if complexity.share <= 0.0 || share(seed, &self.upn.to_ascii_lowercase()) >= complexity.share {
            return false;
        }
        let (times, last) = self.refused;
        let fingerprint = hash(seed, password);
        if times > 0 && fingerprint == last {
            return true;
        }
        let banned = times < complexity.times && self.password().is_none_or(|held| held.expose_secret() != password);
        if banned {
            self.refused = (times + 1, fingerprint);
        }
        banned
    }

    /// When the password was changed last, as somebody sees it who knows of nothing after `seen`.
    pub(super) fn changed(&self, seen: Option<Duration>) -> Option<Duration> {
        let known = self.changes.partition_point(|at| Some(*at) <= seen);
        known.checked_sub(1).map(|at| self.changes[at])
    }

    /// Puts a password in force.
    pub(super) fn give(&mut self, password: &str, elapsed: Duration) {
        self.changes.push(elapsed);
        if self.password().is_none_or(|held| held.expose_secret() != password) {
            self.given.reserve_exact(1);
            self.given.push(SecretString::from(password));
        }
    }
}

impl Profile<'_> {
    fn force_change(&self) -> ForceChange {
        if self.force_change_password_next_sign_in_with_mfa == Some(true) {
            ForceChange::NextSignInWithMfa
        } else if self.force_change_password_next_sign_in == Some(true) {
            ForceChange::NextSignIn
        } else {
            ForceChange::No
        }
    }
}

/// The bits of an object id, or none where the text is something else.
pub(super) fn id_bits(text: &str) -> Option<u128> {
    if !is_object_id(text) {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0B8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    fn tenant(complexity: &Complexity) -> Tenant {
        let kinds = HashMap::from([("Boss@contoso.com".to_owned(), AccountKind::Admin)]);
        let mut tenant = Tenant::new(1, &kinds, complexity);
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

    fn patch(tenant: &mut Tenant, key: &str, password: &str) -> Result<bool, u16> {
        tenant.patch(key, &body(password), Duration::from_secs(1)).map_err(|refusal| refusal.status)
    }

    #[test]
    fn every_kind_answers_as_the_directory_does() {
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
            assert_eq!(tenant.patch(key, &body("Abcdefg1"), Duration::ZERO), expected, "{key}");
        }
        let ann = tenant.find("ann@contoso.com").expect("ann");
        assert_eq!(ann.force_change, ForceChange::NextSignIn);
        assert_eq!(tenant.find(&guid::text(ann.id)).expect("by id").upn, ann.upn);
    }

    #[test]
    fn bodies_are_read_generously_but_not_guessed() {
        let mut tenant = tenant(&Complexity::default());
        let mut patch = |body: &[u8]| tenant.patch("ann@contoso.com", body, Duration::ZERO);
        assert_eq!(patch(b"{}"), Ok(false));
        assert_eq!(patch(br#"{"passwordProfile":null,"jobTitle":"x"}"#), Ok(false));
        assert_eq!(patch(br#"{"passwordProfile":{"forceChangePasswordNextSignInWithMfa":true}}"#), Ok(false));
        assert_eq!(patch(br#"{"passwordProfile":"x"}"#), Err(Refusal::BAD_BODY));
        assert_eq!(patch(b"PATCH"), Err(Refusal::BAD_BODY));
        assert_eq!(tenant.find("ann@contoso.com").expect("ann").force_change, ForceChange::NextSignInWithMfa);
    }

    #[test]
    fn passwords_are_kept_in_order_and_refused_ones_not_at_all() {
        let mut tenant = tenant(&Complexity::default());
        for password in ["Abcdefg1", "Abcdefg1", "Abcdefg2", "short", "Abcdefg1"] {
            let _ = patch(&mut tenant, "ann@contoso.com", password);
        }
        let given: Vec<_> =
            tenant.find("ann@contoso.com").expect("ann").given.iter().map(|p| p.expose_secret()).collect();
        assert_eq!(given, ["Abcdefg1", "Abcdefg2", "Abcdefg1"]);
    }

    #[test]
    fn a_banned_password_stays_banned_and_another_is_taken_in_the_end() {
        let mut tenant = tenant(&Complexity { share: 1.0, times: 2 });
        let mut tries = ["Abcdefg1", "Abcdefg1", "Abcdefg2", "Abcdefg2", "Abcdefg3", "Abcdefg3"].into_iter();
        let results: Vec<_> = tries.by_ref().map(|password| patch(&mut tenant, "ann@contoso.com", password)).collect();
        assert_eq!(results, [Err(400), Err(400), Err(400), Err(400), Ok(true), Ok(true)]);
    }
}
