//! Refresh tokens: an application renews its tokens without the user.
//!
//! Invariant: a token renews only for the application that got it.

use super::{Consent, Form, error::OAuthError};
use crate::simulator::{
    faults::{RefreshFault, TokenFaults},
    random::Rng,
};
use std::collections::HashMap;

/// All refresh tokens that are still accepted.
#[derive(Default)]
pub(super) struct RefreshTokens(HashMap<String, Consent>);

impl RefreshTokens {
    /// Takes a refresh token. As in Entra, the used one stays valid, unless the faults say otherwise.
    pub(super) fn renew(&mut self, form: &Form, faults: &TokenFaults) -> Result<Consent, OAuthError> {
        match faults.refresh_refused {
            RefreshFault::Nothing => {}
            RefreshFault::Expired => return Err(OAuthError::refresh_expired()),
            RefreshFault::SignInFrequency => return Err(OAuthError::sign_in_frequency()),
        }
        let (token, client) = (form.field("refresh_token"), form.field("client_id"));
        let consent = self.0.get(token).filter(|consent| client.eq_ignore_ascii_case(&consent.client_id)).cloned();
        if faults.refresh_once && consent.is_some() {
            self.0.remove(token);
        }
        consent.ok_or_else(OAuthError::refresh_token)
    }

    /// A new refresh token for what the user has agreed to.
    pub(super) fn issue(&mut self, consent: Consent, rng: &mut Rng) -> String {
        let token = format!("1.AXoA{}", rng.opaque());
        self.0.insert(token.clone(), consent);
        token
    }
}
