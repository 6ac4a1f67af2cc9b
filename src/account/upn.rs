//! The key that addresses an account: a user principal name or an object id.
//!
//! Only a checked value becomes a [`Upn`]. This module alone decides how it is written in a URL, because a wrong escape
//! would write to another user's account. It never trims, guesses or repairs: that is the roster's work.
//!
//! Invariant: decoding the path once and reading the key out of it gives back exactly the same value.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest user principal name in characters: 64, an `@`, 48 (Entra's password and account policy page).
pub const UPN_CHARS_MAX: usize = 113;
/// Longest part before the `@`, in characters (same source).
pub const LOCAL_CHARS_MAX: usize = 64;
/// Longest part after the `@`, in characters (same source).
pub const DOMAIN_CHARS_MAX: usize = 48;

/// Marks that Entra allows before the `@` besides letters and digits, plus `%`, `+` and `$`, which older tenants still
/// have.
const LOCAL_MARKS: &[u8] = b"'.-_!#^~%+$";

/// Escapes everything in a path segment except RFC 3986's unreserved characters and `@`.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// Like [`SEGMENT`], but keeps the `$` that the documented quoted form exists for.
const QUOTED: &AsciiSet = &SEGMENT.remove(b'$');

/// A checked user principal name or object id, as the roster spells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upn(Box<str>);

/// Why a value is neither a user principal name nor an object id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpnError {
    /// The value is empty.
    #[error("there is no user principal name in this row")]
    Empty,
    /// Not of the form `name@domain`, or with characters that Entra does not allow.
    #[error("this is not a user principal name (name@domain) and not an object id")]
    Invalid,
    /// Letters with accents, or anything else outside ASCII.
    #[error("a user principal name cannot contain accents or letters outside A to Z")]
    NotAscii,
    /// Over 113 characters, 64 before the `@`, or 48 after it.
    #[error("a user principal name has at most 64 characters before the @ and 48 after it")]
    TooLong,
}

impl Upn {
    /// Checks `text` against the rules for user principal names. A GUID is accepted as an object id.
    ///
    /// # Errors
    /// Returns the rule that the text breaks. Nothing is trimmed or changed.
    pub fn parse(text: &str) -> Result<Self, UpnError> {
        if text.is_empty() {
            return Err(UpnError::Empty);
        }
        if !is_object_id(text) {
            check_upn(text)?;
        }
        Ok(Self(text.into()))
    }

    /// The value as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an object id (a GUID) rather than a name.
    #[must_use]
    pub fn is_object_id(&self) -> bool {
        is_object_id(&self.0)
    }

    /// The URL of the account, relative to the API version: `/users/…`.
    ///
    /// A name that begins with `$` takes the quoted form with doubled apostrophes, as Graph documents it.
    #[must_use]
    pub fn path(&self) -> String {
        if self.0.starts_with('$') {
            let doubled = self.0.replace('\'', "''");
            format!("/users('{}')", utf8_percent_encode(&doubled, QUOTED))
        } else {
            format!("/users/{}", utf8_percent_encode(&self.0, SEGMENT))
        }
    }
}

/// Whether `text` has the shape of an object id: 8-4-4-4-12 hexadecimal digits.
#[must_use]
pub fn is_object_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn check_upn(text: &str) -> Result<(), UpnError> {
    let (local, domain) = text.split_once('@').ok_or(UpnError::Invalid)?;
    if !text.is_ascii() {
        let looks_like_a_name = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        return Err(if looks_like_a_name { UpnError::NotAscii } else { UpnError::Invalid });
    }
    if !is_local_part(local) || !is_domain(domain) {
        return Err(UpnError::Invalid);
    }
    if local.len() > LOCAL_CHARS_MAX || domain.len() > DOMAIN_CHARS_MAX {
        return Err(UpnError::TooLong);
    }
    Ok(())
}

fn is_local_part(local: &str) -> bool {
    !local.is_empty()
        && !local.ends_with('.')
        && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || LOCAL_MARKS.contains(&byte))
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.')
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    #[test]
    fn recognizes_names_and_object_ids() {
        for good in [
            "ann@contoso.com",
            "O'Brien.x-y_z!#^~%+@contoso.co.uk",
            "$cash@contoso.com",
            "ann_fabrikam.com#EXT#@contoso.onmicrosoft.com",
            "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b",
        ] {
            assert!(Upn::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", UpnError::Empty),
            ("ann", UpnError::Invalid),
            ("ann@contoso", UpnError::Invalid),
            ("ann.@contoso.com", UpnError::Invalid),
            ("ann@b@contoso.com", UpnError::Invalid),
            ("ann smith@contoso.com", UpnError::Invalid),
            ("ann/../bob@contoso.com", UpnError::Invalid),
            ("ann?x=@contoso.com", UpnError::Invalid),
            ("@contoso.com", UpnError::Invalid),
            ("ann@contoso..com", UpnError::Invalid),
            ("josé@contoso.com", UpnError::NotAscii),
            ("0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5", UpnError::Invalid),
        ] {
            assert_eq!(Upn::parse(bad), Err(why), "{bad}");
        }
        assert_eq!(Upn::parse(&format!("{}@contoso.com", "a".repeat(65))), Err(UpnError::TooLong));
        assert_eq!(Upn::parse(&format!("ann@{}.com", "a".repeat(45))), Err(UpnError::TooLong));
    }

    #[test]
    fn path_escapes_reserved_characters() {
        let path = |text| Upn::parse(text).expect("a good name").path();
        assert_eq!(path("ann@contoso.com"), "/users/ann@contoso.com");
        assert_eq!(path("a_b.com#EXT#@c.com"), "/users/a_b.com%23EXT%23@c.com");
        assert_eq!(path("o'b%2F+^!~@c.com"), "/users/o%27b%252F%2B%5E%21~@c.com");
        assert_eq!(path("$o'b#@c.com"), "/users('$o%27%27b%23@c.com')");
    }

    proptest! {
        #[test]
        fn decoded_path_equals_the_name(local in "[A-Za-z0-9'._!#^~%+$-]{0,40}[A-Za-z0-9#]", domain in "[a-z]{1,9}\\.[a-z]{2,3}") {
            let name = format!("{local}@{domain}");
            let path = Upn::parse(&name).expect("a good name").path();
            let decoded = percent_decode_str(&path).decode_utf8().expect("UTF-8");
            let key = match decoded.strip_prefix("/users('") {
                Some(quoted) => quoted.strip_suffix("')").expect("closed").replace("''", "'"),
                None => decoded.strip_prefix("/users/").expect("a segment").to_owned(),
            };
            prop_assert_eq!(key, name);
            prop_assert!(!path["/users".len()..].trim_start_matches('/').contains(['/', '?', '#', ' ', '+']));
        }
    }
}
