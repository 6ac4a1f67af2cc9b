//! Parses URLs: their parts, and which address in the directory they name.
//!
//! A URL is treated as the service does: a bare `#` ends it, the path is percent-decoded once, and double slashes count
//! as one. It never guesses: a broken escape is an error, not an account.

pub(super) use super::place::{Resource, resource};
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Path and query. The fragment is dropped, because it never reaches a server.
pub(super) fn split(url: &str) -> (&str, &str) {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    url.split_once('?').unwrap_or((url, ""))
}

/// The path, percent-decoded once; `None` if an escape is broken.
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

/// Resource units of a `GET`: `base` as in the documentation, more with `$expand`, less with `$select` or a small
/// `$top`, and at least one.
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

/// Parses a decoded path of the host.
pub(super) fn route(path: &str) -> Resource<'_> {
    let path = path.trim_start_matches('/');
    match path.split_once('/').unwrap_or((path, "")) {
        ("v1.0" | "beta", rest) => resource(rest),
        (first, _) => Resource::Unknown(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_resolve() {
        assert_eq!(route("/v1.0/$batch"), Resource::Batch);
        assert_eq!(route("/beta//users"), resource("users"));
        assert_eq!(route("/v3/users"), Resource::Unknown("v3"));
        assert_eq!(route("/"), Resource::Unknown(""));
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
