//! What an application asks for: the resource, permissions on it, and facts about the user.
//!
//! Invariant: a token is for one resource.

use super::error::OAuthError;

/// Scopes that concern the user, not a resource.
const OPEN_ID: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Permissions that every user can give to every application.
const SELF_GRANTED: [&str; 3] = ["User.Read", "user_impersonation", ".default"];
/// The application id of Microsoft Graph, which also names the resource.
const GRAPH_ID: &str = "00000003-0000-0000-c000-000000000000";
const GRAPH: &str = "https://graph.microsoft.com";
/// Microsoft Graph in all clouds.
const GRAPH_HOSTS: [&str; 5] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
    "canary.graph.microsoft.com",
];
/// Azure Resource Manager.
const MANAGEMENT_HOSTS: [&str; 2] = ["management.azure.com", "management.core.windows.net"];

/// Azure's databases that take a token as a password.
const DATABASE_HOSTS: [&str; 3] = [
    "ossrdbms-aad.database.windows.net",
    "ossrdbms-aad.database.usgovcloudapi.net",
    "ossrdbms-aad.database.chinacloudapi.cn",
];

/// What an application asks for.
#[derive(Clone)]
pub(super) struct Scopes {
    asked: Vec<String>,
    /// The resource, as the application writes it; the audience of the token.
    pub audience: String,
    /// Whether the token opens Microsoft Graph.
    pub opens_graph: bool,
}

impl Scopes {
    /// Reads a `scope`; `base` is the address under which the simulator is reached, which is a resource, too.
    pub(super) fn read(scope: &str, base: &str) -> Result<Self, OAuthError> {
        let asked: Vec<String> = scope.split_whitespace().map(str::to_owned).collect();
        let mut resources = asked.iter().filter(|name| !OPEN_ID.contains(&name.as_str())).map(|name| resource(name));
        let audience = resources.next().unwrap_or(GRAPH).to_owned();
        if resources.any(|other| other.trim_end_matches('/') != audience.trim_end_matches('/')) {
            return Err(OAuthError::several_resources());
        }
        let opens_graph = is_graph(&audience, base);
        if opens_graph || is_management(&audience) || is_database(&audience) {
            Ok(Self { asked, audience, opens_graph })
        } else {
            Err(OAuthError::resource(&audience))
        }
    }

    /// Whether this was asked for, such as `openid`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.asked.iter().any(|held| held == name)
    }

    /// Whether it asks for all permissions that were granted, and nothing else.
    pub(super) fn is_default(&self) -> bool {
        matches!(self.asked.as_slice(), [only] if only.ends_with("/.default"))
    }

    /// The names in the claim `scp`: all that was granted.
    pub(super) fn claimed(&self, granted: &[&str]) -> String {
        let granted = if self.opens_graph { granted } else { &["user_impersonation"] };
        let extra = self.asked.iter().map(|name| permission(name));
        let extra = extra.filter(|name| *name == "User.Read" || OPEN_ID[..3].contains(name));
        let mut names: Vec<&str> = granted.to_vec();
        extra.for_each(|name| {
            if !names.contains(&name) {
                names.push(name)
            }
        });
        names.join(" ")
    }

    /// The `scope` in the answer: what was asked for, as it was written, and everything else that was granted.
    pub(super) fn answered(&self, granted: &[&str]) -> String {
        let is_granted = |name: &str| {
            let same = |other: &&str| other.eq_ignore_ascii_case(permission(name));
            OPEN_ID[..3].contains(&name)
                || SELF_GRANTED.iter().any(same)
                || (self.opens_graph && granted.iter().any(same))
        };
        let mut names: Vec<String> = self.asked.iter().filter(|name| is_granted(name)).cloned().collect();
        let others = if self.opens_graph { granted } else { &["user_impersonation"] };
        for name in others {
            if !names.iter().any(|held| held == name) {
                names.push(format!("{}/{name}", self.audience));
            }
        }
        names.join(" ")
    }
}

/// The resource in a scope; Graph if there is none.
fn resource(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(GRAPH, |(resource, _)| resource)
}

fn permission(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(scope, |(_, permission)| permission)
}

fn host(resource: &str) -> &str {
    let host = resource.split_once("://").map_or(resource, |(_, host)| host);
    host.trim_end_matches('/')
}

fn is_graph(resource: &str, base: &str) -> bool {
    resource.trim_end_matches('/') == GRAPH_ID
        || GRAPH_HOSTS.iter().any(|known| host(resource).eq_ignore_ascii_case(known))
        || is_ours(host(resource), host(base))
}

/// Whether the simulator has both names: the same, or two of one domain, as `graph.contoso.test` and
/// `login.contoso.test` behind a proxy.
fn is_ours(resource: &str, base: &str) -> bool {
    let domain = |host: &str| {
        let name = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        name.split_once('.')
            .map(|(_, domain)| domain.to_owned())
            .filter(|domain| domain.contains(|c: char| c.is_alphabetic()))
    };
    resource.eq_ignore_ascii_case(base) || domain(resource).is_some_and(|held| domain(base) == Some(held))
}

fn is_management(resource: &str) -> bool {
    MANAGEMENT_HOSTS.iter().any(|known| host(resource).eq_ignore_ascii_case(known))
}

fn is_database(resource: &str) -> bool {
    DATABASE_HOSTS.iter().any(|known| host(resource).eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(scope: &str) -> Option<Scopes> {
        Scopes::read(scope, "https://localhost:8443").ok()
    }

    #[test]
    fn resources_are_told_apart() {
        for (scope, audience, graph) in [
            ("https://graph.microsoft.com/.default", "https://graph.microsoft.com", true),
            ("User.Read openid", "https://graph.microsoft.com", true),
            ("openid profile", "https://graph.microsoft.com", true),
            ("00000003-0000-0000-c000-000000000000/.default", GRAPH_ID, true),
            ("https://localhost:8443//.default", "https://localhost:8443/", true),
            ("https://management.core.windows.net//.default", "https://management.core.windows.net/", false),
            ("https://ossrdbms-aad.database.windows.net/.default", "https://ossrdbms-aad.database.windows.net", false),
        ] {
            let read = scopes(scope).expect(scope);
            assert_eq!((read.audience.as_str(), read.opens_graph), (audience, graph), "{scope}");
        }
        assert!(scopes("https://elsewhere.example/.default").is_none());
        let behind_proxy = |resource| is_ours(resource, "login.contoso.test:443");
        assert!(behind_proxy("Graph.contoso.test") && !behind_proxy("graph.other.test"));
        assert!(!is_ours("127.0.0.1:1", "127.0.0.1:2"));
        assert!(scopes("https://graph.microsoft.com/.default https://management.azure.com/.default").is_none());
    }

    #[test]
    fn answers_contain_what_was_asked_for() {
        let granted = ["User.Read.All", "Domain.Read.All"];
        let read = scopes("openid offline_access user.read.all Mail.Read").expect("good scopes");
        let answered = "openid user.read.all https://graph.microsoft.com/User.Read.All https://graph.microsoft.com/Domain.Read.All";
        assert_eq!(read.answered(&granted), answered);
        assert_eq!(read.claimed(&granted), "User.Read.All Domain.Read.All openid");
        let read = scopes("https://management.azure.com/.default").expect("good scopes");
        assert_eq!(read.claimed(&granted), "user_impersonation");
        assert!(read.is_default() && !read.has("openid"));
    }
}
