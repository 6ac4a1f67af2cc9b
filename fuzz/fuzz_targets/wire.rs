//! See the check itself for what must hold.

#![no_main]

#[path = "../../tests/hostile/checks/wire.rs"]
mod wire;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wire::check(bytes));
