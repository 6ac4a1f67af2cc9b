//! Where a URL leads: the sign-in endpoints, and the few resources of the directory that the simulator knows.
//!
//! A URL is treated as the service treats it: a bare `#` cuts it, the path is percent-decoded once, double slashes are
//! one. It never guesses: a broken escape is an error and no account.
//!
//! Invariant: a key is the text that stands in the URL, decoded once, and nothing else.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// A resource of the directory, after the API's version.
#[derive(Debug, PartialEq)]
pub(super) enum Resource<'a> {
    Batch,
    Users,
    User(Cow<'a, str>),
    RevokeSessions(Cow<'a, str>),
    RoleAssignments,
    /// The users who are in a group, or in a group of it.
    Members(Cow<'a, str>),
    Domains,
    /// A segment that means nothing here.
    Unknown(&'a str),
    /// A key that must stand in quotes, and does not.
    Malformed,
}

/// Where a request goes.
#[derive(Debug, PartialEq)]
pub(super) enum Route<'a> {
    Token { tenant: &'a str },
    DeviceCode { tenant: &'a str },
    OpenIdConfiguration { tenant: &'a str },
    InstanceDiscovery,
    Graph(Resource<'a>),
    Nowhere,
}

/// What of an item's URL stands below the API's version. Graph's known issues of 2021 ask for relative URLs, yet
/// Microsoft's Python SDK (msgraph-core 1.5) writes them whole, so both are taken.
pub(super) fn relative(url: &str) -> &str {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let path = host.map_or(url, |host| host.find('/').map_or("", |at| &host[at..]));
    let versions = ["v1.0/", "beta/"];
    let below = |path: &'_ str| versions.iter().find_map(|version| path.strip_prefix(version).map(str::len));
    below(path.trim_start_matches('/')).map_or(path, |len| &path[path.len() - len..])
}

/// Path and query; the fragment falls away, as it never reaches a server.
pub(super) fn split(url: &str) -> (&str, &str) {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    url.split_once('?').unwrap_or((url, ""))
}

/// The path, percent-decoded once; none where an escape is broken.
pub(super) fn decode(path: &str) -> Option<Cow<'_, str>> {
    let bytes = path.as_bytes();
    let broken = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').any(|(at, _)| {
        let digits = bytes.get(at + 1..at + 3).unwrap_or_default();
        digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit)
    });
    if broken { None } else { percent_decode_str(path).decode_utf8().ok() }
}

/// The names and values of a query or a form.
pub(super) fn form(text: &str) -> impl Iterator<Item = (String, String)> {
    let plain = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    text.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (plain(name), plain(value))
    })
}

/// Resource units of a `GET`: `base` as the documentation lists it, more with `$expand`, less with `$select` or a small
/// `$top`, and never none.
pub(super) fn cost(base: u32, query: &str) -> u32 {
    let (mut more, mut less) = (0, 0);
    for (name, value) in form(query) {
        match name.as_str() {
            "$expand" => more += 1,
            "$select" => less += 1,
            "$top" if value.parse::<usize>().is_ok_and(|top| top < 20) => less += 1,
            _ => {}
        }
    }
    (base + more).saturating_sub(less).max(1)
}

/// Reads a decoded path of the host as a whole.
pub(super) fn route(path: &str) -> Route<'_> {
    let path = path.trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if first == "v1.0" || first == "beta" {
        return Route::Graph(resource(rest));
    }
    match rest {
        "oauth2/v2.0/token" => Route::Token { tenant: first },
        "oauth2/v2.0/devicecode" => Route::DeviceCode { tenant: first },
        "v2.0/.well-known/openid-configuration" => Route::OpenIdConfiguration { tenant: first },
        "discovery/instance" if first == "common" => Route::InstanceDiscovery,
        _ => Route::Nowhere,
    }
}

/// Reads a decoded path below the API's version.
pub(super) fn resource(path: &str) -> Resource<'_> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let Some(first) = segments.next() else { return Resource::Unknown("") };
    if first.eq_ignore_ascii_case("$batch") {
        return segments.next().map_or(Resource::Batch, Resource::Unknown);
    }
    if first.eq_ignore_ascii_case("users") {
        return match segments.next() {
            None => Resource::Users,
            Some(key) if key.starts_with('$') => Resource::Malformed,
            Some(key) => user(Cow::Borrowed(key), segments),
        };
    }
    match quoted(first) {
        Some(key) => user(key, segments),
        None => list(first, segments),
    }
}

/// The lists besides the accounts; what else Graph has below such a segment means nothing here.
fn list<'a>(first: &'a str, rest: impl Iterator<Item = &'a str>) -> Resource<'a> {
    let mut rest = rest.fuse();
    match [Some(first), rest.next(), rest.next(), rest.next(), rest.next()] {
        [Some("domains"), None, ..] => Resource::Domains,
        [Some("roleManagement"), Some("directory"), Some("roleAssignments"), None, _] => Resource::RoleAssignments,
        [Some("groups"), Some(key), Some("transitiveMembers"), Some("microsoft.graph.user") | None, None] => {
            Resource::Members(Cow::Borrowed(key))
        }
        _ => Resource::Unknown(first),
    }
}

