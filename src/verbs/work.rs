//! `reset` and `run`: sign in, look, ask, send, report.

use super::{
    connect::Door,
    looking, plan,
    process::{interrupted, makers, runtime},
    sealing, telling,
    told::Told,
    verify,
};
use crate::{
    cli::{ConnectArgs, LimitArgs, OpenArgs, PaceArgs, PlanArgs, RunArgs},
    events,
    failure::{AWAY, Failure, INTERRUPTED, USAGE},
    pipeline::{self, Stage},
    progress::Progress,
    terminal::{ask, can_ask, counted, fail, grouped, say, short},
};
use jiff::Zoned;
use passwave::{
    graph::Graph,
    ledger::Ledger,
    report::{self, Summary},
    run::{self as engine, RunEnd, RunError, RunOptions},
    traffic::Pace,
};
use std::path::Path;

/// What a run is held to.
pub struct Terms<'a> {
    /// How it goes about its work.
    pub run: &'a RunArgs,
    /// How large it may be.
    pub limit: &'a LimitArgs,
    /// The fingerprint that was approved.
    pub expect: Option<&'a str>,
    /// Whether nobody is asked.
    pub yes: bool,
}

/// Plan, look, ask, run and report.
pub fn reset(args: &PlanArgs, connect: &ConnectArgs, terms: &Terms<'_>) -> Result<u8, Failure> {
    let door = Door::open(connect)?;
    may_ask(terms.yes || (args.roster != Path::new("-") && can_ask()))?;
    window_must_be_open(terms.run)?;
    let created = plan::create(args, false)?;
    telling::skipped(&created);
    let mut ledger = created.ledger;
    work(&mut ledger, &door, terms)
}

/// Start or go on with a planned run.
pub fn run(folder: &Path, connect: &ConnectArgs, open: &OpenArgs, terms: &Terms<'_>) -> Result<u8, Failure> {
    let mut ledger = open_real(folder)?;
    sealing::unlock(&mut ledger, open)?;
    engine::must_be_possible(&ledger)?;
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
        must_be_expected(&ledger, terms.expect)?;
    }
    let door = Door::open(connect)?;
    let yes = terms.yes || ledger.note(BEGUN)?.is_some();
    may_ask(yes || can_ask())?;
    window_must_be_open(terms.run)?;
    work(&mut ledger, &door, &Terms { yes, ..*terms })
}

/// Tells what a run would do, held to the same terms. It reads the ledger, and nothing else.
pub fn dry_run(folder: &Path, terms: &Terms<'_>) -> Result<u8, Failure> {
    let ledger = Ledger::open_to_read(folder)?;
    if ledger.settings().rehearsal {
        return Err(rehearsed(folder));
    }
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
        must_be_expected(&ledger, terms.expect)?;
    } else {
        say("The accounts are not looked up yet: `passwave run` does that first.");
    }
    must_be_few(&ledger, terms.limit)?;
    telling::plan(&ledger, terms.run.pace.write_quota, terms.run.revoke_sessions)?;
    telling::go_on("Nothing was sent.", &ledger);
    events::note_end("planned");
    Ok(0)
}

/// Opens the ledger of a run that goes to a tenant.
pub fn open_real(folder: &Path) -> Result<Ledger, Failure> {
    let ledger = Ledger::open(folder)?;
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

fn may_ask(possible: bool) -> Result<(), Failure> {
    if possible {
        return Ok(());
    }
    Err(Failure::usage(
        "nobody can be asked whether to go on, as standard input or error is no terminal; nothing was sent\n\
         hint: add --yes",
    ))
}

/// The plan as it stands in the ledger now must be the one that was approved.
fn must_be_expected(ledger: &Ledger, expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    let fingerprint = ledger.fingerprint_now()?;
    if expected.trim().eq_ignore_ascii_case(&fingerprint) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the plan in {} has the fingerprint {fingerprint}, which is not the one expected; nothing was sent\n\
         hint: have this plan approved, or give the folder of the approved one",
        ledger.folder().display()
    )))
}

/// More accounts than were meant are a mistake in the roster.
pub fn must_be_few(ledger: &Ledger, limit: &LimitArgs) -> Result<(), Failure> {
    let pending = ledger.counts().pending();
    match limit.max_accounts {
        Some(most) if pending > most => Err(Failure::usage(format!(
            "{} to be reset, and --max-accounts allows {}; nothing was sent\nhint: check the roster, or raise the limit",
            counted(pending, "account is", "accounts are"),
            grouped(most)
        ))),
        _ => Ok(()),
    }
}

fn window_must_be_open(args: &RunArgs) -> Result<(), Failure> {
    let now = Zoned::now();
    match args.window {
        Some(window) if !window.is_open(&now) => Err(Failure::away(format!(
            "it is {}, outside the hours {window} (--window), which begin in {}; nothing was sent\n\
             hint: start it within these hours, as a scheduled job does",
            now.strftime("%H:%M"),
            short(window.opens_in(&now))
        ))),
        _ => Ok(()),
    }
}

/// How things stand where it does not begin.
const KEPT: &str = "The plan is kept, and nothing was sent now.";

/// Noted when the first batch may leave.
const BEGUN: &str = "begun_at";

