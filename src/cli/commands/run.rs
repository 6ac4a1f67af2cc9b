//! `run`: starts or continues a planned run, or only shows what it would do.

use super::{
    conditions::{
        Asking, Consent, RunConditions, must_be_expected, must_be_few, must_be_whole, must_have_consent,
        window_must_be_open,
    },
    confirm::KEPT,
    connect::SignIn,
    destination::Destination,
    opening::{must_be_real, open_real, open_to_read},
    other_runs::writes_left,
    plan_report::{self, Scope},
    result, sealing, show,
    system::{Clock, runtime},
    wanted,
    work::work,
};
use crate::cli::{
    args::{ConnectArgs, OpenArgs},
    console::{End, Event, can_ask},
    context::Context,
    failure::Failure,
};
use passwave::{
    engine::run::must_be_possible,
    ledger::ReadLedger,
    plan::{Lookup, wanted::Wanted},
    util::format::counted,
};
use std::path::Path;

/// Starts or continues a planned run.
pub fn run(
    context: &Context,
    folder: &Path,
    connect: &ConnectArgs,
    open: &OpenArgs,
    terms: &RunConditions<'_>,
) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    must_be_whole(terms.expect)?;
    show::must_be_possible(reporter, terms.run.show)?;
    let mut ledger = open_real(context, folder)?;
    ledger.must_have_passwords()?;
    show::must_be_readable(terms.run.show, sealing::passwords(&ledger, open))?;
    if let Some(keys) = sealing::keys(reporter, &ledger, open)? {
        ledger.unlock(&keys)?;
    }
    must_be_possible(&ledger).map_err(|error| context.before(error.into(), "Nothing was sent.", &ledger))?;
    must_be_approved(&ledger, terms.expect)?;
    let destination = Destination::of_run(&context.call, connect, ledger.settings())?;
    let now = wanted::now(context, &ledger, terms.run, terms.expect)?;
    if is_done(context, &ledger, &now.wanted)? {
        now.keep(reporter, &mut ledger)?;
        let code = result::finish(context, &mut ledger, None, &now.wanted);
        show::passwords(reporter, &ledger, terms.run.show)?;
        return Ok(code);
    }
    // Rows in doubt are looked up, even in a run that does not look accounts up first.
    let looks = ledger.settings().rules.lookup != Lookup::Off || ledger.has_begun()?;
    let sign_in = SignIn::open(reporter, connect, &destination, wanted::needs(&now.wanted, looks))?;
    let sign_in = sign_in.for_writeback(ledger.settings().rules.writeback);
    let sign_in = sign_in.map_err(|failure| context.before(failure, KEPT, &ledger))?;
    let says_yes = terms.consent == Consent::Given || ledger.has_begun()?;
    let terms = RunConditions { consent: Consent::new(&Asking { says_yes, can_ask: can_ask() }), ..*terms };
    must_have_consent(terms.consent)?;
    window_must_be_open(now.window()?)?;
    let runtime = runtime(Clock::Real)?;
    now.keep(reporter, &mut ledger)?;
    let ended = runtime.block_on(work(context, &mut ledger, &sign_in, &terms, &now));
    let code = ended.map_err(|refused| refused.with_next_step(context, &ledger))?;
    show::passwords(reporter, &ledger, terms.run.show)?;
    Ok(code)
}

/// A complete plan must be unchanged, and the approved one.
fn must_be_approved(ledger: &ReadLedger, expect: Option<&str>) -> Result<(), Failure> {
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
        must_be_expected(ledger, expect)?;
    }
    Ok(())
}

/// Whether nothing is left to send or look up, and no flag of this call asks for more.
fn is_done(context: &Context, ledger: &ReadLedger, wanted: &Wanted) -> Result<bool, Failure> {
    let seen: u64 = ledger.verdicts()?.iter().map(|(_, number)| number).sum();
    let is_unseen = wanted.verify && seen < ledger.counts().reset;
    let is_asked = context.call.has_argument("verify") || context.call.has_argument("revoke_sessions");
    Ok(ledger.counts().is_finished() && !is_unseen && !is_asked)
}

/// Shows what a run would do, under the same conditions. It only reads the ledger.
pub fn dry_run(
    context: &Context,
    folder: &Path,
    open: &OpenArgs,
    connect: &ConnectArgs,
    terms: &RunConditions<'_>,
) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    must_be_whole(terms.expect)?;
    let mut ledger = open_to_read(context, folder)?;
    must_be_real(&ledger)?;
    ledger.must_have_passwords()?;
    if let Some(keys) = sealing::keys(reporter, &ledger, open)? {
        ledger.unlock(&keys)?;
    }
    Destination::of_run(&context.call, connect, ledger.settings())?;
    must_be_approved(&ledger, terms.expect)?;
    if !ledger.lookup_has_ended()? {
        reporter.notice("The accounts are not looked up yet; the run does that first.");
    }
    must_be_few(context, &ledger, terms.limit)?;
    let now = wanted::now(context, &ledger, terms.run, terms.expect)?;
    let quota = terms.run.pace.write_quota;
    plan_report::tell(reporter, &ledger, (quota, writes_left(&ledger, quota, &[])?), &now.wanted, Scope::Whole)?;
    now.tell_changes(reporter);
    if is_done(context, &ledger, &now.wanted)? {
        let accounts = counted(ledger.counts().settled(), "account has", "accounts have");
        reporter.notice(format!("Nothing is left to do: {accounts} finished."));
    } else {
        context.go_on("Nothing was sent.", &ledger);
    }
    reporter.tell(&Event::Ends(End::Planned));
    Ok(0)
}
