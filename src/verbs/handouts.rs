//! `handouts`: slips for the people, from the ledger.

use super::{next_step, sealing};
use crate::{
    cli::{HandoutArgs, OpenArgs},
    failure::Failure,
    terminal::{counted, grouped, insist, print, say, warn},
};
use passwave::{
    clean,
    handouts::{
        BUILT_IN, FOLDER_NAME, HandoutError, Handouts, INDEX_NAME, LeftOut, SealMap, Template, Wishes, first_free,
    },
    ledger::Ledger,
};
use std::{io::Write, path::Path};

/// Files, and values of a seal map, that are told one by one; the index has all files.
const LINES_MAX: usize = 20;

/// Writes the slips, or prints the template that they are made with.
pub fn handouts(folder: Option<&Path>, args: &HandoutArgs, open: &OpenArgs) -> Result<u8, Failure> {
    let Some(folder) = folder else {
        print(|out| out.write_all(BUILT_IN.as_bytes()))?;
        return Ok(0);
    };
    // What was mistyped is told before anybody is asked for a passphrase.
    let template = args.template.as_deref().map(Template::open).transpose()?.unwrap_or_default();
    let seal_map = seal_map(args)?;
    let mut ledger = Ledger::open_to_read(folder)?;
    sealing::unlock(&mut ledger, open)?;
    if ledger.lookup_has_ended()? {
        ledger.must_be_as_planned()?;
    }
    let is_left = ledger.counts().pending() > 0 && !ledger.settings().rehearsal;
    let handouts = Handouts::new(&ledger, wishes(args)).map_err(|error| match error {
        HandoutError::Nobody if is_left => next_step::before(error.into(), "Accounts are left to be reset.", &ledger),
        _ => error.into(),
    })?;
    let out = args.out.clone().unwrap_or_else(|| first_free(&folder.join(FOLDER_NAME)));
    handouts.write(&out, &template, seal_map.as_ref())?;
    tell(&ledger, &handouts, &out, seal_map.as_ref());
    Ok(u8::from(handouts.left_out().needs_a_look()))
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
    Wishes {
        by: args.by.clone(),
        only: args.only.clone(),
        users: args.user.clone(),
        name_columns: args.name_column.clone(),
        order: args.order.into(),
        language: args.language,
        language_column: args.language_column.clone(),
        sign_in: args.sign_in.clone().unwrap_or_default(),
    }
}

fn tell(ledger: &Ledger, handouts: &Handouts<'_>, out: &Path, seal_map: Option<&SealMap>) {
    let is_sealed = seal_map.is_some();
    if ledger.settings().rehearsal {
        say("REHEARSAL: these passwords are valid nowhere, and every slip says so.");
    }
    languages(handouts);
    for unknown in seal_map.map(|map| handouts.not_in_run(map)).unwrap_or_default().iter().take(LINES_MAX) {
        warn(&format!("the seal map names {:?}, and no slip is for that", clean::for_terminal(unknown)));
    }
    left_out(handouts.left_out());
    let slips: u64 = handouts.groups().iter().map(|group| group.rows.len() as u64).sum();
    let files = handouts.groups().len() as u64;
    say(&format!("{} in {}:", counted(slips, "slip", "slips"), counted(files, "file", "files")));
    for group in handouts.groups().iter().take(LINES_MAX) {
        let name = Handouts::file_name(group, is_sealed);
        say(&format!("{:>10}  {}", grouped(group.rows.len() as u64), clean::for_terminal(&name)));
    }
    if handouts.groups().len() > LINES_MAX {
        let more = grouped((handouts.groups().len() - LINES_MAX) as u64);
        say(&format!("            … and {more} more: {INDEX_NAME} there has them all"));
    }
    say(&format!("Folder:  {}", out.display()));
    say(&format!("Kept:    {}", kept(ledger, is_sealed)));
}

fn languages(handouts: &Handouts<'_>) {
    for (language, slips) in handouts.unknown_languages().iter().take(LINES_MAX) {
        warn(&format!(
            "{} for {}, which is not built in (en, fr, es, de), and {} --language",
            counted(*slips, "slip asks", "slips ask"),
            named(language),
            if *slips == 1 { "is in that of" } else { "are in that of" },
        ));
    }
}

/// A language as a message names it. What reads like no language may be a password in the wrong cell.
fn named(language: &str) -> String {
    let reads_like_one = language.chars().all(|c| c.is_alphabetic() || "-_ ()".contains(c));
    if reads_like_one { format!("the language {:?}", clean::for_terminal(language)) } else { "another language".into() }
}

/// Who has no slip, and what to do about it; those who are waiting for one are told in any case.
fn left_out(left_out: &LeftOut) {
    for (rows, tell, why) in [
        (left_out.pending, insist as fn(&str), "not done yet; the run goes on with it"),
        (
            left_out.in_doubt,
            insist,
            "in doubt; try the password of report.csv, or reset them again (--where status=in_doubt)",
        ),
        (left_out.failed, insist, "failed, so the old password stays; report.csv says why"),
        (left_out.skipped, insist, "skipped; report.csv says why"),
        (left_out.changed_since, say, "the password was changed after the reset, most likely by the person"),
        (left_out.well, say, "skipped on purpose (duplicate or excluded)"),
    ] {
        if rows > 0 {
            tell(&format!("No slip for {}: {why}", counted(rows, "row", "rows")));
        }
    }
}

/// How the passwords stand in the files.
fn kept(ledger: &Ledger, is_sealed: bool) -> &'static str {
    match (is_sealed, ledger.sealed_to().is_some()) {
        (true, _) => "each file sealed to the recipients of its group; age -d -i KEYFILE opens it",
        (false, true) => "in clear text, although the run is sealed: print the files, then delete the folder",
        (false, false) => "in clear text: print the files, then delete the folder once the slips are handed out",
    }
}
