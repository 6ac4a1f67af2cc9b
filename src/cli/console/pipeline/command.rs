//! Annotations in the runners' format: one line each, with special characters escaped.
//!
//! Sources: GitHub's "Workflow commands" and `ActionCommand.cs`, Azure Pipelines' "Logging commands".

use super::Pipeline;

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
    Notice,
}

/// A remark about the run or one of its rows. Its texts are sanitized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Annotation {
    pub(super) severity: Severity,
    pub(super) title: String,
    pub(super) text: String,
    /// The file that it is about, and its line.
    pub(super) place: Option<(String, u64)>,
}

impl Annotation {
    pub(super) fn new(severity: Severity, title: &str, text: String) -> Self {
        Self { severity, title: title.to_owned(), text, place: None }
    }
}

impl Pipeline {
    /// The command line for this runner; `None` if it has no such kind.
    pub(super) fn command(self, annotation: &Annotation) -> Option<String> {
        match self {
            Self::GitHub => Some(github(annotation)),
            Self::Azure => azure(annotation),
        }
    }
}

fn github(annotation: &Annotation) -> String {
    let command = match annotation.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "notice",
    };
    let data = |text: &str| escaped(text, &[('%', "%25"), ('\r', "%0D"), ('\n', "%0A")]);
    let property =
        |text: &str| escaped(text, &[('%', "%25"), ('\r', "%0D"), ('\n', "%0A"), (':', "%3A"), (',', "%2C")]);
    let place = match &annotation.place {
        Some((file, line)) => format!(",file={},line={line}", property(file)),
        None => String::new(),
    };
    format!("::{command} title={}{place}::{}", property(&annotation.title), data(&annotation.text))
}

fn azure(annotation: &Annotation) -> Option<String> {
    let kind = match annotation.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => return None,
    };
    let place = match &annotation.place {
        Some((file, line)) => format!(";sourcepath={};linenumber={line}", logged(file)),
        None => String::new(),
    };
    let text = logged(&format!("{}: {}", annotation.title, annotation.text));
    Some(format!("##vso[task.logissue type={kind}{place};]{text}"))
}

/// The command that makes Azure Pipelines show a Markdown file on the job's page.
pub(super) fn upload(file: &str) -> String {
    format!("##vso[task.uploadsummary]{}", logged(file))
}

/// Azure Pipelines uses the same escapes in properties and messages.
fn logged(text: &str) -> String {
    escaped(text, &[('%', "%AZP25"), ('\r', "%0D"), ('\n', "%0A"), (';', "%3B"), (']', "%5D")])
}

fn escaped(text: &str, escapes: &[(char, &str)]) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match escapes.iter().find(|(special, _)| *special == c) {
            Some((_, escape)) => result.push_str(escape),
            None => result.push(c),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_match_the_runners_documentation() {
        let mut annotation = Annotation::new(Severity::Error, "failed (a,b:c)", "50 % of [x]; it's\nover".to_owned());
        annotation.place = Some(("rosters/a,b;c.csv".into(), 17));
        assert_eq!(
            Pipeline::GitHub.command(&annotation).as_deref(),
            Some("::error title=failed (a%2Cb%3Ac),file=rosters/a%2Cb;c.csv,line=17::50 %25 of [x]; it's%0Aover")
        );
        assert_eq!(
            Pipeline::Azure.command(&annotation).as_deref(),
            Some(
                "##vso[task.logissue type=error;sourcepath=rosters/a,b%3Bc.csv;linenumber=17;]failed (a,b:c): 50 %AZP25 of \
                 [x%5D%3B it's%0Aover"
            )
        );
        annotation = Annotation { severity: Severity::Notice, place: None, ..annotation };
        assert_eq!(Pipeline::Azure.command(&annotation), None);
        assert!(Pipeline::GitHub.command(&annotation).is_some_and(|line| line.starts_with("::notice title=failed")));
        assert_eq!(upload("/a/b;c.md"), "##vso[task.uploadsummary]/a/b%3Bc.md");
    }
}
