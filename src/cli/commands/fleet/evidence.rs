//! `evidence` over a fleet: each tenant's own, and one file over all that has their hashes.

use super::read_back::{Asked, each};
#[cfg(feature = "sign")]
use crate::cli::commands::evidence::signing;
use crate::cli::{
    args::EvidenceArgs,
    commands::{
        audit::audit_one,
        evidence::{must_have_ended, shown},
    },
    console::{End, Event, Reporter},
    context::Context,
    failure::{Failure, INTERRUPTED},
    hints,
};
use passwave::{
    engine::audit::matches,
    fleet::{self, Fleet, FleetEvidence, is_fleet_evidence},
    graph::{client::auth::Needs, quota::Quota},
    util::format::{counted, grouped},
};
use std::path::Path;

/// Whether this call is about a fleet: its folder, or the file over all its tenants.
pub fn is_asked_for_evidence(args: &EvidenceArgs) -> bool {
    let is_file = |file: &Path| is_fleet_evidence(file).unwrap_or_default();
    args.check.as_deref().is_some_and(is_file) || args.folder.as_deref().is_some_and(Fleet::is_at)
}

/// Writes and signs, or checks.
pub fn evidence(context: &Context, args: &EvidenceArgs) -> Result<u8, Failure> {
    match (&args.check, &args.folder) {
        (Some(file), _) => check(&context.reporter, file),
        (None, Some(folder)) => write(context, folder, args),
        (None, None) => Err(Failure::usage("there is no run folder")),
    }
}

/// Writes and signs the evidence of all tenants. The exit code is that of the audit, if it was asked for.
fn write(context: &Context, folder: &Path, args: &EvidenceArgs) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    // A wrong key or passphrase is noticed before the files are written.
    #[cfg(feature = "sign")]
    let key = args.sign.as_deref().map(|file| signing::key(reporter, file, folder)).transpose()?;
    let fleet = Fleet::open(folder)?;
    let code = if args.audit { audit(context, &fleet, args)? } else { 0 };
    if code == INTERRUPTED {
        reporter.tell(&Event::Ends(End::Interrupted));
        return Ok(code);
    }
    let written = fleet::write_evidence(&fleet)?;
    tell(reporter, &fleet, &written);
    #[cfg(feature = "sign")]
    match &key {
        Some(key) => {
            written.tenant_files.iter().try_for_each(|file| signing::sign(None, key, file))?;
            signing::sign(Some(reporter), key, &written.file)?;
        }
        None => {
            let files = written.tenant_files.iter().chain([&written.file]);
            files.for_each(|file| signing::must_be_signed_again(reporter, file));
        }
    }
    let pending = written.tenants.iter().filter_map(|tenant| tenant.counts.get("pending")).sum();
    must_have_ended(reporter, "the fleet", pending);
    Ok(code)
}

/// Reads the audit log of each tenant, side by side.
fn audit(context: &Context, fleet: &Fleet, args: &EvidenceArgs) -> Result<u8, Failure> {
    let quota = Quota::DOCUMENTED_WRITES;
    let asked = Asked { connect: &args.connect, quota, needs: Needs::AUDIT, task: None };
    let (_, code) = each(context, fleet, &asked, async |own, mut ledger, (sign_in, _)| {
        Ok(audit_one(own, &mut ledger, sign_in).await?.unwrap_or_default())
    })?;
    let (mut request, mut batch, mut time) = (0, 0, 0);
    for at in 0..fleet.manifest().tenants.len() {
        let counts = matches(&fleet.read(at)?)?;
        let number = |how| counts.get(how).copied().unwrap_or(0u64);
        request += number("request");
        batch += number("batch");
        time += number("time");
    }
    context.reporter.notice(format!(
        "Audit logs: found {} ({} by our id of the request, {} by that of its batch, {} by account and time)",
        counted(request + batch + time, "row", "rows"),
        grouped(request),
        grouped(batch),
        grouped(time),
    ));
    Ok(code)
}

fn tell(reporter: &Reporter, fleet: &Fleet, written: &FleetEvidence) {
    let (tenants, rows) = (written.tenants.len() as u64, written.tenants.iter().map(|tenant| tenant.rows).sum());
    let (folders, rows) = (counted(tenants, "run folder", "run folders"), counted(rows, "row", "rows"));
    reporter.notice(format!("Evidence: {} ({rows} in {folders}, without passwords)", shown(&written.file)));
    #[cfg(feature = "html")]
    reporter
        .notice(format!("Page:     {}", shown(&fleet.folder().join(passwave::report::evidence::EVIDENCE_PAGE_NAME))));
    #[cfg(not(feature = "html"))]
    let _ = fleet;
    reporter.notice(format!("Chain:    {}", written.final_chain));
    for file in &written.not_replaced {
        reporter.warn(format!(
            "{} could not be replaced ({}), so the new content is in {}",
            file.file, file.why, file.written_as
        ));
    }
}

/// Checks the file over all tenants, and the evidence of each; the exit code is 1 if one does not hold.
fn check(reporter: &Reporter, file: &Path) -> Result<u8, Failure> {
    let (tenants, checked) = match fleet::check_evidence(file) {
        Ok(holds) => holds,
        Err(fault) => {
            let failure = Failure::usage(format!("{} does not hold: {fault}", shown(file)));
            reporter.problem(failure.or_hint(hints::evidence::fleet_hint(&fault)));
            return Ok(1);
        }
    };
    let rows = counted(tenants.iter().map(|tenant| tenant.rows).sum(), "row", "rows");
    let folders = counted(tenants.len() as u64, "run folder", "run folders");
    reporter.notice(format!("{} holds, and so does the evidence of all {folders}: {rows} as written.", shown(file)));
    reporter.notice(format!("Chain:     {}", checked.final_chain));
    #[cfg(feature = "sign")]
    return signing::check(reporter, file);
    #[cfg(not(feature = "sign"))]
    Ok(0)
}
