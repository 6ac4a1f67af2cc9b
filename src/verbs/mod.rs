//! One function per verb: from what was said on the command line to calls of the library.

mod asking;
mod column_choice;
mod conditions;
mod connect;
mod destination;
mod generate;
mod handouts;
mod looking;
mod manual;
mod meeting;
mod next_step;
mod passwords;
mod plan;
mod process;
mod report;
mod sealing;
mod shell;
mod simulate;
mod starting;
mod telling;
mod told;
mod verify;
mod wanted;
mod work;

pub use conditions::Terms;
pub use generate::{generate, samples};
pub use handouts::handouts;
pub use manual::{completions, man};
pub use next_step::NextStep;
pub use plan::plan;
pub use process::no_core_dumps;
pub use report::report;
pub use simulate::{rehearse, simulate};
pub use telling::speed;
pub use verify::verify;
pub use work::{dry_run, reset, run};
