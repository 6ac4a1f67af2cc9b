//! One token for all batches, renewed before it expires and after Graph refused it, by one caller at a time.
//!
//! Invariant: it returns no token that names another tenant than the requested one, or than the first token, nor one of
//! another user.

use super::SignInError;
use crate::{
    account::upn,
    graph::claims::Claims,
    util::{redact::Redactor, sanitize},
};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// A token is renewed when this much of its lifetime is left, or a fifth of it, whichever is less.
const HEADROOM: Duration = Duration::from_secs(300);
/// How long to wait after an early renewal has failed.
const RENEW_AGAIN: Duration = Duration::from_secs(30);

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// A token that was just issued and is valid for `life`.
    #[must_use]
    pub fn new(secret: SecretString, life: Duration) -> Self {
        let headroom = HEADROOM.min(life / 5);
        let now = Instant::now();
        Self { secret, renew_at: now + (life - headroom), ends_at: now + life }
    }

    fn is_fresh(&self) -> bool {
        Instant::now() < self.renew_at
    }

    /// What the `Authorization` header says.
    #[must_use]
    pub fn authorization(&self) -> SecretString {
        format!("Bearer {}", self.secret.expose_secret()).into()
    }

    /// The header itself, marked so that no log shows it.
    pub(in crate::graph::client) fn header(&self) -> HeaderValue {
        let mut header = HeaderValue::from_str(self.authorization().expose_secret())
            .expect("a token that is no header is refused where it is read");
        header.set_sensitive(true);
        header
    }

    /// The token itself, for a service that takes it without a header.
    #[must_use]
    pub fn secret(&self) -> SecretString {
        self.secret.clone()
    }

    /// The token itself, so that it can be redacted from texts.
    pub(in crate::graph::client) fn text(&self) -> &str {
        self.secret.expose_secret()
    }

    /// What the token says about itself, if that can be read.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        Claims::of(self.secret.expose_secret())
    }
}

/// A source of tokens: a way to sign in.
pub trait TokenSource {
    /// Requests a new token.
    ///
    /// # Errors
    /// Says why there is none, and whether that may pass.
    fn fetch(&self) -> impl Future<Output = Result<Token, SignInError>>;
}

/// A reference to a source is a source as well.
impl<S: TokenSource> TokenSource for &S {
    async fn fetch(&self) -> Result<Token, SignInError> {
        (**self).fetch().await
    }
}

/// Keeps the token until it has to be renewed.
///
/// One caller at a time renews it, and the callers that wait share the result, whether it is a token or an error. While
/// the old token is valid, the others use it, and a failed renewal is tried again a little later. The error is only
/// returned when there is no valid token left.
pub struct TokenCache<S> {
    source: S,
    current: Mutex<Option<Token>>,
    /// The tenant that tokens must be for: the requested one if it was given by id, otherwise that of the first token.
    tenant: Mutex<Option<String>>,
    /// Who signed in first: the object id, and the name to show.
    person: Mutex<Option<(String, String)>>,
    /// The last token that was issued, in any state: it is redacted from messages.
    last: Mutex<Option<Token>>,
    /// The lock for renewing; its value is why the last attempt failed.
    turn: tokio::sync::Mutex<Option<SignInError>>,
    attempts: AtomicU64,
}

impl<S: TokenSource> TokenCache<S> {
    /// An empty cache over `source`.
    pub fn new(source: S) -> Self {
        Self {
            source,
            current: Mutex::new(None),
            tenant: Mutex::new(None),
            person: Mutex::new(None),
            last: Mutex::new(None),
            turn: tokio::sync::Mutex::new(None),
            attempts: AtomicU64::new(0),
        }
    }

    /// The same, but accepts only tokens of `tenant`, if that is an id. Only tokens show the id of a domain name.
    #[must_use]
    pub fn of_tenant(self, tenant: Option<&str>) -> Self {
        let id = tenant.filter(|tenant| upn::is_object_id(tenant)).map(str::to_owned);
        Self { tenant: Mutex::new(id), ..self }
    }

