//! The command line program: parse, do one verb, tell what went wrong, and end with the right code.

#![forbid(unsafe_code)]

mod bar;
mod cli;
mod events;
mod failure;
mod pipeline;
mod progress;
mod terminal;
mod verbs;

use cli::{Said, Unread, Verb};
use failure::Failure;
use std::{ffi::OsString, process::ExitCode};
use verbs::Terms;

fn main() -> ExitCode {
    verbs::no_core_dumps();
    let args: Vec<_> = std::env::args_os().collect();
    match cli::read(&args, &std::env::vars_os().collect()) {
        Ok(said) => ended(work(said)),
        Err(Unread::Line(error)) => misread(&error, &args),
        Err(Unread::Rest(failure)) => {
            follow(&args);
            ended(Err(failure))
        }
    }
}

/// Tells programs, where the arguments seem to ask for it, although it is not known what they ask for.
fn follow(args: &[OsString]) {
    let asks = |value: OsString| value == "true" || value == "1";
    if args.iter().any(|arg| arg == "--json") || std::env::var_os("PASSWAVE_JSON").is_some_and(asks) {
        events::begin(None);
    }
}

fn work(said: Said) -> Result<u8, Failure> {
    terminal::tell(said.cli.verbose, said.cli.quiet);
    if said.cli.verb.tells_events() {
        events::begin(Some(&said.command));
    }
    cli::remember(said.call);
    said.details.into_iter().for_each(|detail| terminal::detail(1, || detail));
    said.warnings.iter().for_each(|warning| terminal::warn(warning));
    said.notices.iter().for_each(|notice| terminal::say(notice));
    dispatch(said.cli.verb)
}

/// Help, or what is wrong with the command line.
fn misread(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    follow(args);
    let text = error.to_string();
    let mut parts = text.trim_start_matches("error: ").split("\n\n").map(str::trim);
    let what = parts.next().unwrap_or_default();
    let tip = parts.find_map(|part| part.strip_prefix("tip: ")).map(|tip| format!("\nhint: {tip}"));
    let failure = Failure::usage(format!("{what}{}", tip.unwrap_or_default()));
    events::note_failure(&failure);
    pipeline::fail(&failure);
    events::end(failure::USAGE);
    ExitCode::from(failure::USAGE)
}

fn ended(end: Result<u8, Failure>) -> ExitCode {
    let code = end.unwrap_or_else(|failure| {
        terminal::fail(&failure);
        if let Some((told, _)) = failure.next() {
            terminal::say(told);
        }
        events::note_failure(&failure);
        pipeline::fail(&failure);
        failure.code
    });
    events::end(code);
    ExitCode::from(code)
}

fn dispatch(verb: Verb) -> Result<u8, Failure> {
    match verb {
        Verb::Reset { job } if job.dry_run => {
            terminal::say("--dry-run: this is what `passwave plan` does.");
            verbs::plan(&job)
        }
        Verb::Reset { job } => verbs::reset(&job),
        Verb::Plan { job } => verbs::plan(&job),
        Verb::Run { folder, run, limit, connect, open, expect, yes, dry_run, .. } => {
            let terms = Terms { run: &run, limit: &limit, expect: expect.as_deref(), yes };
            if dry_run {
                return verbs::dry_run(&folder, &open, &connect, &terms);
            }
            verbs::run(&folder, &connect, &open, &terms)
        }
        Verb::Verify { folder, pace, connect, .. } => verbs::verify(&folder, &pace, &connect),
        Verb::Report { folder, format, output, open, .. } => verbs::report(&folder, format, output.as_deref(), &open),
        Verb::Handouts { folder, handouts, open } => verbs::handouts(folder.as_deref(), &handouts, &open),
        Verb::Rehearse { job, simulator } => verbs::rehearse(&job, &simulator),
        Verb::Simulate { port, roster, accounts, write_quota, simulator } => {
            verbs::simulate(port, roster.as_deref(), accounts, write_quota, &simulator)
        }
        Verb::Generate { count, samples: true, policy } => verbs::samples(count, &policy),
        Verb::Generate { count, policy, .. } => verbs::generate(count, &policy),
        Verb::Completions { shell } => verbs::completions(shell),
        Verb::Man { verb } => verbs::man(verb.as_deref()),
    }
}
