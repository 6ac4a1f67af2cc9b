//! `work`: takes one unfinished run of the database after the other. Any number of workers share them.
//!
//! A run that another process holds is left alone; when that process dies, its lease ends, and a worker goes on. A run that
//! cannot go on here waits before this worker tries it again. One that stopped so that a person looks at it (`--halt-on`,
//! a failed pilot) is left alone by all workers, until somebody continues it with `run`.

use super::{
    conditions::{Consent, RunConditions},
    database, run,
    signals::stop_signal,
    system::{Clock, runtime},
};
use crate::cli::{
    args::WorkArgs,
    console::Event,
    context::Context,
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    ledger::postgres::StoredRun,
    util::{private_file, sanitize},
};
use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

/// How often to look for runs if there is nothing to do.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// How long a run that could not go on here is left alone at first. It doubles each time.
const ASIDE_FIRST: Duration = Duration::from_secs(60);
const ASIDE_MAX: Duration = Duration::from_secs(15 * 60);

/// Works on the runs of the database until it is stopped, or with `--once` until none is left.
pub fn worker(context: &Context, args: &WorkArgs) -> Result<u8, Failure> {
    let missing = || Failure::usage("a worker needs a database with runs").hint("add --ledger postgresql://…");
    let server = database::of_call(context)?.ok_or_else(missing)?;
    args.reports_in.iter().try_for_each(|folder| make_folder(folder))?;
    let (mut shift, clock) = (Shift::default(), runtime(Clock::Real)?);
    let mut is_waiting = false;
    loop {
        if let Some(name) = shift.next(&server.runs()?, Instant::now()) {
            is_waiting = false;
            context.reporter.notice(format!("Working on {}", sanitize::for_terminal(&name)));
            let ended = run::run(context, Path::new(&name), &args.connect, &args.open, &terms(args));
            let is_held = ended.is_err() && server.runs()?.iter().any(|run| run.name == name && run.holder.is_some());
            if shift.ended(context, name, ended, is_held)? == Some(INTERRUPTED) {
                return Ok(INTERRUPTED);
            }
            continue;
        }
        if args.once {
            return Ok(shift.worst);
        }
        if !is_waiting {
            context.reporter.notice(format!("Waiting for runs in the database at {}", server.shown()));
            is_waiting = true;
        }
        let look = async { tokio::time::timeout(LOOK_EVERY, stop_signal()).await.is_ok() };
        if clock.block_on(look) {
            return Ok(shift.worst);
        }
    }
}

/// Makes the folder for the folders of the runs, if it is not there.
fn make_folder(folder: &Path) -> Result<(), Failure> {
    match private_file::create_dir(folder) {
        Err(error) if !folder.is_dir() => {
            let name = sanitize::for_terminal(&folder.display().to_string());
            Err(Failure::usage(format!("--out {name}: {error}; nothing was sent"))
                .hint("name a folder that can be made"))
        }
        _ => Ok(()),
    }
}

fn terms(args: &WorkArgs) -> RunConditions<'_> {
    RunConditions { run: &args.run, limit: &args.limit, expect: None, consent: Consent::Given, says_yes: true }
}

/// What a worker remembers of the runs that it had.
#[derive(Default)]
struct Shift {
    /// Runs that could not go on here: when to try again, and how long they waited.
    aside: HashMap<String, (Instant, Duration)>,
    /// The greatest exit code so far.
    worst: u8,
}

impl Shift {
    /// The oldest run that somebody has to work on, and that this worker can try now.
    fn next(&self, runs: &[StoredRun], now: Instant) -> Option<String> {
        let is_free = |run: &&StoredRun| {
            run.pending > 0
                && run.holder.is_none()
                && run.stopped_by.is_none()
                && self.aside.get(&run.name).is_none_or(|(until, _)| *until <= now)
        };
        runs.iter().find(is_free).map(|run| run.name.clone())
    }

    /// Notes how work on a run ended. Returns its exit code, if it has one.
    ///
    /// # Errors
    /// Fails if this worker can do no more: if nobody can sign in here, every other run would fail, too.
    fn ended(
        &mut self,
        context: &Context,
        name: String,
        ended: Result<u8, Failure>,
        is_held: bool,
    ) -> Result<Option<u8>, Failure> {
        let waited = self.aside.get(&name).map_or(Duration::ZERO, |(_, waited)| *waited);
        let wait = if is_held { LOOK_EVERY } else { (waited * 2).clamp(ASIDE_FIRST, ASIDE_MAX) };
        self.aside.insert(name, (Instant::now() + wait, wait));
        let code = match ended {
            Ok(code) => code,
            // Another worker was faster.
            Err(_) if is_held => return Ok(None),
            Err(failure) if failure.kind == "sign_in" => return Err(failure),
            Err(failure) => {
                context.reporter.tell(&Event::Failed(&failure));
                failure.code
            }
        };
        self.worst = self.worst.max(code);
        Ok(Some(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str) -> StoredRun {
        StoredRun { name: name.into(), pending: 1, rows: 1, ..StoredRun::default() }
    }

    #[test]
    fn worker_takes_the_oldest_run_that_is_free() {
        let (mut shift, now) = (Shift::default(), Instant::now());
        let held = StoredRun { holder: Some("process 1".into()), ..stored("held") };
        let stopped = StoredRun { stopped_by: Some("halted".into()), ..stored("stopped") };
        let done = StoredRun { pending: 0, ..stored("done") };
        let runs = [held, stopped, done, stored("a"), stored("b")];
        assert_eq!(shift.next(&runs, now).as_deref(), Some("a"));
        shift.aside.insert("a".into(), (now + ASIDE_FIRST, ASIDE_FIRST));
        assert_eq!(shift.next(&runs, now).as_deref(), Some("b"));
        assert_eq!(shift.next(&runs, now + ASIDE_FIRST).as_deref(), Some("a"));
        assert_eq!(shift.next(&runs[..3], now), None);
    }
}