    /// The token, renewed if it is time. Callers without a valid token wait for the renewal in progress.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn token(&self) -> Result<Token, SignInError> {
        let attempts = self.attempts.load(Ordering::Acquire);
        let mut failure = match self.valid_token() {
            Some(token) if token.is_fresh() => return Ok(token),
            Some(token) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(token),
            },
            None => self.turn.lock().await,
        };
        if let Some(error) = failure.as_ref().filter(|error| error.is_of_another()) {
            return Err(error.clone());
        }
        // The caller that had the lock in the meantime has a result.
        match (self.valid_token(), &*failure) {
            (Some(token), _) if token.is_fresh() => return Ok(token),
            (None, Some(error)) if self.attempts.load(Ordering::Acquire) != attempts => return Err(error.clone()),
            _ => {}
        }
        let fetched = self.source.fetch().await.and_then(|token| self.of_this_tenant(token));
        let fetched = fetched.and_then(|token| self.of_this_person(token));
        let fetched = fetched.map_err(|error| self.redacted(error));
        *failure = fetched.as_ref().err().cloned();
        self.attempts.fetch_add(1, Ordering::Release);
        match (fetched, self.valid_token()) {
            (Ok(token), _) => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
                *self.current() = Some(token.clone());
                Ok(token)
            }
            // A service that issues such tokens is no longer trusted.
            (Err(error), _) if error.is_of_another() => {
                *self.current() = None;
                Err(error)
            }
            (Err(_), Some(token)) => Ok(self.postpone_renewal(token)),
            (Err(error), None) => Err(error),
        }
    }

    /// The token, unless it names another tenant. A token without a tenant is accepted.
    fn of_this_tenant(&self, token: Token) -> Result<Token, SignInError> {
        let Some(issued) = token.claims().and_then(|claims| claims.tenant_id) else { return Ok(token) };
        let mut wanted = self.tenant.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = wanted.get_or_insert_with(|| issued.clone());
        if issued.eq_ignore_ascii_case(wanted) {
            return Ok(token);
        }
        Err(SignInError::OtherTenant {
            issued: sanitize::for_terminal(&issued),
            wanted: sanitize::for_terminal(wanted),
        })
    }

    /// The token, unless it names another user or service principal. A token without an object id is accepted.
    fn of_this_person(&self, token: Token) -> Result<Token, SignInError> {
        let Some(claims) = token.claims() else { return Ok(token) };
        let Some(id) = claims.object_id else { return Ok(token) };
        let issued = claims.user_principal_name.unwrap_or_else(|| id.clone());
        let mut person = self.person.lock().unwrap_or_else(PoisonError::into_inner);
        let (wanted, name) = person.get_or_insert_with(|| (id.clone(), issued.clone()));
        if id.eq_ignore_ascii_case(wanted) {
            return Ok(token);
        }
        let (issued, wanted) = (sanitize::for_terminal(&issued), sanitize::for_terminal(name));
        Err(SignInError::OtherPerson { issued, wanted })
    }

    /// The error without the last token, which a sign-in service may echo.
    fn redacted(&self, mut error: SignInError) -> SignInError {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        error.redact(&Redactor::of(last.iter().map(Token::text)));
        error
    }

    /// Continues with `token`, and renews it later.
    fn postpone_renewal(&self, token: Token) -> Token {
        let token = Token { renew_at: Instant::now() + RENEW_AGAIN, ..token };
        *self.current() = Some(token.clone());
        token
    }

    /// The token, if it is still valid.
    fn valid_token(&self) -> Option<Token> {
        self.current().clone().filter(|token| Instant::now() < token.ends_at)
    }

    fn current(&self) -> MutexGuard<'_, Option<Token>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets `refused`, unless another token has already replaced it.
    pub fn refuse(&self, refused: &Token) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|token| token.secret.expose_secret() == refused.secret.expose_secret()) {
            *current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::client::auth::Service;
    use std::cell::Cell;

    /// Issues numbered tokens that are valid for 100 seconds, each after one second; refuses while it is shut.
    #[derive(Default)]
    struct Counter {
        issued: Cell<u32>,
        asked: Cell<u32>,
        shut: Cell<bool>,
    }

    impl TokenSource for Counter {
        async fn fetch(&self) -> Result<Token, SignInError> {
            self.asked.set(self.asked.get() + 1);
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.shut.get() {
                return Err(SignInError::Unreadable { service: Service::SignIn, status: 400 });
            }
            self.issued.set(self.issued.get() + 1);
            Ok(Token::new(format!("t{}", self.issued.get()).into(), Duration::from_secs(100)))
        }
    }

    async fn header(cache: &TokenCache<Counter>) -> HeaderValue {
        cache.token().await.expect("a token").header()
    }

    #[tokio::test(start_paused = true)]
    async fn callers_share_one_renewal() {
        let cache = TokenCache::new(Counter::default());
        let (one, two) = tokio::join!(header(&cache), header(&cache));
        assert_eq!((one, cache.source.issued.get()), (two, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn callers_share_one_failure() {
        let cache = TokenCache::new(Counter::default());
        cache.source.shut.set(true);
        let (one, two) = tokio::join!(cache.token(), cache.token());
        assert!(one.is_err() && two.is_err());
        assert_eq!(cache.source.asked.get(), 1);
        assert!(cache.token().await.is_err());
        assert_eq!(cache.source.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn renews_early_and_after_refusal() {
        let cache = TokenCache::new(Counter::default());
        let first = cache.token().await.expect("a token");
        tokio::time::advance(Duration::from_secs(81)).await;
        let second = cache.token().await.expect("a token");
        assert_ne!(first.header(), second.header());
        cache.refuse(&first);
        assert_eq!(header(&cache).await, second.header(), "an old refusal costs nothing");
        cache.refuse(&second);
        assert_ne!(header(&cache).await, second.header());
    }

    #[tokio::test(start_paused = true)]
    async fn renewal_blocks_no_other_caller() {
        let cache = TokenCache::new(Counter::default());
        let first = header(&cache).await;
        tokio::time::advance(Duration::from_secs(81)).await;
        let (renewed, meanwhile) = tokio::join!(header(&cache), header(&cache));
        assert_eq!(meanwhile, first);
        assert_ne!(renewed, first);
        assert_eq!(cache.source.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn failed_renewals_wait_for_expiry() {
        let cache = TokenCache::new(Counter::default());
        let first = header(&cache).await;
        cache.source.shut.set(true);
        tokio::time::advance(Duration::from_secs(81)).await;
        for _ in 0..3 {
            assert_eq!(header(&cache).await, first);
        }
        assert_eq!(cache.source.asked.get(), 2, "it is not asked for every batch");
        tokio::time::advance(Duration::from_secs(17)).await;
        assert_eq!(header(&cache).await, first);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(cache.token().await.is_err());
        cache.source.shut.set(false);
        assert_ne!(header(&cache).await, first);
    }

    #[tokio::test(start_paused = true)]
    async fn postponed_renewal_is_retried() {
        let cache = TokenCache::new(Counter::default());
        let first = header(&cache).await;
        let life = Duration::from_secs(86_400);
        *cache.current() = Some(Token::new("long".into(), life));
        cache.source.shut.set(true);
        tokio::time::advance(life - HEADROOM).await;
        assert_eq!(header(&cache).await, "Bearer long");
        cache.source.shut.set(false);
        tokio::time::advance(RENEW_AGAIN).await;
        assert!(![first, HeaderValue::from_static("Bearer long")].contains(&header(&cache).await));
    }
}
