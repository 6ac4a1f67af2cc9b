//! What a pipeline shows of a run: a summary in Markdown beside its jobs, and annotations at the rows that need a look.
//!
//! It speaks where GitHub Actions or Azure Pipelines say that they run us, and on stderr alone, which both read as they
//! read stdout (`ScriptHandler.cs` of the one, the Bash and PowerShell tasks of the other). It never shows a password, and
//! never stops a run: that a summary cannot be written is a warning.

mod command;
mod markdown;
mod notes;

use crate::{
    failure::Failure,
    terminal::{insist, warn},
};
use command::{Annotation, Severity};
use passwave::{
    clean,
    ledger::{Ledger, LedgerError},
    private,
    report::Summary,
};
use std::{
    env,
    ffi::OsString,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Under which the ledger notes where the roster was read, for whoever looks for a row in it.
const ROSTER_FILE: &str = "roster_file";
/// The summary's name in the run folder, for pipelines that take it from there.
const SUMMARY_NAME: &str = "pipeline.md";

/// How far a run has come when it is told of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is planned, and nothing was sent.
    Planned,
    /// A process has done what it could.
    Ended,
}

/// Who runs us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pipeline {
    GitHub,
    Azure,
}

impl Pipeline {
    /// As the environment tells: each sets its variable to `true` (GitHub's "Variables reference", Azure Pipelines'
    /// "Predefined variables").
    fn found(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let is_set = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match (is_set("GITHUB_ACTIONS"), is_set("TF_BUILD")) {
            (true, _) => Some(Self::GitHub),
            (false, true) => Some(Self::Azure),
            (false, false) => None,
        }
    }

    /// The variable with the folder that paths in annotations are relative to.
    const fn workspace(self) -> &'static str {
        match self {
            Self::GitHub => "GITHUB_WORKSPACE",
            Self::Azure => "BUILD_SOURCESDIRECTORY",
        }
    }

    fn annotate(self, annotation: &Annotation) {
        self.command(annotation).into_iter().for_each(|line| insist(&line));
    }

    fn summarise(self, markdown: &str, folder: Option<&Path>) {
        let written = match (self, folder) {
            (Self::GitHub, _) => append(markdown),
            (Self::Azure, Some(folder)) => upload(markdown, folder),
            // There is no folder yet that would keep it.
            (Self::Azure, None) => Ok(()),
        };
        written.unwrap_or_else(|error| warn(&format!("the pipeline's summary cannot be written: {error}")));
    }
}

/// Remembers where the roster was read; standard input is no place.
pub fn note_roster(ledger: &Ledger, file: &Path) -> Result<(), LedgerError> {
    if file == Path::new("-") { Ok(()) } else { ledger.set_note(ROSTER_FILE, &file.to_string_lossy()) }
}

/// Tells the pipeline, if there is one, how the run stands.
pub fn report(ledger: &Ledger, summary: &Summary, stage: Stage) -> Result<(), LedgerError> {
    let Some(pipeline) = Pipeline::found(|name| env::var_os(name)) else { return Ok(()) };
    let file = ledger.note(ROSTER_FILE)?.map(|file| in_workspace(Path::new(&file), env::var_os(pipeline.workspace())));
    notes::of(ledger, summary, stage, file.as_deref())?.iter().for_each(|note| pipeline.annotate(note));
    pipeline.summarise(&markdown::of(ledger, summary, stage), Some(ledger.folder()));
    Ok(())
}

/// Tells it why there is no run, or why it has broken off.
pub fn fail(failure: &Failure) {
    let Some(pipeline) = Pipeline::found(|name| env::var_os(name)) else { return };
    let text = failure.to_string();
    pipeline.annotate(&Annotation::new(Severity::Error, "passwave", clean::paragraph(&text)));
    pipeline.summarise(&markdown::failed(&text, failure.next().map(|(_, command)| command)), None);
}

/// A path as the pipeline shows it: relative to its workspace, if it is in there.
fn in_workspace(file: &Path, workspace: Option<OsString>) -> String {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let inside = workspace.as_ref().and_then(|workspace| whole.strip_prefix(workspace).ok());
    inside.unwrap_or(file).to_string_lossy().replace('\\', "/")
}

/// GitHub reads a file that is its own for each step.
fn append(markdown: &str) -> io::Result<()> {
    let Some(file) = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return Ok(()) };
    OpenOptions::new().append(true).create(true).open(PathBuf::from(file))?.write_all(markdown.as_bytes())
}

/// Azure Pipelines takes any file that it is told of.
fn upload(markdown: &str, folder: &Path) -> io::Result<()> {
    let file = std::path::absolute(folder)?.join(SUMMARY_NAME);
    private::replace::<io::Error>(&file, |out| out.write_all(markdown.as_bytes()))?;
    insist(&command::upload(&file.to_string_lossy()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pipeline_is_known_by_its_variable() {
        for (name, value, found) in [
            ("GITHUB_ACTIONS", "true", Some(Pipeline::GitHub)),
            ("TF_BUILD", "True", Some(Pipeline::Azure)),
            ("TF_BUILD", "", None),
            ("GITHUB_ACTIONS", "false", None),
            ("CI", "true", None),
        ] {
            assert_eq!(Pipeline::found(|asked| (asked == name).then(|| value.into())), found, "{name}={value}");
        }
    }

    #[test]
    fn paths_are_those_of_the_workspace() {
        let workspace = std::env::temp_dir();
        let file = workspace.join("rosters").join("pupils.csv");
        assert_eq!(in_workspace(&file, Some(workspace.into_os_string())), "rosters/pupils.csv");
        assert_eq!(in_workspace(Path::new("pupils.csv"), Some("/elsewhere".into())), "pupils.csv");
        assert_eq!(in_workspace(Path::new("a/pupils.csv"), None), "a/pupils.csv");
    }
}
