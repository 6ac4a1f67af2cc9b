//! One sealed password: the data key that seals it, and the row that it is sealed for.
//!
//! The format: the number of its data key (4 bytes, big endian), a random nonce (12), the password encrypted with
//! AES-256-GCM-SIV, and its tag (16). The authenticated data are the run, the row, its account and the password's
//! number.

use super::SealError;
use crate::password::Password;
use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use zeroize::Zeroizing;

/// How many bytes longer a sealed password is than the password itself.
pub const SEALED_OVERHEAD_BYTES: usize = NUMBER_BYTES + NONCE_LEN + TAG_BYTES;
const NUMBER_BYTES: usize = 4;
const TAG_BYTES: usize = 16;
pub(super) const KEY_BYTES: usize = 32;
/// If the same key ever seals something else, that must begin with another label.
const LABEL: &[u8] = b"passwave sealed password 1";

/// The place of a password. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The row of the roster, from 1.
    pub row: u64,
    /// How many passwords the row had before this one, so an old password never passes for the current one.
    pub nth: u32,
    /// The account as the roster names it.
    pub account: &'a str,
}

/// Seals and opens single passwords. Its bytes are wiped when it is dropped.
pub(super) struct DataKey(RandomizedNonceKey);

impl DataKey {
    /// A new key, and its bytes for wrapping.
    pub(super) fn made() -> Result<(Self, Zeroizing<[u8; KEY_BYTES]>), SealError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
        Ok((Self::of(&bytes), bytes))
    }

    pub(super) fn of(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM_SIV, bytes).expect("the algorithm takes 32 bytes"))
    }

    /// Seals a password with this key, which has that `number`.
    pub(super) fn seal(&self, number: u32, context: Aad<Vec<u8>>, password: &Password) -> Result<Vec<u8>, SealError> {
        // Allocated at its final size, so growing it cannot leave plaintext behind.
        let mut bytes = Vec::with_capacity(password.expose().len() + TAG_BYTES);
        bytes.extend_from_slice(password.expose().as_bytes());
        let nonce = self.0.seal_in_place_append_tag(context, &mut bytes).map_err(|_| SealError::NoRandomness)?;
        Ok([&number.to_be_bytes(), nonce.as_ref().as_slice(), &bytes].concat())
    }

    /// The password, if the form is intact and was sealed for this place.
    pub(super) fn open(&self, context: Aad<Vec<u8>>, sealed: &[u8]) -> Option<Password> {
        let (nonce, body) = sealed.get(NUMBER_BYTES..)?.split_at_checked(NONCE_LEN)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, context, &mut body).ok()?;
        Some(Password::new(str::from_utf8(text).ok()?.to_owned()))
    }
}

/// The number of the data key that a form names.
pub(super) fn number_of(sealed: &[u8]) -> Option<u32> {
    sealed.first_chunk().map(|number| u32::from_be_bytes(*number))
}

/// The authenticated data of a password. Every part has a length prefix or a fixed length, so two places never encode
/// alike.
pub(super) fn context(run: &str, number: u32, place: &Binding<'_>) -> Aad<Vec<u8>> {
    let length = |text: &str| (text.len() as u64).to_be_bytes();
    let parts: [&[u8]; 8] = [
        LABEL,
        &number.to_be_bytes(),
        &place.row.to_be_bytes(),
        &place.nth.to_be_bytes(),
        &length(run),
        run.as_bytes(),
        &length(place.account),
        place.account.as_bytes(),
    ];
    Aad::from(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> DataKey {
        DataKey::made().expect("randomness").0
    }

    fn sealed(key: &DataKey, run: &str, place: &Binding<'_>, text: &str) -> Vec<u8> {
        key.seal(7, context(run, 7, place), &Password::new(text.to_owned())).expect("sealed")
    }

    proptest! {
        #[test]
        fn opens_only_at_its_place(
            text in "\\PC{1,60}", run in "[a-f0-9]{0,8}", account in "[a-z]{0,4}", row in 1_u64..9, nth in 0_u32..3,
            other_run in "[a-f0-9]{0,8}", other_account in "[a-z]{0,4}", other_row in 1_u64..9, other_nth in 0_u32..3,
        ) {
            let (key, place) = (key(), Binding { row, nth, account: &account });
            let form = sealed(&key, &run, &place, &text);
            prop_assert_eq!(form.len(), text.len() + SEALED_OVERHEAD_BYTES);
            prop_assert_eq!(number_of(&form), Some(7));
            let opened = key.open(context(&run, 7, &place), &form);
            prop_assert!(opened.is_some_and(|password| password.expose() == text));
            let other = Binding { row: other_row, nth: other_nth, account: &other_account };
            let is_same = (&run, place) == (&other_run, other);
            prop_assert_eq!(key.open(context(&other_run, 7, &other), &form).is_some(), is_same);
            prop_assert!(key.open(context(&run, 8, &place), &form).is_none(), "the number is not to be changed");
            prop_assert!(DataKey::made().expect("randomness").0.open(context(&run, 7, &place), &form).is_none());
        }

        #[test]
        fn any_change_is_refused(text in "[!-~]{1,30}", at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let (key, place) = (key(), Binding { row: 1, nth: 0, account: "ann@contoso.com" });
            let form = sealed(&key, "r", &place, &text);
            let mut changed = form.clone();
            // The number selects the key, and is authenticated with it.
            let at = NUMBER_BYTES + at.index(form.len() - NUMBER_BYTES);
            changed[at] ^= 1 << bit;
            prop_assert!(key.open(context("r", 7, &place), &changed).is_none());
            prop_assert!(key.open(context("r", 7, &place), &form[..at]).is_none());
            prop_assert!(key.open(context("r", 7, &place), &[&form[..], &[bit]].concat()).is_none());
        }
    }

    #[test]
    fn places_never_encode_alike() {
        let place = |account| Binding { row: 1, nth: 0, account };
        assert_ne!(context("ab", 1, &place("c")).as_ref(), context("a", 1, &place("bc")).as_ref());
        assert_ne!(context("", 1, &place("x")).as_ref(), context("x", 1, &place("")).as_ref());
    }

    #[test]
    fn equal_passwords_seal_differently() {
        let (key, place) = (key(), Binding { row: 1, nth: 0, account: "a" });
        assert_ne!(sealed(&key, "r", &place, "Same-pass-1"), sealed(&key, "r", &place, "Same-pass-1"));
    }
}
