//! The files of a run folder, as they are written.
//!
//! If a file cannot be replaced, its new content is written beside it. If it cannot be written at all, the others are
//! written anyway.

use super::{
    Fault, ReportError,
    sink::{Cells, RowSink},
};
use crate::{
    ledger::{ReadLedger, ReportRow},
    util::{
        replace::{self, Draft, OwnFiles, Placed},
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

    /// Writes a file.
    ///
    /// # Errors
    /// Fails only if the fault is not about the file.
    pub(super) fn put(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Fault>,
    ) -> Result<(), ReportError> {
        let placed = replace::or_beside(&self.ledger.folder().join(name), self.ledger.own_files(), write);
        self.note(name, placed)
    }

    /// Begins a file that takes the rows.
    ///
    /// # Errors
    /// Fails only if the fault is not about the file.
    pub(super) fn begin<S>(
        &self,
        name: &'static str,
        begin: impl FnOnce(Draft) -> Result<S, Fault>,
    ) -> Result<InFolder<S>, ReportError> {
        let draft = Draft::begin(&self.ledger.folder().join(name));
        match draft.map_err(Fault::Io).and_then(begin) {
            Ok(sink) => Ok(InFolder { name, sink: Ok(sink) }),
            Err(Fault::Io(error)) => Ok(InFolder { name, sink: Err(error) }),
            Err(Fault::Other(error)) => Err(error),
        }
    }

    /// Puts a file with all rows in its place.
    ///
    /// # Errors
    /// Fails only if the fault is not about the file.
    pub(super) fn place<S>(
        &mut self,
        written: InFolder<S>,
        end: impl FnOnce(S) -> Result<Draft, Fault>,
    ) -> Result<(), ReportError> {
        self.end_with(written, end, |draft, own| draft.place(own))
    }

    /// The same beside its usual place, because what is there must be kept.
    pub(super) fn place_beside<S>(
        &mut self,
        written: InFolder<S>,
        refused: io::Error,
        end: impl FnOnce(S) -> Result<Draft, Fault>,
    ) -> Result<(), ReportError> {
        self.end_with(written, end, |draft, own| draft.place_beside(own, refused))
    }

    fn end_with<S>(
        &mut self,
        written: InFolder<S>,
        end: impl FnOnce(S) -> Result<Draft, Fault>,
        place: impl FnOnce(Draft, &OwnFiles) -> io::Result<Placed>,
    ) -> Result<(), ReportError> {
        let draft = written.sink.map_err(Fault::Io).and_then(end);
        self.note(written.name, draft.and_then(|draft| Ok(place(draft, self.ledger.own_files())?)))
    }

    fn note(&mut self, name: &'static str, placed: Result<Placed, Fault>) -> Result<(), ReportError> {
        match placed {
            Ok(Placed { refused: None, .. }) => Ok(()),
            Ok(Placed { file, refused: Some(why) }) => {
                let written_as = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let why = sanitize::line(&why.to_string()).into_owned();
                self.not_replaced.push(NotReplaced { file: name, written_as, why });
                Ok(())
            }
            Err(Fault::Io(source)) => {
                self.fail(name, source);
                Ok(())
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

/// A file of the folder that takes the rows. If it cannot be written, the others still get theirs.
pub(super) struct InFolder<S> {
    name: &'static str,
    sink: Result<S, io::Error>,
}

impl<S: RowSink> RowSink for InFolder<S> {
    fn wants_more(&self) -> bool {
        self.sink.as_ref().is_ok_and(RowSink::wants_more)
    }

    fn take(&mut self, row: &ReportRow, cells: &Cells<'_>) -> Result<(), Fault> {
        let Ok(sink) = &mut self.sink else { return Ok(()) };
        match sink.take(row, cells) {
            Err(Fault::Io(error)) => {
                self.sink = Err(error);
                Ok(())
            }
            other => other,
        }
    }
}
