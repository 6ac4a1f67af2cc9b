//! `--show`: the new passwords on standard output, once, at the end.
//!
//! Nothing else prints a password of a run. Invariant: a pipe, a file or a log gets none unless that was asked for in so
//! many words (`--show=always`), and standard error and `--json` never do.

use super::next_step::NextStep;
use crate::{
    cli::Show,
    events,
    failure::Failure,
    terminal::{counted, is_seen, print, say, warn},
};
use passwave::{clean, ledger::Ledger, outcome::Status, report::Summary};
use std::io::Write;

/// Refuses, before anything is sent, what could not be shown in the end.
pub fn must_be_possible(show: Option<Show>) -> Result<(), Failure> {
    let refused = |why: &str, hint: &str| Err(Failure::usage(format!("{why}; nothing was sent\nhint: {hint}")));
    match show {
        None => Ok(()),
        Some(_) if events::are_on() => refused(
            "--show and --json both want standard output, and no event holds a password",
            "leave one of them out",
        ),
        Some(Show::Terminal) if !is_seen() => refused(
            "--show shows the passwords on a terminal, and standard output is none",
            "leave it out and read them in report.csv, or say --show=always to have them in that pipe or file",
        ),
        Some(_) => Ok(()),
    }
}

/// The same for a run whose passwords are sealed: they are for the holders of a key alone.
pub fn must_be_readable(show: Option<Show>, is_sealed: bool, has_key: bool) -> Result<(), Failure> {
    if show.is_none() || !is_sealed || has_key {
        return Ok(());
    }
    Err(Failure::usage(
        "--show cannot show passwords that are sealed; nothing was sent\n\
         hint: leave --show out here; `passwave run FOLDER --show --identity KEYFILE` shows them to whoever has the key",
    ))
}

/// Prints each account that has its new password, or may have, with that: name, tab, password.
pub fn passwords(ledger: &Ledger, show: Option<Show>) -> Result<(), Failure> {
    if show.is_none() {
        return Ok(());
    }
    let mut in_doubt = 0;
    print(|out| {
        ledger.for_each_row(|row| {
            let may_hold = [Status::Reset, Status::InDoubt].iter().any(|status| status.as_str() == row.status);
            in_doubt += u64::from(row.status == Status::InDoubt.as_str());
            match row.password.filter(|_| may_hold) {
                Some(password) => {
                    Ok(writeln!(out, "{}\t{}", clean::line(&row.user_principal_name), password.expose())?)
                }
                None => Ok::<_, Failure>(()),
            }
        })
    })?;
    if in_doubt > 0 {
        warn(&format!(
            "{} in doubt: the password shown may be in force",
            counted(in_doubt, "account is", "accounts are")
        ));
    }
    Ok(())
}

/// Says where the password is of the one account that the command line named.
pub fn whereabouts(ledger: &Ledger, summary: &Summary) {
    let [user] = ledger.settings().users.as_slice() else { return };
    if summary.counts["reset"] == 1 && !summary.rehearsal && summary.sealed_to.is_empty() {
        let step = NextStep::new("report", ledger.folder()).with("format", "csv");
        say(&format!("The new password of {} is in that report. See it here:  {step}", clean::for_terminal(user)));
    }
}
