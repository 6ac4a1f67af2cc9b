//! The claims of an access token: read if it is a JSON Web Token, and never invented.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use passwave::graph::claims::Claims;
use serde_json::{Map, Value};

/// The bytes are used as a whole token, and as the payload of another.
pub fn check(bytes: &[u8]) {
    if let Ok(token) = std::str::from_utf8(bytes)
        && let Some(claims) = Claims::of(token)
    {
        assert_eq!(token.split('.').count(), 3, "{token:?} was read as a JSON web token");
        assert!(texts(&claims).map(str::len).sum::<usize>() <= token.len());
    }
    let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let claims = Claims::of(&token);
    let payload = serde_json::from_slice::<Map<String, Value>>(bytes);
    assert_eq!(claims.is_some(), payload.is_ok(), "an object has claims, and nothing else has");
    let (Some(claims), Ok(payload)) = (claims, payload) else { return };
    assert_eq!(Claims::of(&token).as_ref(), Some(&claims), "read twice");
    let said = serde_json::to_string(&payload).expect("JSON");
    for text in texts(&claims) {
        assert!(!text.is_empty() || said.contains("\"\""), "an empty claim that is not in the token");
        let quoted = serde_json::to_string(text).expect("JSON");
        let inner = quoted.trim_matches('"');
        assert!(said.contains(inner), "{text:?} is not in the token");
    }
}

/// All texts in the claims.
fn texts(claims: &Claims) -> impl Iterator<Item = &str> {
    let single =
        [&claims.tenant_id, &claims.client_id, &claims.object_id, &claims.user_principal_name, &claims.audience];
    let lists = [&claims.roles, &claims.scopes, &claims.directory_roles];
    single.into_iter().flatten().map(String::as_str).chain(lists.into_iter().flatten().map(String::as_str))
}
