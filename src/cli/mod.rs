//! The command line program: parses the arguments, runs one command, reports errors, and returns the right exit code.

mod args;
mod commands;
mod console;
mod context;
mod failure;
mod hints;
mod launcher;
mod next_step;

use args::{JobArgs, ParseError, ParsedArgs, Verb};
use commands::{Asking, Consent, Population, RunConditions, fleet};
use console::{Event, EventLines, Reporter, Verbosity};
use context::Context;
use failure::Failure;
use passwave::fleet::Fleet;
use std::{ffi::OsString, process::ExitCode};

/// The whole program.
pub fn main() -> ExitCode {
    commands::no_core_dumps();
    let args: Vec<_> = std::env::args_os().collect();
    match args::read(&args, &std::env::vars_os().collect()) {
        Ok(said) => work(said),
        Err(ParseError::Line(error)) => misread(&error, &args),
        Err(ParseError::Rest(failure)) => reporter_without_command(&args).finish(Err(failure)),
    }
}

/// Runs the command in the arguments.
fn work(said: ParsedArgs) -> ExitCode {
    let verbosity = Verbosity { detail: said.cli.verbose, is_quiet: said.cli.quiet };
    let reporter = Reporter::new(verbosity, EventLines::json_if(said.cli.verb.writes_json()));
    reporter.tell(&Event::Started { command: Some(&said.command) });
    said.details.into_iter().for_each(|detail| reporter.detail(1, || detail));
    said.warnings.iter().for_each(|warning| reporter.warn(warning));
    said.notices.iter().for_each(|notice| reporter.notice(notice));
    let call = args::Call { is_attended: console::can_ask(), ..said.call };
    let context = Context { reporter, call };
    let result = dispatch(&context, said.cli.verb);
    context.reporter.finish(result)
}

/// A reporter for wrong arguments. It also writes JSON if the arguments seem to ask for it.
fn reporter_without_command(args: &[OsString]) -> Reporter {
    let asks = |value: OsString| value == "true" || value == "1";
    let has_json = args.iter().any(|arg| arg == "--json") || std::env::var_os("PASSWAVE_JSON").is_some_and(asks);
    let reporter = Reporter::new(Verbosity::default(), EventLines::json_if(has_json));
    reporter.tell(&Event::Started { command: None });
    reporter
}

/// Prints help, or what is wrong with the command line.
fn misread(error: &clap::Error, args: &[OsString]) -> ExitCode {
    if error.exit_code() == 0 {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let mut parts = text.trim_start_matches("error: ").split("\n\n").map(str::trim);
    let what = parts.next().unwrap_or_default();
    let tip = parts.find_map(|part| part.strip_prefix("tip: "));
    let failure = tip.into_iter().fold(Failure::usage(what), Failure::hint);
    let reporter = reporter_without_command(args);
    reporter.tell(&Event::Misread { said: error, failure: &failure });
    launcher::wait_if_from_explorer(&reporter, args);
    reporter.finish(Ok(failure::USAGE))
}

fn dispatch(context: &Context, verb: Verb) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    match verb {
        Verb::Reset { job } if job.dry_run => {
            reporter.notice("--dry-run: this is what `passwave plan` does.");
            plan(context, &job)
        }
        Verb::Reset { job } => match &job.plan.tenant_column {
            Some(column) => fleet::reset(context, &job, column),
            None => commands::reset(context, &job),
        },
        Verb::Plan { job } => plan(context, &job),
        Verb::Run { folder, run, limit, connect, open, expect, yes, dry_run, .. } => {
            let consent = Consent::new(&Asking { says_yes: yes, can_ask: console::can_ask() });
            let expect = expect.as_deref();
            let terms = RunConditions { run: &run, limit: &limit, expect, consent, says_yes: yes };
            if Fleet::is_at(&folder) {
                return match dry_run {
                    true => fleet::dry_run(context, &folder, &open, &connect, &terms),
                    false => fleet::run(context, &folder, &connect, &open, &terms),
                };
            }
            if dry_run {
                return commands::dry_run(context, &folder, &open, &connect, &terms);
            }
            commands::run(context, &folder, &connect, &open, &terms)
        }
        Verb::Verify { folder, pace, connect, .. } if Fleet::is_at(&folder) => {
            fleet::verify(context, &folder, &pace, &connect)
        }
        Verb::Verify { folder, pace, connect, .. } => commands::verify(context, &folder, &pace, &connect),
        Verb::Report { folder, format, output, open, .. } if Fleet::is_at(&folder) => {
            fleet::report(context, &folder, format, output.as_deref(), &open)
        }
        Verb::Report { folder, format, output, open, .. } => {
            commands::report(context, &folder, format, output.as_deref(), &open)
        }
        Verb::Handouts { folder: Some(folder), handouts, open, .. } if Fleet::is_at(&folder) => {
            fleet::handouts(context, &folder, &handouts, &open)
        }
        Verb::Handouts { folder, handouts, open, .. } => {
            commands::handouts(context, folder.as_deref(), &handouts, &open)
        }
        Verb::Sweep { folder, sweep, connect, .. } if Fleet::is_at(&folder) => {
            fleet::sweep(context, &folder, &sweep, &connect)
        }
        Verb::Sweep { folder, sweep, connect, .. } => commands::sweep(context, &folder, &sweep, &connect),
        Verb::Evidence { args, .. } if fleet::is_asked_for_evidence(&args) => fleet::evidence(context, &args),
        Verb::Evidence { args, .. } => commands::evidence(context, &args),
        Verb::Runs { folder, format, .. } => commands::runs(context, &folder, format),
        Verb::Remove { args } => commands::remove(context, &args),
        #[cfg(feature = "postgres")]
        Verb::Work { args } => commands::worker(context, &args),
        Verb::Doctor { run_dir, connect, .. } => commands::doctor(context, run_dir.as_deref(), &connect),
        Verb::Rehearse { job, simulator } => match &job.plan.tenant_column {
            Some(column) => fleet::rehearse(context, &job, &simulator, column),
            None => commands::rehearse(context, &job, &simulator),
        },
        Verb::Simulate { port, roster, tenant_column, accounts, write_quota, address, app, simulator } => {
            let tenants = tenant_column.as_deref();
            let population = Population { roster: roster.as_deref(), tenants, accounts, app: &app };
            commands::simulate(reporter, port, &population, write_quota, &address, &simulator)
        }
        Verb::Generate { count, samples: true, policy } => commands::samples(reporter, count, &policy),
        Verb::Generate { count, policy, .. } => commands::generate(reporter, count, &policy),
        Verb::Completions { shell } => commands::completions(reporter, shell),
        Verb::Man { verb } => commands::man(reporter, verb.as_deref()),
    }
}

fn plan(context: &Context, job: &JobArgs) -> Result<u8, Failure> {
    match &job.plan.tenant_column {
        Some(column) => fleet::plan(context, job, column),
        None => commands::plan(context, job),
    }
}
