//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/ledger.rs"]
mod ledger;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ledger::check(bytes));
