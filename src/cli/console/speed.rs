//! The speed of a run in a sentence, for the terminal and a pipeline's summary.

use passwave::{
    report::Summary,
    util::format::{counted, grouped, lasting},
};

/// How long it took, compared with the quota; `None` if that is not known, or if some accounts have another limit.
pub fn speed(summary: &Summary) -> Option<String> {
    let cut_off = summary.processes_cut_off;
    if !summary.methods.is_empty() || summary.writes == 0 || (summary.seconds == 0.0 && cut_off > 0) {
        return None;
    }
    let verb = if summary.rehearsal { "The tenant would take" } else { "It took" };
    let share = match summary.share_of_possible_speed {
        Some(share) => format!(": {:.1} % of the speed that the quota allows", share * 100.0),
        None if cut_off > 0 => String::new(),
        None => ": all accounts fit in the quota's initial burst".into(),
    };
    let refused =
        if summary.throttled > 0 { format!("; {} throttled", grouped(summary.throttled)) } else { String::new() };
    let lost = match cut_off {
        0 => String::new(),
        _ => {
            let processes = counted(cut_off, "process that was cut off", "processes that were cut off");
            format!(" The 429 answers to {processes} are not known.")
        }
    };
    Some(format!("{verb} {}{share}{refused}.{lost}", lasting(summary.seconds)))
}
