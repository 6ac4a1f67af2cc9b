//! `remove`: takes the passwords out of run folders once they are handed over.
//!
//! It asks before. Invariant: a run that has not ended keeps its passwords.

use super::{
    conditions::{Asking, Consent},
    confirm::{RemovalAnswer, removal_confirmed},
    database,
    opening::{open_to_read, open_to_remove},
    runs::find,
    system::{Clock, runtime},
};
use crate::cli::{
    args::RemoveArgs,
    console::{Reporter, can_ask},
    context::Context,
    failure::Failure,
};
use jiff::Timestamp;
use passwave::{
    fleet::{self, Fleet},
    ledger::{FILE_NAME, ReadLedger, Removal, Rewrite},
    outcome::Status,
    report::{RemovalError, Removed, WORKBOOK_NAME, delete_copies, remove_passwords},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// The most deleted or unknown files that are named.
const FILES_MAX: usize = 10;
/// Where copies may be that passwave cannot know of.
const ELSEWHERE: &str = "Not removed, because passwave cannot know of them: copies of this folder (backups, snapshots, artifacts of \
     pipelines), reports and handouts written elsewhere, printed slips, and messages.";
/// The same for a run in a database.
const ELSEWHERE_OF_SERVER: &str = "Not removed, because passwave cannot know of them: the server's write-ahead log, backups and standbys; reports \
     and handouts in other folders or on other machines, printed slips, and messages.";
/// What the owner of the database can do.
const REWRITE: &str = "VACUUM (FULL, ANALYZE) passwave.account, passwave.replaced, passwave.data_key, passwave.note";

/// A run whose passwords are to be removed.
struct Chosen {
    /// Its folder, or its name in the database.
    operand: PathBuf,
    is_on_server: bool,
    accounts: u64,
    in_doubt: u64,
}

/// What to do with a run.
enum Choice {
    Remove(Chosen),
    /// Nothing; the text says why.
    Leave(String),
    /// Nothing, because it has not ended.
    NotEnded(Failure),
}

/// Removes the passwords; the exit code is 1 if a run of several had to be left out.
pub fn remove(context: &Context, args: &RemoveArgs) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    let folders = folders(context, args)?;
    let is_single = folders.len() == 1 && args.folder.as_ref() == folders.first();
    let fleets = fleets_above(context, &folders);
    let (mut chosen, mut code) = (Vec::new(), 0);
    for folder in folders {
        match open_to_read(context, &folder).and_then(|ledger| choose(context, &ledger, args)) {
            Ok(Choice::Remove(run)) => chosen.push(run),
            Ok(Choice::Leave(why)) if is_single => reporter.notice(format!("{}: {why}", shown(&folder))),
            Ok(Choice::Leave(why)) => reporter.detail(1, || format!("{}: {why}", shown(&folder))),
            Ok(Choice::NotEnded(failure)) | Err(failure) if is_single => return Err(failure),
            Ok(Choice::NotEnded(failure)) | Err(failure) => {
                reporter.problem(failure);
                code = 1;
            }
        }
    }
    if chosen.is_empty() {
        fleets.iter().try_for_each(|fleet| refresh(context, fleet))?;
        reporter.notice("Nothing was removed.");
        return Ok(code);
    }
    if let Some(declined) = ask(context, args, &chosen)? {
        return Ok(declined);
    }
    for run in &chosen {
        match remove_from(context, args, run) {
            Ok(()) => {}
            Err(failure) if is_single => return Err(failure),
            Err(failure) => {
                reporter.problem(failure);
                code = 1;
            }
        }
    }
    fleets.iter().try_for_each(|fleet| refresh(context, fleet))?;
    let is_on_server = chosen.iter().any(|run| run.is_on_server);
    reporter.notice(if is_on_server { ELSEWHERE_OF_SERVER } else { ELSEWHERE });
    Ok(code)
}

/// The fleets whose runs these are. A run in a database is in none.
fn fleets_above(context: &Context, folders: &[PathBuf]) -> BTreeSet<PathBuf> {
    if context.call.flag("ledger").is_some() {
        return BTreeSet::new();
    }
    let above = folders.iter().filter_map(|folder| folder.parent()).filter(|above| Fleet::is_at(above));
    above.map(Path::to_owned).collect()
}

