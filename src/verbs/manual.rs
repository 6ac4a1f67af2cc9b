//! `completions` and `man`: the command line as shells and manuals want it, made from the very definition that parses it.

use crate::{cli::Cli, failure::Failure, terminal::print};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use passwave::nearest::nearest;
use std::io::Write;

/// Prints what `shell` needs to complete passwave's commands.
pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "passwave", &mut script);
    write(&script)
}

/// Prints the manual page of passwave, or of `verb`.
pub fn man(verb: Option<&str>) -> Result<u8, Failure> {
    let mut passwave = Cli::command();
    // Gives the verbs their whole names, and what is said of all of them.
    passwave.build();
    let mut page = Vec::new();
    Man::new(command(passwave, verb)?).render(&mut page).map_err(Failure::away)?;
    write(&page)
}

fn command(passwave: Command, verb: Option<&str>) -> Result<Command, Failure> {
    let Some(verb) = verb else { return Ok(passwave) };
    passwave.find_subcommand(verb).cloned().ok_or_else(|| {
        let known: Vec<&str> = passwave.get_subcommands().map(Command::get_name).collect();
        let meant = nearest(verb, known.iter().copied()).map(|meant| format!("did you mean {meant}? "));
        let (meant, known) = (meant.unwrap_or_default(), known.join(", "));
        Failure::usage(format!("there is no such command\nhint: {meant}passwave man takes one of {known}"))
    })
}

fn write(bytes: &[u8]) -> Result<u8, Failure> {
    print(|out| out.write_all(bytes))?;
    Ok(0)
}
