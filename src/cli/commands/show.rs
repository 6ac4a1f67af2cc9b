//! `--show`: prints the new passwords on standard output once, at the end.
//!
//! Nothing else prints a password of a run. Invariant: a pipe, a file or a log gets passwords only on explicit request
//! (`--show=always`), and standard error and `--json` never do.

use crate::cli::{
    args::Show,
    console::{Reporter, is_seen},
    failure::Failure,
};
use passwave::{
    ledger::ReadLedger,
    outcome::Status,
    util::{format::counted, sanitize},
};
use std::io::Write;

/// Refuses `--show` before anything is sent if it could not work in the end.
pub fn must_be_possible(reporter: &Reporter, show: Option<Show>) -> Result<(), Failure> {
    let refused = |why: &str, hint: &str| Err(Failure::usage(format!("{why}; nothing was sent")).hint(hint));
    match show {
        None => Ok(()),
        Some(_) if reporter.has_json() => refused(
            "--show and --json both write to standard output, and events never contain passwords",
            "leave one of them out",
        ),
        Some(Show::Terminal) if !is_seen() => refused(
            "--show prints passwords on a terminal, but standard output is not one",
            "leave it out and read them in report.csv, or use --show=always to print them to that pipe or file",
        ),
        Some(_) => Ok(()),
    }
}

/// Whether this process can read the passwords of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// They are in clear text, or there is a key.
    Readable,
    /// They are sealed, and nobody gave a key.
    Sealed,
}

/// The same for a sealed run: its passwords are for the holders of a key alone.
pub fn must_be_readable(show: Option<Show>, passwords: Passwords) -> Result<(), Failure> {
    if show.is_none() || passwords == Passwords::Readable {
        return Ok(());
    }
    Err(Failure::usage("--show cannot show passwords that are sealed; nothing was sent")
        .hint("leave out --show here; `passwave run FOLDER --show --identity KEYFILE` shows them if you have the key"))
}

/// Prints each account that has, or may have, its new password: name, tab, password.
pub fn passwords(reporter: &Reporter, ledger: &ReadLedger, show: Option<Show>) -> Result<(), Failure> {
    if show.is_none() {
        return Ok(());
    }
    let mut in_doubt = 0;
    reporter.output(|out| {
        ledger.for_each_row(|row| {
            let may_hold = matches!(row.status, Status::Reset | Status::InDoubt);
            in_doubt += u64::from(row.status == Status::InDoubt);
            match row.password.filter(|_| may_hold) {
                Some(password) => {
                    Ok(writeln!(out, "{}\t{}", sanitize::line(&row.user_principal_name), password.expose())?)
                }
                None => Ok::<_, Failure>(()),
            }
        })
    })?;
    if in_doubt > 0 {
        reporter.warn(format!(
            "{} in doubt: the password shown may be in force",
            counted(in_doubt, "account is", "accounts are")
        ));
    }
    Ok(())
}
