//! The role assignments, the members of the group with a role, and the domains.
//!
//! It is computed once after accounts were added, so a page of a list costs no more than its own items.
//!
//! Invariant: these lists have every account of the kinds `admin` and `admin_by_group`, and no other.

use super::{account::AccountKind, directory_account::DirectoryAccount};
use std::collections::HashMap;

/// The positions of accounts with a role, and the domains of all accounts.
pub(super) struct Register {
    pub holders: Vec<usize>,
    pub members: Vec<usize>,
    /// In order of appearance; `true` if the domain is federated.
    pub domains: Vec<(String, bool)>,
}

impl Register {
    pub(super) fn of(accounts: &[DirectoryAccount]) -> Self {
        let (mut holders, mut members, mut domains) = (Vec::new(), Vec::new(), Vec::new());
        let mut known: HashMap<String, usize> = HashMap::new();
        for (at, held) in accounts.iter().enumerate().filter(|(_, held)| held.is_there()) {
            match held.kind {
                AccountKind::Admin => holders.push(at),
                AccountKind::AdminByGroup => members.push(at),
                _ => {}
            }
            let Some(domain) = domain_of(&held.upn) else { continue };
            let place = *known.entry(domain).or_insert_with_key(|domain| {
                domains.push((domain.clone(), false));
                domains.len() - 1
            });
            domains[place].1 |= held.kind == AccountKind::Federated;
        }
        Self { holders, members, domains }
    }
}

/// The domain of a name, in lower case.
pub(super) fn domain_of(upn: &str) -> Option<String> {
    upn.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase())
}
