//! The browser: a user signs in on this machine, with an authorization code and PKCE (RFC 6749, RFC 7636, RFC 8252).
//!
//! The page's address is shown through a callback, which may open it. The browser comes back to a loopback port with a
//! code, and the code and a secret of this process together give the token. A refresh token renews it. If the service
//! wants the user again, such as after a limit on the frequency of sign-ins, the page is shown once more, and
//! everything that needs a token waits.
//!
//! Invariant: a code is redeemed only if its state is ours, and a token is used only if its nonce is ours.

mod loopback;
mod page;
mod request;

use super::{
    Endpoints, Method, SignInError, exchange,
    person::{PersonOptions, Prompt, PublicClient, Session, Show},
};
use crate::{
    graph::{
        claims,
        client::{Token, TokenSource},
    },
    util::format::short,
};
use loopback::{Loopback, Visitor};
use request::Request;
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Waits between the attempts to redeem a code; the user should not have to sign in again because of a short failure.
const REDEEM_WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];
/// The OAuth errors of a renewal after which only the user can help.
const USER_IS_NEEDED: [&str; 4] = ["invalid_grant", "interaction_required", "login_required", "consent_required"];

/// Signs in as the user who comes back from the browser.
pub struct Browser {
    pub(super) client: PublicClient,
    limit: Duration,
    show: Show,
    /// The account that the page suggests: the requested one, or who signed in before.
    hint: Mutex<Option<String>>,
    /// Why the user did not sign in. Nobody is asked twice by the same process after that.
    failure: Mutex<Option<SignInError>>,
}

impl Browser {
    /// Signs a user in to `tenant`, or to their own tenant.
    ///
    /// # Errors
    /// Fails if an id has invalid characters.
    pub fn new(endpoints: &Endpoints, tenant: Option<String>, options: PersonOptions) -> Result<Self, SignInError> {
        let mut client = PublicClient::new(Method::Browser, endpoints, tenant, &options)?;
        // The id token carries the nonce.
        client.scope += " openid";
        let (limit, show) = (options.limit, options.show);
        Ok(Self { client, limit, show, hint: Mutex::new(options.login_hint), failure: Mutex::default() })
    }

    /// Shows the page, waits for the answer, and redeems its code.
    async fn sign_in(&self, is_again: bool) -> Result<Token, SignInError> {
        let loopback = Loopback::open().await?;
        let port = loopback.port;
        let hint = self.hint.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let request = Request::new(port);
        let url = request.url(&self.client, hint.as_deref());
        (self.show)(&Prompt::Browser { url: url.into(), port, life: self.limit, is_again });
        let visitor = tokio::time::timeout(self.limit, loopback.answer()).await.map_err(|_| self.late())?;
        let redeemed = self.redeem(&request, &visitor).await;
        visitor.respond(redeemed.as_ref().err()).await;
        let token = redeemed?;
        if let Some(name) = token.claims().and_then(|claims| claims.user_principal_name) {
            *self.hint.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
        }
        Ok(token)
    }

    fn late(&self) -> SignInError {
        let said = format!("nobody signed in within {}", short(self.limit));
        exchange::refusal_of(Method::Browser, &said, None, "timed_out")
    }

    async fn redeem(&self, request: &Request, visitor: &Visitor) -> Result<Token, SignInError> {
        if visitor.state != request.state.expose_secret() {
            return Err(SignInError::Foreign { what: "state" });
        }
        let code = visitor.answer.as_ref().map_err(|(error, said)| {
            // Entra's later lines are ids for its support.
            let said = said.lines().next().unwrap_or(error);
            exchange::refusal_of(Method::Browser, said, None, error)
        })?;
        let reply = self.post(request, code).await?;
        let mut issued = reply.issued(Method::Browser)?;
        let nonce = issued.id_token.take().and_then(|token| claims::nonce(token.expose_secret()));
        if nonce.as_deref() != Some(request.nonce.expose_secret()) {
            return Err(SignInError::Foreign { what: "nonce" });
        }
        self.client.keep(&reply, issued)
    }

    /// Exchanges the code for an answer with a token. A failure of the network does not use the code up.
    async fn post(&self, request: &Request, code: &SecretString) -> Result<exchange::Reply, SignInError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("scope", self.client.scope.as_str()),
            ("code", code.expose_secret()),
            ("redirect_uri", request.redirect_uri.as_str()),
            ("code_verifier", request.verifier.expose_secret()),
        ];
        for wait in REDEEM_WAITS {
            match self.client.ask("token", &fields).await {
                Err(error) if error.is_passing() => tokio::time::sleep(wait).await,
                other => return other,
            }
        }
        self.client.ask("token", &fields).await
    }

    /// Asks the user, unless they have already failed to sign in.
    async fn ask_user(&self, is_again: bool) -> Result<Token, SignInError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let signed_in = self.sign_in(is_again).await;
        if let Some(error) = signed_in.as_ref().err().filter(|error| !error.is_passing()) {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
        }
        signed_in
    }
}

impl TokenSource for Browser {
    async fn fetch(&self) -> Result<Token, SignInError> {
        if let Some(refresh) = self.client.refresh_token() {
            match self.client.renew(&refresh).await {
                Err(error) if needs_user(&error) => *self.client.session() = Session::Ended,
                other => return other,
            }
        }
        let is_again = matches!(&*self.client.session(), Session::Ended);
        self.ask_user(is_again).await
    }
}

fn needs_user(error: &SignInError) -> bool {
    matches!(error, SignInError::Refused { error, .. } if USER_IS_NEEDED.contains(&error.as_str()))
}
