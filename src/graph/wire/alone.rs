//! The bytes of requests that are sent by themselves: the reset of a password on premises, and what follows it.
//!
//! Invariant: whatever the status and the body are, the answer to a single request is exactly one reply.

use super::{Envelope, ITEM_BYTES, refusal};
use crate::{
    account::upn::Upn,
    graph::{BatchResponse, Operation, OperationState, Request, json, user},
    password::Password,
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

/// The id of the authentication method `password`, which is the same for every account.
const PASSWORD_METHOD: &str = "28c10230-6103-485e-b985-444c60001490";

/// A request by itself.
pub struct Alone {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path below the API's version, or the whole address of an operation.
    pub url: String,
    /// The body; empty if there is none. It may contain a password, so it wipes itself.
    pub body: Zeroizing<Vec<u8>>,
}

/// `{"newPassword":…}`.
pub(super) struct NewPassword<'a>(pub(super) &'a Password);

impl Serialize for NewPassword<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("newPassword", self.0.expose())?;
        map.end()
    }
}

/// The path of the action that resets an account's password on premises.
pub(super) fn reset_path(address: &Upn) -> String {
    format!("{}/authentication/methods/{PASSWORD_METHOD}/resetPassword", address.path())
}

/// A request to send by itself; `None` if it only exists within a batch.
#[must_use]
pub fn encode_alone(request: &Request) -> Option<Alone> {
    let get = |url| Some(Alone { method: "GET", url, body: Zeroizing::default() });
    match &request.operation {
        Operation::Read => get(format!("{}?$select={}", request.address.path(), user::SELECT)),
        Operation::Follow(url) => get(url.clone()),
        Operation::ResetOnPremises(password) => {
            // Enough for any escapes, so the buffer never grows and leaves a copy behind.
            let mut body = Zeroizing::new(Vec::with_capacity(ITEM_BYTES + 6 * password.expose().len()));
            serde_json::to_writer(&mut *body, &NewPassword(password)).expect("text is always valid JSON");
            Some(Alone { method: "POST", url: reset_path(&request.address), body })
        }
        Operation::SetPassword(..) | Operation::RevokeSessions => None,
    }
}

/// Reads the answer to a request that was sent by itself for `row`.
#[must_use]
pub fn decode_alone(row: u64, envelope: &Envelope, body: &[u8]) -> BatchResponse {
    let mut reply = refusal(envelope, body);
    reply.row = Some(row);
    if (200..300).contains(&envelope.status) {
        reply.location.clone_from(&envelope.location);
        reply.operation = std::str::from_utf8(body).ok().and_then(operation);
    }
    BatchResponse {
        replies: vec![reply],
        request_id: envelope.request_id.clone(),
        throttle_percentage: envelope.throttle_percentage,
        date: envelope.date,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationJson {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    status_detail: Option<serde_json::Value>,
}

/// The operation in a body; `None` if it has no status.
fn operation(body: &str) -> Option<Box<OperationState>> {
    let told: OperationJson = serde_json::from_str(&json::object(body)?).ok()?;
    // No failure was ever captured, so a detail of another form is kept as it is.
    let detail = match told.status_detail {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    let (status, detail) = (super::clipped(told.status?.into()), super::clipped(detail.into()));
    Some(Box::new(OperationState { status, detail }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Reply;

    fn request(operation: Operation) -> Request {
        Request::new(7, Upn::parse("o'brien#1@contoso.com").expect("a name"), operation)
    }

    fn read(status: u16, location: Option<&str>, body: &str) -> Reply {
        let header = |name: &str| location.filter(|_| name == "location");
        decode_alone(7, &Envelope::read(status, header), body.as_bytes()).replies.remove(0)
    }

    #[test]
    fn resets_go_to_the_password_method() {
        let alone = encode_alone(&request(Operation::ResetOnPremises(Password::new("a\"b\\c".into())))).expect("alone");
        assert_eq!(
            (alone.method, alone.url.as_str()),
            (
                "POST",
                "/users/o%27brien%231@contoso.com/authentication/methods/28c10230-6103-485e-b985-444c60001490/resetPassword"
            )
        );
        assert_eq!(alone.body.as_slice(), br#"{"newPassword":"a\"b\\c"}"#);
        let url =
            "https://graph.microsoft.com/v1.0/users/x/authentication/operations/y?aadgdc=DUB02P&aadgsu=ssprprod-a";
        let follow = encode_alone(&request(Operation::Follow(url.into()))).expect("alone");
        assert_eq!((follow.method, follow.url.as_str(), follow.body.len()), ("GET", url, 0));
        assert!(encode_alone(&request(Operation::RevokeSessions)).is_none());
    }

    #[test]
    fn every_answer_is_one_reply() {
        let accepted = read(202, Some("https://x/y?a=b"), "");
        assert_eq!(
            (accepted.row, accepted.status, accepted.location.as_deref()),
            (Some(7), 202, Some("https://x/y?a=b"))
        );
        assert_eq!(read(400, Some("https://x/y"), "").location, None, "a refusal accepts nothing");
        let refused = read(403, None, r#"{"error":{"code":"accessDenied","message":"no"}}"#);
        assert_eq!((refused.status, refused.code.as_str(), refused.message.as_str()), (403, "accessDenied", "no"));
        for (body, status, detail) in [
            (r#"{"status":"succeeded","statusDetail":"ResetSuccess"}"#, "succeeded", "ResetSuccess"),
            (r#"{"status":"failed","statusDetail":null}"#, "failed", ""),
            (r#"{"status":"failed","statusDetail":{"code":29}}"#, "failed", r#"{"code":29}"#),
            (r#"{"status":"skipped"}"#, "skipped", ""),
        ] {
            let found = read(200, None, body).operation.expect("an operation");
            assert_eq!((found.status.as_str(), found.detail.as_str()), (status, detail), "{body}");
        }
        for strange in ["", "[]", "{}", "<html>", r#"{"status":3}"#, r#"{"statusDetail":"x"}"#] {
            assert_eq!(read(200, None, strange).operation, None, "{strange}");
        }
        let long = format!(r#"{{"status":"failed","statusDetail":"{}"}}"#, "x".repeat(5_000));
        assert_eq!(read(202, None, &long).operation.expect("an operation").detail.len(), 1_000);
    }
}
