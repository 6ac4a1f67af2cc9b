//! Turns flags into the options of a run: its speed, and where it stops.

use super::wanted::Now;
use crate::cli::{args::PaceArgs, console::Reporter, failure::Failure};
use passwave::{
    engine::{
        dispatch::{MAX_WAIT, Pace},
        run::RunOptions,
    },
    graph::retry_after::WAIT_MAX,
};

/// The options of a run, from its flags and from what it remembers.
pub fn options(reporter: &Reporter, args: &PaceArgs, pilot: Option<u64>, now: &Now) -> Result<RunOptions, Failure> {
    let mut options = RunOptions::default();
    options.pace = pace(args);
    options.pilot = pilot;
    options.halt_on = now.halt_on()?;
    options.window = now.window()?;
    options.tell_accounts = reporter.follows_accounts();
    Ok(options)
}

/// The pace that the flags ask for.
pub fn pace(args: &PaceArgs) -> Pace {
    let mut pace = Pace::default();
    pace.write_quota = args.write_quota;
    pace.concurrency = args.concurrency.and_then(|most| usize::try_from(most).ok());
    pace.batch_size = usize::try_from(args.batch_size).unwrap_or(usize::MAX);
    pace.max_wait = args.max_wait.unwrap_or(MAX_WAIT);
    pace.max_asked = args.max_wait.unwrap_or(WAIT_MAX);
    pace.seed = rand::random();
    pace
}
