//! What is said before a run and after it.

use super::{
    attention,
    next_step::{self, NextStep, quoted},
    passwords, show, speed, starting, wanted,
};
use crate::{
    cli::call,
    events::{self, Event},
    failure::Failure,
    terminal::{Mark, counted, grouped, paint, say, warn},
};
use passwave::{
    clean,
    ledger::{Created, FILE_NAME, KindCount, Ledger},
    lookup::{DISABLED, READY, UNREAD},
    outcome::Status,
    quota::Quota,
    report::{CSV_NAME, IDENTITY_NAME, PAGE_NAME, SEALED_NAME, SESSIONS_COLUMN, SUMMARY_NAME, Summary, SummaryCause},
    roster::{Lines, Roster},
    run::RunEnd,
    seal::Sealing,
    wanted::Wanted,
};
use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether this process has told which rows are skipped, and why.
static SKIPPED_TOLD: AtomicBool = AtomicBool::new(false);
/// Skipped rows that are told one by one; the report has them all.
const SKIPPED_LINES_MAX: usize = 100;

/// What a person should know of the roster itself.
pub fn remarks(roster: &Roster) {
    for remark in roster.remarks() {
        let told = remark.to_string();
        if remark.kind.is_warning() { warn(&told) } else { say(&told) }
    }
}

/// What was seen of the roster's rows.
pub fn notes(roster: &Roster) {
    let Some(notes) = roster.notes() else { return };
    let at = |lines: &Lines| match (roster.sheet(), lines.number) {
        (None, 1) => format!("line {lines}"),
        (None, _) => format!("lines {lines}"),
        (Some(_), 1) => format!("row {lines}"),
        (Some(_), _) => format!("rows {lines}"),
    };
    let others = &notes.other_languages;
    if others.number > 0 {
        let rows = counted(others.number, "row names", "rows name");
        warn(&format!(
            "{rows} a language without a list of words ({}, --language-column): they get those of --language",
            at(others)
        ));
    }
    let lost = &notes.lost_letters;
    if lost.number > 0 {
        let rows = counted(lost.number, "row has", "rows have");
        warn(&format!(
            "{rows} a question mark in place of a letter in a name ({}): the program that wrote the roster lost it. Windows \
             PowerShell keeps letters with Export-Csv -Encoding UTF8, and in a pipe with $OutputEncoding = \
             [Text.Encoding]::UTF8",
            at(lost)
        ));
    }
}

/// The rows that will not be sent, all at once.
pub fn skipped(created: &Created) {
    let total = created.ledger.counts().skipped;
    if total == 0 {
        return;
    }
    say(&format!("{} not be sent:", counted(total, "row will", "rows will")));
    for row in created.skipped.iter().take(SKIPPED_LINES_MAX) {
        say(&format!("  {}  [{}]", row.message, row.skip.code()));
    }
    let told = created.skipped.len().min(SKIPPED_LINES_MAX) as u64;
    if told < total {
        say(&format!("  … and {} more: {CSV_NAME} in the run folder has them all", grouped(total - told)));
    }
}

/// How a plan is told.
pub struct Manner<'a> {
    pub quota: Quota,
    pub wanted: &'a Wanted,
    /// Whether an earlier process has told of the accounts.
    pub is_brief: bool,
}

