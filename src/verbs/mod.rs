//! One function per verb: from what was said on the command line to calls of the library.

mod connect;
mod generate;
mod plan;
mod report;
mod simulate;
mod telling;
mod work;

pub use generate::generate;
pub use plan::plan;
pub use report::report;
pub use simulate::{rehearse, simulate};
pub use work::{reset, run};
