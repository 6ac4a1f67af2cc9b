//! The browser's half of a sign-in: the authorization endpoint, and its codes with PKCE (RFC 6749, RFC 7636).
//!
//! The simulator asks no user anything, unless the faults say so: the browser is sent back at once. It sends nobody to an
//! address that is not on this machine.
//!
//! Invariant: a code is valid once, for a limited time, and for the application and the address that asked for it.

use super::{Consent, Form, error::OAuthError, page, scopes::Scopes};
use crate::simulator::{
    context::{RequestContext, TimePoint},
    faults::{BrowserFault, TokenFaults},
    http::Answer,
    random::Rng,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{collections::HashMap, time::Duration};

/// Lifetime of a code in Entra.
const CODE_LIFE: Duration = Duration::from_secs(600);
/// Lengths of a code challenge (RFC 7636).
const CHALLENGE_CHARS: std::ops::RangeInclusive<usize> = 43..=128;
/// The path of Microsoft's own redirect address for programs without a browser of their own.
const NATIVE_CLIENT: &str = "/common/oauth2/nativeclient";
/// Remembers in the browser that a user has signed in.
const COOKIE: &str = "ESTSAUTH=simulated";

/// A code that was issued.
struct Code {
    consent: Consent,
    redirect_uri: String,
    challenge: Option<Challenge>,
    expires: Duration,
    is_used: bool,
}

struct Challenge {
    is_hashed: bool,
    text: String,
}

/// All codes that have not expired.
#[derive(Default)]
pub(super) struct Codes(HashMap<String, Code>);

/// A request of a browser whose application and address are known, so a refusal can be sent back to it.
pub(super) struct Ask<'a> {
    pub form: &'a Form,
    pub redirect_uri: &'a str,
    mode: Mode,
}

/// How the answer reaches the application.
#[derive(Clone, Copy)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl<'a> Ask<'a> {
    /// Checks where the browser wants to be sent. A refusal is shown in the browser.
    pub(super) fn read(form: &'a Form, context: &RequestContext) -> Result<Self, OAuthError> {
        let redirect_uri = form.field("redirect_uri");
        if !is_local(redirect_uri) && redirect_uri.strip_prefix(&context.base) != Some(NATIVE_CLIENT) {
            return Err(OAuthError::redirect_uri(redirect_uri, form.field("client_id")));
        }
        let mode = match form.field("response_mode") {
            "" | "query" => Mode::Query,
            "fragment" => Mode::Fragment,
            "form_post" => Mode::FormPost,
            other => return Err(OAuthError::response_mode(other)),
        };
        Ok(Self { form, redirect_uri, mode })
    }

    /// Checks what the application asks for. A refusal is sent to it.
    pub(super) fn check(&self, has_cookie: bool, context: &RequestContext) -> Result<Scopes, OAuthError> {
        let form = self.form;
        form.require(&["response_type", "scope"])?;
        let response_type = form.field("response_type");
        if response_type != "code" {
            return Err(OAuthError::response_type(response_type));
        }
        if !matches!(form.field("prompt"), "" | "none" | "login" | "consent" | "select_account") {
            return Err(OAuthError::prompt());
        }
        if form.field("prompt") == "none" && !has_cookie {
            return Err(OAuthError::nobody_signed_in());
        }
        let challenge = form.field("code_challenge");
        let is_challenge = challenge.is_empty() || CHALLENGE_CHARS.contains(&challenge.len());
        if !is_challenge || !matches!(form.field("code_challenge_method"), "" | "plain" | "S256") {
            return Err(OAuthError::challenge());
        }
        Scopes::read(form.field("scope"), &context.base)
    }

    /// Sends the browser back with a code.
    pub(super) fn accept(&self, code: &str, faults: &TokenFaults, session: &str) -> Answer {
        let mut answer = self.send_back(vec![("code", code.to_owned())], faults, session);
        answer.headers.push(("Set-Cookie".into(), format!("{COOKIE}; path=/; HttpOnly; SameSite=Lax").into()));
        answer
    }

    /// Sends the browser back with a refusal.
    pub(super) fn refuse(
        &self,
        denial: OAuthError,
        faults: &TokenFaults,
        context: &RequestContext,
        rng: &mut Rng,
    ) -> Answer {
        let mut fields = vec![("error", denial.1.to_owned())];
        fields.push(("error_description", denial.description(context, rng)));
        fields.extend(denial.subcode().map(|subcode| ("error_subcode", subcode.to_owned())));
        self.send_back(fields, faults, &rng.guid())
    }

    fn send_back(&self, mut fields: Vec<(&'static str, String)>, faults: &TokenFaults, session: &str) -> Answer {
        let state = self.form.field("state");
        if faults.browser == BrowserFault::WrongState {
            fields.push(("state", format!("{state}x")));
        } else if !state.is_empty() {
            fields.push(("state", state.to_owned()));
        }
        fields.push(("session_state", session.to_owned()));
        let pairs =
            fields.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let pairs = pairs.collect::<Vec<_>>().join("&");
        let separator = match self.mode {
            Mode::FormPost => return page::form_post(self.redirect_uri, &fields),
            Mode::Fragment => '#',
            Mode::Query if self.redirect_uri.contains('?') => '&',
            Mode::Query => '?',
        };
        page::redirect(format!("{}{separator}{pairs}", self.redirect_uri))
    }
}

