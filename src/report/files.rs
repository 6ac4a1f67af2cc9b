//! The files of a run folder, as they are written.
//!
//! If a file cannot be replaced, its new content is written beside it. If it cannot be written at all, the others are
//! written anyway.

use super::{Fault, ReportError};
use crate::{
    ledger::ReadLedger,
    util::{
        replace::{self, Placed},
        sanitize,
    },
};
use serde::Serialize;
use std::{
    fs::File,
    io::{self, BufWriter},
    path::PathBuf,
};

/// A file that is not in its usual place, because the one there could not be replaced.
#[derive(Clone, Debug, Serialize)]
pub struct NotReplaced {
    /// The name of the file that could not be replaced.
    pub file: &'static str,
    /// The name of the new file beside it.
    pub written_as: String,
    /// What the system says.
    pub why: String,
}

/// The files that were written.
pub(super) struct Files<'l> {
    ledger: &'l ReadLedger,
    not_replaced: Vec<NotReplaced>,
    /// The first file that could not be written at all.
    error: Option<ReportError>,
}

impl<'l> Files<'l> {
    pub(super) const fn of(ledger: &'l ReadLedger) -> Self {
        Self { ledger, not_replaced: Vec::new(), error: None }
    }

    /// Writes a file, and returns what `write` did; `None` if the file could not be written.
    ///
    /// # Errors
    /// Fails only if the fault is not about the file.
    pub(super) fn put<T>(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<T, Fault>,
    ) -> Result<Option<T>, ReportError> {
        let (target, mut written) = (self.ledger.folder().join(name), None);
        let placed = replace::or_beside(&target, self.ledger.own_files(), |file| {
            written = Some(write(file)?);
            Ok(())
        });
        Ok(self.note(name, placed)?.and(written))
    }

    /// Writes a file beside its usual place, because what is there must be kept.
    pub(super) fn put_beside(
        &mut self,
        name: &'static str,
        refused: io::Error,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Fault>,
    ) -> Result<(), ReportError> {
        let target = self.ledger.folder().join(name);
        let placed = replace::beside(&target, self.ledger.own_files(), refused, write);
        self.note(name, placed).map(drop)
    }

    fn note(&mut self, name: &'static str, placed: Result<Placed, Fault>) -> Result<Option<()>, ReportError> {
        match placed {
            Ok(Placed { refused: None, .. }) => Ok(Some(())),
            Ok(Placed { file, refused: Some(why) }) => {
                let written_as = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let why = sanitize::line(&why.to_string()).into_owned();
                self.not_replaced.push(NotReplaced { file: name, written_as, why });
                Ok(Some(()))
            }
            Err(Fault::Io(source)) => {
                self.fail(name, source);
                Ok(None)
            }
            Err(Fault::Other(error)) => Err(error),
        }
    }

    /// Notes that a file could not be written.
    pub(super) fn fail(&mut self, name: &str, source: io::Error) {
        let file = self.ledger.folder().join(name);
        self.error.get_or_insert(ReportError::File { file, source });
    }

    /// Those that are not in their usual place so far.
    pub(super) fn not_replaced(&self) -> &[NotReplaced] {
        &self.not_replaced
    }

    /// The path of a file that was written.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.ledger.folder().join(place_of(&self.not_replaced, name))
    }

    /// Those that are not in their usual place.
    ///
    /// # Errors
    /// Fails if a file could not be written.
    pub(super) fn end(self) -> Result<Vec<NotReplaced>, ReportError> {
        self.error.map_or(Ok(self.not_replaced), Err)
    }
}

/// The name under which a file was written.
pub(super) fn place_of<'a>(not_replaced: &'a [NotReplaced], name: &'a str) -> &'a str {
    not_replaced.iter().find(|file| file.file == name).map_or(name, |file| &file.written_as)
}
