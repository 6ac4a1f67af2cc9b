//! The device code: a user signs in with a browser, on any machine (RFC 8628).
//!
//! The code is shown through a callback, because nothing here prints. After the sign-in, the refresh token renews the
//! access token. If that fails, the error says so: no prompt appears in the middle of a run.
//!
//! Invariant: the device code and the refresh token are secrets, and are never stored.

use super::{Endpoints, Method, Service, SignInError, Variables, application, exchange};
use crate::{
    graph::client::{HttpClient, Token, TokenSource, endpoint::below},
    util::sanitize,
};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Microsoft Graph Command Line Tools: the public client that `Connect-MgGraph` uses.
pub const CLIENT_ID_DEFAULT: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Any tenant, but no personal accounts.
const ANY_TENANT: &str = "organizations";
/// The requested permissions: write passwords, look up accounts, and renew.
const PERMISSIONS: [&str; 2] = ["User-PasswordProfile.ReadWrite.All", "User.Read.All"];
/// The permission to reset passwords on premises, and to follow that.
const WRITEBACK_PERMISSION: &str = "UserAuthenticationMethod.ReadWrite.All";
/// Default polling interval, and how much is added if it was too short (RFC 8628, 3.5).
const INTERVAL: Duration = Duration::from_secs(5);
/// Default lifetime of a code, and the maximum.
const LIFE_UNNAMED: Duration = Duration::from_secs(900);
const LIFE_MAX: Duration = Duration::from_secs(3_600);

/// What to show to the user.
pub struct DevicePrompt {
    /// The page to open.
    pub url: String,
    /// The code to enter there.
    pub code: String,
    /// How long the code is valid.
    pub life: Duration,
}

/// Shows a prompt.
pub type Show = Box<dyn Fn(&DevicePrompt) + Send + Sync>;

/// Signs in as the user who enters the code.
pub struct DeviceCode {
    http: HttpClient,
    device_url: Url,
    token_url: Url,
    pub(super) tenant: Option<String>,
    pub(super) client_id: String,
    scope: String,
    /// One more permission, which not every run needs.
    writeback: String,
    show: Show,
    session: Mutex<Session>,
}

/// The state of the user's sign-in.
enum Session {
    /// Nobody has signed in.
    None,
    /// A user has signed in, and this token renews it.
    Renewable(SecretString),
    /// A user has signed in, but it cannot be renewed.
    Ended,
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
    /// Signs a user in to `tenant`, or to their own tenant, through the public client `client_id`.
    ///
    /// # Errors
    /// Fails if an id has invalid characters.
    pub fn new(
        endpoints: &Endpoints,
        tenant: Option<String>,
        client_id: &str,
        show: Show,
    ) -> Result<Self, SignInError> {
        let place = tenant.as_deref().unwrap_or(ANY_TENANT);
        application::check_tenant(place)?;
        application::check_client("client_id", client_id)?;
        let root = endpoints.graph.as_str().trim_end_matches('/');
        let permissions = PERMISSIONS.map(|name| format!("{root}/{name}")).join(" ");
        Ok(Self {
            http: endpoints.web.client(&endpoints.authority).clone(),
            device_url: below(endpoints.authority.url(), &format!("{place}/oauth2/v2.0/devicecode")),
            token_url: below(endpoints.authority.url(), &format!("{place}/oauth2/v2.0/token")),
            tenant,
            client_id: client_id.into(),
            scope: format!("{permissions} offline_access"),
            writeback: format!("{root}/{WRITEBACK_PERMISSION}"),
            show,
            session: Mutex::new(Session::None),
        })
    }

    /// The same with the permission to reset passwords on premises.
    pub(super) fn for_writeback(self) -> Self {
        Self { scope: format!("{} {}", self.writeback, self.scope), ..self }
    }

    pub(super) fn open(
        endpoints: &Endpoints,
        variables: &Variables<'_>,
        client_id: Option<&str>,
        show: Show,
    ) -> Result<Self, SignInError> {
        Self::new(endpoints, variables.get("AZURE_TENANT_ID"), client_id.unwrap_or(CLIENT_ID_DEFAULT), show)
    }

    async fn ask(&self, url: &Url, fields: &[(&str, &str)]) -> Result<exchange::Reply, SignInError> {
        let mut form = vec![("client_id", self.client_id.as_str())];
        form.extend(fields);
        let is_secret = |name: &str| matches!(name, "device_code" | "refresh_token");
        let secrets: Vec<&str> = fields.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| *value).collect();
        exchange::ask(Service::SignIn, self.http.post(url.clone()).form(&form), &secrets).await
    }

    /// Shows a code, and waits until the user has entered it.
    async fn sign_in(&self) -> Result<Token, SignInError> {
        let begun = self.ask(&self.device_url, &[("scope", &self.scope)]).await?;
        let authorization: Authorization = match begun.status {
            200 => begun.json().map_err(|_| begun.unreadable())?,
            _ => return Err(begun.refused(Method::DeviceCode)),
        };
        let life = authorization.expires_in.map_or(LIFE_UNNAMED, Duration::from_secs).min(LIFE_MAX);
        let end = Instant::now() + life;
        (self.show)(&DevicePrompt {
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
            match self.ask(&self.token_url, &fields).await {
                Ok(reply) => match step(&reply.error(), interval) {
                    Step::Wait(longer) => interval = longer,
                    Step::Done => return self.keep(&reply),
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

    async fn renew(&self, refresh: &SecretString) -> Result<Token, SignInError> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("scope", self.scope.as_str()),
            ("refresh_token", refresh.expose_secret()),
        ];
        self.keep(&self.ask(&self.token_url, &fields).await?)
    }

    /// The token in `reply`; its refresh token is kept.
    fn keep(&self, reply: &exchange::Reply) -> Result<Token, SignInError> {
        let mut issued = reply.issued(Method::DeviceCode)?;
        let refresh = issued.refresh_token.take();
        let token = issued.token().ok_or_else(|| reply.unreadable())?;
        let mut session = self.session();
        *session = match (refresh, std::mem::replace(&mut *session, Session::Ended)) {
            (Some(new), _) | (None, Session::Renewable(new)) => Session::Renewable(new),
            (None, _) => Session::Ended,
        };
        Ok(token)
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
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
        let refresh = match &*self.session() {
            Session::None => None,
            Session::Renewable(refresh) => Some(refresh.clone()),
            Session::Ended => {
                let said = "the sign-in has expired and cannot be renewed";
                return Err(exchange::refusal_of(Method::DeviceCode, said, Some(70_008), ""));
            }
        };
        match refresh {
            Some(refresh) => self.renew(&refresh).await,
            None => self.sign_in().await,
        }
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
