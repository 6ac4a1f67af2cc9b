//! `handouts`: makes slips for the users from the ledger.

use super::{database, opening, sealing, sweep::minute};
use crate::cli::{
    args::{HandoutArgs, OpenArgs},
    console::{Event, Reporter, sealed_to},
    context::Context,
    failure::Failure,
    next_step::NextStep,
};
use passwave::{
    handouts::{
        BUILT_IN, FOLDER_NAME, HandoutError, Handouts, INDEX_NAME, LeftOut, SealMap, Template, Wishes, first_free,
    },
    ledger::ReadLedger,
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// How many files and seal map values are listed; the index has all files.
const LINES_MAX: usize = 20;

/// Writes the slips, or prints the built-in template.
pub fn handouts(context: &Context, folder: Option<&Path>, args: &HandoutArgs, open: &OpenArgs) -> Result<u8, Failure> {
    let Some(folder) = folder else {
        context.reporter.output(|out| out.write_all(BUILT_IN.as_bytes()))?;
        return Ok(0);
    };
    // Mistyped flags are reported before the passphrase prompt.
    let template = args.template.as_deref().map(Template::open).transpose()?.unwrap_or_default();
    let seal_map = seal_map(args)?;
    let mut ledger = opening::open_to_read(context, folder)?;
    ledger.must_have_passwords()?;
    if let Some(keys) = sealing::keys(&context.reporter, &ledger, open)? {
        ledger.unlock(&keys)?;
    }
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
    }
    let is_left = ledger.counts().pending() > 0 && !ledger.settings().rehearsal;
    let handouts = Handouts::new(&ledger, wishes(args)).map_err(|error| match error {
        HandoutError::Nobody if is_left => context.before(error.into(), "Some accounts are not reset yet.", &ledger),
        HandoutError::NotSwept => {
            let step = NextStep::sweep(&context.call, &ledger).to_string();
            Failure::from(error).then(format!("Sweep it with:  {step}"), step)
        }
        _ => error.into(),
    })?;
    let out = args.out.clone().map_or_else(|| beside_the_reports(&ledger), Ok)?;
    handouts.write(&out, &template, seal_map.as_ref())?;
    tell(&context.reporter, &ledger, &handouts, &out, seal_map.as_ref());
    Ok(u8::from(handouts.left_out().needs_a_look()))
}

/// A new folder beside the reports of the run. For a run in a database, they may not be there yet.
fn beside_the_reports(ledger: &ReadLedger) -> Result<PathBuf, Failure> {
    if ledger.is_on_server() {
        database::make_place(ledger.folder(), ledger)?;
    }
    Ok(first_free(&ledger.folder().join(FOLDER_NAME)))
}

#[cfg(feature = "seal")]
fn seal_map(args: &HandoutArgs) -> Result<Option<SealMap>, Failure> {
    Ok(args.seal_map.as_deref().map(SealMap::open).transpose()?)
}

#[cfg(not(feature = "seal"))]
fn seal_map(_args: &HandoutArgs) -> Result<Option<SealMap>, Failure> {
    Ok(None)
}

fn wishes(args: &HandoutArgs) -> Wishes {
    let mut wishes = Wishes::default();
    wishes.by = args.by.clone();
    wishes.only = args.only.clone();
    wishes.conditions = args.conditions.clone();
    wishes.users = args.user.clone();
    wishes.name_columns = args.name_column.clone();
    wishes.order = args.order.into();
    wishes.language = args.language;
    wishes.language_column = args.language_column.clone();
    wishes.sign_in = args.sign_in.clone().unwrap_or_default();
    wishes
}

