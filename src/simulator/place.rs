//! Addresses in the directory: which of the known routes they name, and with what key.
//!
//! It never guesses: an unknown segment is an error that names it.
//!
//! Invariant: a key is the text in the URL, decoded once, and nothing else.

use super::schema::{Entity, ROUTES, Route, Target, entity};
use std::borrow::Cow;

/// A resource of the directory, after the API's version.
#[derive(Debug, PartialEq)]
pub(super) enum Resource<'a> {
    Batch,
    RevokeSessions(Place<'a>),
    Known(Place<'a>),
    /// An unknown segment.
    Unknown(&'a str),
    /// A key that needs quotes but has none.
    Malformed,
}

/// A place below one of the known routes.
#[derive(Debug, PartialEq)]
pub(super) struct Place<'a> {
    pub route: &'static Route,
    /// The key in the address; empty if the route has none.
    pub key: Cow<'a, str>,
    /// The second key in the address; empty if the route has none.
    pub inner: Cow<'a, str>,
    /// Whether the key stands for the person who is signed in.
    pub me: bool,
    /// Whether only the number of items is asked for.
    pub counting: bool,
    /// The type to which a list is reduced.
    pub cast: Option<&'static Entity>,
}

/// The part of an item's URL after the API's version. The version is that of the batch, so the URL must not begin with
/// one; but Microsoft's Python SDK (msgraph-core 1.5) writes whole addresses, which the service takes.
pub(super) fn relative(url: &str) -> &str {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(host) = host else { return url };
    let path = host.find('/').map_or("", |at| &host[at..]);
    let versions = ["v1.0/", "beta/"];
    let below = |path: &'_ str| versions.iter().find_map(|version| path.strip_prefix(version).map(str::len));
    below(path.trim_start_matches('/')).map_or(path, |len| &path[path.len() - len..])
}

/// One segment of a path: as it is, and what it means.
type Segment<'a> = (&'a str, Cow<'a, str>);

/// Most segments of a known address.
const SEGMENTS_MAX: usize = 8;

/// Parses a decoded path after the API's version.
pub(super) fn resource(path: &str) -> Resource<'_> {
    let mut segments: Vec<Segment<'_>> = Vec::with_capacity(SEGMENTS_MAX);
    for raw in path.split('/').filter(|segment| !segment.is_empty()) {
        if segments.len() >= SEGMENTS_MAX {
            return Resource::Unknown(raw);
        }
        if let Some((name, key)) = keyed(raw) {
            let Some(key) = key else { return Resource::Unknown(raw) };
            segments.push((raw, Cow::Borrowed(name)));
            segments.push((raw, key));
        } else if segments.len() == 1 && raw.starts_with('$') && raw != "$count" && is(&segments[0].1, "users") {
            return Resource::Malformed;
        } else {
            segments.push((raw, Cow::Borrowed(raw.strip_suffix("()").unwrap_or(raw))));
        }
    }
    match segments.first() {
        None => Resource::Unknown(""),
        Some((_, first)) if is(first, "$batch") => {
            segments.get(1).map_or(Resource::Batch, |(raw, _)| Resource::Unknown(raw))
        }
        Some((raw, first)) if is(first, "me") => {
            segments.splice(..1, [(*raw, Cow::Borrowed("users")), (*raw, Cow::Borrowed("me"))]);
            known(segments, true)
        }
        Some(_) => known(segments, false),
    }
}

fn is(segment: &str, name: &str) -> bool {
    segment.eq_ignore_ascii_case(name)
}

