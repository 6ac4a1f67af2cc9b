//! `plan`, and the first half of `reset` and `rehearse`: from a roster to a run folder.

use super::{
    asking::KEPT,
    conditions,
    connect::Door,
    destination::Destination,
    looking, next_step,
    process::{makers, runtime},
    rows::{self, Chosen, Source},
    sealing, starting, telling,
    told::Told,
    wanted, work,
};
use crate::{
    cli::{
        HiddenRowsName, JobArgs, LookupName, NOT_FOR_A_PLAN, PlanArgs, PlanFormat, PolicyArgs, RulesArgs, StyleName,
    },
    events,
    failure::Failure,
    pipeline::{self, Stage},
    terminal::{counted, print, say, warn},
};
use jiff::Zoned;
use passwave::{
    clean,
    exclusions::Exclusions,
    ledger::{Created, Ledger},
    password::{BannedWords, ENTROPY_BITS_MIN, ForceChange, Form, Generator, PasswordPolicy, SYMBOLS_DEFAULT, Style},
    plan::{Lookup, Plan, Rules, Settings},
    quota::Quota,
    report::Summary,
    roster::{HiddenRows, Roster, RosterOptions},
    text_file::{self, Wanted},
};
use serde_json::json;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Most bytes of a list of banned words: ten thousand short words have a few hundred thousand.
const WORDS_BYTES_MAX: u64 = 8 << 20;

/// Writes the run folder, and tells the plan.
pub fn plan(job: &JobArgs) -> Result<u8, Failure> {
    Source::of(&job.plan)?;
    starting::without_meaning("plan", &NOT_FOR_A_PLAN);
    let door = door(job)?;
    let runtime = door.is_some().then(|| runtime(false)).transpose()?;
    let created = create(job, false)?;
    telling::skipped(&created);
    let mut ledger = created.ledger;
    let looked = match (&door, &runtime) {
        (Some(door), Some(runtime)) => runtime.block_on(look(&mut ledger, door, job)),
        _ => without_a_look(&mut ledger).map(|()| None),
    };
    if let Some(code) = looked.map_err(|failure| next_step::before(failure, KEPT, &ledger))? {
        next_step::go_on("Accounts are left to be looked up.", &ledger);
        return Ok(code);
    }
    if let Err(failure) = conditions::must_be_few(&ledger, &job.limit) {
        return Err(discarded(ledger, failure));
    }
    tell(&mut ledger, job).map_err(|failure| next_step::before(failure, KEPT, &ledger))
}

fn tell(ledger: &mut Ledger, job: &JobArgs) -> Result<u8, Failure> {
    let summary = work::reports(ledger)?;
    as_printed(ledger, &summary, job)?;
    let wanted = ledger.settings().wanted.clone();
    telling::plan(ledger, &telling::Manner { quota: job.run.pace.write_quota, wanted: &wanted, is_brief: false })?;
    pipeline::report(ledger, &summary, Stage::Planned)?;
    next_step::go_on("Nothing was sent.", ledger);
    events::note_end("planned");
    Ok(0)
}

/// The plan on stdout, if it is asked for as JSON.
pub fn as_printed(ledger: &Ledger, summary: &Summary, job: &JobArgs) -> Result<(), Failure> {
    if job.format == PlanFormat::Text {
        return Ok(());
    }
    let plan = as_json(ledger, summary, job.run.pace.write_quota)?;
    let plan = clean::json(&plan.to_string());
    Ok(print(|out| writeln!(out, "{plan}"))?)
}

/// Takes the run folder away that this process has made and that nobody wants, as told.
pub fn discarded(ledger: Ledger, failure: Failure) -> Failure {
    let folder = ledger.folder().to_owned();
    drop(ledger);
    match std::fs::remove_dir_all(&folder) {
        Ok(()) => failure,
        Err(error) => {
            warn(&format!("the run folder {} is left and can be removed: {error}", folder.display()));
            failure
        }
    }
}

/// The door to look through; none where accounts are not looked up, or nothing in the environment opens one.
fn door(job: &JobArgs) -> Result<Option<Door>, Failure> {
    let looks = match job.plan.rules.lookup {
        LookupName::Off => false,
        LookupName::Auto => Door::is_offered(&job.connect),
        LookupName::Required => true,
    };
    looks.then(|| Door::open(&job.connect, &Destination::new(&job.connect))).transpose()
}

