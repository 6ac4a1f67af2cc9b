//! What the program reports to CI runners: annotations on stderr, and a summary in Markdown.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

/// A workspace with a roster that has some invalid rows, and faults that refuse other rows.
struct Workspace(TempDir);

impl Workspace {
    fn new(missing: usize) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        fs::create_dir(home.path().join("rosters")).expect("a folder");
        let mut csv = "UPN,Name\n".to_owned();
        (0..30).for_each(|nth| csv += &format!("pupil{nth}@contoso.com,x\n"));
        csv += "::add-mask::x,\n##[add-path]x@y,\n##vso[task.setvariable variable=PATH]x,\n";
        fs::write(home.path().join("rosters/wave.csv"), csv).expect("written");
        let accounts: Vec<String> =
            (0..missing).map(|nth| format!("\"pupil{nth}@contoso.com\": \"missing\"")).collect();
        let faults = format!("{{\"denied\": \"reads\", \"accounts\": {{{}}}}}", accounts.join(","));
        fs::write(home.path().join("faults.json"), faults).expect("written");
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, runner: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(arguments).current_dir(self.path()).env_clear().env("PASSWAVE_NO_CONFIG", "true");
        if cfg!(windows) {
            command.envs(std::env::vars_os().filter(|(name, _)| name.eq_ignore_ascii_case("SystemRoot")));
        }
        command.env(runner, "true").env("GITHUB_STEP_SUMMARY", self.path().join("step.md"));
        command.env("GITHUB_WORKSPACE", self.path()).env("BUILD_SOURCESDIRECTORY", self.path());
        command.output().expect("it starts and ends")
    }

    fn rehearse(&self, runner: &str, more: &[&str]) -> Vec<String> {
        let arguments = ["rehearse", "rosters/wave.csv", "--faults", "faults.json", "--run-dir", "run"];
        let output = self.run(runner, &[&arguments, more].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{}", said(&output).join("\n"));
        said(&output)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect(name)
    }

    /// Checks that the text contains no password of the report.
    fn shows_no_password(&self, text: &str) {
        let report = self.file("run/report.csv");
        let passwords: Vec<&str> =
            report.lines().skip(1).filter_map(|row| row.split(',').nth(3)).filter(|cell| cell.len() == 16).collect();
        assert!(passwords.len() >= 10);
        passwords.iter().for_each(|password| assert!(!text.contains(password), "{password}"));
    }
}

fn said(output: &Output) -> Vec<String> {
    String::from_utf8(output.stderr.clone()).expect("UTF-8").lines().map(str::to_owned).collect()
}

/// The lines that a runner would execute, by the rules of GitHub's `ActionCommand.cs` and of Azure's agent.
fn commands(lines: &[String]) -> Vec<&String> {
    let obeys = |line: &&String| line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
    lines.iter().filter(obeys).collect()
}

#[test]
fn github_is_told_where_to_look() {
    let workspace = Workspace::new(2);
    let lines = workspace.rehearse("GITHUB_ACTIONS", &[]);
    let commands = commands(&lines);
    let of = |kind: &str| commands.iter().filter(|line| line.starts_with(&format!("::{kind} title="))).count();
    assert_eq!((of("error"), of("warning"), of("notice"), commands.len()), (2, 3, 1, 6), "{commands:#?}");
    let first =
        "::error title=failed (Request_ResourceNotFound),file=rosters/wave.csv,line=2::row 1, pupil0@contoso.com: ";
    assert!(commands[0].starts_with(first) && commands[0].contains("%0Ahint: check the spelling"), "{}", commands[0]);
    assert!(commands[5].contains("REHEARSAL") && commands[5].contains("33 rows: 28 reset, 2 failed, 3 skipped"));
    let summary = workspace.file("step.md");
    for part in ["## passwave: wave&#46;csv", "| reset | 28 |", "| 2 | failed &#40;", "### What needs attention"] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    workspace.shows_no_password(&(lines.join("\n") + &summary));
    assert!(!workspace.path().join("run/pipeline.md").exists());
}

