//! `report`: writes the files again from the ledger, or one of them elsewhere.

use super::{opening::open_to_read, result, sealing};
use crate::cli::{
    args::{NOT_FOR_A_REPORT, OpenArgs, ReportFormat},
    console::{Reporter, is_seen},
    context::Context,
    failure::Failure,
    hints,
};
use passwave::{
    ledger::ReadLedger,
    report::{self, Summary, WORKBOOK_NAME},
    util::{private_file, sanitize, windows_name::NameFault},
};
use std::{
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

const GIB: u64 = 1 << 30;
/// From this much memory on, the program says beforehand what a workbook takes.
const MUCH_MEMORY: u64 = GIB / 2;

/// Writes the reports, or one of them to the requested place.
pub fn report(
    context: &Context,
    folder: &Path,
    format: Option<ReportFormat>,
    output: Option<&Path>,
    open: &OpenArgs,
) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    context.flags_without_meaning(&NOT_FOR_A_REPORT);
    let mut ledger = open_to_read(context, folder)?;
    if let Some(keys) = sealing::keys(reporter, &ledger, open)? {
        ledger.unlock(&keys)?;
    }
    if let Some(changed) = ledger.accept_changes()? {
        // A user who needs the passwords needs them in any case.
        reporter.warn(changed.to_string());
    }
    if let Some(at) = ledger.removal().at()
        && format.is_some()
    {
        reporter.notice(format!("The passwords of this run were removed ({}).", sanitize::for_terminal(at)));
    }
    if format == Some(ReportFormat::Xlsx) {
        let words = memory_words(report::workbook_memory(&ledger)?);
        words.iter().for_each(|words| reporter.notice(words));
    }
    match (format, output) {
        (None, _) => result::tell_result(
            context,
            &ledger,
            &report::write(&ledger).map_err(|error| unwritable(folder, error))?,
            &ledger.settings().wanted,
        ),
        (Some(format), Some(file)) if file != Path::new("-") => to_file(reporter, &ledger, format, file)?,
        (Some(ReportFormat::Xlsx), None) if is_seen() => into_folder(reporter, &ledger)?,
        (Some(ReportFormat::Xlsx), Some(_)) if is_seen() => {
            return Err(
                Failure::usage("a terminal cannot show a workbook").hint("write it to a file with --output FILE")
            );
        }
        (Some(format), _) => reporter.output(|out| write(&ledger, format, out))?,
    }
    Ok(0)
}

/// What to say before a workbook is written that takes much memory.
fn memory_words(bytes: u64) -> Option<String> {
    let tenths = bytes / (GIB / 10);
    let size =
        if bytes < GIB { format!("{} MiB", bytes >> 20) } else { format!("{}.{} GiB", tenths / 10, tenths % 10) };
    (bytes >= MUCH_MEMORY).then(|| {
        format!("The workbook takes about {size} of memory while it is written. --format csv writes the same table with little memory.")
    })
}

/// A backup or an artifact may be read-only; then the report has to go elsewhere.
fn unwritable(folder: &Path, error: report::ReportError) -> Failure {
    let is_read_only = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem));
    if !is_read_only {
        return error.into();
    }
    Failure::usage(format!(
        "the reports cannot be written: {} is read-only",
        sanitize::for_terminal(&folder.display().to_string())
    ))
    .hint("write one elsewhere with --format csv --output FILE; the formats are csv, html, xlsx, junit and json")
}

fn write(ledger: &ReadLedger, format: ReportFormat, out: &mut impl Write) -> Result<(), Failure> {
    match format {
        ReportFormat::Csv => Ok(report::print_csv(ledger, out)?),
        ReportFormat::Html => Ok(report::print_page(ledger, out)?),
        ReportFormat::Xlsx => Ok(report::print_workbook(ledger, out)?),
        ReportFormat::Junit => Ok(report::print_junit(ledger, out)?),
        ReportFormat::Json => {
            let text = serde_json::to_string_pretty(&Summary::of(ledger)?).map_err(Failure::away)?;
            Ok(writeln!(out, "{}", sanitize::json(&text))?)
        }
    }
}

/// A file that the user names may be anything, so no file is ever overwritten.
fn to_file(reporter: &Reporter, ledger: &ReadLedger, format: ReportFormat, file: &Path) -> Result<(), Failure> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} exists already, and passwave never overwrites a file", file.display()))
                .hint("name another one, or remove it first")
        }
        io::ErrorKind::InvalidFilename => {
            Failure::usage(format!("{}: {error}", file.display())).hint(hints::file_name::hint(NameFault::of(&error)))
        }
        _ => Failure::usage(format!("{}: {error}", file.display())).hint("check the path and its permissions"),
    };
    let mut out = BufWriter::new(private_file::create_file(file).map_err(told)?);
    let written = write(ledger, format, &mut out).and_then(|()| Ok(out.flush()?));
    if written.is_err() {
        // Half a report is useless, so the buffered rest is dropped.
        drop(out.into_parts());
        let _ = fs::remove_file(file);
    }
    written.inspect(|()| reporter.notice(format!("Report:  {}", file.display())))
}

/// Writes the workbook, which a terminal cannot show, to the run folder.
fn into_folder(reporter: &Reporter, ledger: &ReadLedger) -> Result<(), Failure> {
    let file = report::write_workbook(ledger)?;
    if file != ledger.folder().join(WORKBOOK_NAME) {
        reporter.warn_with(
            format!("{WORKBOOK_NAME} could not be replaced, so the workbook has another name"),
            &format!("close the program that has {WORKBOOK_NAME} open, then write it again"),
        );
    }
    let without = if ledger.sealed_to().is_some() {
        " (without passwords, because the run is sealed; --output FILE includes those that can be read)"
    } else {
        ""
    };
    reporter.notice(format!("Workbook: {}{without}", file.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_workbooks_are_announced() {
        assert_eq!(memory_words(MUCH_MEMORY - 1), None);
        for (bytes, size) in
            [(MUCH_MEMORY, "about 512 MiB of"), (GIB - 1, "about 1023 MiB of"), (GIB * 19 / 10 + 9, "about 1.9 GiB of")]
        {
            let words = memory_words(bytes).expect("much");
            assert!(words.contains(size), "{words}");
        }
    }
}
