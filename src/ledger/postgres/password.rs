//! Passwords that are not always the same, such as tokens that expire.

use secrecy::SecretString;
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{Config, NoTls};

/// A password that is on its way, or why there is none.
pub type Password<'a> = Pin<Box<dyn Future<Output = Result<SecretString, String>> + Send + 'a>>;

/// Gives the password of each new connection.
pub trait PasswordSource: Send + Sync {
    /// The password of a connection that is made now.
    fn password(&self) -> Password<'_>;

    /// The server did not accept the last one: the next one must be new.
    fn refuse(&self);
}

/// A stream that cannot be used, and says why.
struct Unusable(String);

impl AsyncRead for Unusable {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other(self.0.clone())))
    }
}

impl AsyncWrite for Unusable {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::Error::other(self.0.clone())))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::Error::other(self.0.clone())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The driver's error for a connection that cannot be made because there is no password. The driver makes its errors
/// itself, so it is given a stream that fails.
pub(super) async fn no_password(why: String) -> tokio_postgres::Error {
    let mut config = Config::new();
    config.user("passwave").ssl_mode(tokio_postgres::config::SslMode::Disable);
    match config.connect_raw(Unusable(why), NoTls).await {
        Err(error) => error,
        Ok(_) => unreachable!("the stream takes nothing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[tokio::test]
    async fn reason_is_in_the_error() {
        let error = no_password("no token".into()).await;
        assert!(error.source().is_some_and(|source| source.to_string().contains("no token")), "{error:?}");
    }
}
