//! Takes the passwords of a run that has ended out of its folder: ledger, reports and handouts.
//!
//! The reports stay, without passwords. Files that passwave does not know are left alone and named, because it cannot
//! tell what is in them. Invariant: if the removal is cut off at any point, it can be called again, and the ledger says
//! that passwords may still be there ([`ReadLedger::has_passwords`]).

use super::{
    CSV_NAME, IDENTITY_NAME, PAGE_NAME, RUN_ID_NAME, ReportError, SEALED_NAME, SUMMARY_NAME, Summary, WORKBOOK_NAME,
    write,
};
use crate::{
    ledger::{FILE_NAME, Ledger, ReadLedger, Rewrite, files_of},
    report::evidence,
};
use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of handouts in a run folder, if no other one is named.
pub const HANDOUTS_NAME: &str = "handouts";
/// The list of the files in a folder of handouts, and how it begins.
pub const HANDOUTS_INDEX: &str = "index.csv";
/// The columns of that list.
pub const HANDOUTS_COLUMNS: [&str; 3] = ["group", "file", "slips"];

/// What was removed from a run folder.
#[derive(Debug)]
pub struct Removed {
    /// Accounts whose passwords the ledger had.
    pub accounts: u64,
    /// Whether the ledger's storage was rewritten without them.
    pub rewrite: Rewrite,
    /// Files and folders that were deleted.
    pub deleted: Vec<PathBuf>,
    /// Files and folders that passwave does not know, so they were left alone.
    pub unknown: Vec<PathBuf>,
    /// The reports without passwords.
    pub summary: Summary,
}

/// A step of the removal that was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemovalStep {
    /// The rows of the ledger have no passwords.
    Rows,
    /// Its file has none.
    File,
    /// A report or handouts with passwords were deleted.
    Deleted,
    /// The reports were written without passwords.
    Reports,
    /// It has ended.
    Ended,
}

/// Why passwords could not be removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalError {
    /// The ledger or a report could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file with passwords could not be deleted.
    #[error("{}: {}", .file.display(), .source)]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A report with passwords could not be replaced.
    #[error("{} could not be replaced, and still has passwords: {why}", .file.display())]
    NotReplaced {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
}

/// Removes the passwords, and calls `done` after each step.
///
/// # Errors
/// Fails if the run has not ended, or if a file cannot be written or deleted. Call it again then.
pub fn remove_passwords(ledger: &mut Ledger, done: &mut dyn FnMut(RemovalStep)) -> Result<Removed, RemovalError> {
    let accounts = ledger.accounts_with_passwords().map_err(ReportError::from)?;
    ledger.forget_passwords().map_err(ReportError::from)?;
    done(RemovalStep::Rows);
    let rewrite = ledger.rewrite_file().map_err(ReportError::from)?;
    done(RemovalStep::File);
    let found = Found::in_folder(ledger.folder())?;
    for path in &found.with_passwords {
        delete(path).map_err(|source| RemovalError::File { file: path.clone(), source })?;
        done(RemovalStep::Deleted);
    }
    let summary = reports(ledger, &found)?;
    done(RemovalStep::Reports);
    ledger.end_removal().map_err(ReportError::from)?;
    done(RemovalStep::Ended);
    Ok(Removed { accounts, rewrite, deleted: found.with_passwords, unknown: found.unknown, summary })
}

/// Deletes what may have passwords in a folder with reports over several runs, besides the reports themselves: copies with
/// numbers, drafts and handouts.
///
/// # Errors
/// Fails if something cannot be deleted.
pub fn delete_copies(folder: &Path) -> Result<Vec<PathBuf>, RemovalError> {
    let found = Found::in_folder(folder)?;
    for path in &found.with_passwords {
        delete(path).map_err(|source| RemovalError::File { file: path.clone(), source })?;
    }
    Ok(found.with_passwords)
}

/// Writes the reports again. One that could not be replaced still has its passwords.
fn reports(ledger: &ReadLedger, found: &Found) -> Result<Summary, RemovalError> {
    let summary = write(ledger)?;
    if found.has_workbook {
        let file = super::write_workbook(ledger)?;
        if file != ledger.folder().join(WORKBOOK_NAME) {
            let why = "another program has it open".to_owned();
            return Err(RemovalError::NotReplaced { file: ledger.folder().join(WORKBOOK_NAME), why });
        }
    }
    let old = summary.not_replaced.iter().find(|file| [CSV_NAME, PAGE_NAME].contains(&file.file));
    match old {
        None => Ok(summary),
        Some(old) => Err(RemovalError::NotReplaced { file: ledger.folder().join(old.file), why: old.why.clone() }),
    }
}

/// The content of a run folder.
#[derive(Default)]
struct Found {
    /// Drafts, copies with numbers, sealed reports and handouts.
    with_passwords: Vec<PathBuf>,
    unknown: Vec<PathBuf>,
    has_workbook: bool,
}

