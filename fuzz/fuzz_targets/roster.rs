//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/roster.rs"]
mod roster;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roster::check(bytes));
