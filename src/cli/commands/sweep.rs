//! `sweep`: who has not chosen a password of their own yet?

use super::{
    connect::SignIn,
    destination::Destination,
    logging::LoggingGraph,
    opening::open_real,
    pace::pace,
    reading::Reading,
    result,
    signals::interrupted,
    system::{Clock, runtime},
};
use crate::cli::{
    args::{ConnectArgs, SweepArgs},
    console::{End, Event, ReadTask, Since},
    context::Context,
    failure::{Failure, INTERRUPTED},
    next_step::NextStep,
};
use passwave::{
    engine::{
        dispatch::Pace,
        sign_ins::{SignIns, SignInsEnd, read_sign_ins},
        sweep::{SweepEnd, sweep as read_claims},
    },
    graph::{Graph, client::auth::Needs},
    ledger::{ClaimCounts, ClaimState, Ledger, ReadLedger, Sweep},
    report::Summary,
    util::{
        format::{counted, grouped},
        sanitize,
        suggest::nearest,
    },
};
use std::{collections::BTreeMap, path::Path};

/// Sweeps the run; the exit code is 1 if somebody has not chosen a password, or could not be read.
pub fn sweep(context: &Context, folder: &Path, args: &SweepArgs, connect: &ConnectArgs) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    let mut ledger = open_real(context, folder)?;
    args.by.as_deref().map(|name| column(&ledger, name)).transpose()?;
    let destination = Destination::of_run(&context.call, connect, ledger.settings())?;
    let (sign_in, pace) = (SignIn::open(reporter, connect, &destination, Needs::READ)?, pace(&args.pace));
    sign_in.must_be_the_same(&ledger)?;
    reporter.notice(format!("Signing in with {sign_in}"));
    runtime(Clock::Real)?.block_on(sweep_one(context, &mut ledger, args, (&sign_in, &pace)))
}

/// Signs in, asks about the accounts of one run, and reports.
pub async fn sweep_one(
    context: &Context,
    ledger: &mut Ledger,
    args: &SweepArgs,
    (sign_in, pace): (&SignIn, &Pace),
) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    let by = args.by.as_deref().map(|name| column(ledger, name)).transpose()?;
    let before = ledger.sweeps()?.pop();
    let graph = sign_in.client(reporter);
    sign_in.complete(reporter, &graph, ledger).await?;
    let graph = LoggingGraph::new(&graph, reporter);
    let SweepEnd::Finished(claims) = read(context, ledger, &graph, pace, args).await? else { return Ok(INTERRUPTED) };
    let sign_ins = match args.sign_ins && claims.no > 0 {
        true => sign_ins(context, ledger, &graph, pace).await?,
        false => None,
    };
    let summary = match result::reports(ledger) {
        Ok(summary) => summary,
        Err(failure) => return Ok(result::without_reports(context, ledger, failure)),
    };
    reporter.tell(&Event::Ends(End::Swept));
    tell(context, ledger, (&claims, sign_ins), before, by)?;
    files(context, ledger, &summary);
    Ok(u8::from(claims.no + claims.unread > 0))
}

async fn read(
    context: &Context,
    ledger: &mut Ledger,
    graph: &impl Graph,
    pace: &Pace,
    args: &SweepArgs,
) -> Result<SweepEnd, Failure> {
    let reporter = &context.reporter;
    let mut reading = Reading::begin(reporter, ReadTask::Sweep);
    reading.of(ledger.counts().reset);
    let age = args.older_than.unwrap_or_default();
    let end = read_claims(ledger, graph, pace, age, interrupted(reporter), &mut |event| reading.tell(&event)).await;
    reading.end();
    match end? {
        SweepEnd::Denied(said) => {
            let step = NextStep::sweep(&context.call, ledger).to_string();
            let failure = Failure::away(format!("the reset accounts cannot be read: {said}"))
                .hint("grant the application User.Read.All with admin consent");
            Err(failure.about("permission").then(format!("Then sweep with:  {step}"), step))
        }
        SweepEnd::Interrupted => {
            reporter.tell(&Event::Ends(End::Interrupted));
            Ok(SweepEnd::Interrupted)
        }
        end @ SweepEnd::Finished(_) => Ok(end),
    }
}

