//! `passwave handouts` from outside: who gets which slip in which file, its content, and who can open it.

mod refusals;
mod reminders;
#[cfg(feature = "seal")]
mod sealed;
mod slips;
mod templates;
mod workspace;
