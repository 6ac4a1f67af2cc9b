//! What can go wrong with ledgers in a PostgreSQL database.
//!
//! Invariant: no text of the server is passed on in which it may repeat a value of a row.

use super::tls_fault::TlsFault;
use crate::util::sanitize;
use std::path::PathBuf;

/// Why a ledger in a PostgreSQL database cannot be made, opened or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The address cannot be used.
    #[error("the address of the ledger's database cannot be used: {0}; nothing was sent")]
    Address(String),
    /// The address has a password in it.
    #[error(
        "the address of the ledger's database contains a password, which other users of this machine can see; nothing was sent"
    )]
    PasswordInAddress,
    /// The address asks for a connection that others could read.
    #[error("the connection to {0} would not be encrypted; nothing was sent")]
    Unencrypted(String),
    /// A file that the connection needs cannot be used.
    #[error("{} cannot be used: {why}; nothing was sent", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The server cannot be reached, or the connection was lost.
    #[error("the ledger's database at {server} cannot be reached: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// What happened.
        why: String,
    },
    /// The connection cannot be protected.
    #[error("the connection to the ledger's database at {server} cannot be protected: {fault}; nothing was sent")]
    Tls {
        /// The server.
        server: String,
        /// What is wrong.
        fault: TlsFault,
    },
    /// The server refused a statement or the sign-in.
    #[error("the ledger's database at {server} refused it: {why} (SQLSTATE {code})")]
    Refused {
        /// The server.
        server: String,
        /// The code of the error.
        code: String,
        /// What the server says.
        why: String,
    },
    /// The server does not keep what it has confirmed.
    #[error(
        "the ledger's database at {server} is set to {setting}, so it may lose what it has confirmed; nothing was sent"
    )]
    NotDurable {
        /// The server.
        server: String,
        /// The setting and its value.
        setting: String,
    },
    /// The database stores text in another encoding.
    #[error("the database at {server} stores text as {encoding}, and a ledger needs UTF8; nothing was sent")]
    Encoding {
        /// The server.
        server: String,
        /// Its encoding.
        encoding: String,
    },
    /// The tables are not those of this release.
    #[error("the tables in the schema passwave at {server} are not those of this release: {why}; nothing was changed")]
    Tables {
        /// The server.
        server: String,
        /// What is different.
        why: String,
    },
    /// The tables do not exist, and the role may not make them.
    #[error("the database at {server} has no tables for ledgers, and the role may not create them")]
    NoTables {
        /// The server.
        server: String,
    },
    /// No run has this name.
    #[error("the database at {server} has no run named {}", sanitize::for_terminal(.name))]
    NoRun {
        /// The name.
        name: String,
        /// The server.
        server: String,
    },
    /// A run with this name exists.
    #[error("the database at {server} already has a run named {}, and a run is never overwritten", sanitize::for_terminal(.name))]
    Exists {
        /// The name.
        name: String,
        /// The server.
        server: String,
    },
    /// Passwords would be stored in the clear.
    #[error("the passwords would be in the database in the clear, where its owner can read them; nothing was sent")]
    NotSealed,
    /// Another process works on the run.
    #[error("another process works on {}: {}, until {until} at least", sanitize::for_terminal(.name), sanitize::for_terminal(.holder))]
    Held {
        /// The run.
        name: String,
        /// Who holds it.
        holder: String,
        /// When its lease ends, if it is not renewed.
        until: String,
    },
    /// Another process took the run over.
    #[error("{} was taken over by {}, so this process stopped; it can record nothing more", sanitize::for_terminal(.name), sanitize::for_terminal(.holder))]
    Overtaken {
        /// The run.
        name: String,
        /// Who has it now.
        holder: String,
    },
    /// The server has lost changes that it had confirmed.
    #[error(
        "the ledger's database at {server} has lost changes that it had confirmed, so this process stopped: a standby took over"
    )]
    Rewound {
        /// The server.
        server: String,
    },
    /// The server did not confirm a change in time.
    #[error("the ledger's database did not confirm a change in time, so this process stopped: {why}")]
    Unconfirmed {
        /// What happened last.
        why: String,
    },
    /// The folder for the reports has those of another run.
    #[error("{} has the reports of another run, and they are never overwritten", .0.display())]
    OtherReports(PathBuf),
}

/// What an error of the driver means for the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection is gone, or the server is busy with itself: another try may succeed.
    Passing,
    Lasting,
}

/// Error classes and codes after which another try may succeed: connections, operator's intervention, too many
/// connections, serialization, and the pooler's own.
const PASSING: [&str; 8] = ["08", "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01"];

impl PostgresError {
    /// The error of the driver.
    pub(super) fn of(error: &tokio_postgres::Error, server: &str) -> Self {
        if let Some(fault) = TlsFault::of(error) {
            return Self::Tls { server: server.to_owned(), fault };
        }
        let Some(said) = error.as_db_error() else {
            return Self::Unreachable { server: server.to_owned(), why: chain(error) };
        };
        let code = said.code().code().to_owned();
        // Errors about data repeat the data.
        let why = if code.starts_with("22") { "a value was refused" } else { said.message() };
        let why = sanitize::for_terminal(why);
        match fault_of(&code) {
            Fault::Passing => Self::Unreachable { server: server.to_owned(), why },
            Fault::Lasting => Self::Refused { server: server.to_owned(), code, why },
        }
    }

    /// Whether the user has to change something, and nothing was sent.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Address(_)
                | Self::PasswordInAddress
                | Self::Unencrypted(_)
                | Self::File { .. }
                | Self::NotDurable { .. }
                | Self::Encoding { .. }
                | Self::Tables { .. }
                | Self::NoTables { .. }
                | Self::NoRun { .. }
                | Self::Exists { .. }
                | Self::NotSealed
                | Self::OtherReports(_)
        )
    }
}

pub(super) fn fault_of(code: &str) -> Fault {
    if PASSING.iter().any(|passing| code.starts_with(passing)) { Fault::Passing } else { Fault::Lasting }
}

/// Whether another try may succeed.
pub(super) fn is_passing(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| fault_of(code.code()) == Fault::Passing)
}

/// An error with its causes: the driver's own text often says only where it happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    sanitize::for_terminal(&text)
}
