//! Random choices from one seed, and the names made from it.
//!
//! A share of zero draws nothing. So a calm simulator spends no time here, and adding one fault does not change the
//! draws of the others. It never reads the machine's own randomness.

use crate::graph::guid;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// The simulator's random numbers.
pub(super) struct Rng(StdRng);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// `true` for a `share` of all calls.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.0.random::<f64>() < share
    }

    /// At most one of `outcomes`, each with its share.
    pub(super) fn pick<T: Copy>(&mut self, outcomes: &[(f64, T)]) -> Option<T> {
        if outcomes.iter().all(|(share, _)| *share <= 0.0) {
            return None;
        }
        let (drawn, mut passed) = (self.0.random::<f64>(), 0.0);
        let struck = outcomes.iter().find(|(share, _)| {
            passed += share;
            drawn < passed
        });
        struck.map(|(_, fate)| *fate)
    }

    /// One of `choices`, all equally likely.
    pub(super) fn one_of<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        choices[self.0.random_range(0..N)]
    }

    /// A number below `end`, or 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.random_range(0..end) }
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        items.shuffle(&mut self.0);
    }

    /// A random text without meaning.
    pub(super) fn opaque(&mut self) -> String {
        format!("{}{}", self.guid(), self.guid()).replace('-', "")
    }

    /// A random GUID.
    pub(super) fn guid(&mut self) -> String {
        guid::text(guid::version_4(self.0.random()))
    }
}

/// A number derived from `text` and `seed`: the same on every machine, evenly distributed.
pub(super) fn hash(seed: u64, text: &str) -> u64 {
    // FNV-1a, with the final mixer of SplitMix64.
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed.rotate_left(32), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A share from 0 to 1, derived from `text` and `seed`.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit into a double")]
pub(super) fn share(seed: u64, text: &str) -> f64 {
    (hash(seed, text) >> 11) as f64 / (1_u64 << 53) as f64
}

/// An object id derived from `text` and `seed`.
pub(super) fn guid_of(seed: u64, text: &str) -> u128 {
    guid::version_4((u128::from(hash(seed, text)) << 64) | u128::from(hash(!seed, text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_valid_and_seeded() {
        let text = guid::text(guid_of(7, "ann@contoso.com"));
        assert!(crate::account::upn::is_object_id(&text), "{text}");
        assert_eq!(&text[14..15], "4");
        assert_eq!(text, guid::text(guid_of(7, "ann@contoso.com")));
        assert_ne!(text, guid::text(guid_of(8, "ann@contoso.com")));
        assert_ne!(text, guid::text(guid_of(7, "bob@contoso.com")));
    }

    #[test]
    fn shares_are_kept() {
        let mut rng = Rng::new(1);
        let hits = (0..10_000).filter(|_| rng.chance(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        let outcomes = [(0.2, 'a'), (0.0, 'b'), (0.3, 'c')];
        let drawn: Vec<_> = (0..10_000).filter_map(|_| rng.pick(&outcomes)).collect();
        let count = |fate| drawn.iter().filter(|drawn| **drawn == fate).count();
        assert!((1_800..2_200).contains(&count('a')) && (2_800..3_200).contains(&count('c')) && count('b') == 0);
        assert!((0..10_000).all(|_| rng.pick(&[(1.0, ())]).is_some()));
        let named = (0..10_000).filter(|n| share(3, &n.to_string()) < 0.25).count();
        assert!((2_300..2_700).contains(&named), "{named}");
    }
}
