//! Runs over many tenants: the same commands, for a fleet of run folders instead of one.
//!
//! Every tenant's run is an ordinary one, and the code for one run works on it. Here is only what concerns all of them: the
//! tenants of a roster, one question, one limit for the application, one bar and one result.
//!
//! Invariant: one tenant's trouble ends that tenant alone.

mod begin;
mod create;
mod door;
mod each;
mod evidence;
mod outcome;
mod plan;
mod read_back;
mod ready;
mod rehearse;
mod reset;
mod resolve;
mod send;
mod told;
mod watch;

pub use each::{handouts, report};
pub use evidence::{evidence, is_asked_for_evidence};
pub use plan::plan;
pub use read_back::{sweep, verify};
pub use rehearse::rehearse;
pub use reset::{dry_run, reset, run};
