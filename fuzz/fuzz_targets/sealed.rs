//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/sealed.rs"]
mod sealed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealed::check(bytes));