/// Who of the others has tried to sign in; `None` if that cannot be known, which is no failure of the sweep.
async fn sign_ins(
    context: &Context,
    ledger: &Ledger,
    graph: &impl Graph,
    pace: &Pace,
) -> Result<Option<SignIns>, Failure> {
    let reporter = &context.reporter;
    reporter.notice("Reading the last sign-ins, at ten pages of users a minute");
    match read_sign_ins(ledger, graph, pace, interrupted(reporter)).await? {
        SignInsEnd::Read(sign_ins) => return Ok(Some(sign_ins)),
        SignInsEnd::Interrupted => reporter.notice("Sign-ins are left out: interrupted."),
        SignInsEnd::NoLicence => {
            reporter.notice("Sign-ins are left out: the tenant has no licence of Entra ID P1 or P2.")
        }
        SignInsEnd::Denied(said) => reporter.warn_with(
            format!("sign-ins are left out, because they cannot be read: {said}"),
            "grant the application AuditLog.Read.All with admin consent",
        ),
    }
    Ok(None)
}

/// The position of the roster's column with this name.
fn column(ledger: &ReadLedger, name: &str) -> Result<usize, Failure> {
    let header = &ledger.settings().header;
    let found = header.iter().position(|column| column.trim().eq_ignore_ascii_case(name.trim()));
    found.ok_or_else(|| {
        let failure = Failure::usage(format!("--by: the roster has no column {:?}", sanitize::for_terminal(name)));
        let near = nearest(name, header.iter().map(String::as_str));
        failure.or_hint(near.map(|near| format!("did you mean {}?", sanitize::for_terminal(near))))
    })
}

fn tell(
    context: &Context,
    ledger: &ReadLedger,
    (claims, sign_ins): (&ClaimCounts, Option<SignIns>),
    before: Option<Sweep>,
    by: Option<usize>,
) -> Result<(), Failure> {
    let reporter = &context.reporter;
    let since = before.map(|before| Since { at: before.at, claimed: claims.yes.saturating_sub(before.claims.yes) });
    reporter.tell(&Event::Swept { claims, since, sign_ins });
    if claims.all() == 0 {
        reporter.notice("No user of this run has to choose a password, or had the time to: nobody was asked about.");
        return Ok(());
    }
    reporter.notice(format!("Claimed: {}", shown(claims)));
    if let Some(Since { at, claimed }) = since {
        reporter.notice(format!("Since the last sweep ({}): {} more", minute(at), grouped(claimed)));
    }
    if let Some(SignIns { tried, not_tried }) = sign_ins {
        let (tried, not_tried) = (grouped(tried), grouped(not_tried));
        reporter
            .notice(format!("Of those not yet: {tried} have tried to sign in since the reset, {not_tried} have not"));
    }
    if let Some(column) = by {
        for (value, claims) in grouped_by(ledger, column)? {
            let value = if value.is_empty() { "(empty)".into() } else { sanitize::for_terminal(&value) };
            reporter.notice(format!("  {value}: {}", shown(&claims)));
        }
    }
    if claims.no > 0 {
        let step = NextStep::again(&context.call, ledger).with("where", "claimed=no").to_string();
        let words = format!("To give those who have not chosen one a new password:  {step}");
        reporter.tell(&Event::NextStep { words: &words, command: &step });
    }
    Ok(())
}

/// A time to the minute.
pub fn minute(millis: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(millis);
    time.map(|time| time.strftime("%-d %b %Y, %H:%M UTC").to_string()).unwrap_or_default()
}

/// `380 of 400 (95 %); 18 not yet; 2 could not be read`.
/// The claims in words.
pub fn shown(claims: &ClaimCounts) -> String {
    let percent = claims.yes * 100 / claims.all().max(1);
    let mut said = format!("{} of {} ({percent} %)", grouped(claims.yes), counted(claims.all(), "account", "accounts"));
    for (number, what) in [(claims.no, "not yet"), (claims.unread, "could not be read")] {
        if number > 0 {
            said.push_str(&format!("; {} {what}", grouped(number)));
        }
    }
    said
}

fn grouped_by(ledger: &ReadLedger, column: usize) -> Result<BTreeMap<String, ClaimCounts>, Failure> {
    let mut states: Vec<(u64, ClaimState)> = Vec::new();
    ledger.for_each_claim(|row, state| states.push((row, state)))?;
    let mut groups: BTreeMap<String, ClaimCounts> = BTreeMap::new();
    for (row, state) in states {
        let value = ledger.cells(row)?.into_iter().nth(column).unwrap_or_default();
        groups.entry(value.trim().to_owned()).or_default().add(state);
    }
    Ok(groups)
}

fn files(context: &Context, ledger: &ReadLedger, summary: &Summary) {
    result::not_replaced(context, ledger, summary);
    let file = ledger.folder().join(summary.place_of(passwave::report::CSV_NAME));
    context.reporter.notice(format!("Report:  {}", sanitize::sentence(&file.display().to_string())));
}
