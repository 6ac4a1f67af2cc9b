//! Checks the endpoints that the client may talk to.
//!
//! Secrets and passwords go over https, and over plain http only to this machine.
//!
//! Invariant: a URL from here contains no user name and no password.

use crate::util::sanitize;
use reqwest::Url;
use std::{fmt, net::IpAddr};

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is not a URL that can be used.
    #[error("{url} is not a valid endpoint: {why}")]
    Unusable {
        /// The given URL.
        url: String,
        /// The problem.
        why: &'static str,
    },
    /// Graph's root was given with a version or more after it.
    #[error("{url} is not Graph's root: passwave adds /v1.0 itself, and speaks no other version")]
    NotTheRoot {
        /// The given URL.
        url: String,
        /// The right URL.
        root: String,
    },
    /// The file with more certificates cannot be used.
    #[error("the certificate file {file}: {why}")]
    CaFile {
        /// Its path.
        file: String,
        /// The problem.
        why: String,
    },
    /// A variable for a proxy cannot be parsed.
    #[error("{variable} is not a valid proxy address: {why}")]
    Proxy {
        /// The variable.
        variable: String,
        /// The problem.
        why: String,
    },
    /// A variable with the exceptions from the proxy cannot be parsed.
    #[error("{variable} holds {entry:?}, which is not a host or a network")]
    ProxyExceptions {
        /// The variable.
        variable: String,
        /// The entry that cannot be parsed.
        entry: String,
    },
    /// The TLS library could not be set up.
    #[error("the HTTP client could not be set up: {0}")]
    Setup(String),
}

/// An address for requests. It contains a host, and optionally a port and a path, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host's name or IP address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, if the address has one other than the default.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// Whether requests use https. Only an endpoint on this machine may use http.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Checks an endpoint: https, or http to loopback, with only a host, a port and a path.
///
/// # Errors
/// Says what is wrong with it.
pub fn endpoint(text: &str) -> Result<Endpoint, EndpointError> {
    let unusable = |why| EndpointError::Unusable { url: shown(text), why };
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = safe_url(&with_scheme, PlainHttp::ToLoopback).map_err(unusable)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("it contains more than a host, a port and a path"));
    }
    Ok(Endpoint(url))
}

/// Checks Graph's root; a `/v1.0` at the end, as in documentation, is dropped.
///
/// # Errors
/// Fails like [`endpoint`], and if it has another version or more path.
pub fn graph_endpoint(text: &str) -> Result<Endpoint, EndpointError> {
    let Endpoint(mut url) = endpoint(text)?;
    let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let is_version = |segment: &&str| ["v1.0", "beta"].iter().any(|version| segment.eq_ignore_ascii_case(version));
    let Some(at) = segments.iter().position(is_version) else { return Ok(Endpoint(url)) };
    let is_ours = at + 1 == segments.len() && !segments[at].eq_ignore_ascii_case("beta");
    let root = segments[..at].join("/");
    url.set_path(&root);
    if is_ours {
        return Ok(Endpoint(url));
    }
    let root = url.as_str().trim_end_matches('/').to_owned();
    Err(EndpointError::NotTheRoot { url: shown(text), root })
}

/// A URL for a message, without anything that may be a user name and a password.
pub(super) fn shown(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text.rfind('@').filter(|at| *at >= start) {
        Some(at) => sanitize::for_terminal(&format!("{}[withheld]{}", &text[..start], &text[at..])),
        None => sanitize::for_terminal(text),
    }
}

/// Where plain http may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlainHttp {
    /// Only to this machine.
    ToLoopback,
    /// To this machine and to its local link.
    ToLocalLink,
}

/// A URL that may receive a secret: https, or http as far as `plain` allows it.
pub(super) fn safe_url(text: &str, plain: PlainHttp) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it cannot be read as a URL")?;
    let host = url.host_str().ok_or("it has no host")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) || (plain == PlainHttp::ToLocalLink && is_link_local(host)) => {}
        "http" if plain == PlainHttp::ToLocalLink => {
            return Err("plain http is allowed only to loopback and link-local addresses");
        }
        "http" => return Err("plain http is allowed only to loopback, to protect passwords and secrets"),
        _ => return Err("it is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it contains a user name or a password");
    }
    Ok(url)
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.is_loopback())
}

fn is_link_local(host: &str) -> bool {
    address(host).is_some_and(|address| match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    })
}

pub(super) fn is_near(url: &Url) -> bool {
    url.host_str().is_some_and(|host| is_loopback(host) || is_link_local(host))
}

/// `path` below `base`, with or without a slash at the end of `base`.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_https_or_loopback() {
        for good in ["https://graph.microsoft.com", "graph.microsoft.us", "http://127.0.0.1:8080", "http://[::1]:1/x"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com",
            "ftp://x",
            "https://",
            "https://a:b@c.d",
            "https://x.y/?q",
            "http://127.0.0.1.x.com",
            "http://169.254.169.254",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn trailing_version_is_removed() {
        for (given, root) in [
            ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/"),
            ("https://graph.microsoft.com/V1.0/", "https://graph.microsoft.com/"),
            ("http://127.0.0.1:8080//v1.0//", "http://127.0.0.1:8080/"),
            ("http://127.0.0.1:8080/graph/v1.0", "http://127.0.0.1:8080/graph"),
            ("http://127.0.0.1:8080/graph/", "http://127.0.0.1:8080/graph/"),
            ("https://graph.microsoft.com", "https://graph.microsoft.com/"),
        ] {
            assert_eq!(graph_endpoint(given).expect("an endpoint").as_str(), root, "{given}");
        }
        for (given, root) in [
            ("https://graph.microsoft.com/beta", "https://graph.microsoft.com"),
            ("https://graph.microsoft.com/v1.0/$batch", "https://graph.microsoft.com"),
            ("http://127.0.0.1:8080/graph/v1.0/users/", "http://127.0.0.1:8080/graph"),
        ] {
            let error = graph_endpoint(given).expect_err("refused");
            assert!(matches!(&error, EndpointError::NotTheRoot { root: found, .. } if found == root), "{error}");
        }
    }

    #[test]
    fn local_links_need_permission() {
        for near in ["http://169.254.169.254/metadata", "http://[fe80::1]:80/x?y=z", "http://localhost:42356/msi/token"]
        {
            assert!(safe_url(near, PlainHttp::ToLocalLink).is_ok(), "{near}");
        }
        assert!(safe_url("http://169.254.169.254/metadata", PlainHttp::ToLoopback).is_err());
        for far in ["http://10.0.0.4/msi", "http://169.254.169.254.x.com", "http://metadata", "https://u:p@x.y"] {
            assert!(safe_url(far, PlainHttp::ToLocalLink).is_err(), "{far}");
        }
    }

    #[test]
    fn paths_go_below_the_endpoint() {
        let at = |base: &str| below(endpoint(base).expect("an endpoint").url(), "v1.0/$batch").to_string();
        assert_eq!(at("https://graph.microsoft.com"), "https://graph.microsoft.com/v1.0/$batch");
        assert_eq!(at("http://localhost:1/graph/"), "http://localhost:1/graph/v1.0/$batch");
    }
}
