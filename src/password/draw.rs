//! Unbiased choices from a cryptographically secure stream of bytes.
//!
//! A number that falls into the uneven rest of its range is drawn again, so no character and no word is more likely
//! than another. The bytes come in blocks, which are wiped when dropped.
//!
//! Invariant: each choice uses fresh bytes.

use rand::{Rng, rngs::StdRng};
use zeroize::Zeroizing;

const BLOCK_BYTES: usize = 1024;

/// A stream of random bytes and the state of the draws from it.
pub(super) struct Draws {
    rng: StdRng,
    block: Zeroizing<[u8; BLOCK_BYTES]>,
    used: usize,
}

impl Draws {
    pub(super) fn new(rng: StdRng) -> Self {
        Self { rng, block: Zeroizing::new([0; BLOCK_BYTES]), used: BLOCK_BYTES }
    }

    fn byte(&mut self) -> u8 {
        if self.used == BLOCK_BYTES {
            self.rng.fill_bytes(self.block.as_mut_slice());
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Fills `out` with characters from the urn.
    pub(super) fn fill(&mut self, urn: &Urn, out: &mut [u8]) {
        let mut filled = 0;
        while filled < out.len() {
            // A byte that must be drawn again is overwritten, so the processor has no branch to mispredict.
            out[filled] = urn.0[usize::from(self.byte())];
            filled += usize::from(out[filled] != Urn::AGAIN);
        }
    }

    /// A random number from 0 to `n - 1`; `n` is not 0.
    pub(super) fn below(&mut self, n: u16) -> u16 {
        let last = last_even(n);
        loop {
            let number = u16::from_le_bytes([self.byte(), self.byte()]);
            if number <= last {
                return number % n;
            }
        }
    }
}

/// The last number before the uneven rest: up to it, every remainder modulo `n` occurs equally often.
const fn last_even(n: u16) -> u16 {
    u16::MAX - (u16::MAX % n + 1) % n
}

/// Characters to draw from: maps each byte to a character, each equally often, or to "draw again".
#[derive(Clone)]
pub(super) struct Urn([u8; 256]);

impl Urn {
    const AGAIN: u8 = 0;

    /// An urn of 1 to 256 different characters without NUL.
    pub(super) fn new(characters: &[u8]) -> Self {
        let mut values = [Self::AGAIN; 256];
        let share = values.len() / characters.len();
        for (slots, &character) in values.chunks_exact_mut(share).zip(characters) {
            slots.fill(character);
        }
        Self(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn draws(seed: u64) -> Draws {
        Draws::new(StdRng::seed_from_u64(seed))
    }

    #[test]
    fn every_number_comes_equally_often() {
        for n in [1, 3, 10, 7_772] {
            let (mut draws, mut seen) = (draws(7), vec![0_u32; usize::from(n)]);
            let each = 200;
            (0..each * u32::from(n)).for_each(|_| seen[usize::from(draws.below(n))] += 1);
            let chi_square: f64 =
                seen.iter().map(|&s| (f64::from(s) - f64::from(each)).powi(2) / f64::from(each)).sum();
            let freedom = f64::from(n - 1);
            assert!(chi_square <= freedom + 6.0 * (2.0 * freedom).sqrt(), "{n}: {chi_square}");
        }
    }

    #[test]
    fn remainders_are_equally_frequent() {
        for n in 1..=u16::MAX {
            let kept = u32::from(last_even(n)) + 1;
            assert!(kept.is_multiple_of(n.into()) && (1 << 16) - kept < n.into(), "{n}");
        }
    }

    #[test]
    fn even_ranges_are_kept_whole() {
        let mut draws = draws(1);
        assert!((0..200_000).map(|_| draws.below(1 << 15)).any(|number| number == (1 << 15) - 1));
    }

    proptest! {
        #[test]
        fn characters_are_equally_frequent(n in 1_usize..=100) {
            let characters: Vec<u8> = (b'!'..).take(n).collect();
            let urn = Urn::new(&characters);
            for character in characters {
                prop_assert_eq!(urn.0.iter().filter(|&&slot| slot == character).count(), 256 / n);
            }
        }
    }
}
