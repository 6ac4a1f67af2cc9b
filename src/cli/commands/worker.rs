//! `work`: takes one unfinished run of the database after the other. Any number of workers share them.
//!
//! A run that another process holds is left alone; when that process dies, its lease ends, and a worker goes on. A run that
//! cannot go on here waits before this worker tries it again. One whose accounts are also in a run that is being worked on
//! waits for that. One that stopped so that a person looks at it (`--halt-on`,
//! a failed pilot) is left alone by all workers, until somebody continues it with `run`.

use super::{
    conditions::{Consent, RunConditions},
    database,
    other_runs::OVERLAP,
    run,
    signals::{listen, stop_signal},
    system::{Clock, runtime},
};
use crate::cli::{
    args::WorkArgs,
    console::Event,
    context::Context,
    failure::{AWAY, Failure, INTERRUPTED},
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

/// How often to look for runs if there is nothing to do: often enough to go on soon when the lease of another process is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a run that could not go on here is left alone at first. It doubles each time.
const ASIDE_FIRST: Duration = Duration::from_secs(60);
const ASIDE_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a run that waits for another one is left alone at first. It doubles each time, up to the time above.
const BEHIND_FIRST: Duration = Duration::from_secs(3);

/// Works on the runs of the database until it is stopped, or with `--once` until none is left.
pub fn worker(context: &Context, args: &WorkArgs) -> Result<u8, Failure> {
    let missing = || Failure::usage("a worker needs a database with runs").hint("add --ledger postgresql://…");
    let server = database::of_call(context)?.ok_or_else(missing)?;
    args.reports_in.iter().try_for_each(|folder| make_folder(folder))?;
    let (mut shift, clock) = (Shift::default(), runtime(Clock::Real)?);
    let mut is_waiting = false;
    // A run that was just taken must be given back, too.
    clock.block_on(listen());
    loop {
        let runs = server.runs()?;
        if let Some(found) = shift.next(&runs, Instant::now()) {
            is_waiting = false;
            context.reporter.notice(format!("Working on {}", sanitize::for_terminal(&found.name)));
            let ended = run::run(context, Path::new(&found.name), &args.connect, &args.open, &terms(args));
            let standing = Standing::of(found, ended.as_ref().err(), &server.runs()?);
            if shift.ended(context, found.name.clone(), ended, standing)? == Some(INTERRUPTED) {
                return Ok(INTERRUPTED);
            }
            continue;
        }
        if args.once && !shift.is_behind(&runs) {
            return Ok(shift.worst);
        }
        if !is_waiting && !args.once {
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

/// Why a run could not go on here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not because of another process.
    Free,
    /// Another worker was faster, or has taken it over.
    Held,
    /// Its accounts are also in another run, and somebody is at work.
    Behind,
}

impl Standing {
    /// Why a run did not end here, by what the database said before and says afterwards.
    fn of(before: &StoredRun, failure: Option<&Failure>, runs: &[StoredRun]) -> Self {
        let held = |run: &StoredRun| run.holder.is_some();
        // This worker has taken it once.
        let is_taken = |run: &StoredRun| run.name == before.name && (held(run) || run.epoch > before.epoch + 1);
        match () {
            () if runs.iter().any(is_taken) => Self::Held,
            () if failure.is_some_and(|failure| failure.kind == OVERLAP) && runs.iter().any(held) => Self::Behind,
            () => Self::Free,
        }
    }
}

/// A run that could not go on here.
struct Aside {
    /// When to try it again.
    until: Instant,
    waited: Duration,
    standing: Standing,
}

/// What a worker remembers of the runs that it had.
#[derive(Default)]
struct Shift {
    /// Runs that could not go on here.
    aside: HashMap<String, Aside>,
    /// The greatest exit code so far.
    worst: u8,
}

impl Shift {
    /// The oldest run that somebody has to work on, and that this worker can try now.
    fn next<'a>(&self, runs: &'a [StoredRun], now: Instant) -> Option<&'a StoredRun> {
        let is_free = |run: &&StoredRun| {
            run.pending > 0
                && run.holder.is_none()
                && run.stopped_by.is_none()
                && self.aside.get(&run.name).is_none_or(|aside| aside.until <= now)
        };
        runs.iter().find(is_free)
    }

    /// Whether one of the runs waits for another one, and can go on as soon as that has ended.
    fn is_behind(&self, runs: &[StoredRun]) -> bool {
        let is_behind = |run: &StoredRun| {
            let aside = self.aside.get(&run.name);
            run.pending > 0 && run.holder.is_none() && aside.is_some_and(|aside| aside.standing == Standing::Behind)
        };
        runs.iter().any(is_behind)
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
        standing: Standing,
    ) -> Result<Option<u8>, Failure> {
        let before = self.aside.remove(&name);
        let waited = before.as_ref().map_or(Duration::ZERO, |aside| aside.waited);
        let waited = match standing {
            Standing::Held => LOOK_EVERY,
            Standing::Behind => (waited * 2).clamp(BEHIND_FIRST, ASIDE_FIRST),
            Standing::Free => (waited * 2).clamp(ASIDE_FIRST, ASIDE_MAX),
        };
        let shown = sanitize::for_terminal(&name);
        self.aside.insert(name, Aside { until: Instant::now() + waited, waited, standing });
        let code = match ended {
            Ok(AWAY) if standing == Standing::Held => return Ok(None),
            Ok(code) => code,
            Err(_) if standing == Standing::Held => return Ok(None),
            Err(failure) if standing == Standing::Behind => {
                if before.is_none_or(|aside| aside.standing != Standing::Behind) {
                    context.reporter.notice(format!("{shown} waits: {}", failure.parts().0));
                }
                return Ok(None);
            }
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
        let next = |shift: &Shift, runs: &[StoredRun], now| shift.next(runs, now).map(|run| run.name.clone());
        assert_eq!(next(&shift, &runs, now).as_deref(), Some("a"));
        let aside = Aside { until: now + ASIDE_FIRST, waited: ASIDE_FIRST, standing: Standing::Free };
        shift.aside.insert("a".into(), aside);
        assert_eq!(next(&shift, &runs, now).as_deref(), Some("b"));
        assert_eq!(next(&shift, &runs, now + ASIDE_FIRST).as_deref(), Some("a"));
        assert!(!shift.is_behind(&runs));
        let behind = || Aside { until: now, waited: BEHIND_FIRST, standing: Standing::Behind };
        shift.aside.insert("done".into(), behind());
        assert!(!shift.is_behind(&runs), "another worker has done it");
        shift.aside.insert("b".into(), behind());
        assert!(shift.is_behind(&runs));
        assert_eq!(next(&shift, &runs[..3], now), None);
    }

    /// A regression: after each time that a worker was overtaken, it left the run alone for twice as long.
    #[test]
    fn worker_that_was_overtaken_looks_again_soon() {
        let before = StoredRun { epoch: 4, ..stored("wave") };
        let after = |epoch, holder: Option<&str>| {
            [StoredRun { epoch, holder: holder.map(str::to_owned), ..stored("wave") }, stored("other")]
        };
        let standing = |epoch, holder| Standing::of(&before, None, &after(epoch, holder));
        assert_eq!(standing(5, None), Standing::Free, "it has given the run back itself");
        assert_eq!(standing(6, Some("process 1")), Standing::Held);
        assert_eq!(standing(6, None), Standing::Held, "the next one has died meanwhile");
    }
}
