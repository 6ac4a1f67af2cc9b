//! The HTTP clients for all endpoints.
//!
//! They never follow a redirect and never send a request twice. They reach hosts on this machine or this link without a
//! proxy.

use super::{
    SendError,
    endpoint::{Endpoint, EndpointError, is_near},
    proxy::{Proxies, Route},
};
use crate::util::{sanitize, secret_text};
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Url};
use std::{path::Path, time::Duration};

/// Time limit for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Time limit for a whole exchange; Graph gives up on a batch after 30 seconds and answers 504.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(75);
/// Maximum size of an answer; twenty items with their errors need less than a hundredth of it.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// An HTTP client for Graph and for the sign-in.
#[derive(Clone)]
pub struct HttpClient(Client);

impl HttpClient {
    pub(super) fn get(&self, url: Url) -> RequestBuilder {
        self.0.get(url)
    }

    pub(super) fn post(&self, url: Url) -> RequestBuilder {
        self.0.post(url)
    }
}

/// Whether an HTTP client uses a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyUse {
    /// The one that the environment names, if it names one.
    Environment,
    /// None, as for endpoints on this machine.
    Never,
}

/// An HTTP client for Graph and for the sign-in.
///
/// # Errors
/// Fails if TLS cannot be set up, or if the environment names a proxy that cannot be parsed.
pub fn http_client(proxy: ProxyUse) -> Result<HttpClient, EndpointError> {
    http_client_within(proxy, EXCHANGE_TIMEOUT)
}

/// The same with a time limit of `exchange` from the connection to the last byte of the answer.
///
/// # Errors
/// Fails like [`http_client`].
pub fn http_client_within(proxy: ProxyUse, exchange: Duration) -> Result<HttpClient, EndpointError> {
    let builder = builder().timeout(exchange);
    built(match proxy {
        ProxyUse::Environment => Proxies::of_environment()?.apply(builder),
        ProxyUse::Never => builder.no_proxy(),
    })
}

fn built(builder: ClientBuilder) -> Result<HttpClient, EndpointError> {
    builder.build().map(HttpClient).map_err(|error| EndpointError::Setup(chain(&error)))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("passwave/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(EXCHANGE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // The run counts and paces every attempt; a hidden retry would break both.
        .retry(reqwest::retry::never())
}

/// The HTTP clients of a run: with the proxy for outside hosts, without it for local ones.
#[derive(Clone)]
pub struct Web {
    outside: HttpClient,
    here: HttpClient,
    proxies: Proxies,
}

impl Web {
    /// Trusts the system's certificates, and also those in the PEM file `ca_file`.
    ///
    /// # Errors
    /// Fails if the file cannot be used, TLS cannot be set up, or the environment names a proxy that cannot be parsed.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, EndpointError> {
        let more = ca_file.map_or(Ok(Vec::new()), certificates)?;
        let proxies = Proxies::of_environment()?;
        let outside = built(proxies.apply(builder().tls_certs_merge(more.clone())))?;
        Ok(Self { outside, here: built(builder().tls_certs_merge(more).no_proxy())?, proxies })
    }

    /// The client for an endpoint.
    #[must_use]
    pub fn client(&self, endpoint: &Endpoint) -> &HttpClient {
        self.client_of(endpoint.url())
    }

    /// The same for a URL that is not an endpoint in the settings.
    pub(super) fn client_of(&self, url: &Url) -> &HttpClient {
        if is_near(url) { &self.here } else { &self.outside }
    }

    /// The client for addresses that are never behind a proxy: the identity endpoints of Azure's machines and apps.
    #[must_use]
    pub(super) fn here(&self) -> &HttpClient {
        &self.here
    }

    /// How an endpoint is reached, for display.
    #[must_use]
    pub fn route(&self, endpoint: &Endpoint) -> Route {
        let url = endpoint.url();
        match is_near(url) {
            true => Route::Direct("it is on this machine".into()),
            false => self.proxies.route(url),
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<Certificate>, EndpointError> {
    let unusable =
        |why: String| EndpointError::CaFile { file: sanitize::for_terminal(&file.display().to_string()), why };
    let pem = std::fs::read(file).map_err(|error| unusable(error.to_string()))?;
    match Certificate::from_pem_bundle(secret_text::of(&pem).as_bytes()) {
        Ok(found) if found.is_empty() => Err(unusable("it holds no certificate".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(format!("it cannot be read ({})", chain(&error)))),
    }
}

/// An error with its root cause, but without its URL, which is already known.
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

/// Whether the server's certificate is not trusted. rustls begins all these errors in the same way.
pub(super) fn is_untrusted(why: &str) -> bool {
    why.contains("invalid peer certificate")
}

/// The body, up to a limit, so no server can fill our memory.
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
    fn empty_certificate_files_are_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let (absent, empty) = (place.path().join("absent.pem"), place.path().join("empty.pem"));
        std::fs::write(&empty, "no certificate").expect("written");
        for (file, expected) in [(&absent, "absent.pem"), (&empty, "holds no certificate")] {
            let refused = Web::new(Some(file)).err().expect("refused").to_string();
            assert!(refused.starts_with("the certificate file ") && refused.contains(expected), "{refused}");
        }
    }
}
