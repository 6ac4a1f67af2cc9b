//! An account as the directory stores it, and its answer to a write.
//!
//! Passwords are in memory only, as secrets, so tests can check that an account has the password that the operator got.

use super::{
    account::AccountKind,
    faults::Complexity,
    random::{hash, share},
    refusal::Refusal,
};
use crate::password::ForceChange;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::time::Duration;

/// An account as the directory stores it. A rehearsal has one for each row, so it is kept small.
pub(super) struct DirectoryAccount {
    pub id: u128,
    pub upn: Box<str>,
    pub kind: AccountKind,
    pub force_change: ForceChange,
    /// The current password, if it was given here.
    password: Option<SecretString>,
    /// When a password was last written, since the simulator started.
    changed: Option<Duration>,
    /// What most accounts do not have.
    more: Option<Box<More>>,
}

/// What few accounts have. Times are since the simulator started.
#[derive(Default)]
pub(super) struct More {
    /// The passwords that it was given before the current one, in order.
    earlier: Vec<SecretString>,
    /// When passwords were written before the last time, in order, also if one was the same as before.
    changes: Vec<Duration>,
    /// The earliest time at which it may be called again.
    pub not_before: Duration,
    pub sessions_revoked: u32,
    /// Properties that were written, by their names.
    written: Map<String, Value>,
    /// When it was created and deleted; `None` if it was there before, and if it is not deleted.
    pub created: Option<Duration>,
    pub deleted: Option<Duration>,
    /// When its sessions were last revoked.
    pub revoked: Option<Duration>,
    /// When its user last tried to sign in.
    pub signed_in: Option<Duration>,
    /// How many different passwords for it were refused, and a hash of the last one.
    refused: (u32, u64),
}

impl DirectoryAccount {
    pub(super) fn new(id: u128, upn: Box<str>, kind: AccountKind) -> Self {
        Self { id, upn, kind, force_change: ForceChange::No, password: None, changed: None, more: None }
    }

    /// What few accounts have; `None` if this one has nothing of it.
    pub(super) fn more(&self) -> Option<&More> {
        self.more.as_deref()
    }

    /// The same, to change it.
    pub(super) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The current password, if it was given here.
    pub(super) fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    /// Every password that it was given, in order; the last one is current.
    pub(super) fn given(&self) -> impl Iterator<Item = &SecretString> {
        self.more().map_or(&[][..], |more| &more.earlier).iter().chain(&self.password)
    }

    /// When it was created; `None` if it was there before.
    pub(super) fn created(&self) -> Option<Duration> {
        self.more()?.created
    }

    /// When it was deleted; `None` if it is not.
    pub(super) fn deleted(&self) -> Option<Duration> {
        self.more()?.deleted
    }

    /// When its sessions were last revoked.
    pub(super) fn revoked(&self) -> Option<Duration> {
        self.more()?.revoked
    }

    /// When its user last tried to sign in; `None` if never.
    pub(super) fn signed_in(&self) -> Option<Duration> {
        self.more()?.signed_in
    }

    /// Whether it is in the directory.
    pub(super) fn is_there(&self) -> bool {
        self.kind != AccountKind::Missing && self.deleted().is_none()
    }

    /// Whether the directory lets the caller do something sensitive: reset the password, disable, rename or delete.
    pub(super) fn accepts_sensitive(&self) -> Result<(), Refusal> {
        match self.kind {
            AccountKind::Admin | AccountKind::AdminByGroup => Err(Refusal::DENIED),
            _ => self.accepts_changes(),
        }
    }

    /// Whether properties of the account can be written here at all.
    pub(super) fn accepts_changes(&self) -> Result<(), Refusal> {
        match self.kind {
            AccountKind::Synced => Err(Refusal::SYNCED),
            AccountKind::Missing => Err(Refusal::not_found(&self.upn)),
            _ => Ok(()),
        }
    }

    /// Whether the password can be written here.
    pub(super) fn accepts_passwords(&self) -> Result<(), Refusal> {
        match self.kind {
            AccountKind::Guest => Err(Refusal::EXTERNAL),
            AccountKind::Federated => Err(Refusal::FEDERATED),
            _ => self.accepts_sensitive(),
        }
    }

    /// A property that was written.
    pub(super) fn written(&self, name: &str) -> Option<&Value> {
        self.more()?.written.get(name)
    }

    /// Keeps the value of a property.
    pub(super) fn write(&mut self, name: &str, value: Value) {
        self.more_mut().written.insert(name.to_owned(), value);
    }

    /// A password that was refused once is refused again, so the same request gets the same answer.
    pub(super) fn is_banned(&mut self, password: &str, seed: u64, complexity: &Complexity) -> bool {
        if complexity.share <= 0.0 || share(seed, &self.upn.to_ascii_lowercase()) >= complexity.share {
            return false;
        }
        let (times, last) = self.more().map_or((0, 0), |more| more.refused);
        let fingerprint = hash(seed, password);
        if times > 0 && fingerprint == last {
            return true;
        }
        let banned = times < complexity.times && self.password().is_none_or(|held| held.expose_secret() != password);
        if banned {
            self.more_mut().refused = (times + 1, fingerprint);
        }
        banned
    }

    /// When the password last changed, for a reader who sees nothing after `seen`.
    pub(super) fn changed(&self, seen: Option<Duration>) -> Option<Duration> {
        if self.changed <= seen {
            return self.changed;
        }
        let changes = &self.more()?.changes;
        let known = changes.partition_point(|at| Some(*at) <= seen);
        known.checked_sub(1).map(|at| changes[at])
    }

    /// Makes a password the current one.
    pub(super) fn give(&mut self, password: &str, elapsed: Duration) {
        if let Some(before) = self.changed.replace(elapsed) {
            self.more_mut().changes.push(before);
        }
        if self.password().is_some_and(|held| held.expose_secret() == password) {
            return;
        }
        if let Some(before) = self.password.replace(SecretString::from(password)) {
            self.more_mut().earlier.push(before);
        }
    }
}
