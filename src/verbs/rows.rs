//! Which rows a run has: those of a file, of an earlier run, or the accounts that the command line names.
//!
//! It reads and never sends. Invariant: accounts that an earlier run left alone by `--exclude` are left alone again.

use super::column_choice;
use crate::{
    cli::{PlanArgs, StyleName},
    failure::Failure,
    terminal::{counted, say, warn},
};
use passwave::{
    clean,
    ledger::{FILE_NAME, Ledger},
    outcome::Status,
    password::{LENGTH_DEFAULT, SEPARATOR_DEFAULT, WORDS_DEFAULT},
    report::{TakeOver, as_roster},
    roster::{EARLIER_PREFIX, Roster, RosterError, RosterOptions},
    upn::{Upn, UpnError},
};
use std::path::Path;

/// Where the rows come from.
pub enum Source<'a> {
    /// A file, or standard input.
    File(&'a Path),
    /// The folder of an earlier run.
    Run(&'a Path),
    /// Accounts that the command line names, each once.
    Users(Vec<Upn>),
}

/// Standard input, as the command line names it.
const STDIN: &str = "-";

impl<'a> Source<'a> {
    /// What the flags say, before anything is read.
    pub fn of(args: &'a PlanArgs) -> Result<Self, Failure> {
        match (&args.roster, args.rows.user.as_slice()) {
            (Some(_), [_, ..]) => Err(Failure::usage(
                "a roster and --user were both given; nothing was sent\n\
                 hint: give one of them: --user resets single accounts in place of a roster",
            )),
            (None, []) => Err(Failure::usage(
                "nothing says which accounts to reset; nothing was sent\n\
                 hint: give a roster file, a run folder, or --user ann@contoso.com for single accounts",
            )),
            (None, users) => users_of(users, args).map(Self::Users),
            (Some(path), []) if path != Path::new(STDIN) && path.is_dir() => Ok(Self::Run(path)),
            (Some(path), []) => Ok(Self::File(path)),
        }
    }

    /// Whether standard input is taken for the roster, so that nobody can be asked there.
    pub fn is_stdin(&self) -> bool {
        matches!(self, Self::File(path) if *path == Path::new(STDIN))
    }

    /// The file, for whoever looks for a row in it.
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
            "--where chooses rows of a roster, and --user names the accounts itself; nothing was sent\n\
             hint: leave one of them out",
        ));
    }
    if args.password_column.is_some() {
        return Err(Failure::usage(
            "--password-column is for rosters, and --user has no roster; nothing was sent\n\
             hint: leave it out to have a password made, or give a roster with that column",
        ));
    }
    let mut found: Vec<Upn> = Vec::new();
    for user in users {
        let text = clean::trim(user);
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
    Failure::usage(format!(
        "--user \"{}\": {why}; nothing was sent\nhint: give the whole user principal name, such as ann@contoso.com, or an object id",
        clean::for_terminal(text)
    ))
}

/// The rows, and accounts that an earlier run was told to leave alone.
pub struct Chosen {
    pub roster: Roster,
    pub excluded: Vec<String>,
}

/// Reads the rows.
pub fn choose(
    source: &Source<'_>,
    args: &PlanArgs,
    options: &RosterOptions,
    rehearsal: bool,
) -> Result<Chosen, Failure> {
    let excluded = Vec::new();
    match source {
        Source::File(path) => Ok(Chosen { roster: open(path, options)?, excluded }),
        Source::Run(folder) => of_run(folder, args, options, rehearsal),
        Source::Users(users) => {
            let columns = [
                (&args.upn_column, "--upn-column"),
                (&args.sheet, "--sheet"),
                (&args.profile_column, "--profile-column"),
                (&args.language_column, "--language-column"),
            ];
            for (_, flag) in columns.into_iter().filter(|(value, _)| value.is_some()) {
                say(&format!("{flag} is for rosters, and has no effect on --user."));
            }
            Ok(Chosen { roster: Roster::of_users(users, options.form)?, excluded })
        }
    }
}