impl Found {
    fn in_folder(folder: &Path) -> Result<Self, RemovalError> {
        let failed = |source| RemovalError::File { file: folder.to_owned(), source };
        let mut found = Self::default();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = folder.join(entry.file_name());
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            match entry.file_name().to_str() {
                Some(name) if is_folder && is_handouts(name, &path) => found.with_passwords.push(path),
                Some(WORKBOOK_NAME) if !is_folder => found.has_workbook = true,
                Some(name) if !is_folder && is_kept(name) => {}
                Some(name) if !is_folder && is_copy_of_report(name) => found.with_passwords.push(path),
                _ => found.unknown.push(path),
            }
        }
        found.with_passwords.sort();
        found.unknown.sort();
        Ok(found)
    }
}

/// Files that have no passwords, or are written again without them.
fn is_kept(name: &str) -> bool {
    let reports = [CSV_NAME, PAGE_NAME, SUMMARY_NAME, IDENTITY_NAME, RUN_ID_NAME];
    let is_evidence = name.starts_with(evidence::STEM) && !name.ends_with(".draft");
    reports.contains(&name) || is_evidence || files_of(FILE_NAME).any(|own| own == name)
}

/// Whether a file has the name of a sealed report, a draft, or a report beside another one that could not be replaced:
/// `report-2.csv`.
fn is_copy_of_report(name: &str) -> bool {
    let name = name.strip_suffix(".draft").unwrap_or(name);
    let Some((stem, ending)) = name.split_once('.') else { return false };
    let number = stem.strip_prefix("report").or_else(|| stem.strip_prefix("summary"));
    let is_numbered = number.is_some_and(|number| {
        let digits = number.strip_prefix('-').unwrap_or(number);
        number.is_empty() || (number != digits && digits.bytes().all(|digit| digit.is_ascii_digit()))
    });
    let ends_like = |whole: &str| whole.split_once('.').is_some_and(|(_, own)| own == ending);
    is_numbered && [CSV_NAME, PAGE_NAME, WORKBOOK_NAME, SEALED_NAME, SUMMARY_NAME].into_iter().any(ends_like)
}

/// Whether a folder has handouts: finished ones have a list of their files, whatever their names.
fn is_handouts(name: &str, folder: &Path) -> bool {
    let is_draft = name.strip_suffix(".draft").is_some_and(|name| name.starts_with(HANDOUTS_NAME));
    let begins = HANDOUTS_COLUMNS.join(",");
    let has_list = || {
        let list = fs::File::open(folder.join(HANDOUTS_INDEX));
        let mut head = vec![0; begins.len()];
        list.is_ok_and(|mut list| io::Read::read_exact(&mut list, &mut head).is_ok() && head == begins.as_bytes())
    };
    is_draft || has_list()
}

/// Deletes a file, or handouts with everything in their folder. The list of their files goes last, so that what is left
/// of them after a crash is still known.
fn delete(path: &Path) -> io::Result<()> {
    if !path.symlink_metadata()?.is_dir() {
        return fs::remove_file(path);
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == OsStr::new(HANDOUTS_INDEX) {
            continue;
        }
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    fs::remove_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_reports_are_known_by_their_names() {
        for name in [
            "report-1.csv",
            "report-12.html",
            "report-1.csv.age",
            "report.csv.age",
            "report.csv.draft",
            "report-3.xlsx.draft",
            "report.csv.age.draft",
            "report-1.csv.draft",
            "summary.json.draft",
        ] {
            assert!(is_copy_of_report(name) && !is_kept(name), "{name}");
        }
        for name in
            ["reports.csv", "report-a.csv", "report-1.txt", "notes.csv", "report", "report 1.csv", "my-report-1.csv"]
        {
            assert!(!is_copy_of_report(name), "{name}");
        }
        for name in [
            "ledger.db",
            "ledger.db-wal",
            "ledger.db-shm",
            "run.lock",
            "evidence.json.sig",
            "report.csv",
            "summary.json",
        ] {
            assert!(is_kept(name), "{name}");
        }
    }

    #[test]
    fn handouts_are_known_by_their_list() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = |name: &str, list: &str| {
            let path = place.path().join(name);
            fs::create_dir(&path).expect("made");
            fs::write(path.join(HANDOUTS_INDEX), list).expect("written");
            fs::write(path.join("slips.html"), "Secret").expect("written");
            path
        };
        let list = "group,file,slips\r\n7A,slips.html,1\r\n";
        let (slips, own) = (folder("slips", list), folder("notes", "name,mark\r\n"));
        let draft = folder("handouts-2.draft", "");
        fs::write(place.path().join("minutes.txt"), "mine").expect("written");
        let found = Found::in_folder(place.path()).expect("readable");
        assert_eq!(found.with_passwords, [draft, slips.clone()]);
        assert_eq!(found.unknown, [place.path().join("minutes.txt"), own]);
        delete(&slips).expect("deleted");
        assert!(!slips.exists());
    }
}