fn tell(reporter: &Reporter, ledger: &ReadLedger, handouts: &Handouts<'_>, out: &Path, seal_map: Option<&SealMap>) {
    if ledger.settings().rehearsal {
        reporter.notice("REHEARSAL: these passwords are valid nowhere, and every slip says so.");
    }
    if let Some(sweep) = handouts.are_reminders().then(|| ledger.sweeps().ok()?.pop()).flatten() {
        let time = minute(sweep.at);
        reporter.notice(format!(
            "Reminders for users who had not chosen a password of their own at the last sweep ({time})."
        ));
    }
    languages(reporter, handouts);
    for unknown in seal_map.map(|map| handouts.not_in_run(map)).unwrap_or_default().iter().take(LINES_MAX) {
        reporter.warn(format!("the seal map names {:?}, but no slip belongs to it", sanitize::for_terminal(unknown)));
    }
    left_out(reporter, handouts.left_out());
    let slips: u64 = handouts.groups().iter().map(|group| group.rows.len() as u64).sum();
    let files = handouts.groups().len() as u64;
    reporter.notice(format!("{} in {}:", counted(slips, "slip", "slips"), counted(files, "file", "files")));
    for group in handouts.groups().iter().take(LINES_MAX) {
        let name = Handouts::file_name(group, seal_map.is_some());
        reporter.notice(format!("{:>10}  {}", grouped(group.rows.len() as u64), sanitize::for_terminal(&name)));
    }
    if handouts.groups().len() > LINES_MAX {
        let more = grouped((handouts.groups().len() - LINES_MAX) as u64);
        reporter.notice(format!("            … and {more} more: {INDEX_NAME} lists them all"));
    }
    reporter.notice(format!("Folder:  {}", out.display()));
    reporter.notice(format!("Kept:    {}", storage(ledger, seal_map)));
    if let Some(names) = sealed_to(ledger) {
        reporter.notice(format!("Run:     {names}"));
    }
}

fn languages(reporter: &Reporter, handouts: &Handouts<'_>) {
    for (language, slips) in handouts.unknown_languages().iter().take(LINES_MAX) {
        reporter.warn(format!(
            "{} for {}, which is not built in (en, fr, es, de), so {} --language",
            counted(*slips, "slip asks", "slips ask"),
            named(language),
            if *slips == 1 { "it uses" } else { "they use" },
        ));
    }
}

/// A language in a message. If it does not look like one, it may be a password in the wrong cell.
fn named(language: &str) -> String {
    let reads_like_one = language.chars().all(|c| c.is_alphabetic() || "-_ ()".contains(c));
    if reads_like_one {
        format!("the language {:?}", sanitize::for_terminal(language))
    } else {
        "another language".into()
    }
}

/// Reports who has no slip, and what to do about it. Accounts that still need one are always reported.
fn left_out(reporter: &Reporter, left_out: &LeftOut) {
    let told =
        |rows: u64, why: &str| (rows > 0).then(|| format!("No slip for {}: {why}", counted(rows, "row", "rows")));
    for (rows, why) in [
        (left_out.pending, "not done yet; the run goes on with it"),
        (left_out.in_doubt, "in doubt; try the password in report.csv, or reset them again (--where status=in_doubt)"),
        (left_out.failed, "failed, so the old password stays; report.csv says why"),
        (left_out.skipped, "skipped; report.csv says why"),
    ] {
        told(rows, why).iter().for_each(|text| reporter.tell(&Event::Required(text)));
    }
    for (rows, why) in [
        (left_out.changed_since, "the password was changed after the reset, most likely by the user"),
        (left_out.well, "skipped on purpose (duplicate, excluded or accepted)"),
    ] {
        told(rows, why).iter().for_each(|text| reporter.notice(text));
    }
}

/// How the files contain the passwords.
fn storage(ledger: &ReadLedger, seal_map: Option<&SealMap>) -> &'static str {
    match (seal_map.is_some(), ledger.sealed_to().is_some()) {
        (true, _) => "each file sealed to the recipients of its group; age -d -i KEYFILE opens it",
        (false, true) => "in clear text, although the run is sealed: print the files, then delete the folder",
        (false, false) => "in clear text: print the files, then delete the folder once the slips are handed out",
    }
}
