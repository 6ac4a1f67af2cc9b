//! The command line program: parse, do one verb, tell what went wrong, and end with the right code.

#![forbid(unsafe_code)]

mod cli;
mod failure;
mod progress;
mod terminal;
mod verbs;

use cli::{Said, Unread, Verb};
use failure::Failure;
use std::process::ExitCode;
use verbs::Terms;

fn main() -> ExitCode {
    verbs::no_core_dumps();
    let args: Vec<_> = std::env::args_os().collect();
    let said = match cli::read(&args, &std::env::vars_os().collect()) {
        Ok(said) => said,
        Err(Unread::Line(error)) => error.exit(),
        Err(Unread::Rest(failure)) => return ended(Err(failure)),
    };
    ended(work(said))
}

fn work(said: Said) -> Result<u8, Failure> {
    terminal::tell(said.cli.verbose);
    said.details.into_iter().for_each(|detail| terminal::detail(1, || detail));
    said.warnings.iter().for_each(|warning| terminal::warn(warning));
    said.notices.iter().for_each(|notice| terminal::say(notice));
    dispatch(said.cli.verb)
}

fn ended(end: Result<u8, Failure>) -> ExitCode {
    ExitCode::from(end.unwrap_or_else(|failure| {
        terminal::fail(&failure);
        failure.code
    }))
}

fn dispatch(verb: Verb) -> Result<u8, Failure> {
    match verb {
        Verb::Reset { plan, limit, run, connect, yes } => {
            verbs::reset(&plan, &connect, &Terms { run: &run, limit: &limit, expect: None, yes })
        }
        Verb::Plan { plan, limit, pace, connect, format } => verbs::plan(&plan, &limit, &pace, &connect, format),
        Verb::Run { folder, run, limit, connect, open, expect, yes } => {
            verbs::run(&folder, &connect, &open, &Terms { run: &run, limit: &limit, expect: expect.as_deref(), yes })
        }
        Verb::Verify { folder, pace, connect } => verbs::verify(&folder, &pace, &connect),
        Verb::Report { folder, format, output, open } => verbs::report(&folder, format, output.as_deref(), &open),
        Verb::Handouts { folder, handouts, open } => verbs::handouts(folder.as_deref(), &handouts, &open),
        Verb::Rehearse { plan, limit, run, simulator } => verbs::rehearse(&plan, &limit, &run, &simulator),
        Verb::Simulate { port, roster, accounts, write_quota, simulator } => {
            verbs::simulate(port, roster.as_deref(), accounts, write_quota, &simulator)
        }
        Verb::Generate { count, policy } => verbs::generate(count, &policy),
        Verb::Completions { shell } => verbs::completions(shell),
        Verb::Man { verb } => verbs::man(verb.as_deref()),
    }
}