/// Finds the route, after what can follow every route was taken off.
fn known(mut segments: Vec<Segment<'_>>, me: bool) -> Resource<'_> {
    let counting = segments.last().is_some_and(|(raw, _)| *raw == "$count");
    if counting {
        segments.pop();
    }
    let mut found = find(&segments);
    let mut cast = None;
    if let Some(name) = last_type(&segments)
        && found.is_none_or(|route| route.path.ends_with('*'))
    {
        let (raw, bare) = segments.pop().unwrap_or_default();
        let type_of_items = if found.is_none() { entity(name) } else { None };
        if type_of_items.is_none() {
            // The full name of an action or a function.
            segments.push((raw, Cow::Borrowed(name)));
        }
        let named = find(&segments);
        if found.is_some() {
            // It may also be a key that begins like such a name.
            found = named.filter(|route| !route.path.ends_with('*')).or(found);
            segments.last_mut().into_iter().for_each(|segment| segment.1 = bare.clone());
        } else {
            let fits = |route: &Route| type_of_items.is_none_or(|cast| route.is_list() && route.types.contains(&cast));
            let Some(route) = named.filter(|route| fits(route)) else { return Resource::Unknown(raw) };
            (found, cast) = (Some(route), type_of_items);
        }
    }
    let Some(route) = found else { return Resource::Unknown(unknown(&segments)) };
    if counting && !route.is_advanced() {
        return Resource::Unknown("$count");
    }
    let mut keys = route.path.split('/').enumerate().filter(|(_, segment)| *segment == "*").map(|(at, _)| at);
    let mut key = || keys.next().map_or(Cow::Borrowed(""), |at| std::mem::take(&mut segments[at].1));
    let (key, inner) = (key(), key());
    let place = Place { route, key, inner, me, counting, cast };
    if route.target == Target::RevokeSessions { Resource::RevokeSessions(place) } else { Resource::Known(place) }
}

/// The name after `microsoft.graph.` or `graph.` in the last segment.
fn last_type<'a>(segments: &[Segment<'a>]) -> Option<&'a str> {
    let (raw, _) = segments.last()?;
    let name = raw.strip_prefix("microsoft.graph.").or_else(|| raw.strip_prefix("graph."))?;
    Some(name.strip_suffix("()").unwrap_or(name))
}

fn find(segments: &[Segment<'_>]) -> Option<&'static Route> {
    ROUTES.iter().find(|route| depth(route.path, segments) == Some(segments.len()))
}

/// How many segments agree with a route; `None` if the route has more of them.
fn depth(path: &str, segments: &[Segment<'_>]) -> Option<usize> {
    let mut held = segments.iter();
    let mut agreed = 0;
    for wanted in path.split('/') {
        match held.next() {
            None => return None,
            Some((_, segment)) if wanted == "*" || is(segment, wanted) => agreed += 1,
            Some(_) => return Some(agreed),
        }
    }
    Some(agreed)
}

/// The first segment that no route has.
fn unknown<'a>(segments: &[Segment<'a>]) -> &'a str {
    let agreed = ROUTES.iter().filter_map(|route| depth(route.path, segments)).max().unwrap_or(0);
    segments.get(agreed).or(segments.last()).map_or("", |(raw, _)| *raw)
}

