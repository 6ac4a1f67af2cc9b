//! The commands after a roster that was refused because its account column is not certain: this call again, with each of
//! the columns that could be meant.
//!
//! Invariant: each of them can be pasted into the shell that this process was called from.

use super::shell::{self, Shell};
use crate::failure::Failure;
use passwave::roster::RosterError;
use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

const FLAG: &str = "--upn-column";

/// The failure, with these commands as its hint.
pub fn explained(error: RosterError, roster: &Path) -> Failure {
    let choices = error.choices();
    // What was read from standard input is not there a second time.
    if choices.is_empty() || roster == Path::new("-") {
        return error.into();
    }
    let call: Vec<OsString> = std::env::args_os().skip(1).collect();
    let program = shell::program();
    let commands: Vec<String> = choices.iter().map(|choice| format!("{program} {}", command(&call, choice))).collect();
    Failure::usage(format!("{error}\nhint: {}", commands.join("\n   or  "))).about("roster")
}

fn command(call: &[OsString], choice: &str) -> String {
    let words = call.iter().map(OsString::as_os_str).chain([OsStr::new(FLAG), OsStr::new(choice)]);
    words.map(|word| Shell::here().quoted(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_is_repeated_with_each_column() {
        let call: Vec<OsString> = ["plan", "my pupils.csv", "--lookup", "off"].map(OsString::from).to_vec();
        #[cfg(unix)]
        assert_eq!(
            command(&call, "E-Mail (Schule)"),
            "plan 'my pupils.csv' --lookup off --upn-column 'E-Mail (Schule)'"
        );
        assert_eq!(command(&call[..1], "2"), "plan --upn-column 2");
    }
}
