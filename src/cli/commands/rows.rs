//! The source of a run's rows: a file, an earlier run, or accounts from the command line.
//!
//! It reads and never sends. Invariant: accounts that an earlier run excluded with `--exclude` stay excluded.

use super::{column_choice, opening, show::Passwords, target::Target};
use crate::cli::{
    args::{Call, PlanArgs, StyleName},
    console::Reporter,
    context::Context,
    failure::Failure,
    next_step::quoted_word,
};
use passwave::{
    account::upn::{Upn, UpnError},
    fleet::Fleet,
    ledger::{FILE_NAME, Ledger, ReadLedger},
    outcome::Status,
    password::{LENGTH_DEFAULT, SEPARATOR_DEFAULT, WORDS_DEFAULT},
    report::{CSV_NAME, TakeOver, as_roster},
    roster::{EARLIER_PREFIX, Roster, RosterError, RosterOptions},
    util::{format::counted, sanitize},
};
use std::path::Path;

/// Where the rows come from.
pub enum Source<'a> {
    /// A file, or standard input.
    File(&'a Path),
    /// The folder of an earlier run.
    Run(&'a Path),
    /// Accounts from the command line, each once.
    Users(Vec<Upn>),
}

/// Standard input on the command line.
const STDIN: &str = "-";

impl<'a> Source<'a> {
    /// Reads the flags, before any file is read.
    pub fn of(call: &Call, args: &'a PlanArgs) -> Result<Self, Failure> {
        let has_database = call.flag("ledger").is_some();
        match (&args.roster, args.rows.user.as_slice()) {
            (Some(_), [_, ..]) => Err(Failure::usage("a roster and --user were both given; nothing was sent")
                .hint("give one of them: --user resets single accounts in place of a roster")),
            (None, []) => Err(Failure::usage("no accounts were given; nothing was sent")
                .hint("give a roster file, a run folder, or --user ann@contoso.com for single accounts")),
            (None, users) => users_of(users, args).map(Self::Users),
            (Some(path), []) if path != Path::new(STDIN) && path.is_dir() => Ok(Self::Run(path)),
            (Some(path), []) if has_database && path != Path::new(STDIN) && !path.exists() => Ok(Self::Run(path)),
            (Some(path), []) => Ok(Self::File(path)),
        }
    }

    /// Whether the roster comes from standard input, so the user cannot answer there.
    pub fn is_stdin(&self) -> bool {
        matches!(self, Self::File(path) if *path == Path::new(STDIN))
    }

    /// The file, so that users can look up a row in it.
    pub const fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

fn users_of(users: &[String], args: &PlanArgs) -> Result<Vec<Upn>, Failure> {
    if !args.rows.only.is_empty() {
        return Err(Failure::usage(
            "--where selects rows of a roster, so it cannot be used with --user; nothing was sent",
        )
        .hint("leave one of them out"));
    }
    if args.password_column.is_some() {
        return Err(Failure::usage(
            "--password-column needs a roster, so it cannot be used with --user; nothing was sent",
        )
        .hint("leave it out to have a password generated, or give a roster with that column"));
    }
    let mut found: Vec<Upn> = Vec::new();
    for user in users {
        let text = sanitize::trim(user);
        let upn = Upn::parse(text).map_err(|error| mistyped(text, error))?;
        if !found.iter().any(|other| other.as_str().eq_ignore_ascii_case(upn.as_str())) {
            found.push(upn);
        }
    }
    Ok(found)
}

fn mistyped(text: &str, error: UpnError) -> Failure {
    let why = match error {
        UpnError::Empty => "no account is named".to_owned(),
        other => other.to_string(),
    };
    Failure::usage(format!("--user \"{}\": {why}; nothing was sent", sanitize::for_terminal(text)))
        .hint("give the whole user principal name, such as ann@contoso.com, or an object id")
}

/// The rows, and the accounts that an earlier run excluded.
pub struct Chosen {
    pub roster: Roster,
    pub excluded: Vec<String>,
}

/// Reads the rows.
pub fn choose(
    context: &Context,
    source: &Source<'_>,
    args: &PlanArgs,
    options: &RosterOptions,
    target: Target,
) -> Result<Chosen, Failure> {
    let excluded = Vec::new();
    match source {
        Source::File(path) => Ok(Chosen { roster: open(&context.call, path, options)?, excluded }),
        Source::Run(folder) => of_run(context, folder, args, options, target),
        Source::Users(users) => {
            let columns = [
                (&args.upn_column, "--upn-column"),
                (&args.sheet, "--sheet"),
                (&args.profile_column, "--profile-column"),
                (&args.language_column, "--language-column"),
            ];
            for (_, flag) in columns.into_iter().filter(|(value, _)| value.is_some()) {
                context.reporter.notice(format!("{flag} is for rosters, and has no effect on --user."));
            }
            Ok(Chosen { roster: Roster::of_users(users, options.form)?, excluded })
        }
    }
}

/// An account instead of a file is a likely mistake.
fn open(call: &Call, path: &Path, options: &RosterOptions) -> Result<Roster, Failure> {
    let is_account = |path: &Path| path.to_str().is_some_and(|text| Upn::parse(text).is_ok());
    Roster::open(path, options).map_err(|error| match error {
        RosterError::Unreadable { .. } if is_account(path) && !path.exists() => {
            let name = path.display();
            Failure::usage(format!("there is no file {name}; nothing was sent"))
                .hint(format!("for that one account: --user {}", quoted_word(path)))
        }
        other => column_choice::explained(call, other, path),
    })
}

fn of_run(
    context: &Context,
    folder: &Path,
    args: &PlanArgs,
    options: &RosterOptions,
    target: Target,
) -> Result<Chosen, Failure> {
    if Fleet::is_at(folder) {
        let report = quoted_word(folder.join(CSV_NAME));
        return Err(Failure::usage(format!("{} is a fleet, not a run; nothing was sent", folder.display()))
            .hint(format!("its report is a roster: give {report} and --tenant-column tenant")));
    }
    let (reporter, is_folder) = (&context.reporter, folder.join(FILE_NAME).exists());
    if !is_folder && context.call.flag("ledger").is_none() {
        return Err(Failure::usage(format!(
            "{} is a folder, but not a run folder: there is no {FILE_NAME} in it; nothing was sent",
            folder.display()
        ))
        .hint("give a roster file, or the folder that `passwave plan` or `reset` named"));
    }
    let ledger = if is_folder { Ledger::open_to_read(folder)? } else { opening::open_to_read(context, folder)? };
    if ledger.lookup_has_ended()? {
        // A changed object id in there would redirect the reset to another account.
        ledger.must_be_as_planned()?;
    }
    let take_over = TakeOver { object_ids: !target.is_rehearsal(), forms: !says_how_passwords_look(args) };
    let roster = Roster::of_run(as_roster(&ledger, take_over)?, options)?;
    tell(reporter, &ledger, &roster, args, target)?;
    Ok(Chosen { roster, excluded: ledger.exclusions()? })
}

/// Whether any flag sets the form of passwords; then the earlier run's forms do not apply.
fn says_how_passwords_look(args: &PlanArgs) -> bool {
    let policy = &args.policy;
    let has_form = policy.profile.is_some() || policy.language.is_some() || args.profile_column.is_some();
    let is_usual = policy.style == StyleName::Random
        && policy.length == LENGTH_DEFAULT
        && policy.words == WORDS_DEFAULT
        && policy.separator == SEPARATOR_DEFAULT
        && policy.symbols.is_none();
    has_form || !is_usual || args.password_column.is_some()
}

/// Reports what the user may not expect about the earlier run.
fn tell(
    reporter: &Reporter,
    ledger: &ReadLedger,
    roster: &Roster,
    args: &PlanArgs,
    target: Target,
) -> Result<(), Failure> {
    let (settings, name) = (ledger.settings(), sanitize::for_terminal(roster.name()));
    if settings.rehearsal && !target.is_rehearsal() {
        reporter.notice(format!("{name} is a rehearsal: this run takes its accounts, and all passwords are new."));
    }
    if settings.sealing.is_some() && !target.is_rehearsal() && !seals(args) {
        reporter.warn(format!(
            "the passwords of {name} are sealed, but those of this run are not: --seal-to RECIPIENT seals them"
        ));
    }
    let pending = if ledger.counts().pending() > 0 && !settings.rehearsal { count_pending(roster)? } else { 0 };
    if pending > 0 {
        let accounts = counted(pending, "account is", "accounts are");
        reporter.warn(format!(
            "{accounts} not finished in {name}: `passwave run` of that folder would change these passwords again"
        ));
    }
    Ok(())
}

/// Whether the flags seal the passwords.
#[cfg(feature = "seal")]
const fn seals(args: &PlanArgs) -> bool {
    args.seal.seal_passphrase || !args.seal.seal_to.is_empty() || !args.seal.seal_to_file.is_empty()
}

/// Whether the flags seal the passwords.
#[cfg(not(feature = "seal"))]
const fn seals(_args: &PlanArgs) -> bool {
    false
}

/// Whether this process can read the passwords of the run that it plans.
pub const fn passwords(args: &PlanArgs) -> Passwords {
    if seals(args) { Passwords::Sealed } else { Passwords::Readable }
}

/// How many of the kept rows are not settled in the earlier run.
fn count_pending(roster: &Roster) -> Result<u64, RosterError> {
    let status = format!("{EARLIER_PREFIX}status");
    let Some(at) = roster.header().iter().rposition(|name| *name == status) else { return Ok(0) };
    let mut pending = 0;
    for row in roster.rows() {
        pending += u64::from(row?.cells.get(at) == Some(Status::Pending.as_str()));
    }
    Ok(pending)
}

/// The name of a new run folder, derived from its rows.
pub fn stem(roster: &Roster) -> String {
    let named = match roster.users() {
        [] => base_name(Path::new(roster.name()).file_stem().and_then(|stem| stem.to_str()).unwrap_or("roster")),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first}-and-{}-more", others.len()),
    };
    named.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect()
}

/// The name of a run folder without the parts that were added to the roster's name.
fn base_name(name: &str) -> String {
    let Some(rest) = ["passwave-", "rehearsal-"].into_iter().find_map(|kind| name.strip_prefix(kind)) else {
        return name.to_owned();
    };
    let is_stamp = |part: &str| part.len() >= 6 && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts: Vec<&str> = rest.split('-').collect();
    while parts.len() > 2 && !is_stamp(parts[parts.len() - 1]) && parts[parts.len() - 1].parse::<u32>().is_ok() {
        parts.pop();
    }
    if let [kept @ .., day, time] = parts.as_slice()
        && is_stamp(day)
        && is_stamp(time)
        && !kept.is_empty()
    {
        return kept.join("-");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::base_name;

    #[test]
    fn names_of_folders_do_not_grow() {
        for (name, kept) in [
            ("passwave-pupils-20261126-101010", "pupils"),
            ("rehearsal-year-7-20261126-101010-2", "year-7"),
            ("passwave-20261126-101010", "passwave-20261126-101010"),
            ("semester", "semester"),
            ("passwave-pupils", "passwave-pupils"),
        ] {
            assert_eq!(base_name(name), kept);
        }
    }
}
