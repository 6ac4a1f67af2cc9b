//! JSON in the forms that servers and programs really send: after a byte order mark, or packed into a string.
//!
//! It only finds the JSON; callers interpret it.

use base64::prelude::{BASE64_STANDARD, Engine};
use std::borrow::Cow;

/// How many times JSON is unpacked from a string at most.
const DEPTH_MAX: usize = 2;

/// `bytes` without the UTF-8 byte order mark that some gateways put before an answer. JSON does not allow one, so
/// nothing is lost.
#[must_use]
pub(crate) fn unmarked(bytes: &[u8]) -> &[u8] {
    let rest = bytes.trim_ascii_start();
    rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest)
}

/// The object in `json`. It may be packed into a string, either as it is or as base64: Graph does that with bodies that
/// it does not recognize as JSON.
#[must_use]
pub(crate) fn object(json: &str) -> Option<Cow<'_, str>> {
    let mut json = Cow::Borrowed(plain(json));
    for _ in 0..DEPTH_MAX {
        if !json.starts_with('"') {
            break;
        }
        let text: String = serde_json::from_str(&json).ok()?;
        json = Cow::Owned(plain(&decoded(&text).unwrap_or(text)).to_owned());
    }
    json.starts_with('{').then_some(json)
}

fn plain(text: &str) -> &str {
    text.trim_start().trim_start_matches('\u{FEFF}').trim()
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(text.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_mark_is_skipped() {
        for text in ["{}", "\u{FEFF}{}", " \r\n{}", " \u{FEFF}{}"] {
            assert_eq!(unmarked(text.as_bytes()), b"{}", "{text:?}");
            assert_eq!(object(text).as_deref(), Some("{}"), "{text:?}");
        }
        assert_eq!(unmarked(b"\xEF\xBB"), b"\xEF\xBB");
    }

    #[test]
    fn objects_in_strings_are_found() {
        let body = r#"{"error":{"code":"x"}}"#;
        let packed = |text: &str| serde_json::to_string(text).expect("JSON");
        for json in [
            body.to_owned(),
            packed(body),
            packed(&BASE64_STANDARD.encode(body)),
            packed(&BASE64_STANDARD.encode(format!("\u{FEFF}{body}"))),
            packed(&BASE64_STANDARD.encode(packed(body))),
        ] {
            assert_eq!(object(&json).as_deref(), Some(body), "{json}");
        }
        for json in ["", "null", "[]", "true", "\"\"", "\"words\"", "\"AAAA\"", "\"", "\"\\ud800\""] {
            assert_eq!(object(json), None, "{json}");
        }
    }
}