/// The run folder, or those below the folder; or names of runs in the database.
fn folders(context: &Context, args: &RemoveArgs) -> Result<Vec<PathBuf>, Failure> {
    let Some(folder) = &args.folder else { return all_of_database(context) };
    if context.call.flag("ledger").is_some() {
        return Ok(vec![folder.clone()]);
    }
    if folder.join(FILE_NAME).exists() || !folder.is_dir() {
        return Ok(vec![folder.clone()]);
    }
    if Fleet::is_at(folder) {
        let fleet = Fleet::open(folder)?;
        return Ok(fleet.manifest().tenants.iter().map(|member| fleet.folder_of(member)).collect());
    }
    let found = find::below(folder).map_err(|error| Failure::usage(format!("{}: {error}", shown(folder))))?;
    found.unreadable.iter().for_each(|unreadable| context.reporter.warn(&unreadable.error));
    let runs = counted(found.runs.len() as u64, "run folder", "run folders");
    match args.older_than {
        Some(_) => Ok(found.runs),
        None if found.runs.is_empty() => Ok(vec![folder.clone()]),
        None => Err(Failure::usage(format!("{} is not a run folder, but has {runs} in it", shown(folder)))
            .hint("name one of them, or say with --older-than how old a run must be")),
    }
}

fn all_of_database(context: &Context) -> Result<Vec<PathBuf>, Failure> {
    let Some(server) = database::of_call(context)? else {
        return Err(Failure::usage("no run is named; nothing was removed")
            .hint("name a run folder, or a folder with run folders below it"));
    };
    if context.call.flag("reports").is_some() {
        return Err(Failure::usage("--out is the folder of one run, but none is named; nothing was removed")
            .hint("leave it out, and start passwave in the folder with the folders of the runs"));
    }
    database::names(&server)
}

fn choose(context: &Context, ledger: &ReadLedger, args: &RemoveArgs) -> Result<Choice, Failure> {
    if let Removal::Ended(at) = ledger.removal() {
        return Ok(Choice::Leave(format!("its passwords were removed before ({})", sanitize::for_terminal(at))));
    }
    if args.keep_sealed && ledger.sealed_to().is_some() {
        return Ok(Choice::Leave("its passwords are sealed, and stay (--keep-sealed)".into()));
    }
    if let Some(age) = args.older_than
        && !is_older(ledger.last_change()?, age)
    {
        return Ok(Choice::Leave("it is not that old yet".into()));
    }
    if let Err(error) = ledger.must_have_ended() {
        let failure = Failure::from(error);
        if ledger.settings().rehearsal {
            return Ok(Choice::NotEnded(failure.hint("it is a rehearsal: delete its folder")));
        }
        let step = context.run_again(ledger);
        return Ok(Choice::NotEnded(failure.then(format!("End it with:  {step}"), step.to_string())));
    }
    let (accounts, in_doubt) = (ledger.accounts_with_passwords()?, ledger.counts().of(Status::InDoubt));
    Ok(Choice::Remove(Chosen {
        operand: ledger.operand().to_owned(),
        is_on_server: ledger.is_on_server(),
        accounts,
        in_doubt,
    }))
}

fn is_older(last_change: Option<i64>, age: Duration) -> bool {
    let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    last_change.is_none_or(|at| at <= Timestamp::now().as_millisecond().saturating_sub(age))
}

/// Asks; returns the exit code if the user declines.
fn ask(context: &Context, args: &RemoveArgs, chosen: &[Chosen]) -> Result<Option<u8>, Failure> {
    let reporter = &context.reporter;
    let (accounts, in_doubt) =
        chosen.iter().fold((0, 0), |(accounts, doubt), run| (accounts + run.accounts, doubt + run.in_doubt));
    if in_doubt > 0 {
        reporter.warn(format!(
            "{} in doubt: after this, nobody knows the password that may be in force",
            counted(in_doubt, "account is", "accounts are")
        ));
    }
    let consent = Consent::new(&Asking { says_yes: args.yes, can_ask: can_ask() });
    match consent {
        Consent::Given => return Ok(None),
        Consent::Asked => {}
        Consent::Missing => {
            let what =
                "cannot ask for confirmation: standard input or standard error is not a terminal; nothing was removed";
            return Err(Failure::usage(what).hint("add --yes"));
        }
    }
    let places = match chosen {
        [run] => shown(&run.operand),
        runs if runs[0].is_on_server => counted(runs.len() as u64, "run", "runs"),
        runs => counted(runs.len() as u64, "run folder", "run folders"),
    };
    match runtime(Clock::Real)?.block_on(removal_confirmed(reporter, accounts, &places)) {
        RemovalAnswer::Yes => Ok(None),
        RemovalAnswer::No(code) => Ok(Some(code)),
    }
}

