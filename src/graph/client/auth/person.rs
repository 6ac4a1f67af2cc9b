//! What the sign-ins of a user have in common: the public client, its permissions, and the session that renews the token.
//!
//! Prompts go through a callback, because nothing here prints or opens a browser.
//!
//! Invariant: the refresh token is a secret, lives in memory alone, and is replaced by each one that follows it.

use super::{Endpoints, Method, Service, SignInError, application, exchange};
use crate::graph::client::{HttpClient, Token, endpoint::below};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Microsoft Graph Command Line Tools: the public client that `Connect-MgGraph` uses.
pub const CLIENT_ID_DEFAULT: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Any tenant, but no personal accounts.
const ANY_TENANT: &str = "organizations";
/// The permission to reset passwords on premises, and to follow that.
const WRITEBACK_PERMISSION: &str = "UserAuthenticationMethod.ReadWrite.All";
/// How long to wait for a user in a browser.
const BROWSER_LIMIT: Duration = Duration::from_secs(900);
/// Fields of a request that a refusal must not make us repeat.
const SECRET_FIELDS: [&str; 4] = ["code", "code_verifier", "device_code", "refresh_token"];

/// What to show to the user.
pub enum Prompt {
    /// A page to open on any machine, and the code to enter there.
    DeviceCode {
        /// The page.
        url: String,
        /// The code.
        code: String,
        /// How long the code is valid.
        life: Duration,
    },
    /// A page to open in a browser on this machine.
    Browser {
        /// The page.
        url: String,
        /// The loopback port at which the browser's answer is expected.
        port: u16,
        /// How long to wait for the answer.
        life: Duration,
        /// Whether the user has signed in before, and the session cannot be renewed any more.
        is_again: bool,
    },
}

/// Shows a prompt.
pub type Show = Box<dyn Fn(&Prompt) + Send + Sync>;

/// What a job does, and so which permissions it requests.
///
/// Permissions that the application already has for the user are in every token, whether requested or not. So a job
/// requests only what it cannot do without, and still recognizes roles if it may read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// It sets passwords.
    pub writes: bool,
    /// It looks accounts up.
    pub reads: bool,
    /// It revokes sessions.
    pub revokes: bool,
    /// It reads the audit log.
    pub audits: bool,
}

impl Needs {
    /// Looks accounts up and sets passwords.
    pub const RUN: Self = Self { writes: true, reads: true, revokes: false, audits: false };
    /// Only looks accounts up.
    pub const READ: Self = Self { writes: false, reads: true, revokes: false, audits: false };
    /// Only reads the audit log.
    pub const AUDIT: Self = Self { writes: false, reads: false, revokes: false, audits: true };

    /// All permissions that the application has for the user, whatever they are.
    pub const DEFAULT: Self = Self { writes: false, reads: false, revokes: false, audits: false };

    /// The permissions at the Graph root `graph`, and what renews the session.
    fn scope(self, graph: &Url) -> String {
        let root = graph.as_str().trim_end_matches('/');
        if self == Self::DEFAULT {
            return format!("{root}/.default offline_access");
        }
        let permissions = [
            (self.writes, "User-PasswordProfile.ReadWrite.All"),
            (self.reads, "User.Read.All"),
            (self.revokes, "User.RevokeSessions.All"),
            (self.audits, "AuditLog.Read.All"),
        ];
        let wanted = permissions.into_iter().filter(|(is_needed, _)| *is_needed);
        wanted.map(|(_, name)| format!("{root}/{name} ")).collect::<String>() + "offline_access"
    }
}

/// How a user signs in.
pub struct PersonOptions {
    /// The public client; [`CLIENT_ID_DEFAULT`] if there is none.
    pub client_id: Option<String>,
    /// The account that the browser's page suggests.
    pub login_hint: Option<String>,
    /// What the user's token is for.
    pub needs: Needs,
    /// How long to wait for the user in a browser.
    pub limit: Duration,
    /// Shows the user what to do.
    pub show: Show,
}

impl PersonOptions {
    /// The defaults, with `show`.
    #[must_use]
    pub fn new(show: Show) -> Self {
        Self { client_id: None, login_hint: None, needs: Needs::RUN, limit: BROWSER_LIMIT, show }
    }
}

