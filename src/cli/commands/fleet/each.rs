//! `report` and `handouts` over a fleet: the same for each of its runs, and then over all.

use super::{outcome, watch::Watch};
use crate::cli::{
    args::{HandoutArgs, OpenArgs, ReportFormat},
    commands,
    console::{Event, is_seen},
    context::Context,
    failure::{Failure, INTERRUPTED},
};
use passwave::{
    fleet::{self, Fleet},
    report::{Runs, print_csv_together, print_junit_together, print_workbook_together},
    util::private_file,
};
use std::{
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

/// Does the same for each run of a fleet. A tenant's trouble does not stop the others; the exit code is the worst one.
fn each(
    context: &Context,
    fleet: &Fleet,
    work: impl Fn(&Context, &Path) -> Result<u8, Failure>,
) -> Result<(Arc<Watch>, u8), Failure> {
    let watch = Watch::new(Vec::new());
    let contexts = watch.contexts(context, fleet);
    let mut codes = Vec::new();
    for (at, member) in fleet.manifest().tenants.iter().enumerate() {
        if member.name.is_empty() {
            continue;
        }
        let code = work(&contexts[at], &fleet.folder_of(member)).unwrap_or_else(|failure| {
            contexts[at].reporter.tell(&Event::Failed(&failure));
            failure.code
        });
        codes.push(code);
        if code == INTERRUPTED {
            break;
        }
    }
    Ok((watch, outcome::worst_of(&codes)))
}

/// Writes the slips of each tenant: into a folder for each within `--out`, otherwise into the tenants' run folders.
pub fn handouts(context: &Context, folder: &Path, args: &HandoutArgs, open: &OpenArgs) -> Result<u8, Failure> {
    let fleet = Fleet::open(folder)?;
    if let Some(out) = &args.out {
        private_file::create_dir(out)
            .map_err(|error| Failure::usage(format!("{}: {error}", out.display())).hint("name a new folder"))?;
    }
    let (_, code) = each(context, &fleet, |own, run| {
        let name = run.file_name().unwrap_or_default();
        let out = args.out.as_ref().map(|out| out.join(name));
        let args = HandoutArgs { out: out.or_else(|| args.out.clone()), ..args.clone() };
        commands::handouts(own, Some(run), &args, open)
    })?;
    let place = args.out.as_deref().unwrap_or_else(|| fleet.folder());
    context.reporter.notice(format!("The slips of each tenant are in a folder of its own within {}", place.display()));
    Ok(code)
}

/// Writes the reports of each tenant and over all, or one over all to the requested place.
pub fn report(
    context: &Context,
    folder: &Path,
    format: Option<ReportFormat>,
    output: Option<&Path>,
    open: &OpenArgs,
) -> Result<u8, Failure> {
    let fleet = Fleet::open(folder)?;
    let Some(format) = format else {
        let (watch, code) = each(context, &fleet, |own, run| commands::report(own, run, None, None, open))?;
        outcome::told(context, &fleet, &watch)?;
        return Ok(code);
    };
    match output {
        Some(file) if file != Path::new("-") => to_file(context, &fleet, format, file, open)?,
        None if format == ReportFormat::Xlsx && is_seen() => {
            let file = fleet::write_workbook(&fleet)?;
            context.reporter.notice(format!("Workbook: {}", file.display()));
        }
        Some(_) if format == ReportFormat::Xlsx && is_seen() => {
            return Err(
                Failure::usage("a terminal cannot show a workbook").hint("write it to a file with --output FILE")
            );
        }
        _ => context.reporter.output(|out| write(context, &fleet, format, open, out))?,
    }
    Ok(0)
}

fn to_file(
    context: &Context,
    fleet: &Fleet,
    format: ReportFormat,
    file: &Path,
    open: &OpenArgs,
) -> Result<(), Failure> {
    let refused = |error| {
        Failure::usage(format!("{}: {error}", file.display())).hint("name a new file; passwave never overwrites one")
    };
    let mut out = BufWriter::new(private_file::create_file(file).map_err(refused)?);
    let written = write(context, fleet, format, open, &mut out).and_then(|()| Ok(out.flush()?));
    if written.is_err() {
        // Half a report is useless, so the buffered rest is dropped.
        drop(out.into_parts());
        let _ = std::fs::remove_file(file);
    }
    written.inspect(|()| context.reporter.notice(format!("Report:  {}", file.display())))
}

fn write(
    context: &Context,
    fleet: &Fleet,
    format: ReportFormat,
    open: &OpenArgs,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let keys = super::ready::keys(context, &fleet.read(0)?, Some(open))?;
    let mut read = |at: usize| {
        let mut ledger = fleet.read(at)?;
        keys.iter().try_for_each(|keys| ledger.unlock(keys))?;
        Ok(ledger)
    };
    let names = fleet.names();
    let mut runs = Runs { names: &names, open: &mut read, shows_passwords: true };
    match format {
        ReportFormat::Csv => Ok(print_csv_together(&mut runs, out)?),
        ReportFormat::Xlsx => Ok(print_workbook_together(&mut runs, out)?),
        ReportFormat::Json => {
            let (summary, _) = fleet::write(fleet, None)?;
            let text = serde_json::to_string_pretty(&summary).map_err(Failure::away)?;
            Ok(writeln!(out, "{text}")?)
        }
        ReportFormat::Html => {
            fleet::write(fleet, None)?;
            let page = std::fs::read(fleet.folder().join(passwave::report::PAGE_NAME))?;
            Ok(out.write_all(&page)?)
        }
        ReportFormat::Junit => Ok(print_junit_together(&mut runs, out)?),
    }
}