fn remove_from(context: &Context, args: &RemoveArgs, run: &Chosen) -> Result<(), Failure> {
    let mut ledger = open_to_remove(context, &run.operand)?;
    let removed = remove_passwords(&mut ledger, &mut |_| {}).map_err(|error| {
        let step = context.step("remove", &run.operand);
        let step = if args.yes { step.switch("yes") } else { step };
        Failure::from(error).then(format!("Passwords may still be there. Go on with:  {step}"), step.to_string())
    })?;
    tell(&context.reporter, &run.operand, &removed);
    Ok(())
}

/// Writes the reports over all tenants of a fleet again, once passwords were removed from one of its runs.
fn refresh(context: &Context, folder: &Path) -> Result<(), Failure> {
    let fleet = Fleet::open(folder)?;
    let tenants = 0..fleet.manifest().tenants.len();
    if !tenants.filter_map(|at| fleet.read(at).ok()).any(|ledger| ledger.removal().at().is_some()) {
        return Ok(());
    }
    let _lock = fleet.lock()?;
    let deleted = delete_copies(folder)?;
    let (_, not_replaced) = fleet::write(&fleet, None)?;
    let workbook = folder.join(WORKBOOK_NAME);
    if workbook.exists() && fleet::write_workbook(&fleet)? != workbook {
        return Err(RemovalError::NotReplaced { file: workbook, why: "another program has it open".into() }.into());
    }
    if let Some(old) = not_replaced.into_iter().next() {
        return Err(RemovalError::NotReplaced { file: folder.join(old.file), why: old.why }.into());
    }
    list(&context.reporter, "Deleted", &deleted);
    Ok(())
}

fn tell(reporter: &Reporter, folder: &Path, removed: &Removed) {
    let passwords = counted(removed.accounts, "password", "passwords");
    reporter.notice(format!("{}: {passwords} removed from the ledger and the reports.", shown(folder)));
    tell_rewrite(reporter, removed.rewrite);
    list(reporter, "Deleted", &removed.deleted);
    list(
        reporter,
        "Left alone, because passwave does not know them (look whether they have passwords)",
        &removed.unknown,
    );
}

/// Says it if the server's files may still have something.
fn tell_rewrite(reporter: &Reporter, rewrite: Rewrite) {
    let why = match rewrite {
        Rewrite::NotOwner => "only the owner of the database may rewrite its tables",
        Rewrite::InUse => "other processes still work with its tables",
        _ => return,
    };
    let hint = format!("let the owner of the database run:  {REWRITE}");
    reporter.warn_with(format!("the server's files may still have the passwords in free space: {why}"), &hint);
}

fn list(reporter: &Reporter, what: &str, files: &[PathBuf]) {
    if files.is_empty() {
        return;
    }
    let names = files.iter().take(FILES_MAX).map(|file| shown(Path::new(file.file_name().unwrap_or_default())));
    let mut names = names.collect::<Vec<_>>().join(", ");
    if files.len() > FILES_MAX {
        names.push_str(&format!(" and {} more", grouped((files.len() - FILES_MAX) as u64)));
    }
    reporter.notice(format!("{what}: {names}"));
}

fn shown(path: &Path) -> String {
    sanitize::sentence(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_counts_from_the_last_change() {
        let now = Timestamp::now().as_millisecond();
        let hour = Duration::from_secs(3_600);
        assert!(is_older(Some(now - 3_700_000), hour) && !is_older(Some(now - 3_500_000), hour));
        assert!(is_older(None, hour) && is_older(Some(now), Duration::ZERO));
    }
}
