//! `--format json`: prints a plan as one object on standard output.

use crate::cli::{
    args::{JobArgs, TextOrJson},
    context::Context,
    failure::Failure,
};
use passwave::{engine::run::writeback_time, ledger::ReadLedger, outcome::Kind, report::Summary, util::sanitize};
use serde_json::json;
use std::io::Write;

/// Prints the plan, if JSON was requested. The quota has this many writes `left`.
pub fn print(
    context: &Context,
    ledger: &ReadLedger,
    summary: &Summary,
    (job, left): (&JobArgs, f64),
) -> Result<(), Failure> {
    if job.format == TextOrJson::Text {
        return Ok(());
    }
    let plan = sanitize::json(&object(context, ledger, summary, (job, left))?.to_string());
    Ok(context.reporter.output(|out| writeln!(out, "{plan}"))?)
}

fn object(
    context: &Context,
    ledger: &ReadLedger,
    summary: &Summary,
    (job, left): (&JobArgs, f64),
) -> Result<serde_json::Value, Failure> {
    let quota = job.run.pace.write_quota;
    let kinds: Vec<_> = ledger
        .kinds()?
        .into_iter()
        .map(
            |kind| json!({"kind": kind.kind.map_or("", Kind::as_str), "skipped": kind.is_skipped, "accounts": kind.number, "names": named(kind.names)}),
        )
        .collect();
    let on_premises = ledger.writeback_counts()?.pending();
    let others = quota.least_time_from(ledger.counts().pending().saturating_sub(on_premises), left);
    let lookup = json!({
        "done": ledger.is_looked_up()?,
        "not_done_because": ledger.not_looked_up_because()?,
        "kinds": kinds,
        "renamed": ledger.renamed()?.0,
        "warnings": ledger.warnings()?,
    });
    let mut plan = json!({
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
        "least_seconds": others.max(writeback_time(on_premises)).as_secs_f64(),
        "entropy_bits": ledger.entropy_bits()?,
        "profiles": summary.profiles,
        "remarks": ledger.remarks()?,
        "cloud": ledger.settings().cloud,
        "wanted": ledger.settings().wanted,
        "next": (!summary.rehearsal).then(|| context.run_again(ledger).to_string()),
    });
    if ledger.settings().rules.writeback {
        plan["on_premises"] = on_premises.into();
    }
    Ok(plan)
}

/// The names of rows that have one.
fn named(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.is_empty()).collect()
}
