//! One token for all batches, renewed ahead of its end and after Graph refused it, by one caller at a time.

use super::SignInError;
use crate::graph::claims::Claims;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};

/// A token is renewed when this much of its life is left, and when a fifth of it is, whichever is less.
const HEADROOM: Duration = Duration::from_secs(300);

/// A bearer token.
#[derive(Clone)]
pub struct Token {
    secret: SecretString,
    renew_at: Instant,
}

impl Token {
    /// A token that was issued now and lives for `life`.
    #[must_use]
    pub fn new(secret: SecretString, life: Duration) -> Self {
        let headroom = HEADROOM.min(life / 5);
        Self { secret, renew_at: Instant::now() + (life - headroom) }
    }

    /// The `Authorization` header, marked so that no log shows it.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", self.secret.expose_secret()))
            .expect("a token that is no header is refused where it is read");
        header.set_sensitive(true);
        header
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

/// Keeps the token until it is to be renewed.
pub struct TokenCache<S> {
    source: S,
    current: Mutex<Option<Token>>,
}

impl<S: TokenSource> TokenCache<S> {
    /// An empty cache over `source`.
    pub fn new(source: S) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// The token, a new one where it is time. Callers that come meanwhile wait for that one.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn token(&self) -> Result<Token, SignInError> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.clone());
        }
        let token = self.source.fetch().await?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Forgets `refused`, unless another one has taken its place already.
    pub async fn refuse(&self, refused: &Token) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.secret.expose_secret() == refused.secret.expose_secret()) {
            *current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Issues numbered tokens that live for 100 seconds, each after a second.
    struct Counter(Cell<u32>);

    impl TokenSource for Counter {
        async fn fetch(&self) -> Result<Token, SignInError> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.0.set(self.0.get() + 1);
            Ok(Token::new(format!("t{}", self.0.get()).into(), Duration::from_secs(100)))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_share_one_renewal() {
        let cache = TokenCache::new(Counter(Cell::new(0)));
        let (one, two) = tokio::join!(cache.token(), cache.token());
        assert_eq!(one.expect("a token").header(), two.expect("a token").header());
        assert_eq!(cache.source.0.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_renewed_ahead_of_its_end_and_when_refused() {
        let cache = TokenCache::new(Counter(Cell::new(0)));
        let first = cache.token().await.expect("a token");
        tokio::time::advance(Duration::from_secs(81)).await;
        let second = cache.token().await.expect("a token");
        assert_ne!(first.header(), second.header());
        cache.refuse(&first).await;
        assert_eq!(cache.token().await.expect("a token").header(), second.header(), "an old refusal costs nothing");
        cache.refuse(&second).await;
        assert_ne!(cache.token().await.expect("a token").header(), second.header());
    }
}