/// Whether the address is on this machine, at any port.
fn is_local(address: &str) -> bool {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    let is_plain = |rest: &&str| rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\@".contains(&byte));
    let Some(rest) = rest.filter(is_plain) else { return false };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let (name, port) = match host.strip_prefix("[::1]") {
        Some(port) => ("[::1]", port.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl Codes {
    /// A new code for what the user has agreed to.
    pub(super) fn issue(&mut self, consent: Consent, ask: &Ask<'_>, at: TimePoint, rng: &mut Rng) -> String {
        self.0.retain(|_, code| code.expires > at.elapsed);
        let challenge = ask.form.field("code_challenge");
        let is_hashed = ask.form.field("code_challenge_method") == "S256";
        let challenge = (!challenge.is_empty()).then(|| Challenge { is_hashed, text: challenge.to_owned() });
        let redirect_uri = ask.redirect_uri.to_owned();
        let expires = at.elapsed + CODE_LIFE;
        let code = format!("1.AXoA{}.AgABBAIAAA{}", rng.opaque(), rng.opaque());
        self.0.insert(code.clone(), Code { consent, redirect_uri, challenge, expires, is_used: false });
        code
    }

    /// Redeems a code. Any answer but a wrong verifier or address uses it up.
    pub(super) fn redeem(&mut self, form: &Form, faults: &TokenFaults, at: TimePoint) -> Result<Consent, OAuthError> {
        let client = form.field("client_id");
        let code = self.0.get_mut(form.field("code"));
        let code = code.filter(|code| client.eq_ignore_ascii_case(&code.consent.client_id));
        let code = code.ok_or_else(OAuthError::code)?;
        if code.expires <= at.elapsed {
            return Err(OAuthError::code_expired());
        }
        if code.is_used || faults.browser == BrowserFault::CodeUsed {
            return Err(OAuthError::code_used());
        }
        if form.field("redirect_uri") != code.redirect_uri {
            return Err(OAuthError::reply_address(form.field("redirect_uri"), &code.redirect_uri));
        }
        if !code.challenge.as_ref().is_none_or(|challenge| challenge.is_met(form.field("code_verifier"))) {
            return Err(OAuthError::verifier());
        }
        code.is_used = true;
        Ok(code.consent.clone())
    }
}

impl Challenge {
    fn is_met(&self, verifier: &str) -> bool {
        match self.is_hashed {
            true => BASE64.encode(digest(&SHA256, verifier.as_bytes())) == self.text,
            false => verifier == self.text,
        }
    }
}

/// Whether the browser remembers a sign-in.
pub(super) fn has_cookie(cookies: Option<&str>) -> bool {
    cookies.is_some_and(|cookies| cookies.split(';').any(|cookie| cookie.trim() == COOKIE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_this_machine_only() {
        for (address, expected) in [
            ("http://localhost:8400", true),
            ("http://localhost", true),
            ("http://127.0.0.1:5/path?x=1", true),
            ("https://localhost:1/a", true),
            ("http://[::1]:9/", true),
            ("http://localhost.evil.example", false),
            ("http://localhost:80@evil.example", false),
            ("http://evil.example", false),
            ("http://localhost:99999", false),
            ("https://127.0.0.1\\@evil.example", false),
            ("http://localhost:1/\r\nSet-Cookie: x", false),
            ("javascript:alert(1)", false),
            ("", false),
        ] {
            assert_eq!(is_local(address), expected, "{address}");
        }
    }
}
