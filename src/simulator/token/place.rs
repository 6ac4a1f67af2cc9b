//! The addresses of the sign-in service, and the few of Azure Resource Manager that a sign-in needs.
//!
//! It only parses: whether there is such a tenant is decided elsewhere.

/// An endpoint of the sign-in service.
#[derive(Debug, PartialEq)]
pub(in crate::simulator) enum Place<'a> {
    Token {
        tenant: &'a str,
        version: Version,
    },
    DeviceCode {
        tenant: &'a str,
    },
    /// Where a browser begins a sign-in.
    Authorize {
        tenant: &'a str,
    },
    /// The page on which a user enters a device code.
    DevicePage,
    Configuration {
        tenant: &'a str,
        version: Version,
    },
    Keys {
        tenant: &'a str,
    },
    InstanceDiscovery,
    /// The addresses of the cloud, for the Azure CLI.
    Cloud,
    /// The tenants of whoever asks.
    Tenants,
    /// Their subscriptions.
    Subscriptions,
}

/// The first version of the service names a resource, the second one scopes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) enum Version {
    One,
    Two,
}

/// Parses a decoded path of the host; `None` if it is not one of the sign-in service.
pub(in crate::simulator) fn place(path: &str) -> Option<Place<'_>> {
    let (tenant, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    Some(match rest {
        "oauth2/v2.0/token" => Place::Token { tenant, version: Version::Two },
        "oauth2/token" => Place::Token { tenant, version: Version::One },
        "oauth2/v2.0/authorize" | "oauth2/authorize" => Place::Authorize { tenant },
        "oauth2/v2.0/devicecode" => Place::DeviceCode { tenant },
        "v2.0/.well-known/openid-configuration" => Place::Configuration { tenant, version: Version::Two },
        ".well-known/openid-configuration" => Place::Configuration { tenant, version: Version::One },
        "discovery/v2.0/keys" | "discovery/keys" => Place::Keys { tenant },
        "discovery/instance" if tenant == "common" => Place::InstanceDiscovery,
        "" if tenant == "devicelogin" => Place::DevicePage,
        "" if tenant == "tenants" => Place::Tenants,
        "" if tenant == "subscriptions" => Place::Subscriptions,
        "endpoints" if tenant == "metadata" => Place::Cloud,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Version::*, *};

    #[test]
    fn paths_resolve() {
        for (path, expected) in [
            ("/contoso/oauth2/v2.0/token", Some(Place::Token { tenant: "contoso", version: Two })),
            ("/contoso/oauth2/token", Some(Place::Token { tenant: "contoso", version: One })),
            ("/common/discovery/instance", Some(Place::InstanceDiscovery)),
            ("/common/oauth2/v2.0/authorize", Some(Place::Authorize { tenant: "common" })),
            ("/contoso/discovery/instance", None),
            ("/x/v2.0/.well-known/openid-configuration", Some(Place::Configuration { tenant: "x", version: Two })),
            ("/x/.well-known/openid-configuration", Some(Place::Configuration { tenant: "x", version: One })),
            ("/common/oauth2/v2.0/devicecode", Some(Place::DeviceCode { tenant: "common" })),
            ("/common/discovery/keys", Some(Place::Keys { tenant: "common" })),
            ("/x/discovery/v2.0/keys", Some(Place::Keys { tenant: "x" })),
            ("/devicelogin", Some(Place::DevicePage)),
            ("/metadata/endpoints", Some(Place::Cloud)),
            ("/tenants", Some(Place::Tenants)),
            ("/subscriptions", Some(Place::Subscriptions)),
            ("/subscriptions/x", None),
            ("/v1.0/users", None),
            ("/", None),
        ] {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
