//! `completions` and `man`: generated from the same definition that parses the command line.

use crate::cli::{args::Cli, console::Reporter, failure::Failure};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};
use passwave::{simulator::faults::FIELDS, util::suggest::nearest};
use std::io::Write;

/// Commands that take `--faults`.
const SIMULATORS: [&str; 2] = ["rehearse", "simulate"];

/// Prints the completion script for `shell`.
pub fn completions(reporter: &Reporter, shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "passwave", &mut script);
    write(reporter, &script)
}

/// Prints the man page of passwave, or of `verb`.
pub fn man(reporter: &Reporter, verb: Option<&str>) -> Result<u8, Failure> {
    let mut passwave = Cli::command();
    // Completes the names of commands and the global flags.
    passwave.build();
    let mut page = Vec::new();
    Man::new(command(passwave, verb)?).render(&mut page).map_err(Failure::away)?;
    if verb.is_some_and(|verb| SIMULATORS.contains(&verb)) {
        faults().to_writer(&mut page).map_err(Failure::away)?;
    }
    write(reporter, &page)
}

/// The section on the file of `--faults`.
fn faults() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["FAULTS"]);
    section.text([
        roman("The file of "),
        bold("--faults"),
        roman(
            " is a JSON object. A name with a dot is a field of an object: items.throttled is written \
             {\"items\": {\"throttled\": 0.1}}. A field that is missing has its default. Shares are between 0 and 1, times \
             between 0 and 86400 seconds. The shares of items, and those of requests, add up to at most 1.",
        ),
    ]);
    for field in FIELDS {
        section.control("TP", []);
        section.text([bold(field.name), roman(format!(" [default: {}]", field.default))]);
        section.text([roman(field.meaning)]);
    }
    section
}

fn command(passwave: Command, verb: Option<&str>) -> Result<Command, Failure> {
    let Some(verb) = verb else { return Ok(passwave) };
    passwave.find_subcommand(verb).cloned().ok_or_else(|| {
        let known: Vec<&str> = passwave.get_subcommands().map(Command::get_name).collect();
        let meant = nearest(verb, known.iter().copied()).map(|meant| format!("did you mean {meant}? "));
        let (meant, known) = (meant.unwrap_or_default(), known.join(", "));
        Failure::usage("there is no such command").hint(format!("{meant}passwave man takes one of {known}"))
    })
}

fn write(reporter: &Reporter, bytes: &[u8]) -> Result<u8, Failure> {
    reporter.output(|out| out.write_all(bytes))?;
    Ok(0)
}
