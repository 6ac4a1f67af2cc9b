//! What to do about a fleet, and about a tenant of it that does not let the application in.

use passwave::{
    fleet::FleetError,
    graph::client::{DiscoveryError, SignInError},
};

/// What to do about a fleet, if that is known.
pub fn hint(error: &FleetError) -> Option<&'static str> {
    Some(match error {
        FleetError::Exists(_) => "name another folder with --run-dir, or continue the fleet in it with `passwave run`",
        FleetError::Unfinished(_) => "if planning was cut off, nothing was sent: remove the folder, and plan again",
        FleetError::File { .. } => "check the folder and its permissions",
        FleetError::Unreadable { .. } | FleetError::Outside { .. } => {
            "restore it from a copy; each tenant's run folder can still be continued by itself"
        }
        FleetError::Newer { .. } => "use that release, or a newer one",
        FleetError::Locked(_) => "wait until it has ended",
        FleetError::Roster(_) | FleetError::Ledger(_) | FleetError::Report(_) => return None,
        _ => return None,
    })
}

/// What to do if the tenant of a domain cannot be found out.
pub fn of_discovery(error: &DiscoveryError) -> Option<&'static str> {
    Some(match error {
        DiscoveryError::NoSuchTenant { .. } => {
            "correct the domain in the roster; if it is in another cloud, check --cloud"
        }
        DiscoveryError::Away { .. } => {
            "check the network, then run this again; rows that name their tenant by its id need no answer"
        }
        DiscoveryError::Unreadable { .. } => "check --authority-host, and whether a proxy answers instead",
        _ => return None,
    })
}

/// What to do about a sign-in that was refused in one tenant of several. `consent` is where its administrator can consent.
pub fn of_tenant(error: &SignInError, consent: Option<&str>) -> Option<String> {
    let code = match error {
        SignInError::Refused { code, .. } => (*code)?,
        SignInError::OtherTenant { .. } => {
            return Some(
                "check --authority-host and who answers there: the sign-in answered with another tenant's token".into(),
            );
        }
        _ => return None,
    };
    Some(match (code, consent) {
        // Without consent there is no service principal, so the application is not found.
        (65_001 | 650_051 | 650_052 | 700_016 | 7_000_229, Some(address)) => {
            format!("the tenant has not consented to the application: have an administrator of it open {address}")
        }
        (65_001 | 650_051 | 650_052 | 700_016 | 7_000_229, None) => {
            "the tenant has not consented to the application: have an administrator of it consent".into()
        }
        (5_000_224 | 90_002 | 900_023, _) => {
            "there is no such tenant any more: correct its name in the roster, or leave its rows out with --where".into()
        }
        (53_003, _) => {
            "a Conditional Access policy of this tenant blocks the application: ask its owner for an exception".into()
        }
        (7_000_215 | 7_000_222, _) => {
            "the secret is wrong or has expired; if this tenant has another application, name it in the file of --tenants".into()
        }
        (50_020 | 50_177, _) => "the account that signed in has no rights in this tenant: check the delegated admin relationship".into(),
        _ => return None,
    })
}
