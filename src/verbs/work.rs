//! `reset` and `run`: sign in, look, ask, send, report.

use super::{
    asking::{self, KEPT},
    conditions::{Terms, may_ask, must_be_expected, must_be_few, must_be_whole, window_must_be_open},
    connect::Door,
    destination::Destination,
    looking,
    meeting::Guard,
    next_step::{self, BEGUN, before},
    plan,
    process::{interrupted, makers, runtime},
    rows::{self, Source},
    sealing, show, starting,
    telling::{self, Manner},
    told::Told,
    verify,
    wanted::{self, Now},
};
use crate::{
    cli::{ConnectArgs, JobArgs, OpenArgs, PaceArgs, call},
    events,
    failure::{AWAY, Failure, INTERRUPTED},
    pipeline::{self, Stage},
    progress::Progress,
    terminal::{can_ask, fail, say},
};
use passwave::{
    graph::Graph,
    ledger::Ledger,
    report::{self, Summary},
    retry_after::WAIT_MAX,
    run::{self as engine, RunEnd, RunError, RunOptions},
    traffic::{MAX_WAIT, Pace},
    wanted::Wanted,
};
use std::path::Path;

/// Plan, look, ask, run and report.
pub fn reset(job: &JobArgs) -> Result<u8, Failure> {
    let source = Source::of(&job.plan)?;
    show::must_be_possible(job.run.show)?;
    show::must_be_readable(job.run.show, rows::seals(&job.plan), false)?;
    let door = Door::open(&job.connect, &Destination::new(&job.connect))?;
    may_ask(job.yes || (!source.is_stdin() && can_ask()))?;
    window_must_be_open(job.run.window)?;
    // What the system can refuse is asked for before there is a folder.
    let runtime = runtime(false)?;
    let created = plan::create(job, false)?;
    telling::skipped(&created);
    let mut ledger = created.ledger;
    let terms = Terms { run: &job.run, limit: &job.limit, expect: None, yes: job.yes };
    let now = wanted::now(&ledger, &job.run, false)?;
    let code = match runtime.block_on(work(&mut ledger, &door, &terms, &now)) {
        Err(Refused::TooMany(failure)) => return Err(plan::discarded(ledger, failure)),
        other => other.map_err(|refused| refused.told(&ledger))?,
    };
    show::passwords(&ledger, job.run.show)?;
    Ok(code)
}

/// Start or go on with a planned run.
pub fn run(folder: &Path, connect: &ConnectArgs, open: &OpenArgs, terms: &Terms<'_>) -> Result<u8, Failure> {
    must_be_whole(terms.expect)?;
    show::must_be_possible(terms.run.show)?;
    let mut ledger = open_real(folder)?;
    show::must_be_readable(terms.run.show, ledger.sealed_to().is_some(), sealing::has_key(open))?;
    sealing::unlock(&mut ledger, open)?;
    engine::must_be_possible(&ledger).map_err(|error| before(error.into(), "Nothing was sent.", &ledger))?;
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
        must_be_expected(&ledger, terms.expect)?;
    }
    let destination = Destination::of_run(connect, ledger.settings())?;
    let now = wanted::now(&ledger, terms.run, terms.expect.is_some())?;
    if is_done(&ledger, &now.wanted)? {
        now.keep(&mut ledger)?;
        let code = finish(&mut ledger, None, &now.wanted)?;
        show::passwords(&ledger, terms.run.show)?;
        return Ok(code);
    }
    let door = Door::open(connect, &destination)?;
    let yes = terms.yes || ledger.note(BEGUN)?.is_some();
    may_ask(yes || can_ask())?;
    window_must_be_open(now.window()?)?;
    let runtime = runtime(false)?;
    now.keep(&mut ledger)?;
    let terms = Terms { yes, ..*terms };
    let code = runtime.block_on(work(&mut ledger, &door, &terms, &now)).map_err(|refused| refused.told(&ledger))?;
    show::passwords(&ledger, terms.run.show)?;
    Ok(code)
}

/// Whether nothing is left to be sent or looked at, and no flag of this call asks for more.
fn is_done(ledger: &Ledger, wanted: &Wanted) -> Result<bool, Failure> {
    let seen: u64 = ledger.verdicts()?.iter().map(|(_, number)| number).sum();
    let is_unseen = wanted.verify && seen < ledger.counts().reset;
    let is_asked = call().says("verify") || call().says("revoke_sessions");
    Ok(ledger.counts().is_finished() && !is_unseen && !is_asked)
}