/// A public client that acts for a user.
pub(super) struct PublicClient {
    http: HttpClient,
    /// The endpoints of the tenant, or of any tenant.
    oauth: Url,
    method: Method,
    pub tenant: Option<String>,
    pub client_id: String,
    pub scope: String,
    /// One more permission, which not every run needs.
    writeback: String,
    session: Mutex<Session>,
}

/// The state of the user's sign-in.
pub(super) enum Session {
    /// Nobody has signed in.
    None,
    /// A user has signed in, and this token renews it.
    Renewable(SecretString),
    /// A user has signed in, but it cannot be renewed.
    Ended,
}

impl PublicClient {
    pub fn new(
        method: Method,
        endpoints: &Endpoints,
        tenant: Option<String>,
        options: &PersonOptions,
    ) -> Result<Self, SignInError> {
        let place = tenant.as_deref().unwrap_or(ANY_TENANT);
        let client_id = options.client_id.as_deref().unwrap_or(CLIENT_ID_DEFAULT);
        application::check_tenant(place)?;
        application::check_client("client_id", client_id)?;
        Ok(Self {
            http: endpoints.web.client(&endpoints.authority).clone(),
            oauth: below(endpoints.authority.url(), &format!("{place}/oauth2/v2.0")),
            method,
            client_id: client_id.into(),
            scope: options.needs.scope(endpoints.graph.url()),
            writeback: format!("{}/{WRITEBACK_PERMISSION}", endpoints.graph.as_str().trim_end_matches('/')),
            tenant,
            session: Mutex::new(Session::None),
        })
    }

    /// Requests the permission to reset passwords on premises, too.
    pub fn add_writeback(&mut self) {
        self.scope = format!("{} {}", self.writeback, self.scope);
    }

    /// One of the tenant's endpoints.
    pub(super) fn endpoint(&self, name: &str) -> Url {
        below(&self.oauth, name)
    }

    /// Posts `fields`, as this client, to the endpoint `name`.
    pub async fn ask(&self, name: &str, fields: &[(&str, &str)]) -> Result<exchange::Reply, SignInError> {
        let mut form = vec![("client_id", self.client_id.as_str())];
        form.extend(fields);
        let secrets = fields.iter().filter(|(name, _)| SECRET_FIELDS.contains(name));
        let secrets: Vec<&str> = secrets.map(|(_, value)| *value).collect();
        exchange::ask(Service::SignIn, self.http.post(self.endpoint(name)).form(&form), &secrets).await
    }

    /// Renews the session with its refresh token.
    pub async fn renew(&self, refresh: &SecretString) -> Result<Token, SignInError> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("scope", self.scope.as_str()),
            ("refresh_token", refresh.expose_secret()),
        ];
        let reply = self.ask("token", &fields).await?;
        self.keep(&reply, reply.issued(self.method)?)
    }

    /// The token in `issued`; its refresh token is kept.
    pub fn keep(&self, reply: &exchange::Reply, mut issued: exchange::Issued) -> Result<Token, SignInError> {
        let refresh = issued.refresh_token.take();
        let token = issued.token().ok_or_else(|| reply.unreadable())?;
        let mut session = self.session();
        *session = match (refresh, std::mem::replace(&mut *session, Session::Ended)) {
            (Some(new), _) | (None, Session::Renewable(new)) => Session::Renewable(new),
            (None, _) => Session::Ended,
        };
        Ok(token)
    }

    /// The session as it is now.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refresh token, if the session has one.
    pub fn refresh_token(&self) -> Option<SecretString> {
        match &*self.session() {
            Session::Renewable(refresh) => Some(refresh.clone()),
            Session::None | Session::Ended => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_request_only_what_they_need() {
        let graph = Url::parse("https://graph.microsoft.com/").expect("a URL");
        let scope = |needs: Needs| needs.scope(&graph).replace("https://graph.microsoft.com/", "");
        assert_eq!(scope(Needs::RUN), "User-PasswordProfile.ReadWrite.All User.Read.All offline_access");
        assert_eq!(scope(Needs::READ), "User.Read.All offline_access");
        assert_eq!(scope(Needs::AUDIT), "AuditLog.Read.All offline_access");
        let blind = Needs { writes: true, reads: false, revokes: true, audits: false };
        assert_eq!(scope(blind), "User-PasswordProfile.ReadWrite.All User.RevokeSessions.All offline_access");
    }
}
