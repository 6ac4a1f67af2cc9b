//! The state of rows, for observers of a run and for reports without passwords.
//!
//! It never returns a password. Invariant: a row that was changed after it ended is in doubt here, as in every report.

use super::{Verdict, state::SessionState};
use crate::outcome::{Cause, Method, Status};

/// The state of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowStatus {
    /// Position in the roster.
    pub row: u64,
    /// Line of the file, or row of the sheet.
    pub line: u64,
    /// The account's name in the directory if it was looked up, otherwise in the roster. Foreign text.
    pub user_principal_name: String,
    /// Its object id, if it was looked up and found.
    pub object_id: Option<String>,
    /// Its status.
    pub status: Status,
    /// Code of the last error; foreign text.
    pub error_code: Option<String>,
    /// Text of the last error; foreign text.
    pub error_message: Option<String>,
    /// Why Graph refused it, if it did and said why.
    pub cause: Option<Cause>,
    /// How often it was sent.
    pub attempts: u64,
    /// Graph's id of the last answer; foreign text.
    pub request_id: Option<String>,
    /// When Graph confirmed, in milliseconds since 1970.
    pub changed_at: Option<i64>,
    /// When the directory showed the change, in milliseconds since 1970.
    pub verified_at: Option<i64>,
    /// What the directory showed last.
    pub verdict: Option<Verdict>,
    /// What became of the account's sessions.
    pub sessions: Option<SessionState>,
    /// How its password goes to the account; `None` if nothing is sent to it, or if all go the same way.
    pub method: Option<Method>,
}