/// What is to be done.
pub fn plan(ledger: &Ledger, manner: &Manner<'_>) -> Result<(), Failure> {
    let settings = ledger.settings();
    let (counts, pending) = (ledger.counts(), ledger.counts().pending());
    if let Some(only) = &settings.only {
        let conditions: Vec<String> = only.conditions.iter().map(|one| clean::for_terminal(&one.to_string())).collect();
        let rows = counted(only.of_rows, "row", "rows");
        say(&format!("Kept {} of {rows}: {}", grouped(counts.rows()), conditions.join(" and ")));
    }
    let mut first = clean::for_terminal(&settings.roster);
    if let Some(sheet) = &settings.sheet {
        first += &format!(", sheet \"{}\"", clean::for_terminal(sheet));
    }
    first += &format!(": {}", counted(counts.rows(), "row", "rows"));
    first += &format!(", {} to reset", counted(pending, "account", "accounts"));
    first += &starting::done_before(&counts);
    if counts.skipped > 0 {
        first += &format!(", {} skipped", grouped(counts.skipped));
    }
    say(&first);
    if !manner.is_brief {
        SKIPPED_TOLD.store(true, Ordering::Relaxed);
        kinds(ledger)?;
        passwords::passwords(ledger)?;
    }
    wanted::line(manner.wanted).iter().for_each(|line| say(line));
    // Revoking sessions is a write of its own.
    let writes = if manner.wanted.revoke_sessions { pending * 2 } else { pending };
    say(&format!("Time:      {}", starting::estimate(writes, manner.quota)));
    if !settings.rehearsal {
        say(&format!("Kept:      {}", kept(ledger)));
        settings.sealing.iter().for_each(starting::recipients);
        say(&format!("Fingerprint: {}", ledger.fingerprint()?));
    }
    say(&format!("Run folder: {}", ledger.folder().display()));
    starting::unusual_name(ledger.folder());
    planned(ledger, pending, manner.quota)
}

/// The same for whoever follows the run, and each row that is skipped.
fn planned(ledger: &Ledger, pending: u64, quota: Quota) -> Result<(), Failure> {
    events::note(ledger);
    if !events::are_on() {
        return Ok(());
    }
    events::tell(&Event::Planned {
        run_dir: events::shown(ledger),
        roster: clean::line(&ledger.settings().roster),
        fingerprint: ledger.fingerprint()?,
        rehearsal: ledger.settings().rehearsal,
        looked_up: ledger.is_looked_up()?,
        rows: ledger.counts().rows(),
        accounts: pending,
        counts: events::by_status(ledger.counts()),
        write_quota: quota.to_string(),
        least_seconds: quota.least_time(pending).as_secs_f64(),
    });
    ledger.for_each_standing(Some(Status::Skipped), |standing| {
        events::account(standing);
        Ok(())
    })
}

/// What was found of the accounts: how many of each kind, and the first few names.
fn kinds(ledger: &Ledger) -> Result<(), Failure> {
    if !ledger.is_looked_up()? {
        return Ok(());
    }
    for kind in ledger.kinds()? {
        // A row that names no account, or whose account cell may be a password, has no name.
        let named = kind.names.iter().filter(|name| !name.is_empty());
        let names: Vec<String> = named.map(|name| clean::for_terminal(name)).collect();
        let more = if !names.is_empty() && kind.number > kind.names.len() as u64 { ", …" } else { "" };
        let line = format!("{:>10}  {:<34} {}{more}", grouped(kind.number), kind_title(&kind), names.join(", "));
        say(line.trim_end());
    }
    let (number, names) = ledger.renamed()?;
    if number > 0 {
        let shown =
            |(old, new): &(String, String)| format!("{} is now {}", clean::for_terminal(old), clean::for_terminal(new));
        let names: Vec<String> = names.iter().map(shown).collect();
        let more = if number > names.len() as u64 { ", …" } else { "" };
        say(&format!("{:>10}  {:<34} {}{more}", grouped(number), "of these: has another name now", names.join(", ")));
    }
    Ok(())
}

fn kind_title(kind: &KindCount) -> String {
    let what = match kind.kind.as_str() {
        READY => "",
        DISABLED => "disabled, cannot sign in",
        UNREAD => "could not be read",
        "synced" => "synced from on-premises",
        "admin" => "holds a directory role",
        "missing" => "not in the directory",
        "self" => "signed in now",
        other => other,
    };
    match (kind.is_skipped, what) {
        (false, "") => "to reset".into(),
        (false, what) => format!("to reset: {what}"),
        (true, what) => format!("skipped: {}", clean::for_terminal(&what.replace('_', " "))),
    }
}

