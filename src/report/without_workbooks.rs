//! Replaces the workbook module in a program without it: the same name, and a refusal.

use super::{
    Fault, ReportError,
    columns::{Columns, Passwords},
    runs::Runs,
};
use crate::ledger::ReadLedger;
use std::io::Write;

/// Always fails.
pub(super) fn write(_: &ReadLedger, _: &mut impl Write, _: Passwords) -> Result<(), Fault> {
    let why = "no workbook can be written: this passwave is built without the feature `xlsx`";
    Err(Fault::Other(ReportError::Workbook(why.into())))
}

/// Always fails.
pub(super) fn write_together(_: &mut Runs<'_>, _: u64, _: &[Columns], _: &mut impl Write) -> Result<(), Fault> {
    let why = "no workbook can be written: this passwave is built without the feature `xlsx`";
    Err(Fault::Other(ReportError::Workbook(why.into())))
}
