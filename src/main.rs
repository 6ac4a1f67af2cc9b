//! The command line program: parse, do one verb, tell what went wrong, and end with the right code.

#![forbid(unsafe_code)]

mod cli;
mod failure;
mod progress;
mod terminal;
mod verbs;

use clap::Parser;
use cli::{Cli, Verb};
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    match dispatch(Cli::parse().verb) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            terminal::fail(&failure);
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(verb: Verb) -> Result<u8, Failure> {
    match verb {
        Verb::Reset { plan, run, connect, yes } => verbs::reset(&plan, &run, &connect, yes),
        Verb::Plan { plan, write_quota, format } => verbs::plan(&plan, write_quota, format),
        Verb::Run { folder, run, connect, expect, yes } => verbs::run(&folder, &run, &connect, expect.as_deref(), yes),
        Verb::Report { folder, format } => verbs::report(&folder, format),
        Verb::Rehearse { plan, run, simulator } => verbs::rehearse(&plan, &run, &simulator),
        Verb::Simulate { port, roster, accounts, write_quota, simulator } => {
            verbs::simulate(port, roster.as_deref(), accounts, write_quota, &simulator)
        }
        Verb::Generate { count, policy } => verbs::generate(count, &policy),
    }
}
