//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/retry_after.rs"]
mod retry_after;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| retry_after::check(bytes));
