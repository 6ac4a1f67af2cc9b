//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| token::check(bytes));
