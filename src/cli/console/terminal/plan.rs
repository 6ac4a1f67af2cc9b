//! The plan, as users read it before anything is sent.

use super::{lines::Lines, passwords};
use crate::cli::{
    console::event::{Accounts, Planned},
    next_step::can_be_shown,
};
use passwave::{
    engine::run::writeback_time,
    graph::quota::Quota,
    ledger::{Counts, KindCount, ReadLedger},
    outcome::{Kind, Skip},
    plan::wanted::Wanted,
    seal::Sealing,
    util::{
        format::{counted, grouped, short},
        sanitize,
    },
};
use std::path::Path;

/// How many recipients are listed.
const RECIPIENTS_MAX: usize = 8;

/// Shows a complete plan.
pub(super) fn planned(lines: Lines, planned: &Planned<'_>) {
    let ledger = planned.ledger;
    let settings = ledger.settings();
    let (counts, pending) = (ledger.counts(), ledger.counts().pending());
    if let Some(only) = &settings.only {
        let conditions: Vec<String> =
            only.conditions.iter().map(|one| sanitize::for_terminal(&one.to_string())).collect();
        let rows = counted(only.of_rows, "row", "rows");
        lines.say(&format!("Kept {} of {rows}: {}", grouped(counts.rows()), conditions.join(" and ")));
    }
    let mut first = sanitize::for_terminal(&settings.roster);
    if let Some(sheet) = &settings.sheet {
        first += &format!(", sheet \"{}\"", sanitize::for_terminal(sheet));
    }
    first += &format!(": {}", counted(counts.rows(), "row", "rows"));
    first += &format!(", {} to reset", counted(pending, "account", "accounts"));
    first += &done_before(&counts);
    if counts.skipped > 0 {
        first += &format!(", {} skipped", grouped(counts.skipped));
    }
    lines.say(&first);
    if let Some(accounts) = &planned.accounts {
        if planned.is_looked_up {
            kinds(lines, accounts);
        }
        passwords::passwords(lines, settings, accounts);
    }
    extra_work(planned.wanted).iter().for_each(|line| lines.say(line));
    // Revoking sessions is a separate write.
    let writes = pending.saturating_sub(planned.on_premises);
    let writes = if planned.wanted.revoke_sessions { writes + pending } else { writes };
    lines.say(&format!("Time:      {}", estimate(writes, planned.quota, planned.left)));
    writeback(lines, planned);
    if !settings.rehearsal {
        lines.say(&format!("Kept:      {}", storage(ledger)));
        settings.sealing.iter().for_each(|sealing| recipients(lines, sealing));
        lines.say(&format!("Fingerprint: {}", planned.fingerprint));
    }
    if ledger.is_on_server() {
        return lines.say(&format!("Run:       {}, in the database", ledger.operand().display()));
    }
    lines.say(&format!("Run folder: {}", ledger.folder().display()));
    unusual_name(lines, ledger.folder());
}

/// The results of the lookup: the number of each kind, and the first few names.
fn kinds(lines: Lines, accounts: &Accounts) {
    for kind in &accounts.kinds {
        // A row that names no account, or whose account cell may be a password, has no name.
        let named = kind.names.iter().filter(|name| !name.is_empty());
        let names: Vec<String> = named.map(|name| sanitize::for_terminal(name)).collect();
        let more = if !names.is_empty() && kind.number > kind.names.len() as u64 { ", …" } else { "" };
        let line = format!("{:>10}  {:<34} {}{more}", grouped(kind.number), kind_title(kind), names.join(", "));
        lines.say(line.trim_end());
    }
    let (number, names) = &accounts.renamed;
    if *number > 0 {
        let shown = |(old, new): &(String, String)| {
            format!("{} is now {}", sanitize::for_terminal(old), sanitize::for_terminal(new))
        };
        let names: Vec<String> = names.iter().map(shown).collect();
        let more = if *number > names.len() as u64 { ", …" } else { "" };
        lines.say(&format!(
            "{:>10}  {:<34} {}{more}",
            grouped(*number),
            "of these: has another name now",
            names.join(", ")
        ));
    }
}

fn kind_title(kind: &KindCount) -> String {
    let what = match kind.kind {
        None | Some(Kind::Ready) => "",
        Some(Kind::Disabled) => "disabled, cannot sign in",
        Some(Kind::Reason(Skip::Unread)) => "could not be read",
        Some(Kind::Reason(Skip::Synced)) => "synced from on-premises",
        Some(Kind::Reason(Skip::Admin)) => "holds a directory role",
        Some(Kind::Reason(Skip::NotInDirectory)) => "not in the directory",
        Some(Kind::Reason(Skip::CurrentUser)) => "signed in now",
        Some(Kind::Reason(skip)) => skip.code(),
    };
    match (kind.is_skipped, what) {
        (false, "") => "to reset".into(),
        (false, what) => format!("to reset: {what}"),
        (true, what) => format!("skipped: {}", what.replace('_', " ")),
    }
}

/// How the run folder contains the passwords.
fn storage(ledger: &ReadLedger) -> String {
    match sealed_to(ledger) {
        Some(names) => names,
        None if cfg!(feature = "seal") => {
            "in clear text, in the report and the ledger; --seal-to RECIPIENT seals them".into()
        }
        None => "in clear text, in the report and the ledger".into(),
    }
}

