//! Unbiased choices out of a cryptographically secure stream of bytes.
//!
//! A number is drawn again whenever it lies in the uneven rest of its range, so no character and no word is likelier than
//! another. The bytes come in blocks, and the block is wiped when it is dropped.
//!
//! Invariant: each choice uses bytes that no other choice has seen.

use rand::{Rng, rngs::StdRng};
use zeroize::Zeroizing;

const BLOCK_BYTES: usize = 1024;

/// A stream of random bytes and what is drawn from it.
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

    /// Fills `out` with characters of the urn.
    pub(super) fn fill(&mut self, urn: &Urn, out: &mut [u8]) {
        let mut filled = 0;
        while filled < out.len() {
            // What must be drawn again is overwritten: no branch for the processor to guess wrong.
            out[filled] = urn.0[usize::from(self.byte())];
            filled += usize::from(out[filled] != Urn::AGAIN);
        }
    }

    /// A number from 0 to `n - 1`; `n` is not 0.
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

/// The last number before the uneven rest: up to it, each remainder by `n` comes equally often.
const fn last_even(n: u16) -> u16 {
    u16::MAX - (u16::MAX % n + 1) % n
}

/// Characters to draw from: for each value of a byte one of them, each equally often, or "draw again".
#[derive(Clone)]
pub(super) struct Urn([u8; 256]);

impl Urn {
    const AGAIN: u8 = 0;

    /// Of 1 to 256 different characters, none of them NUL.
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
    fn no_remainder_comes_more_often_and_less_than_one_round_is_lost() {
        for n in 1..=u16::MAX {
            let kept = u32::from(last_even(n)) + 1;
            assert!(kept.is_multiple_of(n.into()) && (1 << 16) - kept < n.into(), "{n}");
        }
    }

    #[test]
    fn the_whole_range_is_kept_where_it_divides_evenly() {
        let mut draws = draws(1);
        assert!((0..200_000).map(|_| draws.below(1 << 15)).any(|number| number == (1 << 15) - 1));
    }

    proptest! {
        #[test]
        fn an_urn_holds_each_character_equally_often(n in 1_usize..=100) {
            let characters: Vec<u8> = (b'!'..).take(n).collect();
            let urn = Urn::new(&characters);
            for character in characters {
                prop_assert_eq!(urn.0.iter().filter(|&&slot| slot == character).count(), 256 / n);
            }
        }
    }
}