/// Completes the plan with a look at the accounts; the exit code where it was interrupted.
async fn look(ledger: &mut Ledger, door: &Door, job: &JobArgs) -> Result<Option<u8>, Failure> {
    say(&format!("Signing in with {door}"));
    let graph = door.client();
    let arrival = door.enter(&graph, ledger).await?;
    arrival.tell();
    // What is looked up there holds there alone.
    arrival.note_in(ledger)?;
    looking::look(ledger, &Told::new(&graph), &work::pace(&job.run.pace), job.run.revoke_sessions).await
}

fn without_a_look(ledger: &mut Ledger) -> Result<(), Failure> {
    let why = match ledger.settings().rules.lookup {
        Lookup::Off => "--lookup off was given",
        _ => "nothing in the environment says how to sign in",
    };
    looking::without(ledger, why)
}

fn as_json(ledger: &Ledger, summary: &Summary, quota: Quota) -> Result<serde_json::Value, Failure> {
    let kinds: Vec<_> = ledger
        .kinds()?
        .into_iter()
        .map(
            |kind| json!({"kind": kind.kind, "skipped": kind.is_skipped, "accounts": kind.number, "names": named(kind.names)}),
        )
        .collect();
    let lookup = json!({
        "done": ledger.is_looked_up()?,
        "not_done_because": ledger.not_looked_up_because()?,
        "kinds": kinds,
        "renamed": ledger.renamed()?.0,
        "warnings": looking::warnings(ledger)?,
    });
    Ok(json!({
        "fingerprint": summary.fingerprint,
        "run_dir": ledger.folder(),
        "sealed_to": summary.sealed_to,
        "sealed_to_names": ledger.settings().sealing.as_ref().map(passwave::seal::Sealing::shown).unwrap_or_default(),
        "roster": summary.roster,
        "only": summary.only,
        "rows": summary.rows,
        "accounts": ledger.counts().pending(),
        "counts": summary.counts,
        "causes": summary.causes,
        "lookup": lookup,
        "write_quota": quota.to_string(),
        "least_seconds": quota.least_time(ledger.counts().pending()).as_secs_f64(),
        "entropy_bits": ledger.entropy_bits()?,
        "profiles": summary.profiles,
        "cloud": ledger.settings().cloud,
        "wanted": ledger.settings().wanted,
        "next": (!summary.rehearsal).then(|| next_step::NextStep::run(ledger).to_string()),
    }))
}

