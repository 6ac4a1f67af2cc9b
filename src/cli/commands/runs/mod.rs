//! `runs`: lists the run folders below a folder.
//!
//! It only reads. Invariant: no password is printed, and no text of a ledger without being sanitized.

mod entry;
pub mod find;
mod table;

use super::database;
use crate::cli::{args::TextOrJson, console::Reporter, context::Context, failure::Failure};
use entry::{Entry, Unreadable};
use passwave::util::{
    format::{counted, grouped},
    sanitize,
};
use serde::Serialize;
use std::{io::Write, path::Path};

/// The name of the format. A new number means a new meaning; new fields may be added under the same number.
const SCHEMA: &str = "passwave.runs.v1";

/// The content of `--format json`.
#[derive(Serialize)]
struct Listing {
    schema: &'static str,
    runs: Vec<Entry>,
    unreadable: Vec<Unreadable>,
}

/// Lists the runs; the exit code is 1 if a ledger or a folder could not be read.
pub fn runs(context: &Context, folder: &Path, format: TextOrJson) -> Result<u8, Failure> {
    if let Some(server) = database::of_call(context)? {
        return database::list(context, &server, format);
    }
    let reporter = &context.reporter;
    let found = find::below(folder).map_err(|error| {
        let name = sanitize::for_terminal(&folder.display().to_string());
        Failure::usage(format!("{name}: {error}")).hint("name a folder that holds run folders")
    })?;
    let mut listing = Listing { schema: SCHEMA, runs: Vec::new(), unreadable: found.unreadable };
    for run in &found.runs {
        match Entry::read(run) {
            Ok(Some(entry)) => listing.runs.push(entry),
            Ok(None) => {}
            Err(unreadable) => listing.unreadable.push(unreadable),
        }
    }
    print(reporter, &listing, format)?;
    summarize(reporter, folder, &listing);
    Ok(u8::from(!listing.unreadable.is_empty()))
}

fn print(reporter: &Reporter, listing: &Listing, format: TextOrJson) -> Result<(), Failure> {
    if format == TextOrJson::Json {
        let text = serde_json::to_string_pretty(listing).map_err(Failure::away)?;
        return Ok(reporter.output(|out| writeln!(out, "{}", sanitize::json(&text)))?);
    }
    if listing.runs.is_empty() {
        return Ok(());
    }
    Ok(reporter.output(|out| table::write(out, &listing.runs))?)
}

/// What is in the list, in a line.
fn summarize(reporter: &Reporter, folder: &Path, listing: &Listing) {
    for unreadable in &listing.unreadable {
        reporter.warn(&unreadable.error);
    }
    let number = |is: fn(&&Entry) -> bool| listing.runs.iter().filter(is).count() as u64;
    let mut said = match listing.runs.len() {
        0 => format!("no run folder in {}", sanitize::for_terminal(&folder.display().to_string())),
        runs => counted(runs as u64, "run folder", "run folders"),
    };
    let parts = [
        (number(|run| run.is_unfinished()), "not finished"),
        (number(|run| run.has_readable_passwords()), "with readable passwords of a tenant"),
    ];
    for (number, what) in parts.into_iter().filter(|&(number, _)| number > 0) {
        said.push_str(&format!("; {} {what}", grouped(number)));
    }
    reporter.notice(said);
}
