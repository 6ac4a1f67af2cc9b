//! How fast a run was, in a sentence: on the terminal, and in the summary of a pipeline.

use crate::terminal::{counted, grouped};
use passwave::{figures::lasting, report::Summary};

/// How long it took, and how close that is to the speed that the quota allows; nothing if that is not known.
pub fn speed(summary: &Summary) -> Option<String> {
    let cut_off = summary.processes_cut_off;
    if summary.writes == 0 || (summary.seconds == 0.0 && cut_off > 0) {
        return None;
    }
    let verb = if summary.rehearsal { "The tenant would take" } else { "It took" };
    let share = match summary.share_of_possible_speed {
        Some(share) => format!(": {:.1} % of the speed that the quota allows", share * 100.0),
        None if cut_off > 0 => String::new(),
        None => ": no more accounts than the quota's burst holds".into(),
    };
    let refused =
        if summary.throttled > 0 { format!("; {} throttled", grouped(summary.throttled)) } else { String::new() };
    let lost = match cut_off {
        0 => String::new(),
        _ => {
            let processes = counted(cut_off, "process that was cut off", "processes that were cut off");
            format!(" Answers 429 to {processes} are not known.")
        }
    };
    Some(format!("{verb} {}{share}{refused}.{lost}", lasting(summary.seconds)))
}
