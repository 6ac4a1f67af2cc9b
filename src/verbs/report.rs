//! `report`: the files again, or one of them elsewhere, from the ledger.

use super::{sealing, starting, telling};
use crate::{
    cli::{NOT_FOR_A_REPORT, OpenArgs, ReportFormat},
    failure::Failure,
    terminal::{is_seen, print, say, warn},
};
use passwave::{
    clean,
    ledger::Ledger,
    private,
    report::{self, Summary},
};
use std::{
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

/// Writes the reports, or one of them to where it is wanted.
pub fn report(
    folder: &Path,
    format: Option<ReportFormat>,
    output: Option<&Path>,
    open: &OpenArgs,
) -> Result<u8, Failure> {
    starting::without_meaning("report", &NOT_FOR_A_REPORT);
    let mut ledger = Ledger::open_to_read(folder).map_err(|error| starting::not_opened(error, folder))?;
    sealing::unlock(&mut ledger, open)?;
    if let Some(changed) = ledger.mind_changes()? {
        // Whoever needs the passwords needs them all the same.
        warn(&changed.to_string());
    }
    match (format, output) {
        (None, _) => telling::result(
            &ledger,
            &report::write(&ledger).map_err(|error| unwritable(folder, error))?,
            &ledger.settings().wanted,
        ),
        (Some(format), Some(file)) if file != Path::new("-") => to_file(&ledger, format, file)?,
        (Some(ReportFormat::Xlsx), None) if is_seen() => into_folder(&ledger)?,
        (Some(ReportFormat::Xlsx), Some(_)) if is_seen() => {
            return Err(Failure::usage(
                "a workbook is nothing for a terminal to show\nhint: write it to a file with --output FILE",
            ));
        }
        (Some(format), _) => print(|out| write(&ledger, format, out))?,
    }
    Ok(0)
}

/// A backup or an artifact may be read-only; then the report goes elsewhere.
fn unwritable(folder: &Path, error: report::ReportError) -> Failure {
    let is_read_only = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem));
    if !is_read_only {
        return error.into();
    }
    Failure::usage(format!(
        "nothing can be written into {}, so the reports cannot be written there\n\
         hint: write one elsewhere with --format csv --output FILE; csv, html, xlsx, junit and json can be had",
        clean::for_terminal(&folder.display().to_string())
    ))
}

fn write(ledger: &Ledger, format: ReportFormat, out: &mut impl Write) -> Result<(), Failure> {
    match format {
        ReportFormat::Csv => Ok(report::print_csv(ledger, out)?),
        ReportFormat::Html => Ok(report::print_page(ledger, out)?),
        ReportFormat::Xlsx => Ok(report::print_workbook(ledger, out)?),
        ReportFormat::Junit => Ok(report::print_junit(ledger, out)?),
        ReportFormat::Json => {
            let text = serde_json::to_string_pretty(&Summary::of(ledger)?).map_err(Failure::away)?;
            Ok(writeln!(out, "{}", clean::json(&text))?)
        }
    }
}

/// A file of the person's own choice may be anything, so none is ever overwritten.
fn to_file(ledger: &Ledger, format: ReportFormat, file: &Path) -> Result<(), Failure> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{} exists already, and no file is ever overwritten\nhint: name another one, or remove it first",
            file.display()
        )),
        _ => Failure::usage(format!("{}: {error}\nhint: check the path and its permissions", file.display())),
    };
    let mut out = BufWriter::new(private::create_file(file).map_err(told)?);
    let written = write(ledger, format, &mut out).and_then(|()| Ok(out.flush()?));
    if written.is_err() {
        // Half a report is none. What is still in the buffer goes nowhere.
        drop(out.into_parts());
        let _ = fs::remove_file(file);
    }
    written.inspect(|()| say(&format!("Report:  {}", file.display())))
}

/// The workbook, which a terminal cannot show.
fn into_folder(ledger: &Ledger) -> Result<(), Failure> {
    let file = report::write_workbook(ledger)?;
    let without = if ledger.sealed_to().is_some() {
        " (without passwords, as the run is sealed: --output FILE writes those that can be read)"
    } else {
        ""
    };
    say(&format!("Workbook: {}{without}", file.display()));
    Ok(())
}
