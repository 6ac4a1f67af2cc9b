//! Finds accounts by a hash of their name or id, in eight to sixteen bytes for each.
//!
//! It holds only positions and no keys, so the caller says which account has a key. A rehearsal has a simulated account
//! for each row, and a map that holds the names would take more memory than all else.
//!
//! Invariant: a position is found by the hash with which it was added, until it is removed.

/// A place that was never taken, and one whose position was removed.
const EMPTY: u32 = u32::MAX;
const GONE: u32 = u32::MAX - 1;
/// How many places there are at first; always a power of two.
const PLACES_MIN: usize = 16;

/// Positions of accounts by hash.
pub(super) struct Index {
    places: Vec<u32>,
    /// Places that are not empty.
    taken: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { places: vec![EMPTY; PLACES_MIN], taken: 0 }
    }

    /// The position with this hash for which `is` holds.
    pub(super) fn find(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        self.place(hash, is).map(|place| self.places[place] as usize)
    }

    /// Adds a position. `hash_of` gives the hash of each position in the index.
    pub(super) fn add(&mut self, position: usize, hash_of: impl Fn(usize) -> u64) {
        // At most half of the places are taken, so a search soon meets an empty one.
        if 2 * (self.taken + 1) > self.places.len() {
            let known = std::mem::take(&mut self.places);
            let known: Vec<u32> = known.into_iter().filter(|place| *place < GONE).collect();
            self.places = vec![EMPTY; (4 * known.len()).next_power_of_two().max(PLACES_MIN)];
            self.taken = known.len();
            known.into_iter().for_each(|position| self.put(position, hash_of(position as usize)));
        }
        self.taken += 1;
        let number = u32::try_from(position).expect("a simulated tenant has fewer than four billion accounts");
        self.put(number, hash_of(position));
    }

    /// Removes the position with this hash for which `is` holds.
    pub(super) fn remove(&mut self, hash: u64, is: impl Fn(usize) -> bool) {
        if let Some(place) = self.place(hash, is) {
            self.places[place] = GONE;
        }
    }

    fn put(&mut self, position: u32, hash: u64) {
        if let Some(place) = self.search(hash).find(|place| self.places[*place] == EMPTY) {
            self.places[place] = position;
        }
    }

    fn place(&self, hash: u64, is: impl Fn(usize) -> bool) -> Option<usize> {
        let tried = self.search(hash).take_while(|place| self.places[*place] != EMPTY);
        tried.into_iter().find(|place| self.places[*place] != GONE && is(self.places[*place] as usize))
    }

    /// All places, in the order in which a position with this hash is searched.
    fn search(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.places.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the lower bits count")]
        let first = hash as usize;
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        /// Few different hashes, so that many collide.
        #[test]
        fn positions_are_found_as_in_a_map(calls in prop::collection::vec((any::<bool>(), 0..40_usize), 0..200)) {
            let (mut index, mut map) = (Index::new(), HashMap::new());
            let hash = |key: usize| (key % 5) as u64;
            let mut keys: Vec<usize> = Vec::new();
            for (adds, key) in calls {
                index.remove(hash(key), |at| keys[at] == key);
                map.remove(&key);
                if adds {
                    keys.push(key);
                    map.insert(key, keys.len() - 1);
                    index.add(keys.len() - 1, |at| hash(keys[at]));
                }
            }
            for key in 0..40 {
                prop_assert_eq!(index.find(hash(key), |at| keys[at] == key), map.get(&key).copied());
            }
        }
    }
}
