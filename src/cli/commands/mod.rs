//! One file per command, which turns the command line into calls of the library; and code that several commands share.
//!
//! A command reports events to the reporter in its context, and never prints.

mod access;
mod applications;
mod approval;
mod attention;
mod audit;
mod browser;
mod column_choice;
mod conditions;
mod confirm;
mod connect;
#[cfg(feature = "postgres")]
mod database;
#[cfg(not(feature = "postgres"))]
#[path = "no_database.rs"]
mod database;
#[cfg(feature = "postgres")]
mod database_token;
mod destination;
mod doctor;
mod evidence;
mod faults;
pub mod fleet;
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
mod remove;
mod report;
mod reset;
mod result;
mod roster_remarks;
mod rows;
mod run;
mod runs;
mod sealing;
mod sending;
mod show;
mod signals;
mod simulate;
mod sweep;
mod system;
mod target;
mod verify;
mod wanted;
mod work;
#[cfg(feature = "postgres")]
mod worker;
mod writeback;

pub use conditions::{Asking, Consent, RunConditions};
pub use doctor::doctor;
pub use evidence::evidence;
pub use generate::{generate, samples};
pub use handouts::handouts;
pub use manual::{completions, man};
pub use plan::plan;
pub use rehearse::rehearse;
pub use remove::remove;
pub use report::report;
pub use reset::reset;
pub use run::{dry_run, run};
pub use runs::runs;
pub use simulate::{Population, simulate};
pub use sweep::{shown as claims_in_words, sweep};
pub use system::no_core_dumps;
pub use verify::verify;
#[cfg(feature = "postgres")]
pub use worker::worker;
