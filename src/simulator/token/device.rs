//! Users who sign in with a code on another device (RFC 8628).
//!
//! Nobody enters a code here: it counts as entered after enough polls.
//!
//! Invariant: a device code is valid for one answer.

use super::{Consent, Form, error::OAuthError};
use crate::simulator::{context::RequestContext, context::TimePoint, faults::TokenFaults, random::Rng};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};

const USER_CODE_CHARS: usize = 9;
const USER_CODE_ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A code that was issued and is not used yet.
struct Device {
    consent: Consent,
    expires: Duration,
    polls: u32,
}

/// All open codes.
#[derive(Default)]
pub(super) struct Devices(HashMap<String, Device>);

/// The answer to an application that wants to sign a user in.
#[derive(Serialize)]
pub(super) struct DeviceCodeAnswer {
    user_code: String,
    device_code: String,
    verification_uri: String,
    expires_in: u32,
    interval: u32,
    message: String,
}

impl Devices {
    /// A new code for what the user is asked to agree to.
    pub(super) fn start(
        &mut self,
        consent: Consent,
        faults: &TokenFaults,
        context: &RequestContext,
        rng: &mut Rng,
    ) -> DeviceCodeAnswer {
        let user_code: String = (0..USER_CODE_CHARS)
            .map(|_| char::from(USER_CODE_ALPHABET[rng.below(USER_CODE_ALPHABET.len() as u64) as usize]))
            .collect();
        let device_code = format!("DAQABAAEAAAD{}", rng.opaque());
        let expires = context.at.elapsed + Duration::from_secs(faults.device_seconds.into());
        self.0.insert(device_code.clone(), Device { consent, expires, polls: 0 });
        let verification_uri = format!("{}/devicelogin", context.base);
        let message = format!(
            "To sign in, use a web browser to open the page {verification_uri} and enter the code {user_code} to \
             authenticate."
        );
        let (expires_in, interval) = (faults.device_seconds, faults.device_interval_seconds);
        DeviceCodeAnswer { user_code, device_code, verification_uri, expires_in, interval, message }
    }

    /// Polls whether the user has entered the code; an answer that is not a refusal uses the code up.
    pub(super) fn redeem(&mut self, form: &Form, faults: &TokenFaults, at: TimePoint) -> Result<Consent, OAuthError> {
        let (code, client) = (form.field("device_code"), form.field("client_id"));
        let device = self.0.get_mut(code).filter(|device| client.eq_ignore_ascii_case(&device.consent.client_id));
        let device = device.ok_or_else(OAuthError::device_code)?;
        if device.expires <= at.elapsed {
            return Err(OAuthError::device_code_expired());
        }
        device.polls += 1;
        if device.polls <= faults.device_polls {
            return Err(OAuthError::pending());
        }
        self.0.remove(code).map(|device| device.consent).ok_or_else(OAuthError::device_code)
    }
}
