//! The way out: which endpoints are fit to be spoken to, and HTTP clients that speak to them.
//!
//! It never follows a redirect and never sends a request twice. Secrets and passwords go over https, and over plain
//! http to this machine only. What lies on this machine or this link is reached without a proxy.
//!
//! Invariant: a URL that comes out of here holds no user name and no password.

use super::{
    SendError,
    proxy::{Proxies, Route},
};
use crate::clean;
use reqwest::{Certificate, Client, ClientBuilder, Url};
use std::{net::IpAddr, path::Path, time::Duration};

/// Time to come to a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for a whole exchange; Graph gives up on a batch after 30 seconds and answers 504.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(75);
/// Most bytes of an answer that are read; twenty items with their errors are under a hundredth of it.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Why there is no client for an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL that can be used.
    #[error("{url} is no endpoint: {why}\nhint: give https://HOST, or http:// for loopback only")]
    Unusable {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Graph's root was given with a version or more behind it.
    #[error("{url} is not Graph's root: passwave adds /v1.0 itself, and speaks no other version\nhint: give {root}")]
    NotTheRoot {
        /// What was given.
        url: String,
        /// What to give.
        root: String,
    },
    /// The file of further certificates cannot be used.
    #[error("--ca-file {file}: {why}\nhint: give a PEM file with one or more -----BEGIN CERTIFICATE----- blocks")]
    CaFile {
        /// Its path.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A variable that is to name a proxy, or what needs none, cannot be understood.
    #[error("{what}\nhint: {hint}")]
    Proxy {
        /// Which, and what is wrong with it.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// The TLS library could not be set up.
    #[error(
        "the HTTP client could not be set up: {0}\nhint: the system's certificates may be missing (package ca-certificates)"
    )]
    Setup(#[from] reqwest::Error),
}

/// Checks an endpoint: https, or http where it is loopback, and nothing else in it but a host, a port and a path.
///
/// # Errors
/// Says what is wrong with it.
pub fn endpoint(text: &str) -> Result<Url, EndpointError> {
    let unusable = |why| EndpointError::Unusable { url: shown(text), why };
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = safe_url(&with_scheme, false).map_err(unusable)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(unusable("it holds more than a host, a port and a path"));
    }
    Ok(url)
}

/// Checks Graph's root; a `/v1.0` at its end, as documentation has it, falls away.
///
/// # Errors
/// As [`endpoint`], and if another version or more is named.
pub fn graph_endpoint(text: &str) -> Result<Url, EndpointError> {
    let mut url = endpoint(text)?;
    let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let is_version = |segment: &&str| ["v1.0", "beta"].iter().any(|version| segment.eq_ignore_ascii_case(version));
    let Some(at) = segments.iter().position(is_version) else { return Ok(url) };
    let is_ours = at + 1 == segments.len() && !segments[at].eq_ignore_ascii_case("beta");
    let root = segments[..at].join("/");
    url.set_path(&root);
    if is_ours {
        return Ok(url);
    }
    let root = url.as_str().trim_end_matches('/').to_owned();
    Err(EndpointError::NotTheRoot { url: shown(text), root })
}

/// A URL for a message: without what may be a name and a password.
pub(super) fn shown(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text.rfind('@').filter(|at| *at >= start) {
        Some(at) => clean::for_terminal(&format!("{}[withheld]{}", &text[..start], &text[at..])),
        None => clean::for_terminal(text),
    }
}

