//! One token for all batches, renewed ahead of its end and after Graph refused it, by one caller at a time.
//!
//! Invariant: no token is handed out that names another tenant than the one that was asked for, or than the first one did.

use super::SignInError;
use crate::{clean, graph::claims::Claims, scrub::Scrub, upn};
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

/// A token is renewed when this much of its life is left, and when a fifth of it is, whichever is less.
const HEADROOM: Duration = Duration::from_secs(300);
/// Time until the next attempt where a renewal ahead of the end has failed.
const RENEW_AGAIN: Duration = Duration::from_secs(30);

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

impl Token {
    /// A token that was issued now and lives for `life`.
    #[must_use]
    pub fn new(secret: SecretString, life: Duration) -> Self {
        let headroom = HEADROOM.min(life / 5);
        let now = Instant::now();
        Self { secret, renew_at: now + (life - headroom), ends_at: now + life }
    }

    fn is_fresh(&self) -> bool {
        Instant::now() < self.renew_at
    }

    /// The `Authorization` header, marked so that no log shows it.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", self.secret.expose_secret()))
            .expect("a token that is no header is refused where it is read");
        header.set_sensitive(true);
        header
    }

    /// The token itself, to be kept out of texts.
    pub(super) fn text(&self) -> &str {
        self.secret.expose_secret()
    }

    /// What the token says of itself, where it can be read.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        Claims::of(self.secret.expose_secret())
    }
}

/// A way to sign in: where tokens come from.
pub trait TokenSource {
    /// Asks for a new token.
    ///
    /// # Errors
    /// Says why there is none, and whether that may pass.
    fn fetch(&self) -> impl Future<Output = Result<Token, SignInError>>;
}

/// A source that is lent is one, too.
impl<S: TokenSource> TokenSource for &S {
    async fn fetch(&self) -> Result<Token, SignInError> {
        (**self).fetch().await
    }
}

/// Keeps the token until it is to be renewed.
///
/// One caller renews it at a time, and those that wait for it share what it brings, be it a token or an error. While
/// the old one lives, the others go on with it, and a renewal that fails is forgiven and tried again a little later;
/// the error comes out when there is no token left to go on with.
pub struct TokenCache<S> {
    source: S,
    current: Mutex<Option<Token>>,
    /// The tenant that tokens must be for: the one that was asked for by its id, else that of the first token.
    tenant: Mutex<Option<String>>,
    /// The last one that was issued, whatever became of it: it is kept out of messages.
    last: Mutex<Option<Token>>,
    /// Held by whoever renews; holds why the last attempt failed.
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
            last: Mutex::new(None),
            turn: tokio::sync::Mutex::new(None),
            attempts: AtomicU64::new(0),
        }
    }

    /// The same for tokens of `tenant` alone, if that is an id. Which id a domain name has only the tokens tell.
    #[must_use]
    pub fn of_tenant(self, tenant: Option<&str>) -> Self {
        let id = tenant.filter(|tenant| upn::is_object_id(tenant)).map(str::to_owned);
        Self { tenant: Mutex::new(id), ..self }
    }

    /// The token, a new one where it is time. Callers that come meanwhile and have none wait for that one.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn token(&self) -> Result<Token, SignInError> {
        let attempts = self.attempts.load(Ordering::Acquire);
        let mut failure = match self.living() {
            Some(token) if token.is_fresh() => return Ok(token),
            Some(token) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(token),
            },
            None => self.turn.lock().await,
        };
        if let Some(error @ SignInError::OtherTenant { .. }) = &*failure {
            return Err(error.clone());
        }
        // Whoever had the turn meanwhile has brought something.
        match (self.living(), &*failure) {
            (Some(token), _) if token.is_fresh() => return Ok(token),
            (None, Some(error)) if self.attempts.load(Ordering::Acquire) != attempts => return Err(error.clone()),
            _ => {}
        }
        let fetched = self.source.fetch().await.and_then(|token| self.of_this_tenant(token));
        let fetched = fetched.map_err(|error| self.scrubbed(error));
        *failure = fetched.as_ref().err().cloned();
        self.attempts.fetch_add(1, Ordering::Release);
        match (fetched, self.living()) {
            (Ok(token), _) => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
                *self.current() = Some(token.clone());
                Ok(token)
            }
            // Whoever issues tokens there is not to be believed any longer.
            (Err(error @ SignInError::OtherTenant { .. }), _) => {
                *self.current() = None;
                Err(error)
            }
            (Err(_), Some(token)) => Ok(self.put_off(token)),
            (Err(error), None) => Err(error),
        }
    }

    /// The token, unless it names another tenant. What names none is not known to be wrong.
    fn of_this_tenant(&self, token: Token) -> Result<Token, SignInError> {
        let Some(issued) = token.claims().and_then(|claims| claims.tenant_id) else { return Ok(token) };
        let mut wanted = self.tenant.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = wanted.get_or_insert_with(|| issued.clone());
        if issued.eq_ignore_ascii_case(wanted) {
            return Ok(token);
        }
        Err(SignInError::OtherTenant { issued: clean::for_terminal(&issued), wanted: clean::for_terminal(wanted) })
    }

    /// Without the token that was issued last, which a sign-in service may repeat.
    fn scrubbed(&self, mut error: SignInError) -> SignInError {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        error.scrub(&Scrub::of(last.iter().map(Token::text)));
        error
    }

    /// Goes on with `token`, and renews it later.
    fn put_off(&self, token: Token) -> Token {
        let token = Token { renew_at: Instant::now() + RENEW_AGAIN, ..token };
        *self.current() = Some(token.clone());
        token
    }

    /// The token, if it has not ended.
    fn living(&self) -> Option<Token> {
        self.current().clone().filter(|token| Instant::now() < token.ends_at)
    }

    fn current(&self) -> MutexGuard<'_, Option<Token>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets `refused`, unless another one has taken its place already.
    pub async fn refuse(&self, refused: &Token) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|token| token.secret.expose_secret() == refused.secret.expose_secret()) {
            *current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::client::doors::Service;
    use std::cell::Cell;

    /// Issues numbered tokens that live for 100 seconds, each after a second; refuses while it is shut.
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
    async fn callers_share_one_failure_and_the_next_one_tries_again() {
        let cache = TokenCache::new(Counter::default());
        cache.source.shut.set(true);
        let (one, two) = tokio::join!(cache.token(), cache.token());
        assert!(one.is_err() && two.is_err());
        assert_eq!(cache.source.asked.get(), 1);
        assert!(cache.token().await.is_err());
        assert_eq!(cache.source.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_ahead_of_its_end_and_when_refused() {
        let cache = TokenCache::new(Counter::default());
        let first = cache.token().await.expect("a token");
        tokio::time::advance(Duration::from_secs(81)).await;
        let second = cache.token().await.expect("a token");
        assert_ne!(first.header(), second.header());
        cache.refuse(&first).await;
        assert_eq!(header(&cache).await, second.header(), "an old refusal costs nothing");
        cache.refuse(&second).await;
        assert_ne!(header(&cache).await, second.header());
    }

    #[tokio::test(start_paused = true)]
    async fn while_one_renews_the_others_go_on() {
        let cache = TokenCache::new(Counter::default());
        let first = header(&cache).await;
        tokio::time::advance(Duration::from_secs(81)).await;
        let (renewed, meanwhile) = tokio::join!(header(&cache), header(&cache));
        assert_eq!(meanwhile, first);
        assert_ne!(renewed, first);
        assert_eq!(cache.source.asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_is_forgiven_until_the_token_ends() {
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
    async fn a_renewal_put_off_is_tried_again() {
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
