//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/wire.rs"]
mod wire;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wire::check(bytes));