/// An account in the place of a file is a likely slip.
fn open(path: &Path, options: &RosterOptions) -> Result<Roster, Failure> {
    let is_account = |path: &Path| path.to_str().is_some_and(|text| Upn::parse(text).is_ok());
    Roster::open(path, options).map_err(|error| match error {
        RosterError::Unreadable { .. } if is_account(path) && !path.exists() => {
            let name = path.display();
            Failure::usage(format!(
                "there is no file {name}; nothing was sent\nhint: for that one account: --user {name}"
            ))
        }
        other => column_choice::explained(other, path),
    })
}

fn of_run(folder: &Path, args: &PlanArgs, options: &RosterOptions, rehearsal: bool) -> Result<Chosen, Failure> {
    if !folder.join(FILE_NAME).exists() {
        return Err(Failure::usage(format!(
            "{} is a folder, and not the folder of a run: there is no {FILE_NAME} in it; nothing was sent\n\
             hint: give a roster file, or the folder that `passwave plan` or `reset` named",
            folder.display()
        )));
    }
    let ledger = Ledger::open_to_read(folder)?;
    if ledger.lookup_has_ended()? {
        // Whoever changed an object id in there would choose the account that is reset.
        ledger.must_be_as_planned()?;
    }
    let take_over = TakeOver { object_ids: !rehearsal, forms: !says_how_passwords_look(args) };
    let roster = Roster::of_run(as_roster(&ledger, take_over)?, options)?;
    tell(&ledger, &roster, args, rehearsal)?;
    Ok(Chosen { roster, excluded: ledger.exclusions()? })
}

/// Whether any flag says how passwords look: then they do not look as those of the earlier run.
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

/// What is different about the earlier run, for whoever might not expect it.
fn tell(ledger: &Ledger, roster: &Roster, args: &PlanArgs, rehearsal: bool) -> Result<(), Failure> {
    let (settings, name) = (ledger.settings(), clean::for_terminal(roster.name()));
    if settings.rehearsal && !rehearsal {
        say(&format!("{name} is a rehearsal: its accounts are taken, and all passwords are new."));
    }
    if settings.sealing.is_some() && !rehearsal && !seals(args) {
        warn(&format!(
            "the passwords of {name} are sealed, and those of this run are not: --seal-to RECIPIENT seals them"
        ));
    }
    let pending = if ledger.counts().pending() > 0 && !settings.rehearsal { count_pending(roster)? } else { 0 };
    if pending > 0 {
        let accounts = counted(pending, "account is", "accounts are");
        warn(&format!(
            "{accounts} not settled in {name}: `passwave run` of that folder would change these passwords again"
        ));
    }
    Ok(())
}

/// Whether the flags seal the passwords.
#[cfg(feature = "seal")]
pub const fn seals(args: &PlanArgs) -> bool {
    args.seal.seal_passphrase || !args.seal.seal_to.is_empty() || !args.seal.seal_to_file.is_empty()
}

/// Whether the flags seal the passwords.
#[cfg(not(feature = "seal"))]
pub const fn seals(_args: &PlanArgs) -> bool {
    false
}

/// How many of the rows that were kept are not settled in the earlier run.
fn count_pending(roster: &Roster) -> Result<u64, RosterError> {
    let status = format!("{EARLIER_PREFIX}status");
    let Some(at) = roster.header().iter().rposition(|name| *name == status) else { return Ok(0) };
    let mut pending = 0;
    for row in roster.rows() {
        pending += u64::from(row?.cells.get(at) == Some(Status::Pending.as_str()));
    }
    Ok(pending)
}

/// What a new run folder is called after the rows it is for.
pub fn stem(roster: &Roster) -> String {
    let named = match roster.users() {
        [] => unstamped(Path::new(roster.name()).file_stem().and_then(|stem| stem.to_str()).unwrap_or("roster")),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first}-and-{}-more", others.len()),
    };
    named.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect()
}

/// The name of a run folder without what was put around the roster's name when that was made.
fn unstamped(name: &str) -> String {
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
    use super::unstamped;

    #[test]
    fn names_of_folders_do_not_grow() {
        for (name, kept) in [
            ("passwave-pupils-20261126-101010", "pupils"),
            ("rehearsal-year-7-20261126-101010-2", "year-7"),
            ("passwave-20261126-101010", "passwave-20261126-101010"),
            ("semester", "semester"),
            ("passwave-pupils", "passwave-pupils"),
        ] {
            assert_eq!(unstamped(name), kept);
        }
    }
}
