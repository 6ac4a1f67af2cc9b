//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/roster.rs"]
mod roster;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| roster::check(bytes));
