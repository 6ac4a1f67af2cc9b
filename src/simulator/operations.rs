//! Passwords on their way to the on-premises directory: accepted first, and set or refused later.
//!
//! What the service says about a failed operation was never captured, so the words for failures are the simulator's own.
//!
//! Invariant: an operation that succeeded has set its password, and one that failed has not.

use super::{
    record::{Made, time_text},
    refusal::Refusal,
    reply::Body,
    resources::Asked,
    schema::OPERATION,
};
use secrecy::SecretString;
use serde_json::json;
use std::time::Duration;

/// The word for an operation that succeeded, as in Microsoft's tutorial.
const SUCCESS: &str = "ResetSuccess";

/// All operations that were accepted.
#[derive(Default)]
pub(super) struct Operations {
    pub all: Vec<Operation>,
    /// How many of them are not over.
    pub open: usize,
}

pub(super) struct Operation {
    pub id: String,
    pub account: usize,
    pub began: Duration,
    /// When it is over.
    pub ends: Duration,
    /// Why it fails, if it does.
    pub failure: Option<&'static str>,
    /// Whether it never tells that it is over.
    pub is_endless: bool,
    /// The password; `None` once it is set or refused.
    pub password: Option<SecretString>,
}

impl Operations {
    /// How many were accepted for the account at this position.
    pub(super) fn number_of(&self, account: usize) -> usize {
        self.all.iter().filter(|operation| operation.account == account).count()
    }

    /// Answers a `GET` of the operation that `asked` names, of the account at this position.
    pub(super) fn read(&self, asked: &Asked<'_>, account: Option<usize>) -> Result<Body, Refusal> {
        let id = &*asked.place.inner;
        let is_asked = |operation: &&Operation| operation.id == id && Some(operation.account) == account;
        let operation = self.all.iter().find(is_asked).ok_or_else(|| Refusal::not_found(id))?;
        let is_over = operation.password.is_none() && !operation.is_endless;
        let (status, detail) = match operation.failure {
            _ if !is_over => ("running", None),
            Some(why) => ("failed", Some(why)),
            None => ("succeeded", Some(SUCCESS)),
        };
        let clock = asked.view.clock;
        let last = if is_over { operation.ends } else { operation.began };
        let values = json!({
            "id": operation.id, "status": status, "statusDetail": detail,
            "createdDateTime": time_text(clock.wall(operation.began)), "lastActionDateTime": time_text(clock.wall(last)),
        });
        let set = format!("users('{}')/authentication/operations", asked.key);
        let serde_json::Value::Object(values) = values else { return Err(Refusal::not_found(id)) };
        Ok(asked.one(&set, &Made { entity: &OPERATION, values }))
    }
}