/// Why a run ended before all rows have.
pub fn end(end: &RunEnd) {
    match end {
        RunEnd::Finished | RunEnd::Interrupted => {}
        RunEnd::PilotEnded => {
            say("The pilot has ended; the other accounts were not touched.");
            starting::lasting_pilot();
        }
        RunEnd::Halted(halt) => warn(&format!("stopped by --halt-on {halt}: look at the causes before going on")),
        RunEnd::WindowClosed => say("The hours of --window are over: nothing more is sent."),
    }
}

/// How the passwords stand in the run folder.
fn kept(ledger: &Ledger) -> String {
    match &ledger.settings().sealing {
        Some(sealing) => {
            let shown: Vec<String> = sealing.shown().iter().map(|name| clean::for_terminal(name)).collect();
            let number = counted(sealing.recipients.len() as u64, "recipient", "recipients");
            format!("sealed to {number}: {}", shown.join(", "))
        }
        None if cfg!(feature = "seal") => {
            "in clear text, in the report and the ledger; --seal-to RECIPIENT seals them".into()
        }
        None => "in clear text, in the report and the ledger".into(),
    }
}

/// What has been done.
pub fn result(ledger: &Ledger, summary: &Summary, wanted: &Wanted) {
    outcome(ledger, summary);
    speed(summary).into_iter().for_each(|words| say(&words));
    causes(&summary.causes);
    afterwards(summary, wanted);
    let folder = ledger.folder();
    match &ledger.settings().sealing {
        None => say(&format!("Report:  {}", folder.join(CSV_NAME).display())),
        Some(sealing) => sealed_report(folder, sealing, summary),
    }
    say(&format!("Page:    {}", folder.join(PAGE_NAME).display()));
    say(&format!("Summary: {}   Ledger: {}", folder.join(SUMMARY_NAME).display(), folder.join(FILE_NAME).display()));
    let has_passwords = summary.counts["reset"] + summary.counts["in_doubt"] > 0 && !summary.rehearsal;
    if has_passwords && summary.sealed_to.is_empty() {
        say("The report and the page hold passwords in clear text: nobody else may see them.");
    }
    show::whereabouts(ledger, summary);
    what_is_left(ledger, summary, wanted);
    attention::tell(ledger, summary);
}

/// How many rows ended how.
fn outcome(ledger: &Ledger, summary: &Summary) {
    events::note(ledger);
    let mark = if summary.rehearsal { "REHEARSAL, no tenant was touched. " } else { "" };
    let counts: Vec<String> = Status::ALL
        .into_iter()
        .filter(|status| ledger.counts().of(*status) > 0)
        .map(|status| {
            let text = format!("{} {}", grouped(ledger.counts().of(status)), status.as_str().replace('_', " "));
            paint(mark_of(status), &text)
        })
        .collect();
    say(&format!("{mark}{}: {}.", counted(summary.rows, "row", "rows"), counts.join(", ")));
}

/// What is not done yet, and the command that goes on. A rehearsal ends with its process.
fn what_is_left(ledger: &Ledger, summary: &Summary, wanted: &Wanted) {
    let (counts, unseen) = (ledger.counts(), unseen(summary));
    if counts.pending() > 0 {
        let left = format!("{} not settled.", counted(counts.pending(), "account is", "accounts are"));
        match summary.rehearsal {
            true => say(&format!("{left} A rehearsal ends here.")),
            false => next_step::go_on(&left, ledger),
        }
    } else if counts.sessions_pending() > 0 && !summary.rehearsal {
        let left = counted(counts.sessions_pending(), "account", "accounts");
        next_step::go_on(&format!("Sessions of {left} are still to be revoked."), ledger);
    } else if summary.sessions_failed > 0 && !summary.rehearsal {
        let left = counted(summary.sessions_failed, "account", "accounts");
        let step = NextStep::run(ledger).switch("revoke-sessions");
        next_step::offer(
            &format!("Sessions of {left} could not be revoked; once the cause is gone, try again."),
            &step,
        );
    } else if wanted.verify && unseen > 0 && !summary.rehearsal {
        let left = counted(unseen, "account was", "accounts were");
        next_step::offer(&format!("{left} not verified."), &NextStep::verify(ledger));
    }
}

/// Accounts that were reset and that nobody has looked at since.
fn unseen(summary: &Summary) -> u64 {
    summary.counts["reset"].saturating_sub(summary.verified.values().sum())
}

