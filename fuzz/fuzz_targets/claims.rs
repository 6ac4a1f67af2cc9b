//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/claims.rs"]
mod claims;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| claims::check(bytes));
