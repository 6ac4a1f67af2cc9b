//! One file per command, which turns the command line into calls of the library; and code that several commands share.
//!
//! A command reports events to the reporter in its context, and never prints.

mod access;
mod attention;
mod column_choice;
mod conditions;
mod confirm;
mod connect;
mod destination;
mod doctor;
mod faults;
mod generate;
mod handouts;
mod logging;
mod look_up;
mod manual;
mod opening;
mod other_runs;
mod pace;
mod plan;
mod plan_json;
mod plan_report;
mod planning;
mod policy;
mod reading;
mod rehearse;
mod report;
mod reset;
mod result;
mod roster_remarks;
mod rows;
mod run;
mod sealing;
mod sending;
mod show;
mod signals;
mod simulate;
mod system;
mod target;
mod verify;
mod wanted;
mod work;

pub use conditions::{Asking, Consent, RunConditions};
pub use doctor::doctor;
pub use generate::{generate, samples};
pub use handouts::handouts;
pub use manual::{completions, man};
pub use plan::plan;
pub use rehearse::rehearse;
pub use report::report;
pub use reset::reset;
pub use run::{dry_run, run};
pub use simulate::{Population, simulate};
pub use system::no_core_dumps;
pub use verify::verify;