/// What earlier processes have done, for the plan's first line; empty if nothing.
fn done_before(counts: &Counts) -> String {
    let done =
        [(counts.reset, "were reset before"), (counts.failed, "failed before"), (counts.in_doubt, "are in doubt")];
    let parts = done.into_iter().filter(|(number, _)| *number > 0);
    parts.map(|(number, what)| format!(", {} {what}", grouped(number))).collect()
}

/// The minimum time that the quota allows.
fn estimate(pending: u64, quota: Quota, left: f64) -> String {
    let least = quota.least_time_from(pending, left);
    let time = if least.is_zero() { "under a minute".into() } else { format!("about {}", short(least)) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
    let spent = match left.max(0.0) as u64 {
        left if left < quota.units.get().into() => format!(", {} of them are left now,", grouped(left)),
        _ => String::new(),
    };
    format!(
        "{time}, if the quota is {} writes in {} s{spent} and nothing else uses it",
        grouped(u64::from(quota.units.get())),
        quota.per.as_secs()
    )
}

/// What is different for accounts that are reset on premises.
fn writeback(lines: Lines, planned: &Planned<'_>) {
    let rows = planned.on_premises;
    if rows == 0 {
        return;
    }
    let others = planned.ledger.counts().pending().saturating_sub(rows);
    lines.say(&format!(
        "Writeback: {} one by one to the on-premises directory, in about {}; {} through Graph meanwhile",
        counted(rows, "password goes", "passwords go"),
        short(writeback_time(rows)),
        counted(others, "other goes", "others go"),
    ));
    for line in [
        "The first one must succeed before any other is sent there.",
        "These people must choose a new password at the next sign-in, whatever the flags and profiles say.",
        "Accounts that the on-premises directory protects are refused; which ones they are cannot be seen from here.",
    ] {
        lines.say(&format!("           {line}"));
    }
}

/// The recipients of a sealed run, by name; `None` if it is not sealed.
pub fn sealed_to(ledger: &ReadLedger) -> Option<String> {
    ledger.sealed_to()?;
    let sealing = ledger.settings().sealing.as_ref()?;
    let shown: Vec<String> = sealing.shown().iter().map(|name| sanitize::for_terminal(name)).collect();
    let number = counted(sealing.recipients.len() as u64, "recipient", "recipients");
    Some(format!("sealed to {number}: {}", shown.join(", ")))
}

/// Lists who can read the sealed passwords.
fn recipients(lines: Lines, sealing: &Sealing) {
    for recipient in sealing.recipients.iter().take(RECIPIENTS_MAX) {
        lines.say(&format!("           {}", sanitize::for_terminal(recipient)));
    }
    if sealing.recipients.len() > RECIPIENTS_MAX {
        lines.say(&format!("           … and {} more", sealing.recipients.len() - RECIPIENTS_MAX));
    }
    if sealing.identity.is_some() {
        lines.say("           (one of these keys is locked with the passphrase of --seal-passphrase)");
    }
}

/// What is done besides the resets, in one line; `None` if nothing is.
fn extra_work(wanted: &Wanted) -> Option<String> {
    let mut parts = Vec::new();
    if wanted.revoke_sessions {
        parts.push("revokes sessions".to_owned());
    }
    if wanted.verify {
        parts.push("verifies".to_owned());
    }
    if !wanted.halt_on.is_empty() {
        parts.push(format!("stops at {}", wanted.halt_on.join(" or ")));
    }
    if let Some(window) = &wanted.window {
        parts.push(format!("sends only within {window}"));
    }
    if !wanted.accept.is_empty() {
        parts.push(format!("accepts skips for {}", wanted.accept.join(" or ")));
    }
    let last = parts.pop()?;
    let comma = if parts.len() > 1 { "," } else { "" };
    let text = if parts.is_empty() { last } else { format!("{}{comma} and {last}", parts.join(", ")) };
    Some(format!("This run also {}.", sanitize::sentence(&text)))
}

/// Warns once about a folder name that shells cannot show as it is.
fn unusual_name(lines: Lines, folder: &Path) {
    if !can_be_shown(folder) {
        lines.say("The name of this folder has special characters: the commands below escape it for the shell.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimate_counts_from_what_is_left() {
        for (pending, left, words) in [
            (500, 3_000.0, "under a minute, if the quota is 3,000 writes in 150 s and nothing else uses it"),
            (
                500,
                100.0,
                "about 20 s, if the quota is 3,000 writes in 150 s, 100 of them are left now, and nothing else uses it",
            ),
            (
                20,
                -100.0,
                "about 6 s, if the quota is 3,000 writes in 150 s, 0 of them are left now, and nothing else uses it",
            ),
        ] {
            assert_eq!(estimate(pending, Quota::DOCUMENTED_WRITES, left), words);
        }
    }

    #[test]
    fn extra_work_has_one_line() {
        let wanted = |verify, halt_on: &[&str]| Wanted {
            verify,
            halt_on: halt_on.iter().map(|rule| (*rule).to_owned()).collect(),
            ..Wanted::default()
        };
        assert_eq!(extra_work(&wanted(false, &[])), None);
        assert_eq!(extra_work(&wanted(true, &[])).as_deref(), Some("This run also verifies."));
        assert_eq!(
            extra_work(&wanted(true, &["failed=3%", "in_doubt=5"])).as_deref(),
            Some("This run also verifies and stops at failed=3% or in_doubt=5.")
        );
        let window = Some("22:00-06:00".into());
        assert_eq!(
            extra_work(&Wanted { revoke_sessions: true, window, ..wanted(true, &[]) }).as_deref(),
            Some("This run also revokes sessions, verifies, and sends only within 22:00-06:00.")
        );
    }
}