/// The key in `users('…')`, where an apostrophe is written twice.
fn quoted(segment: &str) -> Option<Cow<'_, str>> {
    let (name, rest) = segment.split_at_checked("users".len())?;
    let key = rest.strip_prefix("('")?.strip_suffix("')")?;
    let lone = key.replace("''", "").contains('\'');
    let key = if key.contains('\'') { Cow::Owned(key.replace("''", "'")) } else { Cow::Borrowed(key) };
    (name.eq_ignore_ascii_case("users") && !lone).then_some(key)
}

fn user<'a>(key: Cow<'a, str>, mut rest: impl Iterator<Item = &'a str>) -> Resource<'a> {
    let Some(action) = rest.next() else { return Resource::User(key) };
    let action_name = action.strip_prefix("microsoft.graph.").unwrap_or(action);
    match rest.next() {
        None if action_name == "revokeSignInSessions" => Resource::RevokeSessions(key),
        Some(further) if action_name == "revokeSignInSessions" => Resource::Unknown(further),
        _ => Resource::Unknown(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> Option<String> {
        let path = decode(split(relative(url)).0)?.into_owned();
        match resource(&path) {
            Resource::User(key) => Some(key.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn keys_are_read_in_every_form() {
        for (url, expected) in [
            ("/users/ann@contoso.com", Some("ann@contoso.com")),
            ("users/ann@contoso.com?$select=id", Some("ann@contoso.com")),
            ("//users//ann@contoso.com/", Some("ann@contoso.com")),
            ("/v1.0//users/ann@contoso.com", Some("ann@contoso.com")),
            ("https://graph.microsoft.com/beta/users/ann@contoso.com", Some("ann@contoso.com")),
            ("http://127.0.0.1:1", None),
            ("/users/a%23EXT%23@c.com", Some("a#EXT#@c.com")),
            ("/users/a%2523@c.com", Some("a%23@c.com")),
            ("/users/a+b@c.com", Some("a+b@c.com")),
            ("/users/o'brien@c.com", Some("o'brien@c.com")),
            ("/users('o''brien@c.com')", Some("o'brien@c.com")),
            ("/users('$x%27%27@c.com')", Some("$x'@c.com")),
            ("/users('o'brien@c.com')", None),
            ("/users/$x@c.com", None),
            // A bare '#' leads to another key, as it does in the field.
            ("/users/nic#EXT#@c.com", Some("nic")),
            ("/users/a%2Fb@c.com", None),
            ("/users/100%@c.com", None),
            ("/groups/x", None),
        ] {
            assert_eq!(key(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn whole_paths_lead_where_they_should() {
        assert_eq!(route("/contoso/oauth2/v2.0/token"), Route::Token { tenant: "contoso" });
        assert_eq!(route("/common/discovery/instance"), Route::InstanceDiscovery);
        assert_eq!(route("/x/v2.0/.well-known/openid-configuration"), Route::OpenIdConfiguration { tenant: "x" });
        assert_eq!(route("/v1.0/$batch"), Route::Graph(Resource::Batch));
        assert_eq!(route("/beta//users"), Route::Graph(Resource::Users));
        assert_eq!(route("/v1.0/users/x/revokeSignInSessions"), Route::Graph(Resource::RevokeSessions("x".into())));
        assert_eq!(route("/v1.0/users/x/manager"), Route::Graph(Resource::Unknown("manager")));
        assert_eq!(route("/v3/users"), Route::Nowhere);
        assert_eq!(route("/common/oauth2/v2.0/devicecode"), Route::DeviceCode { tenant: "common" });
        for (path, expected) in [
            ("domains", Resource::Domains),
            ("domains/contoso.com", Resource::Unknown("domains")),
            ("roleManagement/directory/roleAssignments", Resource::RoleAssignments),
            ("roleManagement/directory/roleAssignments/x", Resource::Unknown("roleManagement")),
            ("groups/x/transitiveMembers/microsoft.graph.user", Resource::Members("x".into())),
            ("groups/x/transitiveMembers", Resource::Members("x".into())),
            ("groups/x/members", Resource::Unknown("groups")),
        ] {
            assert_eq!(resource(path), expected, "{path}");
        }
    }

    #[test]
    fn reads_cost_what_the_documentation_says() {
        assert_eq!([cost(2, ""), cost(2, "$top=50"), cost(2, "$top=5"), cost(2, "%24select=id")], [2, 2, 1, 1]);
        assert_eq!([cost(1, "$expand=principal($select=id)"), cost(1, "$select=id"), cost(5, "$select=id")], [2, 1, 4]);
    }

    #[test]
    fn forms_are_decoded() {
        let pairs: Vec<_> = form("a=1+2&%24b=%2B&c").collect();
        let expected = [("a", "1 2"), ("$b", "+"), ("c", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(pairs, expected);
    }
}
