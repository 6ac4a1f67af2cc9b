//! One function per verb: from what was said on the command line to calls of the library.

mod connect;
mod generate;
mod handouts;
mod looking;
mod manual;
mod plan;
mod process;
mod report;
mod sealing;
mod simulate;
mod telling;
mod told;
mod verify;
mod work;

pub use generate::{generate, samples};
pub use handouts::handouts;
pub use manual::{completions, man};
pub use plan::plan;
pub use process::no_core_dumps;
pub use report::report;
pub use simulate::{rehearse, simulate};
pub use telling::{quoted, speed};
pub use verify::verify;
pub use work::{Terms, dry_run, reset, run};
