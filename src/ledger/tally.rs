//! Values by key, collected while rows are read. SQLite's GROUP BY would sort all rows for it.
//!
//! It does not decide what a key means. Invariant: keys keep the order in which they first came.

use std::{collections::HashMap, hash::Hash};

/// A value for each key.
pub(super) struct Tally<K, V> {
    found: Vec<(K, V)>,
    places: HashMap<K, usize>,
    last: usize,
}

impl<K: Clone + Eq + Hash, V: Default> Tally<K, V> {
    pub(super) fn new() -> Self {
        Self { found: Vec::new(), places: HashMap::new(), last: 0 }
    }

    /// The value of the next row's key. Neighbouring rows mostly have the same key, so `is` first compares it with the
    /// one before; `key` makes it if it differs.
    pub(super) fn at(&mut self, is: impl Fn(&K) -> bool, key: impl FnOnce() -> K) -> &mut V {
        if !self.found.get(self.last).is_some_and(|(known, _)| is(known)) {
            let key = key();
            self.last = *self.places.entry(key.clone()).or_insert(self.found.len());
            if self.last == self.found.len() {
                self.found.push((key, V::default()));
            }
        }
        &mut self.found[self.last].1
    }

    /// The keys with their values.
    pub(super) fn into_vec(self) -> Vec<(K, V)> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_share_a_value() {
        let mut tally: Tally<String, u64> = Tally::new();
        for word in ["b", "b", "a", "b", "c", "c", "a"] {
            *tally.at(|known| known == word, || word.to_owned()) += 1;
        }
        assert_eq!(tally.into_vec(), [("b".to_owned(), 3), ("a".to_owned(), 2), ("c".to_owned(), 2)]);
    }
}
