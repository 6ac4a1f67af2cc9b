//! The check itself says what must hold.

#![no_main]

#[path = "../../tests/untrusted_input/checks/ledger.rs"]
mod ledger;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ledger::check(bytes));