/// Completes the plan, sends what is planned, and reports.
fn work(ledger: &mut Ledger, door: &Door, terms: &Terms<'_>) -> Result<u8, Failure> {
    if ledger.counts().is_finished() && !terms.run.revoke_sessions && !terms.run.verify {
        return finish(ledger, None);
    }
    door.must_be_the_same(ledger)?;
    say(&format!("Signing in with {door}"));
    // A password that is refused is replaced.
    makers()?;
    let options = options(terms.run);
    let runtime = runtime(false).inspect_err(|_| telling::go_on(KEPT, ledger))?;
    runtime.block_on(async {
        let graph = door.client();
        let arrival = door.enter(&graph, ledger).await.inspect_err(|_| telling::go_on(KEPT, ledger))?;
        arrival.tell();
        let graph = Told::new(&graph);
        let looked = looking::look(ledger, &graph, &options.pace, terms.run.revoke_sessions).await;
        if let Some(code) = looked.inspect_err(|_| telling::go_on(KEPT, ledger))? {
            telling::go_on(KEPT, ledger);
            return Ok(code);
        }
        must_be_expected(ledger, terms.expect)?;
        must_be_few(ledger, terms.limit)?;
        // Now already, so that whoever finds the folder after a crash has every password that can be in force.
        reports(ledger)?;
        telling::plan(ledger, terms.run.pace.write_quota, terms.run.revoke_sessions)?;
        if !agreed(ledger, terms.yes) {
            telling::go_on(KEPT, ledger);
            events::note_end("declined");
            return Ok(USAGE);
        }
        arrival.note_in(ledger)?;
        if ledger.note(BEGUN)?.is_none() {
            ledger.set_note(BEGUN, &format!("{:.0}", jiff::Timestamp::now()))?;
        }
        send(ledger, &graph, options, terms.run, !terms.yes).await
    })
}

/// Asks whether to go on, where somebody is to be asked and there is something to agree to.
fn agreed(ledger: &Ledger, yes: bool) -> bool {
    let pending = ledger.counts().pending();
    let question = format!(
        "This gives {} a new password, now. To go on, type the number of accounts ({}):",
        counted(pending, "account", "accounts"),
        grouped(pending)
    );
    yes || pending == 0 || ask(&question, &pending.to_string())
}

/// Runs with a bar, verifies where that was asked for, and reports, however it ended. After a pilot it asks whether to go
/// on, where it `may_ask`.
pub async fn send<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    mut options: RunOptions,
    args: &RunArgs,
    may_ask: bool,
) -> Result<u8, Failure> {
    if args.revoke_sessions {
        ledger.revoke_sessions()?;
    }
    if ledger.sealed_to().is_some() {
        // Passwords that are made anew are in the sealed report before any of them is sent.
        match prepare(ledger, graph, &options).await {
            Ok(None) => drop(report::write(ledger)?),
            Ok(Some(end)) => return finish(ledger, Some(&end)),
            Err(error) => return Ok(broken_off(ledger, error.into())),
        }
    }
    loop {
        let end = match run_once(ledger, graph, &options).await {
            Ok(end) => end,
            Err(error) => return Ok(broken_off(ledger, error.into())),
        };
        if args.verify && matches!(end, RunEnd::Finished | RunEnd::PilotEnded) {
            verify::look_back(ledger, graph, &options.pace).await.unwrap_or_else(|failure| fail(&failure));
        }
        telling::end(&end);
        let code = finish(ledger, Some(&end))?;
        if end != RunEnd::PilotEnded || !may_ask || !can_ask() || !agreed(ledger, false) {
            return Ok(code);
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
        Ok(summary) => tell(ledger, &summary),
        Err(again) if again.to_string() == failure.to_string() => {}
        Err(error) => fail(error),
    }
    failure.code
}

/// Tells what has been done, to people and to the pipeline.
pub fn tell(ledger: &Ledger, summary: &Summary) {
    telling::result(ledger, summary);
    pipeline::report(ledger, summary, Stage::Ended).unwrap_or_else(fail);
}

/// Writes the reports into the run folder, if that is still there; what it held is saved first where it is not.
pub fn reports(ledger: &mut Ledger) -> Result<Summary, Failure> {
    ledger.must_be_in_place()?;
    report::write(ledger).map_err(|error| ledger.must_be_in_place().map_or_else(Failure::from, |()| error.into()))
}

fn finish(ledger: &mut Ledger, end: Option<&RunEnd>) -> Result<u8, Failure> {
    let summary = match reports(ledger) {
        Ok(summary) => summary,
        Err(failure) => return Ok(broken_off(ledger, failure)),
    };
    events::note_end(end.map_or("finished", events::word));
    tell(ledger, &summary);
    Ok(match end {
        Some(RunEnd::Interrupted) => INTERRUPTED,
        Some(RunEnd::PilotEnded | RunEnd::Halted(_) | RunEnd::WindowClosed) => AWAY,
        Some(RunEnd::Finished) | None => summary.exit_code,
    })
}

/// How the flags want the run to go.
pub fn options(args: &RunArgs) -> RunOptions {
    RunOptions {
        pace: pace(&args.pace),
        pilot: args.pilot,
        halt_on: args.halt_on.clone(),
        window: args.window,
        tell_accounts: events::are_on(),
    }
}

/// How fast the flags want it to go.
pub fn pace(args: &PaceArgs) -> Pace {
    Pace {
        write_quota: args.write_quota,
        concurrency: args.concurrency.and_then(|most| usize::try_from(most).ok()),
        batch_size: usize::try_from(args.batch_size).unwrap_or(usize::MAX),
        max_wait: args.max_wait,
        seed: rand::random(),
        ..Pace::default()
    }
}