#[test]
fn errors_stop_at_the_limit() {
    let workspace = Workspace::new(20);
    let lines = workspace.rehearse("GITHUB_ACTIONS", &[]);
    let errors: Vec<&String> = lines.iter().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(errors.len(), 10);
    assert!(errors[9].ends_with("::and 11 more: report.csv in the run folder has them all"), "{}", errors[9]);
}

#[test]
fn azure_gets_commands_when_quiet() {
    let workspace = Workspace::new(2);
    let lines = workspace.rehearse("TF_BUILD", &["--quiet"]);
    let commands = commands(&lines);
    let of = |start: &str| commands.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(of("##vso[task.logissue type=error;sourcepath=rosters/wave.csv;linenumber="), 2, "{commands:#?}");
    assert_eq!((of("##vso[task.logissue type=warning;"), commands.len()), (3, 6), "{commands:#?}");
    let file = commands[5].strip_prefix("##vso[task.uploadsummary]").expect("the summary");
    assert!(Path::new(file).is_absolute());
    let summary = workspace.file("run/pipeline.md");
    assert_eq!(fs::read_to_string(file).expect("where it says"), summary);
    assert!(summary.contains("| failed | 2 |") && !workspace.path().join("step.md").exists());
    workspace.shows_no_password(&(lines.join("\n") + &summary));
}

#[test]
fn plan_shows_fingerprint_and_skips() {
    let workspace = Workspace::new(0);
    let output = workspace.run("GITHUB_ACTIONS", &["plan", "rosters/wave.csv", "--run-dir", "run", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object and nothing else");
    let summary = workspace.file("step.md");
    assert!(summary.contains(plan["fingerprint"].as_str().expect("a fingerprint")), "{summary}");
    let next = format!("passwave{} run run", std::env::consts::EXE_SUFFIX);
    assert!(summary.contains("30 to reset") && summary.contains(&next), "{summary}");
    let lines = said(&output);
    assert_eq!(commands(&lines).iter().filter(|line| line.starts_with("::warning")).count(), 3);
    assert!(!lines.iter().any(|line| line.contains("not finished")));
    workspace.shows_no_password(&(lines.join("\n") + &summary));
}

#[test]
fn failures_are_reported_too() {
    let workspace = Workspace::new(0);
    let output = workspace.run("GITHUB_ACTIONS", &["rehearse", "absent.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let lines = said(&output);
    assert!(commands(&lines)[0].starts_with("::error title=passwave::absent.csv cannot be read"), "{lines:?}");
    assert!(workspace.file("step.md").starts_with("## passwave could not continue\n\nabsent&#46;csv cannot be read"));
    let output = workspace.run("TF_BUILD", &["rehearse", "absent.csv"]);
    assert!(
        commands(&said(&output))[0].starts_with("##vso[task.logissue type=error;]passwave: absent.csv cannot be read")
    );
}

#[test]
fn unwritable_summary_is_a_warning() {
    let workspace = Workspace::new(2);
    fs::create_dir(workspace.path().join("step.md")).expect("a folder in its place");
    let lines = workspace.rehearse("GITHUB_ACTIONS", &[]);
    assert!(
        lines.iter().any(|line| line.starts_with("warning: the pipeline's summary cannot be written")),
        "{lines:?}"
    );
}

#[test]
fn no_output_outside_pipelines() {
    let workspace = Workspace::new(2);
    let lines = workspace.rehearse("NOBODY", &[]);
    assert_eq!(commands(&lines), Vec::<&String>::new());
    assert!(!workspace.path().join("step.md").exists());
}

#[test]
fn printed_output_has_no_commands() {
    let workspace = Workspace::new(0);
    let printed = |arguments: &[&str]| {
        let output = workspace.run("TF_BUILD", arguments);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(!text.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(commands(&lines).is_empty(), "{arguments:?}: {lines:#?}");
        text
    };
    let plan = printed(&["plan", "rosters/wave.csv", "--run-dir", "plan", "--format", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("JSON");
    assert!(plan["lookup"]["kinds"].to_string().contains("##vso["), "it means what the roster says: {plan}");
    printed(&["rehearse", "rosters/wave.csv", "--run-dir", "run", "--json"]);
    printed(&["report", "run", "--format", "json"]);
}
