//! The first half of `plan`, `reset` and `rehearse`: turns a roster into a run folder.

use super::{
    access, database,
    destination::Destination,
    opening,
    policy::{Profiles, form, policy},
    roster_remarks,
    rows::{self, Chosen, Source},
    sealing, system,
    target::Target,
    wanted, writeback,
};
use crate::cli::{
    args::{HiddenRowsName, JobArgs, LookupName, PlanArgs, RulesArgs},
    console::{Event, Reporter},
    context::Context,
    failure::Failure,
};
use jiff::Zoned;
use passwave::{
    ledger::Ledger,
    password::{ForceChange, Generator, PasswordPolicy},
    plan::{Lookup, Plan, Rules, Settings},
    roster::{HiddenRows, Roster, RosterOptions, exclusions::Exclusions},
    util::sanitize,
};
use std::path::{Path, PathBuf};

/// Makes the plan and its run folder.
pub fn create(context: &Context, job: &JobArgs, target: Target) -> Result<Ledger, Failure> {
    let reporter = &context.reporter;
    let WhatToPlan { source, policy, roster, exclusions } = what_to_plan(context, job, target)?;
    let args = &job.plan;
    let settings = settings(reporter, job, target, Settings::new(&roster, policy.clone()))?;
    let folder = args.run_dir.clone().unwrap_or_else(|| folder_for(&rows::stem(&roster), target));
    let is_in_folder = target.is_rehearsal() || context.call.flag("ledger").is_none();
    if is_in_folder && !settings.rehearsal && settings.sealing.is_none() {
        access::warn(reporter, &folder);
    }
    let plan = Plan::new(&roster, Generator::new(&policy)?).without(exclusions);
    let server = if target.is_rehearsal() { None } else { database::of_call(context)? };
    let created = match server {
        Some(server) => database::create(context, &server, &folder, settings, plan)?,
        None => Ledger::create(&folder, settings, plan).map_err(|error| opening::not_made(context, error, &folder))?,
    };
    roster_remarks::note(&created.ledger, &roster)?;
    roster_remarks::notes(reporter, &roster);
    if let Some(file) = source.file().filter(|_| !source.is_stdin()) {
        created.ledger.set_roster_file(file)?;
    }
    reporter.tell(&Event::Created(&created));
    Ok(created.ledger)
}

/// What the plan is made of, besides the settings.
pub struct WhatToPlan<'a> {
    pub source: Source<'a>,
    pub policy: PasswordPolicy,
    pub roster: Roster,
    pub exclusions: Exclusions,
}

/// Reads the roster, and reports what the user should know about it.
pub fn what_to_plan<'a>(context: &Context, job: &'a JobArgs, target: Target) -> Result<WhatToPlan<'a>, Failure> {
    let (source, reporter) = (Source::of(&context.call, &job.plan)?, &context.reporter);
    system::files()?;
    let args = &job.plan;
    let policy = policy(&args.policy, if args.profile_column.is_some() { Profiles::Many } else { Profiles::OfFlags })?;
    let Chosen { roster, excluded } = rows::choose(context, &source, args, &roster_options(args), target)?;
    roster_remarks::remarks(reporter, &roster);
    if args.strict {
        refuse_wrong_rows(&roster)?;
    }
    roster_remarks::reset_rows(reporter, &roster)?;
    let mut exclusions = args.rules.exclude.as_deref().map(Exclusions::open).transpose()?.unwrap_or_default();
    exclusions.extend(excluded);
    Ok(WhatToPlan { source, policy, roster, exclusions })
}

/// The settings of the run from the flags.
pub fn settings(
    reporter: &Reporter,
    job: &JobArgs,
    target: Target,
    mut settings: Settings,
) -> Result<Settings, Failure> {
    let rehearsal = target.is_rehearsal();
    let destination = Destination::new(&job.connect);
    let own_endpoints = if rehearsal { Vec::new() } else { destination.own_endpoints()? };
    settings.rehearsal = rehearsal;
    settings.force_change = force_change(&job.plan);
    settings.rules = rules(&job.plan.rules);
    settings.sealing = sealing::of(reporter, &job.plan.seal)?;
    settings.cloud = (!rehearsal).then_some(destination.cloud);
    settings.own_endpoints = own_endpoints;
    writeback::must_be_possible(&settings)?;
    settings.wanted = wanted::of(&job.run);
    Ok(settings)
}

fn roster_options(args: &PlanArgs) -> RosterOptions {
    let mut options = RosterOptions::default();
    options.upn_column = args.upn_column.clone();
    options.password_column = args.password_column.clone();
    options.profile_column = args.profile_column.clone();
    options.language_column = args.language_column.clone();
    options.sheet = args.sheet.clone();
    options.form = form(&args.policy);
    options.encoding = args.encoding;
    options.hidden_rows = match args.hidden_rows {
        HiddenRowsName::Refuse => HiddenRows::Refuse,
        HiddenRowsName::Include => HiddenRows::Include,
        HiddenRowsName::Skip => HiddenRows::Skip,
    };
    options.only_accounts = false;
    options.only = args.rows.only.clone();
    options
}

/// Removes the run folder that this process has just made, and reports that.
pub fn discard(reporter: &Reporter, ledger: Ledger, failure: Failure) -> Failure {
    let (folder, is_on_server) = (ledger.folder().to_owned(), ledger.is_on_server());
    match ledger.discard() {
        Ok(()) if is_on_server => {
            database::remove_place(&folder);
            failure
        }
        Ok(()) => failure,
        Err(error) => {
            reporter.warn(format!(
                "the run folder {} could not be removed ({error}): remove it yourself",
                folder.display()
            ));
            failure
        }
    }
}

/// `--strict`: reports all wrong rows at once, and makes no run.
fn refuse_wrong_rows(roster: &Roster) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for row in roster.rows() {
        wrong.extend(row?.address.err().map(|refusal| refusal.message));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let name = sanitize::for_terminal(roster.name());
    Err(Failure::usage(format!("{name} was refused (--strict); nothing was sent:\n  {}", wrong.join("\n  ")))
        .hint("correct these rows, or leave --strict out to skip them"))
}

fn rules(args: &RulesArgs) -> Rules {
    let lookup = match args.lookup {
        // Without a lookup, nobody knows which accounts these are.
        LookupName::Auto if args.writeback => Lookup::Required,
        LookupName::Auto => Lookup::Auto,
        LookupName::Required => Lookup::Required,
        LookupName::Off => Lookup::Off,
    };
    let RulesArgs { include_synced, include_admins, writeback, .. } = *args;
    Rules { lookup, include_synced, include_admins, writeback }
}

/// The flags' choice for all users; `None` leaves it to the profiles.
fn force_change(args: &PlanArgs) -> Option<ForceChange> {
    match (args.no_force_change, args.force_change_with_mfa) {
        (true, _) => Some(ForceChange::No),
        (_, true) => Some(ForceChange::NextSignInWithMfa),
        _ => None,
    }
}

/// A descriptive name for a new folder in the current folder.
pub fn folder_for(stem: &str, target: Target) -> PathBuf {
    let kind = if target.is_rehearsal() { "rehearsal" } else { "passwave" };
    let name = format!("{kind}-{stem}-{}", Zoned::now().strftime("%Y%m%d-%H%M%S"));
    let numbered = (2..).map(|nth| format!("{name}-{nth}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !Path::new(name).exists());
    PathBuf::from(free.unwrap_or(name))
}
