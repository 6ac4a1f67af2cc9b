//! What to do about a report that cannot be written.

use passwave::report::ReportError;

/// What to do next, if that is known.
pub fn hint(error: &ReportError) -> Option<String> {
    let hint = match error {
        ReportError::Ledger(error) => return super::ledger::hint(error),
        ReportError::File { .. } => {
            "close the file if a program holds it open, check free space, then write it with `passwave report`"
        }
        ReportError::Cells(_) => "the ledger is damaged; restore the folder from a copy",
        ReportError::Roster(error) => return super::roster::hint(error),
        ReportError::Workbook(_) => "--format csv has no such limit, and spreadsheets open it as well",
        _ => return None,
    };
    Some(hint.into())
}