/// What came of a pilot, before the question about the others.
pub fn pilot(ledger: &Ledger, summary: &Summary) {
    outcome(ledger, summary);
    causes(&summary.causes);
    afterwards(summary, &Wanted::default());
    say(&format!("Report:  {}", ledger.folder().join(CSV_NAME).display()));
}

const fn mark_of(status: Status) -> Mark {
    match status {
        Status::Reset => Mark::Good,
        Status::Failed => Mark::Bad,
        Status::InDoubt | Status::Pending => Mark::Slow,
        Status::Skipped => Mark::Plain,
    }
}

/// Where the passwords are, and what reads them.
fn sealed_report(folder: &Path, sealing: &Sealing, summary: &Summary) {
    let sealed = folder.join(SEALED_NAME);
    let key = key_file(folder, sealing);
    say(&format!("Report:  {} (without passwords)", folder.join(CSV_NAME).display()));
    say(&format!("Sealed:  {}   Read it with:  age -d -i {key} {}", sealed.display(), quoted(&sealed)));
    if summary.passwords_not_in_report > 0 {
        let step = NextStep::new("report", folder);
        let step = match call().flag("identity").or_else(|| call().flag("passphrase")) {
            Some(_) => step,
            None if sealing.identity.is_some() => step.switch("passphrase"),
            None => step.switch("identity KEYFILE"),
        };
        let lacking = counted(summary.passwords_not_in_report, "password that was", "passwords that were");
        say(&format!("It lacks {lacking} sealed earlier. Add them with:  {step}"));
    }
}

/// The key file that opens what is sealed: the one of this call, the run's own that a passphrase locks, or the reader's.
fn key_file(folder: &Path, sealing: &Sealing) -> String {
    let given = call().flag("identity").and_then(|flag| flag.values.first());
    match given {
        Some(file) => quoted(Path::new(file)),
        None if sealing.identity.is_some() => quoted(&folder.join(IDENTITY_NAME)),
        None => "KEYFILE".into(),
    }
}

/// What was done and seen after the resets.
fn afterwards(summary: &Summary, wanted: &Wanted) {
    let mut verified: Vec<String> = summary
        .verified
        .iter()
        .map(|(verdict, number)| format!("{} {}", grouped(*number), verdict.replace('_', " ")))
        .collect();
    let is_asked = wanted.verify || !verified.is_empty();
    if is_asked && unseen(summary) > 0 {
        verified.push(format!("{} not verified", grouped(unseen(summary))));
    }
    if !verified.is_empty() {
        say(&format!("Verified: {}.", verified.join(", ")));
    }
    if summary.sessions_revoked + summary.sessions_failed > 0 {
        let failed = match summary.sessions_failed {
            0 => String::new(),
            failed => {
                format!("; of {} they could not be (column {SESSIONS_COLUMN})", counted(failed, "account", "accounts"))
            }
        };
        say(&format!("Sessions: revoked of {}{failed}.", counted(summary.sessions_revoked, "account", "accounts")));
    }
}

/// What went otherwise, each cure after the causes that share it.
fn causes(causes: &[SummaryCause]) {
    let is_told =
        |cause: &SummaryCause| cause.status == Status::Skipped.as_str() && SKIPPED_TOLD.load(Ordering::Relaxed);
    let is_worth = |cause: &&SummaryCause| !is_told(cause) || cause.needs_a_look() || cause.accepted;
    let causes: Vec<&SummaryCause> = causes.iter().filter(is_worth).collect();
    for (at, cause) in causes.iter().enumerate() {
        let what = if is_told(cause) { "as told above".into() } else { clean::sentence(&cause.error_message) };
        say(&format!("  {} {}: {what}", grouped(cause.rows), clean::for_terminal(&cause.title())));
        let cure = cause.cure();
        if let Some(cure) = cure.filter(|_| causes.get(at + 1).and_then(|next| next.cure()) != cure) {
            say(&format!("      {} {cure}", paint(Mark::Way, "cure:")));
        }
    }
}
