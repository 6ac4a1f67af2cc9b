//! The device code: a user signs in with a browser, on any machine (RFC 8628).
//!
//! The code is shown through a callback, because nothing here prints. After the sign-in, the refresh token renews the
//! access token. If that fails, the error says so: no prompt appears in the middle of a run.
//!
//! Invariant: the device code and the refresh token are secrets, and are never stored.

use super::{
    Endpoints, Method, SignInError, exchange,
    person::{PersonOptions, Prompt, PublicClient, Session, Show},
};
use crate::{
    graph::client::{Token, TokenSource},
    util::sanitize,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use tokio::time::Instant;

/// Default polling interval, and how much is added if it was too short (RFC 8628, 3.5).
const INTERVAL: Duration = Duration::from_secs(5);
/// Default lifetime of a code, and the maximum.
const LIFE_UNNAMED: Duration = Duration::from_secs(900);
const LIFE_MAX: Duration = Duration::from_secs(3_600);

/// Signs in as the user who enters the code.
pub struct DeviceCode {
    pub(super) client: PublicClient,
    show: Show,
}

#[derive(Deserialize)]
struct Authorization {
    device_code: SecretString,
    user_code: String,
    verification_uri: String,
    #[serde(default, deserialize_with = "exchange::number")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "exchange::number")]
    interval: Option<u64>,
}

/// The meaning of an answer to polling.
enum Step {
    Wait(Duration),
    Done,
}

impl DeviceCode {
    /// Signs a user in to `tenant`, or to their own tenant.
    ///
    /// # Errors
    /// Fails if an id has invalid characters.
    pub fn new(endpoints: &Endpoints, tenant: Option<String>, options: PersonOptions) -> Result<Self, SignInError> {
        let client = PublicClient::new(Method::DeviceCode, endpoints, tenant, &options)?;
        Ok(Self { client, show: options.show })
    }

    /// Shows a code, and waits until the user has entered it.
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let begun = self.client.ask("devicecode", &[("scope", &self.client.scope)]).await?;
        let authorization: Authorization = match begun.status {
            200 => begun.json().map_err(|_| begun.unreadable())?,
            _ => return Err(begun.refused(Method::DeviceCode)),
        };
        let life = authorization.expires_in.map_or(LIFE_UNNAMED, Duration::from_secs).min(LIFE_MAX);
        let end = Instant::now() + life;
        (self.show)(&Prompt::DeviceCode {
            url: sanitize::sentence(&authorization.verification_uri),
            code: sanitize::for_terminal(&authorization.user_code),
            life,
        });
        self.wait(&authorization, end).await
    }

    /// Polls until `end` whether the code was entered.
    async fn wait(&self, authorization: &Authorization, end: Instant) -> Result<Token, SignInError> {
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", authorization.device_code.expose_secret()),
        ];
        let mut interval = authorization.interval.map_or(INTERVAL, Duration::from_secs);
        loop {
            tokio::time::sleep_until(end.min(Instant::now() + interval)).await;
            match self.client.ask("token", &fields).await {
                Ok(reply) => match step(&reply.error(), interval) {
                    Step::Wait(longer) => interval = longer,
                    Step::Done => return self.client.keep(&reply, reply.issued(Method::DeviceCode)?),
                },
                // The user is on the way to the browser, so a short network failure is no reason to give up.
                Err(error) if error.is_passing() => interval = interval.max(INTERVAL),
                Err(error) => return Err(error),
            }
            if Instant::now() >= end {
                return Err(exchange::refusal_of(Method::DeviceCode, "nobody entered the code", None, "expired_token"));
            }
        }
    }
}

/// Continues while the user is not ready, with a longer interval if polling was too fast.
fn step(error: &str, interval: Duration) -> Step {
    match error {
        "authorization_pending" => Step::Wait(interval),
        "slow_down" => Step::Wait(interval + INTERVAL),
        _ => Step::Done,
    }
}

impl TokenSource for DeviceCode {
    async fn fetch(&self) -> Result<Token, SignInError> {
        if let Some(refresh) = self.client.refresh_token() {
            return self.client.renew(&refresh).await;
        }
        if matches!(&*self.client.session(), Session::Ended) {
            let said = "the sign-in has expired and cannot be renewed";
            return Err(exchange::refusal_of(Method::DeviceCode, said, Some(70_008), ""));
        }
        self.sign_in().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_while_user_is_not_ready() {
        let second = Duration::from_secs(1);
        assert!(matches!(step("authorization_pending", second), Step::Wait(wait) if wait == second));
        assert!(matches!(step("slow_down", second), Step::Wait(wait) if wait == second * 6));
        for end in ["", "authorization_declined", "expired_token"] {
            assert!(matches!(step(end, second), Step::Done));
        }
    }
}
