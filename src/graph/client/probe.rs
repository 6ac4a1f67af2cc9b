//! Asks an endpoint for something without credentials: whether it can be reached, and what time it is there.
//!
//! Any answer counts, also a refusal: it comes from the endpoint, or from whatever answers in its place. Nothing secret is
//! sent, and the answer's body is not read.

use super::{
    Endpoint, Web,
    endpoint::below,
    web::{chain, is_untrusted},
};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::DATE;
use std::time::Duration;

/// Time limit for the whole exchange.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// What answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The time in the header `Date`, to the second.
    pub date: Option<Timestamp>,
}

/// Why nothing answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The server's certificate is not trusted here.
    #[error("the connection to {host} cannot be trusted ({why})")]
    Untrusted {
        /// The endpoint's host.
        host: String,
        /// The error of the TLS library.
        why: String,
    },
    /// There is no connection, or no answer in time.
    #[error("{host} cannot be reached ({why})")]
    Away {
        /// The endpoint's host.
        host: String,
        /// What happened instead.
        why: String,
    },
}

/// Asks for `path` at `endpoint`, once.
///
/// # Errors
/// Says why there is no answer.
pub async fn probe(web: &Web, endpoint: &Endpoint, path: &str) -> Result<ProbeAnswer, ProbeError> {
    let request = web.client(endpoint).get(below(endpoint.url(), path)).timeout(PROBE_TIMEOUT);
    let answer = request.send().await.map_err(|error| {
        let (host, why) = (endpoint.host().to_owned(), chain(&error));
        if is_untrusted(&why) { ProbeError::Untrusted { host, why } } else { ProbeError::Away { host, why } }
    })?;
    let date = answer.headers().get(DATE).and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
    Ok(ProbeAnswer { status: answer.status().as_u16(), date: date.map(|date| date.timestamp()) })
}
