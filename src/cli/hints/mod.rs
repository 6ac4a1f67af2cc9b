//! What to do about the library's errors, in terms of the command line: its flags and its commands.
//!
//! The library only says what happened. Each function here matches every variant of one error type, so a new variant
//! gets its hint here. `tests/tidy/errors.rs` checks that, because the types are `#[non_exhaustive]` and the compiler
//! cannot.

pub mod certificate;
mod entra;
pub mod evidence;
pub mod file_name;
pub mod fleet;
pub mod handouts;
pub mod ledger;
pub mod outcome;
pub mod password;
pub mod plan;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod removal;
pub mod report;
pub mod roster;
pub mod run;
pub mod seal;
pub mod sign_in;
pub mod system;
mod table;

/// For rows in a state in which no passwave process leaves them.
const CHANGED: &str = "another program changed the ledger: restore the run folder from a copy";
