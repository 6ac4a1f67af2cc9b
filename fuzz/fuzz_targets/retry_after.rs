//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/retry_after.rs"]
mod retry_after;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| retry_after::check(bytes));