/// Tells what a run would do, held to the same terms. It reads the ledger, and nothing else.
pub fn dry_run(folder: &Path, open: &OpenArgs, connect: &ConnectArgs, terms: &Terms<'_>) -> Result<u8, Failure> {
    must_be_whole(terms.expect)?;
    let mut ledger = Ledger::open_to_read(folder).map_err(|error| starting::not_opened(error, folder))?;
    if ledger.settings().rehearsal {
        return Err(rehearsed(folder));
    }
    sealing::unlock(&mut ledger, open)?;
    Destination::of_run(connect, ledger.settings())?;
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
        must_be_expected(&ledger, terms.expect)?;
    } else {
        say("The accounts are not looked up yet; the run does that first.");
    }
    must_be_few(&ledger, terms.limit)?;
    let now = wanted::now(&ledger, terms.run, terms.expect.is_some())?;
    telling::plan(&ledger, &Manner { quota: terms.run.pace.write_quota, wanted: &now.wanted, is_brief: false })?;
    now.tell_changes();
    if is_done(&ledger, &now.wanted)? {
        starting::nothing_left(&ledger);
    } else {
        next_step::go_on("Nothing was sent.", &ledger);
    }
    events::note_end("planned");
    Ok(0)
}

/// Opens the ledger of a run that goes to a tenant.
pub fn open_real(folder: &Path) -> Result<Ledger, Failure> {
    let ledger = Ledger::open(folder).map_err(|error| starting::not_opened(error, folder))?;
    events::note(&ledger);
    if ledger.settings().rehearsal {
        return Err(rehearsed(folder));
    }
    Ok(ledger)
}

fn rehearsed(folder: &Path) -> Failure {
    Failure::usage(format!(
        "{} is a rehearsal, whose passwords go to no tenant\nhint: plan the real run with `passwave plan` or `reset`",
        folder.display()
    ))
}

/// Why nothing was sent.
enum Refused {
    /// More accounts than were meant.
    TooMany(Failure),
    /// Another run has the same accounts.
    Met(Failure),
    Else(Failure),
}

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Else(error.into())
    }
}

impl Refused {
    /// With the way on, as the run is kept.
    fn told(self, ledger: &Ledger) -> Failure {
        match self {
            Self::TooMany(failure) | Self::Met(failure) => failure,
            Self::Else(failure) => before(failure, KEPT, ledger),
        }
    }
}

/// Completes the plan, asks, sends what is planned, and reports.
async fn work(ledger: &mut Ledger, door: &Door, terms: &Terms<'_>, now: &Now) -> Result<u8, Refused> {
    door.must_be_the_same(ledger)?;
    say(&format!("Signing in with {door}"));
    // A password that is refused is replaced.
    makers()?;
    let options = options(&terms.run.pace, terms.run.pilot, now)?;
    let graph = door.client();
    let arrival = door.enter(&graph, ledger).await?;
    arrival.tell();
    let graph = Told::new(&graph);
    let is_brief = ledger.lookup_has_ended()?;
    if let Some(code) = looking::look(ledger, &graph, &options.pace, now.wanted.revoke_sessions).await? {
        next_step::go_on(KEPT, ledger);
        return Ok(code);
    }
    must_be_expected(ledger, terms.expect)?;
    must_be_few(ledger, terms.limit).map_err(Refused::TooMany)?;
    let guard = Guard::new(ledger, &arrival, terms.run.alongside)?;
    guard.look(ledger).map_err(Refused::Met)?;
    // Now already, so that whoever finds the folder after a crash has every password that can be in force.
    reports(ledger)?;
    telling::plan(ledger, &Manner { quota: options.pace.write_quota, wanted: &now.wanted, is_brief })?;
    if !terms.yes
        && let Err(code) = asking::agreed(ledger, options.pilot, false).await
    {
        return Ok(code);
    }
    arrival.note_in(ledger)?;
    if ledger.note(BEGUN)?.is_none() {
        ledger.set_note(BEGUN, &format!("{:.0}", jiff::Timestamp::now()))?;
    }
    guard.begin(ledger).map_err(Refused::Met)?;
    next_step::note(ledger);
    let ended = send(ledger, &graph, options, &now.wanted, !terms.yes).await;
    guard.leave(ledger);
    Ok(ended?)
}

