//! Everything that a user, a program or a pipeline sees while a command works.
//!
//! A command tells the [`Reporter`] what happens. The listeners (terminal, JSON lines, CI annotations) are private to
//! this folder, so a command has no other way to print, and cannot forget one of them.

mod event;
mod json_lines;
mod pipeline;
mod reporter;
mod speed;
mod stdio;
mod terminal;
mod together;
mod verbosity;

pub use event::{
    Accounts, End, Event, Finding, FleetPlan, FleetResult, FleetWork, Planned, ReadTask, RunResult, SealedReport,
    Severity, SignedIn, Since, Stage,
};
pub use reporter::{Reporter, TenantWork};
pub use stdio::{can_ask, is_seen, terminal_facts};
pub use terminal::{not_verified, sealed_to, sign_in, strength};
pub use verbosity::{EventLines, Verbosity};
