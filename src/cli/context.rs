//! What every command gets: its reporter, and the call that it belongs to.

use super::{
    args::Call,
    console::{Event, Reporter},
    failure::Failure,
    next_step::NextStep,
};
use passwave::ledger::ReadLedger;
use std::path::Path;

/// The context of a command.
pub struct Context {
    pub reporter: Reporter,
    pub call: Call,
}

impl Context {
    /// The command that continues the run of `ledger`.
    pub fn run_again(&self, ledger: &ReadLedger) -> NextStep {
        NextStep::run(&self.call, ledger)
    }

    /// A command with its operand, called like this process.
    pub fn step(&self, verb: &str, operand: &Path) -> NextStep {
        NextStep::new(&self.call, verb, operand)
    }

    /// Reports the situation, and the command that continues the run.
    pub fn go_on(&self, standing: &str, ledger: &ReadLedger) {
        self.offer(standing, &self.run_again(ledger));
    }

    /// Reports the situation, and the command that continues.
    pub fn offer(&self, standing: &str, step: &NextStep) {
        self.reporter.tell(&Event::NextStep { words: &words(standing, step), command: &step.to_string() });
    }

    /// Says why something should be retried, and the command for that.
    pub fn retry(&self, why: &str, step: &NextStep) {
        self.reporter.tell(&Event::NextStep { words: &format!("{why}  {step}"), command: &step.to_string() });
    }

    /// The failure, with the command that continues the run of `ledger`.
    pub fn before(&self, failure: Failure, standing: &str, ledger: &ReadLedger) -> Failure {
        let step = self.run_again(ledger);
        failure.then(words(standing, &step), step.to_string())
    }

    /// Reports with `-v` which flags of this call have no meaning for its command.
    pub fn flags_without_meaning(&self, ids: &[&str]) {
        let flags = self.call.flags.iter().filter(|flag| flag.origin.is_none() && ids.contains(&&*flag.id));
        let flags: Vec<String> = flags.map(|flag| format!("--{}", flag.long)).collect();
        if !flags.is_empty() {
            let verb = &self.call.verb;
            self.reporter.detail(1, || format!("ignored by `{verb}`: {}", flags.join(", ")));
        }
    }
}

fn words(standing: &str, step: &NextStep) -> String {
    let with = if step.has_placeholders() { " with (replace the words in capitals):" } else { " with:" };
    format!("{standing} Continue{with}  {step}")
}
