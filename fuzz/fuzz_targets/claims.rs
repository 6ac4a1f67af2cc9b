//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/claims.rs"]
mod claims;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| claims::check(bytes));
