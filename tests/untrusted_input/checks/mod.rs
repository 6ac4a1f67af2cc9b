//! What must hold for every reader, whatever its input: one function for each, which panics if something does not hold.
//!
//! The tests here use input from proptest and the committed corpora; `fuzz/` uses the same functions with input from
//! libFuzzer.

pub mod claims;
pub mod ledger;
pub mod retry_after;
pub mod roster;
#[cfg(feature = "seal")]
pub mod sealed;
pub mod token;
pub mod wire;