/// A URL that a secret may go to: https, or http to loopback and, where `link` says so, to this link.
pub(super) fn safe_url(text: &str, link: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it cannot be read as a URL")?;
    let host = url.host_str().ok_or("it names no host")?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) || (link && is_link_local(host)) => {}
        "http" if link => return Err("plain http goes to loopback and link-local addresses only"),
        "http" => return Err("passwords and secrets go over plain http to loopback only"),
        _ => return Err("it is neither https nor http"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a user name or a password");
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

fn is_near(url: &Url) -> bool {
    url.host_str().is_some_and(|host| is_loopback(host) || is_link_local(host))
}

/// `path` below `base`, whether or not that ends in a slash.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// An HTTP client fit for Graph and for the sign-in; for `loopback` it uses no proxy.
///
/// # Errors
/// If TLS cannot be set up, or the environment names a proxy that cannot be understood.
pub fn http_client(loopback: bool) -> Result<Client, EndpointError> {
    http_client_within(loopback, EXCHANGE_TIMEOUT)
}

/// The same for exchanges that take `exchange` at most, from the connection to the last byte of the answer.
///
/// # Errors
/// As [`http_client`].
pub fn http_client_within(loopback: bool, exchange: Duration) -> Result<Client, EndpointError> {
    let builder = builder().timeout(exchange);
    let builder = if loopback { builder.no_proxy() } else { Proxies::of_environment()?.apply(builder) };
    Ok(builder.build()?)
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("passwave/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(EXCHANGE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // The run counts and paces every attempt; one that it does not know of would break both.
        .retry(reqwest::retry::never())
}

/// The HTTP clients of a run: the proxy stands before what lies outside, and nothing before what lies here.
#[derive(Clone)]
pub struct Web {
    outside: Client,
    here: Client,
    proxies: Proxies,
}

impl Web {
    /// Trusts the system's certificates, and those in the PEM file `ca_file` besides.
    ///
    /// # Errors
    /// If the file cannot be used, TLS cannot be set up, or the environment names a proxy that cannot be understood.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, EndpointError> {
        let more = ca_file.map_or(Ok(Vec::new()), certificates)?;
        let proxies = Proxies::of_environment()?;
        let outside = proxies.apply(builder().tls_certs_merge(more.clone())).build()?;
        Ok(Self { outside, here: builder().tls_certs_merge(more).no_proxy().build()?, proxies })
    }

    /// The client for `url`.
    #[must_use]
    pub fn client(&self, url: &Url) -> &Client {
        if is_near(url) { &self.here } else { &self.outside }
    }

    /// The client for what never lies behind a proxy: the identity endpoints of Azure's machines and apps.
    #[must_use]
    pub(super) fn here(&self) -> &Client {
        &self.here
    }

    /// How `url` is reached, for a person.
    #[must_use]
    pub fn route(&self, url: &Url) -> Route {
        match is_near(url) {
            true => Route::Direct("it is on this machine".into()),
            false => self.proxies.route(url),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, EndpointError> {
    let unusable = |why: String| EndpointError::CaFile { file: clean::for_terminal(&file.display().to_string()), why };
    let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(found) if found.is_empty() => Err(unusable("it holds no certificate".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(format!("it cannot be read ({})", chain(&error)))),
    }
}

/// An error with its last cause and without its URL, which says nothing new.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if cause.and_then(std::error::Error::source).is_none() {
            let comma = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{comma}{error}");
        }
        cause = error.source();
    }
    if text.is_empty() { "the exchange failed".into() } else { text }
}

/// Whether the other end showed a certificate that nobody here trusts. rustls begins all these errors alike.
pub(super) fn is_untrusted(why: &str) -> bool {
    why.contains("invalid peer certificate")
}

/// The body, up to a limit: nobody can fill our memory.
pub(super) async fn limited(mut answer: reqwest::Response) -> Result<Vec<u8>, SendError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| SendError::Lost(chain(&error)))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(SendError::Lost("the answer is far too long to come from Graph".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
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
    fn the_version_behind_the_root_falls_away() {
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
            let told = graph_endpoint(given).expect_err("refused").to_string();
            assert!(told.ends_with(&format!("\nhint: give {root}")), "{told}");
        }
    }

    #[test]
    fn a_link_is_near_only_where_that_is_allowed() {
        for near in ["http://169.254.169.254/metadata", "http://[fe80::1]:80/x?y=z", "http://localhost:42356/msi/token"]
        {
            assert!(safe_url(near, true).is_ok(), "{near}");
        }
        assert!(safe_url("http://169.254.169.254/metadata", false).is_err());
        for far in ["http://10.0.0.4/msi", "http://169.254.169.254.x.com", "http://metadata", "https://u:p@x.y"] {
            assert!(safe_url(far, true).is_err(), "{far}");
        }
    }

    #[test]
    fn paths_go_below_the_endpoint() {
        let at = |base: &str| below(&endpoint(base).expect("an endpoint"), "v1.0/$batch").to_string();
        assert_eq!(at("https://graph.microsoft.com"), "https://graph.microsoft.com/v1.0/$batch");
        assert_eq!(at("http://localhost:1/graph/"), "http://localhost:1/graph/v1.0/$batch");
    }

    #[test]
    fn a_file_of_certificates_that_holds_none_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let (absent, empty) = (place.path().join("absent.pem"), place.path().join("empty.pem"));
        std::fs::write(&empty, "no certificate").expect("written");
        for (file, expected) in [(&absent, "absent.pem"), (&empty, "holds no certificate")] {
            let refused = Web::new(Some(file)).err().expect("refused").to_string();
            assert!(refused.starts_with("--ca-file ") && refused.contains(expected), "{refused}");
        }
    }
}
