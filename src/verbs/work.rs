//! `reset` and `run`: sign in, ask, send, report.

use super::{connect::Door, plan, telling};
use crate::{
    cli::{ConnectArgs, PlanArgs, RunArgs},
    failure::{Failure, INTERRUPTED, USAGE},
    progress::Progress,
    terminal::{ask, can_ask, counted, fail, grouped, say},
};
use passwave::{
    graph::Graph,
    ledger::Ledger,
    report,
    run::{self as engine, RunEnd, RunOptions},
    traffic::Pace,
};
use std::path::Path;

/// Plan, ask, run and report.
pub fn reset(args: &PlanArgs, run: &RunArgs, connect: &ConnectArgs, yes: bool) -> Result<u8, Failure> {
    let door = Door::open(connect)?;
    may_ask(yes || (args.roster != Path::new("-") && can_ask()))?;
    let created = plan::create(args, false)?;
    telling::skipped(&created);
    let mut ledger = created.ledger;
    work(&mut ledger, &door, run, yes)
}

/// Start or go on with a planned run.
pub fn run(
    folder: &Path,
    run: &RunArgs,
    connect: &ConnectArgs,
    expect: Option<&str>,
    yes: bool,
) -> Result<u8, Failure> {
    let mut ledger = Ledger::open(folder)?;
    if ledger.settings().rehearsal {
        return Err(Failure::usage(format!(
            "{} is a rehearsal, whose passwords go to no tenant\nhint: plan the real run with `passwave plan` or `reset`",
            folder.display()
        )));
    }
    let fingerprint = ledger.fingerprint()?;
    if expect.is_some_and(|expected| !expected.eq_ignore_ascii_case(&fingerprint)) {
        return Err(Failure::usage(format!(
            "the plan in {} has the fingerprint {fingerprint}, which is not the one expected; nothing was sent\n\
             hint: have this plan approved, or give the folder of the approved one",
            folder.display()
        )));
    }
    let door = Door::open(connect)?;
    let begun = ledger.note(BEGUN)?.is_some();
    may_ask(yes || begun || can_ask())?;
    work(&mut ledger, &door, run, yes || begun)
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

/// How things stand where it does not begin.
const KEPT: &str = "The plan is kept, and nothing was sent now.";

/// Noted when the first batch may leave.
const BEGUN: &str = "begun_at";

/// Sends what is planned, and reports.
fn work(ledger: &mut Ledger, door: &Door, args: &RunArgs, yes: bool) -> Result<u8, Failure> {
    let pending = ledger.counts().pending();
    if pending == 0 {
        return finish(ledger, None);
    }
    door.must_be_the_same(ledger)?;
    // Now already, so that whoever finds the folder after a crash has every password that can be in force.
    report::write(ledger)?;
    telling::plan(ledger, args.write_quota);
    say(&format!("Signing in with {door}"));
    let runtime = runtime(false)?;
    runtime.block_on(async {
        let graph = door.client();
        let arrival = door.enter(&graph, ledger).await.inspect_err(|_| telling::go_on(KEPT, ledger))?;
        say(&arrival.to_string());
        let question = format!(
            "This gives {} a new password, now. To go on, type the number of accounts ({}):",
            counted(pending, "account", "accounts"),
            grouped(pending)
        );
        if !yes && !ask(&question, &pending.to_string()) {
            telling::go_on(KEPT, ledger);
            return Ok(USAGE);
        }
        arrival.note_in(ledger)?;
        if ledger.note(BEGUN)?.is_none() {
            ledger.set_note(BEGUN, &format!("{:.0}", jiff::Timestamp::now()))?;
        }
        send(ledger, &graph, &options(args)).await
    })
}

/// Runs with a bar, then reports, however it ended.
pub async fn send<G: Graph>(ledger: &mut Ledger, graph: &G, options: &RunOptions) -> Result<u8, Failure> {
    let mut progress = Progress::new(ledger.counts(), options.pace.write_quota, ledger.settings().rehearsal);
    let end = engine::run(ledger, graph, options, interrupted(), &mut |event| progress.show(&event)).await;
    progress.end();
    match end {
        Ok(end) => finish(ledger, Some(end)),
        Err(error) => {
            // The cause comes first; what the report says of the rows is told even so.
            let failure = Failure::from(error);
            fail(&failure);
            match report::write(ledger) {
                Ok(summary) => telling::result(ledger, &summary),
                Err(error) => fail(error),
            }
            Ok(failure.code)
        }
    }
}

fn finish(ledger: &Ledger, end: Option<RunEnd>) -> Result<u8, Failure> {
    let summary = report::write(ledger)?;
    telling::result(ledger, &summary);
    Ok(if end == Some(RunEnd::Interrupted) { INTERRUPTED } else { summary.exit_code })
}

/// How the flags want the run to go.
pub fn options(args: &RunArgs) -> RunOptions {
    let pace = Pace {
        write_quota: args.write_quota,
        concurrency: usize::try_from(args.concurrency).unwrap_or(usize::MAX),
        batch_size: usize::try_from(args.batch_size).unwrap_or(usize::MAX),
        max_wait: args.max_wait,
        seed: rand::random(),
        ..Pace::default()
    };
    RunOptions { pace, ..RunOptions::default() }
}

/// One thread carries the network; virtual time is for rehearsals.
pub fn runtime(virtual_time: bool) -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(virtual_time)
        .build()
        .map_err(|error| Failure::away(format!("the system refuses what the network needs: {error}")))
}

/// Resolves when the process is asked to stop, or its terminal goes away; asked once more, it leaves at once.
pub async fn interrupted() {
    stop_signal().await;
    tokio::spawn(async {
        stop_signal().await;
        say("Left at once. What was in flight is in doubt, and `passwave run` settles it.");
        std::process::exit(i32::from(INTERRUPTED));
    });
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(windows)]
async fn stop_signal() {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let (Ok(mut c), Ok(mut brk), Ok(mut close)) = (ctrl_c(), ctrl_break(), ctrl_close()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = c.recv() => {}
        _ = brk.recv() => {}
        _ = close.recv() => {}
    }
}