/// Runs with a bar, verifies if that is wanted, and reports, however it ended. After a pilot it asks whether to go on, if
/// it `may_ask`.
pub async fn send<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    mut options: RunOptions,
    wanted: &Wanted,
    may_ask: bool,
) -> Result<u8, Failure> {
    if wanted.revoke_sessions {
        ledger.revoke_sessions()?;
    }
    if ledger.sealed_to().is_some() {
        // Passwords that are made anew are in the sealed report before any of them is sent.
        match prepare(ledger, graph, &options).await {
            Ok(None) => drop(report::write(ledger)?),
            Ok(Some(end)) => return finish(ledger, Some(&end), wanted),
            Err(error) => return Ok(broken_off(ledger, error.into())),
        }
    }
    loop {
        let end = match run_once(ledger, graph, &options).await {
            Ok(end) => end,
            Err(error) => return Ok(broken_off(ledger, error.into())),
        };
        if wanted.verify && matches!(end, RunEnd::Finished | RunEnd::PilotEnded) {
            verify::look_back(ledger, graph, &options.pace).await.unwrap_or_else(|failure| fail(&failure));
        }
        telling::end(&end);
        if end != RunEnd::PilotEnded || !may_ask || !can_ask() {
            return finish(ledger, Some(&end), wanted);
        }
        // The whole report comes when all is done, or nothing more is to be.
        let summary = reports(ledger)?;
        telling::pilot(ledger, &summary);
        if let Err(code) = asking::agreed(ledger, None, true).await {
            pipeline::report(ledger, &summary, Stage::Ended).unwrap_or_else(fail);
            return Ok(if code == INTERRUPTED { code } else { AWAY });
        }
        options.pilot = None;
    }
}

async fn prepare<G: Graph>(ledger: &mut Ledger, graph: &G, options: &RunOptions) -> Result<Option<RunEnd>, RunError> {
    let mut progress = Progress::new(ledger.counts(), options.pace.write_quota, ledger.settings().rehearsal);
    let end = engine::prepare(ledger, graph, options, interrupted(), &mut |event| progress.show(&event)).await;
    progress.end();
    end
}

async fn run_once<G: Graph>(ledger: &mut Ledger, graph: &G, options: &RunOptions) -> Result<RunEnd, RunError> {
    let mut progress = Progress::new(ledger.counts(), options.pace.write_quota, ledger.settings().rehearsal);
    let end = engine::run(ledger, graph, options, interrupted(), &mut |event| progress.show(&event)).await;
    progress.end();
    end
}

/// The cause comes first; what the report says of the rows is told even so.
fn broken_off(ledger: &mut Ledger, failure: Failure) -> u8 {
    fail(&failure);
    events::note(ledger);
    events::note_failure(&failure);
    pipeline::fail(&failure);
    match reports(ledger) {
        Ok(summary) => {
            tell(ledger, &summary, &ledger.settings().wanted.clone());
            // The result names the way on only if accounts or sessions are left.
            if ledger.counts().pending() + ledger.counts().sessions_pending() == 0 {
                next_step::go_on(STOPPED, ledger);
            }
        }
        Err(again) if again.to_string() == failure.to_string() => next_step::go_on(STOPPED, ledger),
        Err(error) => {
            fail(error);
            next_step::go_on(STOPPED, ledger);
        }
    }
    failure.code
}

/// How things stand if even the reports could not be written.
const STOPPED: &str = "What was recorded is kept.";

/// Tells what has been done, to people and to the pipeline.
pub fn tell(ledger: &Ledger, summary: &Summary, wanted: &Wanted) {
    telling::result(ledger, summary, wanted);
    pipeline::report(ledger, summary, Stage::Ended).unwrap_or_else(fail);
}

/// Writes the reports into the run folder, if that is still there; what it held is saved first where it is not.
pub fn reports(ledger: &mut Ledger) -> Result<Summary, Failure> {
    ledger.must_be_in_place()?;
    report::write(ledger).map_err(|error| ledger.must_be_in_place().map_or_else(Failure::from, |()| error.into()))
}

fn finish(ledger: &mut Ledger, end: Option<&RunEnd>, wanted: &Wanted) -> Result<u8, Failure> {
    let summary = match reports(ledger) {
        Ok(summary) => summary,
        Err(failure) => return Ok(broken_off(ledger, failure)),
    };
    events::note_end(end.map_or("finished", events::word));
    tell(ledger, &summary, wanted);
    Ok(match end {
        Some(RunEnd::Interrupted) => INTERRUPTED,
        Some(RunEnd::PilotEnded | RunEnd::Halted(_) | RunEnd::WindowClosed) => AWAY,
        Some(RunEnd::Finished) | None => summary.exit_code,
    })
}

/// How the flags, and what is wanted of the run, have it go.
pub fn options(args: &PaceArgs, pilot: Option<u64>, now: &Now) -> Result<RunOptions, Failure> {
    Ok(RunOptions {
        pace: pace(args),
        pilot,
        halt_on: now.halt_on()?,
        window: now.window()?,
        tell_accounts: events::are_on(),
    })
}

/// How fast the flags want it to go.
pub fn pace(args: &PaceArgs) -> Pace {
    Pace {
        write_quota: args.write_quota,
        concurrency: args.concurrency.and_then(|most| usize::try_from(most).ok()),
        batch_size: usize::try_from(args.batch_size).unwrap_or(usize::MAX),
        max_wait: args.max_wait.unwrap_or(MAX_WAIT),
        max_asked: args.max_wait.unwrap_or(WAIT_MAX),
        seed: rand::random(),
        ..Pace::default()
    }
}
