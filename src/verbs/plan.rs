//! `plan`, and the first half of `reset` and `rehearse`: from a roster to a run folder.

use super::{
    connect::Door,
    looking,
    process::{makers, runtime},
    sealing, telling,
    told::Told,
    work,
};
use crate::{
    cli::{ConnectArgs, LimitArgs, LookupName, PaceArgs, PlanArgs, PlanFormat, PolicyArgs, RulesArgs, StyleName},
    events,
    failure::Failure,
    pipeline::{self, Stage},
    terminal::{counted, print, say, warn},
};
use jiff::Zoned;
use passwave::{
    clean,
    exclusions::Exclusions,
    language::Language,
    ledger::{Created, Ledger},
    password::{BannedWords, ENTROPY_BITS_MIN, ForceChange, Form, Generator, PasswordPolicy, SYMBOLS_DEFAULT, Style},
    plan::{Lookup, Plan, Rules, Settings},
    quota::Quota,
    report::Summary,
    roster::{Roster, RosterOptions},
    text_file::{self, Wanted},
    traffic::Pace,
};
use serde_json::json;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Most bytes of a list of banned words: ten thousand short words have a few hundred thousand.
const WORDS_BYTES_MAX: u64 = 8 << 20;

/// Writes the run folder, and tells the plan.
pub fn plan(
    args: &PlanArgs,
    limit: &LimitArgs,
    pace: &PaceArgs,
    connect: &ConnectArgs,
    format: PlanFormat,
) -> Result<u8, Failure> {
    let door = door(args, connect)?;
    let created = create(args, false)?;
    telling::skipped(&created);
    let mut ledger = created.ledger;
    if let Some(code) = look(&mut ledger, door.as_ref(), &work::pace(pace))? {
        telling::go_on("Accounts are left to be looked up.", &ledger);
        return Ok(code);
    }
    let summary = work::reports(&mut ledger)?;
    if format == PlanFormat::Json {
        let plan = as_json(&ledger, &summary, pace.write_quota)?;
        let plan = clean::json(&plan.to_string());
        print(|out| writeln!(out, "{plan}"))?;
    }
    telling::plan(&ledger, pace.write_quota, false)?;
    work::must_be_few(&ledger, limit)?;
    pipeline::report(&ledger, &summary, Stage::Planned)?;
    telling::go_on("Nothing was sent.", &ledger);
    events::note_end("planned");
    Ok(0)
}

/// The door to look through; none where accounts are not looked up, or nothing in the environment opens one.
fn door(args: &PlanArgs, connect: &ConnectArgs) -> Result<Option<Door>, Failure> {
    let looks = match args.rules.lookup {
        LookupName::Off => false,
        LookupName::Auto => Door::is_offered(connect),
        LookupName::Required => true,
    };
    looks.then(|| Door::open(connect)).transpose()
}

/// Completes the plan with a look at the accounts; the exit code where it was interrupted.
fn look(ledger: &mut Ledger, door: Option<&Door>, pace: &Pace) -> Result<Option<u8>, Failure> {
    let Some(door) = door else {
        let why = match ledger.settings().rules.lookup {
            Lookup::Off => "--lookup off was given",
            _ => "nothing in the environment says how to sign in",
        };
        looking::without(ledger, why)?;
        return Ok(None);
    };
    say(&format!("Signing in with {door}"));
    runtime(false)?.block_on(async {
        let graph = door.client();
        door.enter(&graph, ledger).await?.tell();
        looking::look(ledger, &Told::new(&graph), pace, false).await
    })
}

fn as_json(ledger: &Ledger, summary: &Summary, quota: Quota) -> Result<serde_json::Value, Failure> {
    let kinds: Vec<_> = ledger
        .kinds()?
        .into_iter()
        .map(
            |kind| json!({"kind": kind.kind, "skipped": kind.is_skipped, "accounts": kind.number, "names": kind.names}),
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
        "roster": summary.roster,
        "rows": summary.rows,
        "accounts": ledger.counts().pending(),
        "counts": summary.counts,
        "causes": summary.causes,
        "lookup": lookup,
        "write_quota": quota.to_string(),
        "least_seconds": quota.least_time(ledger.counts().pending()).as_secs_f64(),
        "entropy_bits": ledger.entropy_bits()?,
        "profiles": summary.profiles,
    }))
}

/// Makes the plan and its run folder.
pub fn create(args: &PlanArgs, rehearsal: bool) -> Result<Created, Failure> {
    makers()?;
    let policy = policy(&args.policy, args.profile_column.is_some())?;
    let roster = Roster::open(&args.roster, &roster_options(args))?;
    telling::remarks(&roster);
    if args.strict {
        refuse_wrong_rows(&roster)?;
    }
    warn_of_other_languages(&roster)?;
    let exclusions = args.rules.exclude.as_deref().map(Exclusions::open).transpose()?.unwrap_or_default();
    let settings = Settings {
        rehearsal,
        force_change: force_change(args),
        rules: rules(&args.rules),
        sealing: sealing::of(&args.seal)?,
        ..Settings::new(&roster, policy.clone())
    };
    let folder = args.run_dir.clone().unwrap_or_else(|| folder_for(roster.name(), rehearsal));
    let plan = Plan::new(&roster, Generator::new(&policy)?).without(exclusions);
    let created = Ledger::create(&folder, settings, plan)?;
    events::note(&created.ledger);
    pipeline::note_roster(&created.ledger, &args.roster)?;
    Ok(created)
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
        only_accounts: false,
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

/// How many people get words of another language than their own, since there is no list of theirs.
fn warn_of_other_languages(roster: &Roster) -> Result<(), Failure> {
    let Some(column) = roster.language_column() else { return Ok(()) };
    let mut others = 0;
    for row in roster.rows() {
        let cells = row?.cells;
        let named = clean::trim(cells.get(column).unwrap_or_default());
        others += u64::from(!named.is_empty() && named.parse::<Language>().is_err());
    }
    if others > 0 {
        let rows = counted(others, "row names", "rows name");
        warn(&format!("{rows} a language without a list of words (--language-column): they get those of --language"));
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
        "{name} was refused (--strict), nothing was sent:\n  {}\nhint: mend these rows, or leave --strict out to skip them",
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
fn folder_for(roster: &str, rehearsal: bool) -> PathBuf {
    let stem = Path::new(roster).file_stem().and_then(|stem| stem.to_str()).unwrap_or("roster");
    let stem: String = stem.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(40).collect();
    let kind = if rehearsal { "rehearsal" } else { "passwave" };
    let name = format!("{kind}-{stem}-{}", Zoned::now().strftime("%Y%m%d-%H%M%S"));
    let numbered = (2..).map(|nth| format!("{name}-{nth}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !Path::new(name).exists());
    PathBuf::from(free.unwrap_or(name))
}
