//! How a password goes to its account.

use serde::Serialize;

/// How a password goes to its account: the word in the report's column `method`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Graph writes it to the account, in a batch.
    #[default]
    Graph,
    /// The service accepts it and sets it in the on-premises directory that manages the account.
    Writeback,
}

impl Method {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Graph, Self::Writeback];

    /// The word in the report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Writeback => "writeback",
        }
    }

    /// The word in the ledger; `None` for the usual one.
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Graph => None,
            Self::Writeback => Some(self.as_str()),
        }
    }
}
