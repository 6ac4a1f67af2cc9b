//! Several tenants: their plan, and the result, with a line for each tenant that needs one.

use super::lines::Lines;
use crate::cli::console::{
    event::{FleetPlan, FleetResult},
    stdio::{Mark, paint},
};
use passwave::{
    fleet::TenantSummary,
    outcome::Status,
    report::{CSV_NAME, PAGE_NAME, SUMMARY_NAME},
    util::{
        format::{counted, grouped, short},
        sanitize,
    },
};

/// How many tenants are listed.
const TENANTS_MAX: usize = 20;

/// Shows what will be done.
pub(super) fn planned(lines: Lines, plan: &FleetPlan<'_>) {
    let (tenants, rows) = (plan.tenants.len() as u64, counted(plan.rows, "row", "rows"));
    let skipped = if plan.skipped > 0 { format!(", {} skipped", grouped(plan.skipped)) } else { String::new() };
    lines.say(&format!(
        "{}: {rows}, {} to reset in {}{skipped}",
        sanitize::for_terminal(plan.roster),
        counted(plan.accounts, "account", "accounts"),
        counted(tenants, "tenant", "tenants"),
    ));
    for (name, id, accounts, is_in_trouble) in plan.tenants.iter().take(TENANTS_MAX) {
        let id = id.as_deref().map(sanitize::for_terminal).unwrap_or_default();
        let trouble = if *is_in_trouble { "  (see above)" } else { "" };
        let line = format!("{:>10}  {:<34} {id}{trouble}", grouped(*accounts), shown(name));
        lines.say(line.trim_end());
    }
    if plan.tenants.len() > TENANTS_MAX {
        lines.say(&format!("{:>10}  and {} more", "…", grouped(tenants - TENANTS_MAX as u64)));
    }
    if plan.least.as_secs() > 0 {
        lines.say(&format!("Time:      at least {}, at {} in each tenant", short(plan.least), plan.quota));
    }
    if !plan.is_rehearsal {
        lines.say(&format!("Fingerprint: {} (of all tenants)", plan.fingerprint));
    }
    lines.say(&format!("Run folder: {} (a fleet: one run folder for each tenant)", plan.folder.display()));
}

/// Shows what was done. A tenant without trouble needs no line of its own.
pub(super) fn result(lines: Lines, FleetResult { folder, summary }: &FleetResult<'_>) {
    let mark = if summary.rehearsal { "REHEARSAL, no tenant was touched. " } else { "" };
    lines.say(&format!(
        "{mark}{} in {}: {}.",
        counted(summary.rows, "row", "rows"),
        counted(summary.tenants.iter().filter(|tenant| !tenant.name.is_empty()).count() as u64, "tenant", "tenants"),
        words(&summary.counts.iter().map(|(status, number)| (*status, *number)).collect::<Vec<_>>())
    ));
    let needs_a_line = |tenant: &&TenantSummary| tenant.exit_code > 0 || tenant.trouble.is_some();
    let troubled: Vec<&TenantSummary> = summary.tenants.iter().filter(needs_a_line).collect();
    for tenant in troubled.iter().take(TENANTS_MAX) {
        let counts: Vec<(&str, u64)> = tenant.counts.iter().map(|(status, number)| (*status, *number)).collect();
        lines.say(&format!("  {}: {}", shown(&tenant.name), words(&counts)));
        if let Some(trouble) = &tenant.trouble {
            lines.say(&format!("      {}", sanitize::sentence(&trouble.message)));
            trouble.hint.iter().for_each(|hint| lines.say(&format!("      {} {hint}", paint(Mark::Way, "hint:"))));
        }
    }
    if troubled.len() > TENANTS_MAX {
        lines.say(&format!("  … and {} more: {PAGE_NAME} has all", grouped((troubled.len() - TENANTS_MAX) as u64)));
    }
    lines.say(&format!("Report:  {}", folder.join(CSV_NAME).display()));
    lines.say(&format!("Page:    {}", folder.join(PAGE_NAME).display()));
    lines.say(&format!("Summary: {}", folder.join(SUMMARY_NAME).display()));
}

fn shown(name: &str) -> String {
    if name.is_empty() { "(no certain tenant)".to_owned() } else { sanitize::for_terminal(name) }
}

/// The number of rows with each status.
fn words(counts: &[(&str, u64)]) -> String {
    let number =
        |status: Status| counts.iter().find(|(name, _)| *name == status.as_str()).map_or(0, |(_, number)| *number);
    let told = Status::ALL.into_iter().filter(|status| number(*status) > 0);
    let told: Vec<String> = told
        .map(|status| {
            let mark = match status {
                Status::Reset => Mark::Good,
                Status::Failed => Mark::Bad,
                Status::InDoubt | Status::Pending => Mark::Slow,
                Status::Skipped => Mark::Plain,
            };
            paint(mark, &format!("{} {}", grouped(number(status)), status.as_str().replace('_', " ")))
        })
        .collect();
    told.join(", ")
}
