//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| token::check(bytes));
