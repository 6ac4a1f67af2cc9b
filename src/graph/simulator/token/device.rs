//! People who sign in with a code at another device (RFC 8628), and what they are let in with again later.
//!
//! Nobody comes to enter a code here: it counts as entered once it has been asked for often enough.
//!
//! Invariant: a device code is good for one answer.

use super::{Form, denial::Denial};
use crate::graph::simulator::{dice::Dice, faults::TokenFaults, visit::Moment};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};

/// Where a person would enter the code.
const VERIFICATION_URI: &str = "https://microsoft.com/devicelogin";
const USER_CODE_CHARS: usize = 9;
const USER_CODE_ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A code that was given out and not used yet.
struct Device {
    consent: Consent,
    expires: Duration,
    polls: u32,
}

/// What a person has agreed to.
#[derive(Clone)]
pub(super) struct Consent {
    /// The application that asked.
    pub client_id: String,
    /// Whether it may come again by itself: `offline_access`.
    pub offline: bool,
}

/// All codes and refresh tokens that are about.
#[derive(Default)]
pub(super) struct Devices {
    codes: HashMap<String, Device>,
    refresh: HashMap<String, Consent>,
}

/// The answer to whoever wants to sign a person in.
#[derive(Serialize)]
pub(super) struct Invitation {
    user_code: String,
    device_code: String,
    verification_uri: &'static str,
    expires_in: u32,
    interval: u32,
    message: String,
}

impl Devices {
    /// A new code for the application that `form` names.
    pub(super) fn invite(&mut self, form: &Form, faults: &TokenFaults, at: Moment, dice: &mut Dice) -> Invitation {
        let user_code: String = (0..USER_CODE_CHARS)
            .map(|_| char::from(USER_CODE_ALPHABET[dice.below(USER_CODE_ALPHABET.len() as u64) as usize]))
            .collect();
        let device_code = format!("DAQABAAEAAAD{}", opaque(dice));
        let offline = form.field("scope").split_whitespace().any(|scope| scope == "offline_access");
        let consent = Consent { client_id: form.field("client_id").to_ascii_lowercase(), offline };
        let expires = at.elapsed + Duration::from_secs(faults.device_seconds.into());
        self.codes.insert(device_code.clone(), Device { consent, expires, polls: 0 });
        let message = format!(
            "To sign in, use a web browser to open the page {VERIFICATION_URI} and enter the code {user_code} to \
             authenticate."
        );
        let (expires_in, interval) = (faults.device_seconds, faults.device_interval_seconds);
        Invitation { user_code, device_code, verification_uri: VERIFICATION_URI, expires_in, interval, message }
    }

    /// Asks whether the person has entered the code; the answer that is no refusal uses it up.
    pub(super) fn redeem(&mut self, form: &Form, faults: &TokenFaults, at: Moment) -> Result<Consent, Denial> {
        let (code, client) = (form.field("device_code"), form.field("client_id"));
        let device = self.codes.get_mut(code).filter(|device| client.eq_ignore_ascii_case(&device.consent.client_id));
        let device = device.ok_or_else(Denial::device_code)?;
        if device.expires <= at.elapsed {
            return Err(Denial::device_code_expired());
        }
        device.polls += 1;
        if device.polls <= faults.device_polls {
            return Err(Denial::pending());
        }
        self.codes.remove(code).map(|device| device.consent).ok_or_else(Denial::device_code)
    }

    /// Takes a refresh token. As in the field the one that was used stays good, unless the faults say otherwise.
    pub(super) fn renew(&mut self, form: &Form, faults: &TokenFaults) -> Result<Consent, Denial> {
        let (token, client) = (form.field("refresh_token"), form.field("client_id"));
        let consent =
            self.refresh.get(token).filter(|consent| client.eq_ignore_ascii_case(&consent.client_id)).cloned();
        if faults.refresh_once && consent.is_some() {
            self.refresh.remove(token);
        }
        consent.ok_or_else(Denial::refresh_token)
    }

    /// A new refresh token, where the person has agreed to that.
    pub(super) fn refresh_token(&mut self, consent: Consent, dice: &mut Dice) -> Option<String> {
        consent.offline.then(|| {
            let token = format!("1.AXoA{}", opaque(dice));
            self.refresh.insert(token.clone(), consent);
            token
        })
    }
}

/// Text that means nothing and cannot be guessed.
fn opaque(dice: &mut Dice) -> String {
    format!("{}{}", dice.guid(), dice.guid()).replace('-', "")
}