/// The names of rows that have one.
fn named(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

/// Makes the plan and its run folder.
pub fn create(job: &JobArgs, rehearsal: bool) -> Result<Created, Failure> {
    let source = Source::of(&job.plan)?;
    makers()?;
    let args = &job.plan;
    let policy = policy(&args.policy, args.profile_column.is_some())?;
    let Chosen { roster, excluded } = rows::choose(&source, args, &roster_options(args), rehearsal)?;
    telling::remarks(&roster);
    if args.strict {
        refuse_wrong_rows(&roster)?;
    }
    warn_of_reset_rows(&roster)?;
    let mut exclusions = args.rules.exclude.as_deref().map(Exclusions::open).transpose()?.unwrap_or_default();
    exclusions.extend(excluded);
    let settings = settings(job, rehearsal, Settings::new(&roster, policy.clone()))?;
    let folder = args.run_dir.clone().unwrap_or_else(|| folder_for(&rows::stem(&roster), rehearsal));
    let plan = Plan::new(&roster, Generator::new(&policy)?).without(exclusions);
    let created = Ledger::create(&folder, settings, plan).map_err(|error| starting::not_made(error, &folder))?;
    telling::notes(&roster);
    events::note(&created.ledger);
    source.file().map_or(Ok(()), |file| pipeline::note_roster(&created.ledger, file))?;
    Ok(created)
}

/// What the flags say of the run as a whole.
fn settings(job: &JobArgs, rehearsal: bool, settings: Settings) -> Result<Settings, Failure> {
    let destination = Destination::new(&job.connect);
    let own_endpoints = if rehearsal { Vec::new() } else { destination.own_endpoints()? };
    Ok(Settings {
        rehearsal,
        force_change: force_change(&job.plan),
        rules: rules(&job.plan.rules),
        sealing: sealing::of(&job.plan.seal)?,
        cloud: (!rehearsal).then_some(destination.cloud),
        own_endpoints,
        wanted: wanted::of(&job.run),
        ..settings
    })
}

fn roster_options(args: &PlanArgs) -> RosterOptions {
    RosterOptions {
        upn_column: args.upn_column.clone(),
        password_column: args.password_column.clone(),
        profile_column: args.profile_column.clone(),
        language_column: args.language_column.clone(),
        sheet: args.sheet.clone(),
        form: form(&args.policy),
        encoding: args.encoding,
        hidden_rows: match args.hidden_rows {
            HiddenRowsName::Refuse => HiddenRows::Refuse,
            HiddenRowsName::Include => HiddenRows::Include,
            HiddenRowsName::Skip => HiddenRows::Skip,
        },
        only_accounts: false,
        only: args.rows.only.clone(),
    }
}

/// How passwords look of which the roster says nothing.
pub fn form(args: &PolicyArgs) -> Form {
    Form { profile: args.profile, language: args.language.unwrap_or_default() }
}

/// The policy that the flags describe; `by_column` where each row names its profile. Whoever names a profile knows what
/// comes of it, and is told once more in the plan.
pub fn policy(args: &PolicyArgs, by_column: bool) -> Result<PasswordPolicy, Failure> {
    let banned = match &args.banned_words {
        Some(file) => banned_words(file)?,
        None => BannedWords::default(),
    };
    let style = match args.style {
        StyleName::Words => Style::Words { words: args.words, separator: args.separator.clone() },
        StyleName::Random => {
            let symbols = args.symbols.as_deref().unwrap_or(SYMBOLS_DEFAULT).to_owned();
            Style::Random { length: args.length, symbols }
        }
    };
    let policy = PasswordPolicy::new(style, banned)?;
    let bits = policy.entropy_bits(form(args));
    let is_by_profile = by_column || args.profile.is_some();
    if bits < ENTROPY_BITS_MIN && !args.allow_weak && !is_by_profile {
        return Err(Failure::usage(format!(
            "these passwords have {bits:.1} bits of entropy, under {ENTROPY_BITS_MIN:.0}: they can be guessed\n\
             hint: make them longer (--length, --words), or accept it with --allow-weak"
        )));
    }
    Ok(policy)
}

fn banned_words(file: &Path) -> Result<BannedWords, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!(
            "{}: {why}\nhint: --banned-words takes a text file, one word a line",
            clean::for_terminal(&file.display().to_string())
        ))
    };
    let bytes = text_file::read(file, WORDS_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let text = text_file::decode(bytes, Wanted::Found).map_err(|error| wrong(error.to_string()))?.text;
    Ok(BannedWords::read(&text)?)
}

/// A whole report that is given back resets the rows once more that it has reset.
fn warn_of_reset_rows(roster: &Roster) -> Result<(), Failure> {
    let number = roster.reset_before()?.unwrap_or_default();
    if number > 0 {
        warn(&format!(
            "{} is a report of passwave, and {} status reset: they get another password now; --where status=failed takes \
             only those that failed",
            clean::for_terminal(roster.name()),
            counted(number, "of its rows has", "of its rows have")
        ));
    }
    Ok(())
}

/// `--strict`: all wrong rows at once, and no run.
fn refuse_wrong_rows(roster: &Roster) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for row in roster.rows() {
        wrong.extend(row?.address.err().map(|refusal| refusal.message));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let name = clean::for_terminal(roster.name());
    Err(Failure::usage(format!(
        "{name} was refused (--strict), nothing was sent:\n  {}\nhint: correct these rows, or leave --strict out to skip them",
        wrong.join("\n  ")
    )))
}

fn rules(args: &RulesArgs) -> Rules {
    let lookup = match args.lookup {
        LookupName::Auto => Lookup::Auto,
        LookupName::Required => Lookup::Required,
        LookupName::Off => Lookup::Off,
    };
    Rules { lookup, include_synced: args.include_synced, include_admins: args.include_admins }
}

/// What the flags ask of everybody; where they ask nothing, the profiles do.
fn force_change(args: &PlanArgs) -> Option<ForceChange> {
    match (args.no_force_change, args.force_change_with_mfa) {
        (true, _) => Some(ForceChange::No),
        (_, true) => Some(ForceChange::NextSignInWithMfa),
        _ => None,
    }
}

/// A name that says what it is and does not exist yet, in the current folder.
fn folder_for(stem: &str, rehearsal: bool) -> PathBuf {
    let kind = if rehearsal { "rehearsal" } else { "passwave" };
    let name = format!("{kind}-{stem}-{}", Zoned::now().strftime("%Y%m%d-%H%M%S"));
    let numbered = (2..).map(|nth| format!("{name}-{nth}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !Path::new(name).exists());
    PathBuf::from(free.unwrap_or(name))
}
