//! Output for pipelines: a Markdown summary, and annotations on the rows that need attention.
//!
//! It is active if GitHub Actions or Azure Pipelines says that it runs us, and writes only to stderr, which both read
//! like stdout (GitHub's `ScriptHandler.cs`, Azure's Bash and PowerShell tasks). It never shows a password, and never
//! stops a run: if a summary cannot be written, that is a warning.

mod command;
mod markdown;
mod notes;

use super::{
    event::{Event, Stage},
    stdio,
};
use crate::cli::failure::Failure;
use command::{Annotation, Severity};
use passwave::{
    ledger::{LedgerError, ReadLedger},
    report::Summary,
    util::{
        replace::{OwnFiles, or_beside},
        sanitize,
    },
};
use std::{
    env,
    ffi::OsString,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The summary's name in the run folder, for pipelines that take it from there.
const SUMMARY_NAME: &str = "pipeline.md";

/// The runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pipeline {
    GitHub,
    Azure,
}

impl Pipeline {
    /// Detects the runner: each sets its own variable to `true` (GitHub's "Variables reference", Azure Pipelines'
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
        self.command(annotation).into_iter().for_each(|line| stdio::line(&line));
    }

    fn summarize(self, markdown: &str, folder: Option<&Path>) -> Result<(), Problem> {
        let written = match (self, folder) {
            (Self::GitHub, _) => append(markdown),
            (Self::Azure, Some(folder)) => upload(markdown, folder),
            // There is no folder yet to keep it.
            (Self::Azure, None) => Ok(()),
        };
        written.map_err(|error| Problem::Summary(format!("the pipeline's summary cannot be written: {error}")))
    }
}

/// Why the pipeline got no summary; the command continues.
pub enum Problem {
    /// Its summary was not written.
    Summary(String),
    /// The ledger could not be read.
    Ledger(Box<Failure>),
}

impl Problem {
    /// The same as an event.
    pub fn event(&self) -> Event<'_> {
        match self {
            Self::Summary(text) => Event::Warning { text, hint: None },
            Self::Ledger(failure) => Event::Problem(failure),
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(Box::new(error.into()))
    }
}

/// Writes annotations and a summary for the pipeline that runs us.
pub struct Annotations {
    pipeline: Pipeline,
}

impl Annotations {
    /// `None` if no known pipeline runs us.
    pub fn of_this_pipeline() -> Option<Self> {
        Pipeline::found(|name| env::var_os(name)).map(|pipeline| Self { pipeline })
    }

    /// Shows this event in the pipeline, if it belongs there.
    ///
    /// # Errors
    /// Fails if the summary cannot be written, or the ledger cannot be read.
    pub fn handle(&self, event: &Event<'_>) -> Result<(), Problem> {
        match *event {
            Event::Summary { ledger, summary, stage, go_on } => self.run(ledger, summary, stage, go_on),
            Event::Failed(failure) | Event::Misread { failure, .. } => self.failed(failure),
            _ => Ok(()),
        }
    }

    /// Shows the state of the run.
    fn run(&self, ledger: &ReadLedger, summary: &Summary, stage: Stage, go_on: &str) -> Result<(), Problem> {
        let workspace = env::var_os(self.pipeline.workspace());
        let file = ledger.roster_file()?.map(|file| in_workspace(&file, workspace));
        notes::of(ledger, summary, stage, file.as_deref())?.iter().for_each(|note| self.pipeline.annotate(note));
        self.pipeline.summarize(&markdown::of(ledger, summary, stage, go_on), Some(ledger.folder()))
    }

    /// Shows why the run of one tenant of several stopped.
    pub fn failed_in(&self, tenant: &str, failure: &Failure) -> Result<(), Problem> {
        let text = format!("{tenant}: {failure}");
        self.pipeline.annotate(&Annotation::new(Severity::Error, "passwave", sanitize::paragraph(&text)));
        self.pipeline.summarize(&markdown::failed(&text, None), None)
    }

    /// Shows why there is no run, or why it stopped.
    fn failed(&self, failure: &Failure) -> Result<(), Problem> {
        let text = failure.to_string();
        self.pipeline.annotate(&Annotation::new(Severity::Error, "passwave", sanitize::paragraph(&text)));
        self.pipeline.summarize(&markdown::failed(&text, failure.next().map(|(_, command)| command)), None)
    }
}

/// A path as the pipeline shows it: relative to its workspace if it is inside.
fn in_workspace(file: &Path, workspace: Option<OsString>) -> String {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let inside = workspace.as_ref().and_then(|workspace| whole.strip_prefix(workspace).ok());
    inside.unwrap_or(file).to_string_lossy().replace('\\', "/")
}

/// GitHub reads a separate file for each step.
fn append(markdown: &str) -> io::Result<()> {
    let Some(file) = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return Ok(()) };
    OpenOptions::new().append(true).create(true).open(PathBuf::from(file))?.write_all(markdown.as_bytes())
}

/// Azure Pipelines accepts any file by its path.
fn upload(markdown: &str, folder: &Path) -> io::Result<()> {
    let file = std::path::absolute(folder)?.join(SUMMARY_NAME);
    let placed = or_beside::<io::Error>(&file, &OwnFiles::default(), |out| out.write_all(markdown.as_bytes()))?;
    stdio::line(&command::upload(&placed.file.to_string_lossy()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelines_are_detected_by_variables() {
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
