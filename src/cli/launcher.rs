//! Whether Explorer has started this process: then its console closes together with it, and nobody can read the last
//! words.

use super::{
    console::{Event, Reporter},
    next_step::program,
};
use std::ffi::OsString;

/// The program behind desktop, folders, Start menu and task bar.
#[cfg(windows)]
const EXPLORER: &str = "explorer.exe";

/// If Explorer has started this process: says how to use the program, and waits for Enter.
pub fn wait_if_from_explorer(reporter: &Reporter, args: &[OsString]) {
    if !is_from_explorer() {
        return;
    }
    let program = program(args.first());
    reporter.tell(&Event::Required(&format!(
        "\npasswave works in a terminal. Open one in the folder of your roster (in Explorer: right-click the folder, \
         \"Open in Terminal\"), and try it without a tenant:\n\n    {program} rehearse pupils.csv\n"
    )));
    reporter.ask("Press Enter to close this window.");
    let _ = Reporter::answer();
}

/// Whether the process that has started this one is Explorer.
#[cfg(windows)]
fn is_from_explorer() -> bool {
    use winsafe::{HPROCESSLIST, co::TH32CS};
    let Ok(mut list) = HPROCESSLIST::CreateToolhelp32Snapshot(TH32CS::SNAPPROCESS, None) else { return false };
    let processes: Vec<(u32, u32, String)> = list
        .iter_processes()
        .map_while(Result::ok)
        .map(|process| (process.th32ProcessID, process.th32ParentProcessID, process.szExeFile()))
        .collect();
    let own = processes.iter().find(|(id, ..)| *id == std::process::id());
    let parent = own.and_then(|(_, parent, _)| processes.iter().find(|(id, ..)| id == parent));
    parent.is_some_and(|(.., name)| name.eq_ignore_ascii_case(EXPLORER))
}

/// Whether the process that has started this one is Explorer.
#[cfg(not(windows))]
const fn is_from_explorer() -> bool {
    false
}
