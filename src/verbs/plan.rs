//! `plan`, and the first half of `reset` and `rehearse`: from a roster to a run folder.

use super::telling;
use crate::{
    cli::{PlanArgs, PlanFormat, PolicyArgs, StyleName},
    failure::Failure,
    terminal::print,
};
use jiff::Zoned;
use passwave::{
    clean,
    ledger::{Created, Ledger},
    password::{BannedWords, ENTROPY_BITS_MIN, Generator, PasswordPolicy, SYMBOLS_DEFAULT, Style},
    plan::{ForceChange, Plan, Settings},
    quota::Quota,
    report,
    roster::{Roster, RosterOptions},
};
use serde_json::json;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Writes the run folder, and tells the plan.
pub fn plan(args: &PlanArgs, quota: Quota, format: PlanFormat) -> Result<u8, Failure> {
    let created = create(args, false)?;
    telling::skipped(&created);
    let ledger = &created.ledger;
    let summary = report::write(ledger)?;
    if format == PlanFormat::Json {
        let plan = json!({
            "fingerprint": summary.fingerprint,
            "run_dir": ledger.folder(),
            "roster": summary.roster,
            "rows": summary.rows,
            "accounts": ledger.counts().pending(),
            "counts": summary.counts,
            "causes": summary.causes,
            "write_quota": quota.to_string(),
            "least_seconds": quota.least_time(ledger.counts().pending()).as_secs_f64(),
            "entropy_bits": ledger.settings().policy.entropy_bits(),
        });
        print(|out| writeln!(out, "{plan}"))?;
    }
    telling::plan(ledger, quota);
    telling::go_on("Nothing was sent.", ledger);
    Ok(0)
}

/// Makes the plan and its run folder.
pub fn create(args: &PlanArgs, rehearsal: bool) -> Result<Created, Failure> {
    let policy = policy(&args.policy)?;
    let options = RosterOptions { upn_column: args.upn_column.clone(), password_column: args.password_column.clone() };
    let roster = Roster::open(&args.roster, &options)?;
    if args.strict {
        refuse_wrong_rows(&roster)?;
    }
    let settings = Settings { rehearsal, force_change: force_change(args), ..Settings::new(&roster, policy.clone()) };
    let folder = args.run_dir.clone().unwrap_or_else(|| folder_for(roster.name(), rehearsal));
    let plan = Plan::new(&roster, Generator::new(&policy)?);
    Ok(Ledger::create(&folder, settings, plan)?)
}

/// The policy that the flags describe.
pub fn policy(args: &PolicyArgs) -> Result<PasswordPolicy, Failure> {
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
    let bits = policy.entropy_bits();
    if bits < ENTROPY_BITS_MIN && !args.allow_weak {
        return Err(Failure::usage(format!(
            "these passwords have {bits:.1} bits of entropy, under {ENTROPY_BITS_MIN:.0}: they can be guessed\n\
             hint: make them longer (--length, --words), or accept it with --allow-weak"
        )));
    }
    Ok(policy)
}

fn banned_words(file: &Path) -> Result<BannedWords, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::usage(format!(
            "{}: {error}\nhint: --banned-words takes a UTF-8 text file, one word a line",
            file.display()
        ))
    })?;
    Ok(BannedWords::read(&text)?)
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

fn force_change(args: &PlanArgs) -> ForceChange {
    match (args.no_force_change, args.force_change_with_mfa) {
        (true, _) => ForceChange::No,
        (_, true) => ForceChange::NextSignInWithMfa,
        _ => ForceChange::NextSignIn,
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