/// The name and the key in `users('…')`, in which apostrophes are doubled, or in `name(alternate='…')`, whose key is
/// `alternate=…`. The key is `None` if it cannot be read; all is `None` if there are no brackets.
fn keyed(segment: &str) -> Option<(&str, Option<Cow<'_, str>>)> {
    let (name, rest) = segment.split_once('(')?;
    let inner = rest.strip_suffix(')').filter(|inner| !inner.is_empty())?;
    if let Some(text) = inner.strip_prefix('\'') {
        let text = text.strip_suffix('\'').filter(|text| !text.replace("''", "").contains('\''));
        let undone = |text: &str| text.replace("''", "'");
        let key = text.map(|text| if text.contains('\'') { Cow::Owned(undone(text)) } else { Cow::Borrowed(text) });
        return Some((name, key));
    }
    match inner.split_once("='") {
        Some((alternate, text)) => {
            let key = text.strip_suffix('\'').map(|text| Cow::Owned(format!("{alternate}={text}")));
            Some((name, key))
        }
        None => Some((name, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::route::{decode, split};

    fn key(url: &str) -> Option<String> {
        let path = decode(split(relative(url)).0)?.into_owned();
        match resource(&path) {
            Resource::Known(place) if place.route.path == "users/*" => Some(place.key.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn keys_are_read_in_every_form() {
        for (url, expected) in [
            ("/users/ann@contoso.com", Some("ann@contoso.com")),
            ("users/ann@contoso.com?$select=id", Some("ann@contoso.com")),
            ("//users//ann@contoso.com/", Some("ann@contoso.com")),
            // The version is that of the batch.
            ("/v1.0//users/ann@contoso.com", None),
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
            // A bare '#' leads to another key, as in the real service.
            ("/users/nic#EXT#@c.com", Some("nic")),
            ("/users/a%2Fb@c.com", None),
            ("/users/100%@c.com", None),
            ("/groups/x", None),
        ] {
            assert_eq!(key(url).as_deref(), expected, "{url}");
        }
    }

    /// The route, with its key, and what else was read; or what was not understood.
    fn read(path: &str) -> String {
        match resource(path) {
            Resource::Batch => "a batch".to_owned(),
            Resource::Unknown(segment) => format!("? {segment}"),
            Resource::Malformed => "malformed".to_owned(),
            Resource::Known(Place { route, key, me, counting, cast, .. })
            | Resource::RevokeSessions(Place { route, key, me, counting, cast, .. }) => {
                let cast = cast.map_or(String::new(), |cast| format!(" as {}", cast.name));
                let (me, counting) = (if me { " me" } else { "" }, if counting { " counted" } else { "" });
                format!("{} {key}{cast}{counting}{me}", route.path)
            }
        }
    }

    #[test]
    fn addresses_name_routes() {
        for (path, expected) in [
            ("$batch", "a batch"),
            ("$batch/x", "? x"),
            ("users", "users "),
            ("Users/$count", "users  counted"),
            ("users/x/revokeSignInSessions", "users/*/revokeSignInSessions x"),
            ("users/x/microsoft.graph.revokeSignInSessions", "users/*/revokeSignInSessions x"),
            ("users/x/revokeSignInSessions/y", "? y"),
            ("users/x/mailFolders", "? mailFolders"),
            ("users/delta()", "users/delta "),
            ("users/microsoft.graph.delta()", "users/delta "),
            ("users/graph.delta@contoso.com", "users/* graph.delta@contoso.com"),
            ("me", "users/* me me"),
            ("me/memberOf/microsoft.graph.group/$count", "users/*/memberOf me as group counted me"),
            ("me/drive", "? drive"),
            ("users/x/memberOf/microsoft.graph.domain", "? microsoft.graph.domain"),
            ("users/x/memberOf/microsoft.graph.nothing", "? microsoft.graph.nothing"),
            ("groups/x/transitiveMembers/microsoft.graph.user", "groups/*/transitiveMembers x as user"),
            ("groups/x/settings", "? settings"),
            ("domains/contoso.com", "domains/* contoso.com"),
            ("domains/$count", "? $count"),
            ("directoryRoles(roleTemplateId='x')/members", "directoryRoles/*/members roleTemplateId=x"),
            ("directoryRoles(roleTemplateId=x)", "? directoryRoles(roleTemplateId=x)"),
            ("roleManagement", "? roleManagement"),
            ("roleManagement/directory/roleAssignments/x", "roleManagement/directory/roleAssignments/* x"),
            ("roleManagement/cloudPC", "? cloudPC"),
            ("directory/deletedItems/microsoft.graph.user", "directory/deletedItems/microsoft.graph.user "),
            ("v1.0/users/x", "? v1.0"),
            ("", "? "),
            ("nonsense/users", "? nonsense"),
            ("a/b/c/d/e/f/g/h/i", "? i"),
        ] {
            assert_eq!(read(path), expected, "{path}");
        }
    }
}
