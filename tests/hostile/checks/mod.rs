//! What must hold of every reader, whatever bytes it is given: one function each, which panics where something does not.
//!
//! The tests here feed them with what proptest makes up and with the committed corpora; `fuzz/` feeds the same functions
//! with what libFuzzer finds.

pub mod claims;
pub mod ledger;
pub mod retry_after;
pub mod roster;
#[cfg(feature = "seal")]
pub mod sealed;
pub mod token;
pub mod wire;
