//! Stands in for the database of ledgers in a program that is built without it: there never is one.

use crate::cli::{context::Context, failure::Failure};
use passwave::ledger::{Created, Ledger, ReadLedger};
use passwave::plan::{Plan, Settings};
use std::path::{Path, PathBuf};

/// No database.
pub enum LedgerServer {}

pub const fn of_call(_: &Context) -> Result<Option<LedgerServer>, Failure> {
    Ok(None)
}

pub const fn open(_: &Context, server: &LedgerServer, _: &Path) -> Result<Ledger, Failure> {
    match *server {}
}

pub const fn open_to_read(_: &Context, server: &LedgerServer, _: &Path) -> Result<ReadLedger, Failure> {
    match *server {}
}

pub fn create(_: &Context, server: &LedgerServer, _: &Path, _: Settings, _: Plan<'_>) -> Result<Created, Failure> {
    match *server {}
}

pub const fn remove_place(_: &Path) {}

pub const fn make_place(_: &Path, _: &ReadLedger) -> Result<(), Failure> {
    Ok(())
}

pub const fn names(server: &LedgerServer) -> Result<Vec<PathBuf>, Failure> {
    match *server {}
}

pub const fn list(_: &Context, server: &LedgerServer, _: super::super::args::TextOrJson) -> Result<u8, Failure> {
    match *server {}
}
