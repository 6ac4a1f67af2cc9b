//! Where flags come from besides the command line.

use super::Examination;
use crate::cli::args::{Call, SettingsFile};
use std::collections::BTreeSet;

/// Names the configuration file, and the flags that it and variables set; not their values.
pub(super) fn examine(examination: &mut Examination<'_>, call: &Call) {
    let file = match &call.settings {
        None => "no configuration file is read".to_owned(),
        Some(SettingsFile { path, is_read: true }) => format!("the configuration file {}", path.display()),
        Some(SettingsFile { path, .. }) => format!("no configuration file at {}", path.display()),
    };
    let of_all = call.elsewhere.values().flatten().chain(&call.flags);
    let set: BTreeSet<String> =
        of_all.filter_map(|flag| flag.origin.as_ref().map(|origin| format!("--{} from {origin}", flag.long))).collect();
    let set = if set.is_empty() { "no flag is set elsewhere".to_owned() } else { Vec::from_iter(set).join(", ") };
    examination.fine("settings", format!("{file}; {set}"));
}
