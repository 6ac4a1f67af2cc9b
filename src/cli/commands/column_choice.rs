//! Next commands after a roster without a certain account column: the same call with each possible column.
//!
//! Invariant: each command can be pasted into the shell from which this process was started.

use crate::cli::{args::Call, failure::Failure, next_step::NextStep};
use passwave::roster::RosterError;
use std::path::Path;

const FLAG: &str = "upn-column";

/// The failure with these commands as its hint.
pub fn explained(call: &Call, error: RosterError, roster: &Path) -> Failure {
    let choices = error.choices();
    // Standard input cannot be read a second time.
    if choices.is_empty() || roster == Path::new("-") {
        return error.into();
    }
    let commands: Vec<String> = choices.iter().map(|choice| command(call, choice).to_string()).collect();
    let may_have_titles = matches!(&error, RosterError::NoColumn { found, .. } if found.guessed_header.is_some());
    let titles = if may_have_titles { "\n   or  remove the titles above the header, if there are any" } else { "" };
    Failure::from(error).hint(commands.join("\n   or  ") + titles)
}

fn command(call: &Call, choice: &str) -> NextStep {
    NextStep::repeated(call).with(FLAG, choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_repeats_with_each_column() {
        let told = |words: &[&str], choice: &str| {
            let words = ["passwave"].iter().chain(words).map(Into::into).collect();
            command(&Call { words, ..Call::default() }, choice).to_string()
        };
        #[cfg(unix)]
        assert!(
            told(&["plan", "my pupils.csv", "--lookup", "off"], "E-Mail (Schule)")
                .ends_with("plan 'my pupils.csv' --lookup off --upn-column 'E-Mail (Schule)'")
        );
        assert!(told(&["plan"], "2").ends_with("plan --upn-column 2"));
        assert!(told(&["plan"], "-login").ends_with("plan --upn-column=-login"), "it is no flag");
    }
}
