//! Graph's limits, and what each kind of call costs of them: a line for each.
//!
//! The source is "Microsoft Graph throttling limits", section "Identity and access": token buckets for each application
//! in a tenant, and larger ones for an application in all tenants.
//!
//! Invariant: the first limit of a kind of call is the one that binds first, and the one that a person can change.

use crate::{graph::quota::Quota, ledger::KeptPace};

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Changes an account: its password, or its sessions.
    Write,
    /// Reads an account with `$select`.
    Read,
    /// Changes or reads an authentication method.
    AuthenticationMethod,
    /// Reads a page of users with their last sign-ins.
    SignInActivity,
}

/// A limit: its name in the ledger, its bucket, and what a call costs of it.
pub(super) struct Limit {
    pub name: &'static str,
    pub quota: Quota,
    costs: &'static [(Call, u32)],
}

/// All limits.
const LIMITS: [Limit; 6] = [
    Limit { name: "writes", quota: Quota::DOCUMENTED_WRITES, costs: &[(Call::Write, 1)] },
    Limit {
        name: "authentication_methods",
        quota: Quota::DOCUMENTED_AUTHENTICATION_METHODS,
        costs: &[(Call::AuthenticationMethod, 1)],
    },
    // "10 requests per minute per app per tenant", where `signInActivity` is documented.
    Limit { name: "sign_in_activity", quota: Quota::DOCUMENTED_SIGN_IN_ACTIVITY, costs: &[(Call::SignInActivity, 1)] },
    Limit {
        name: "resource_units",
        quota: Quota::DOCUMENTED_RESOURCE_UNITS,
        costs: &[(Call::Write, 1), (Call::Read, 1), (Call::AuthenticationMethod, 1), (Call::SignInActivity, 2)],
    },
    Limit { name: "writes_in_all_tenants", quota: Quota::DOCUMENTED_APPLICATION_WRITES, costs: &[(Call::Write, 1)] },
    Limit {
        name: "authentication_methods_in_all_tenants",
        quota: Quota::of(122, 10),
        costs: &[(Call::AuthenticationMethod, 1)],
    },
];

/// The limits of a kind of call, and its costs. The first one is `first` instead of the documented one; if that grants
/// more than one of the others, it takes its place, too, because a person who knows of a larger quota knows of all.
pub(super) fn of(call: Call, first: Quota) -> impl Iterator<Item = (&'static str, Quota, u32)> {
    let own = LIMITS.iter().filter_map(move |limit| {
        let (_, cost) = limit.costs.iter().find(|(kind, _)| *kind == call)?;
        Some((limit, *cost))
    });
    own.enumerate().map(move |(at, (limit, cost))| {
        let quota = if at == 0 || is_larger(first, limit.quota) { first } else { limit.quota };
        (limit.name, quota, cost)
    })
}

/// How many writes of `quota` are left, as other processes left it; less than none while everything is on hold.
pub fn writes_left<'a>(quota: Quota, kept: impl Iterator<Item = &'a KeptPace>) -> f64 {
    let name = of(Call::Write, quota).next().map_or("", |(name, _, _)| name);
    kept.filter_map(|kept| kept.left(name, quota)).fold(f64::from(quota.units.get()), f64::min)
}

fn is_larger(one: Quota, other: Quota) -> bool {
    one.units >= other.units || one.per_second() > other.per_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(call: Call, first: &str) -> Vec<(&'static str, String, u32)> {
        let first = first.parse().expect("a quota");
        of(call, first).map(|(name, quota, cost)| (name, quota.to_string(), cost)).collect()
    }

    #[test]
    fn each_call_has_its_limits() {
        let units = ("resource_units", "8000/10s".to_owned(), 1);
        let all = ("writes_in_all_tenants", "35000/300s".to_owned(), 1);
        assert_eq!(shown(Call::Write, "3000/150s"), [("writes", "3000/150s".into(), 1), units.clone(), all]);
        assert_eq!(shown(Call::Read, "8000/10s"), vec![units.clone()]);
        let methods = [
            ("authentication_methods", "5/10s".into(), 1),
            units,
            ("authentication_methods_in_all_tenants", "122/10s".into(), 1),
        ];
        assert_eq!(shown(Call::AuthenticationMethod, "5/10s"), methods);
    }

    #[test]
    fn larger_quota_lifts_the_others() {
        assert!(shown(Call::Write, "1000000/1s").iter().all(|(_, quota, _)| quota == "1000000/1s"));
        assert_eq!(shown(Call::Write, "7999/100s")[1].1, "8000/10s");
    }

    #[test]
    fn spent_writes_are_not_left() {
        let kept = |quota: &str, millis| {
            let until_full = [("writes".to_owned(), millis), ("resource_units".to_owned(), 9_000)].into();
            KeptPace { quota: quota.into(), until_full, ..KeptPace::default() }
        };
        for (kept, left) in [
            (vec![], 3_000.0),
            (vec![kept("3000/150s", 100_000)], 1_000.0),
            (vec![kept("3000/150s", 100_000), kept("3000/150s", 130_000)], 400.0),
            (vec![kept("3000/150s", 155_000)], -100.0),
            (vec![kept("600/30s", 20_000)], 3_000.0),
        ] {
            let found = writes_left(Quota::DOCUMENTED_WRITES, kept.iter());
            assert!((found - left).abs() < 1e-6, "{found}, not {left}");
        }
    }

    #[test]
    fn first_limit_binds_first() {
        for call in [Call::Write, Call::Read, Call::AuthenticationMethod, Call::SignInActivity] {
            let first = LIMITS.iter().find(|limit| limit.costs.iter().any(|(kind, _)| *kind == call)).expect("a limit");
            let paces: Vec<f64> =
                of(call, first.quota).map(|(_, quota, cost)| quota.per_second() / f64::from(cost)).collect();
            assert!(paces.iter().all(|pace| paces[0] <= *pace), "{call:?}: {paces:?}");
        }
    }
}
