//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/sealed.rs"]
mod sealed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealed::check(bytes));
