//! `passwave handouts` from outside: who gets which slip in which file, what it says, and who can open it.

mod desk;
mod refusals;
#[cfg(feature = "seal")]
mod sealed;
mod slips;
mod templates;
