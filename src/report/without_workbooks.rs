//! In the place of workbooks, in a program that is built without them: the same name, and a refusal.

use super::{Fault, ReportError, columns::Passwords};
use crate::ledger::Ledger;
use std::io::Write;

/// Refuses.
pub(super) fn write(_: &Ledger, _: &mut impl Write, _: Passwords) -> Result<(), Fault> {
    let why = "no workbook can be written: this passwave is built without the feature `xlsx`";
    Err(Fault::Other(ReportError::Workbook(why.into())))
}
