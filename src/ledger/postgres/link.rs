//! The connection to the server: a thread of its own with its own clock, on which everything that waits for the server
//! runs.
//!
//! The ledger is synchronous, and the engine's clock may stand still, so neither can wait here themselves. Every statement
//! is sent without a name and with the types of its parameters: nothing is left in the session, so any pooler will do.
//!
//! Invariant: whoever waits has a time limit.

use super::{
    address::Address,
    error::PostgresError,
    password::{PasswordSource, no_password},
    tls,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    future::poll_fn,
    io,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::{Builder, Handle},
    sync::{Mutex, MutexGuard, oneshot},
};
use tokio_postgres::{AsyncMessage, Client, Config, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A thread on which the connections live.
pub(super) struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(move || {
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Does a job there, and waits for it. `None` if the time is over; the job goes on.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        limit: Duration,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (send, receive) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Nobody may be waiting any more.
            let _ = send.send(job.await);
        });
        receive.recv_timeout(limit).ok()
    }

    /// Does a job there that nobody waits for.
    pub(super) fn spawn(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(job);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that panicked has already said so.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A connection that is made again when it is lost.
#[derive(Clone)]
pub(super) struct Link {
    address: Arc<Address>,
    tls: MakeRustlsConnect,
    client: Arc<Mutex<Option<Client>>>,
}

/// A connection in use by one job.
pub(super) type Held<'a> = MutexGuard<'a, Option<Client>>;

impl Link {
    pub(super) fn new(address: &Arc<Address>) -> Result<Self, PostgresError> {
        let tls = tls::connector(address)?;
        Ok(Self { address: Arc::clone(address), tls, client: Arc::default() })
    }

    pub(super) fn server(&self) -> &str {
        self.address.shown()
    }

    /// The connection, made now if there is none. Others wait until it is given back.
    pub(super) async fn connected(&self) -> Result<Held<'_>, tokio_postgres::Error> {
        let mut held = self.client.lock().await;
        if held.as_ref().is_none_or(Client::is_closed) {
            *held = Some(self.connect().await?);
        }
        Ok(held)
    }

    /// A connection of one's own.
    pub(super) async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let Some(passwords) = &self.address.passwords else {
            let config = &self.address.config;
            return withheld(self.connect_with(config).await, config).await;
        };
        let mut config = self.address.config.clone();
        config.password(password_of(passwords).await?.expose_secret());
        match self.connect_with(&config).await {
            Err(error) if is_refusal(&error) => {}
            other => return withheld(other, &config).await,
        }
        // A token may have been revoked, or have expired by the server's clock.
        passwords.refuse();
        config.password(password_of(passwords).await?.expose_secret());
        withheld(self.connect_with(&config).await, &config).await
    }

    async fn connect_with(&self, config: &Config) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = config.connect(self.tls.clone()).await?;
        tokio::spawn(drive(connection));
        Ok(client)
    }

    /// What makes TLS sessions with the server.
    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Another connection to the same server.
    pub(super) fn another(&self) -> Self {
        Self { client: Arc::default(), ..self.clone() }
    }

    /// Gives the connection up, because nobody knows what it is doing.
    pub(super) async fn drop_connection(&self) {
        *self.client.lock().await = None;
    }

    pub(super) fn failed(&self, error: &tokio_postgres::Error) -> PostgresError {
        PostgresError::of(error, self.server())
    }
}

/// Serves a connection until it ends; the client's next statement reports the loss.
///
/// A commit whose wait for a synchronous standby was cut off is reported as made, after a warning. Then the connection ends
/// before the report is heard, so that the commit is read back.
async fn drive<S: AsyncRead + AsyncWrite + Unpin, T: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<S, T>) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if matches!(&message, AsyncMessage::Notice(notice) if notice.routine() == Some(WAIT_FOR_STANDBY)) {
            return;
        }
    }
}

/// The function of the server that waits for a synchronous standby, as its warnings name it in every language.
const WAIT_FOR_STANDBY: &str = "SyncRepWaitForLSN";

/// The client of a connection in use.
pub(super) fn client<'a>(held: &'a mut Held<'_>) -> &'a mut Client {
    held.as_mut().expect("a connection in use has a client")
}

/// The password of a connection that is made now.
async fn password_of(passwords: &Arc<dyn PasswordSource>) -> Result<SecretString, tokio_postgres::Error> {
    match passwords.password().await {
        Ok(password) => Ok(password),
        Err(why) => Err(no_password(why).await),
    }
}

/// The result, without what the server says if it repeats the password.
async fn withheld<T>(result: Result<T, tokio_postgres::Error>, config: &Config) -> Result<T, tokio_postgres::Error> {
    let password = config.get_password().map(String::from_utf8_lossy).filter(|password| !password.is_empty());
    let said = result.as_ref().err().and_then(tokio_postgres::Error::as_db_error);
    let repeats = said.zip(password).is_some_and(|(said, password)| said.message().contains(&*password));
    if repeats { Err(no_password("the server refused the sign-in: [withheld]".into()).await) } else { result }
}

/// Whether the server did not accept the password.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("28"))
}
