//! A CI service whose machines disappear: each job starts in an empty folder, and only artifacts remain.

use crate::{
    fake_server::{self, FakeAnswer, Seen},
    stage::{Stage, issued, said},
    steps::{Act, Job, Step},
};
use serde_json::json;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The token with which a job requests its identity.
const JOB_TOKEN: &str = "s3cret+/=&~Q";
/// Steps that download a release, which does not exist here.
const INSTALLS: &str = "Install passwave";

/// The CI service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    GitHub,
    Azure,
}

impl Kind {
    /// The variable by which programs recognize the service.
    const fn sign(self) -> &'static str {
        match self {
            Self::GitHub => "GITHUB_ACTIONS",
            Self::Azure => "TF_BUILD",
        }
    }
}

/// A CI service for the simulated tenant of a stage.
pub struct Service<'a> {
    kind: Kind,
    stage: &'a Stage,
    /// The values of expressions.
    values: HashMap<String, String>,
    /// The maximum number of accounts in a run, so that it ends half way.
    pub pilot: Option<u32>,
}

/// The token endpoints of the CI service and of Entra: a job's token gets an assertion, and an assertion gets an access
/// token.
pub fn server(seen: &Seen, issue: &dyn Fn() -> String) -> FakeAnswer {
    let vouched = seen.header("authorization") == format!("Bearer {JOB_TOKEN}");
    match seen.path.as_str() {
        "/github" if vouched => (200, json!({"value": "a.b.c"})),
        "/azure" if vouched && seen.query("serviceConnectionId") == "connection" => {
            (200, json!({"oidcToken": "a.b.c"}))
        }
        path if path.ends_with("/token") && seen.field("client_assertion") == "a.b.c" => issued(&issue()),
        _ => fake_server::refused(401, "invalid_client", 700_027, "Client assertion failed signature validation."),
    }
}

impl<'a> Service<'a> {
    /// A service of this kind, with `values` for the variables of its workflows.
    pub fn new(kind: Kind, stage: &'a Stage, values: &[(&str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        fs::create_dir(stage.home().join("kept")).expect("made");
        fs::create_dir(stage.home().join("bin")).expect("made");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_passwave"), stage.home().join("bin/passwave")).expect("linked");
        Self { kind, stage, values, pilot: None }
    }

    /// Where an artifact is stored.
    pub fn kept(&self, artifact: &str) -> PathBuf {
        self.stage.home().join("kept").join(artifact)
    }

    /// Runs a whole job, as this `attempt`; `Err` has the output of the step that failed.
    pub fn job(&mut self, job: &Job, attempt: u32) -> Result<(), String> {
        self.begin(job, attempt);
        let machine = tempfile::tempdir().expect("a folder");
        let mut failed = None;
        for step in &job.steps {
            if failed.is_none() || step.always {
                let ended = self.step(job, step, machine.path());
                failed = failed.or_else(|| ended.err().map(|why| format!("{}: {why}", step.name)));
            }
        }
        let outputs =
            job.outputs.iter().map(|(name, value)| (format!("needs.plan.outputs.{name}"), self.filled(value)));
        let outputs: Vec<_> = if failed.is_none() { outputs.collect() } else { Vec::new() };
        self.values.extend(outputs);
        failed.map_or(Ok(()), Err)
    }

    /// Runs a job up to and including the step `last`. Then its machine disappears with everything on it.
    pub fn job_that_dies_after(&mut self, job: &Job, attempt: u32, last: &str) {
        self.begin(job, attempt);
        let machine = tempfile::tempdir().expect("a folder");
        for step in &job.steps {
            self.step(job, step, machine.path()).expect("it goes well");
            if step.name == last {
                return;
            }
        }
        panic!("there is no step {last:?}");
    }

    fn begin(&mut self, job: &Job, attempt: u32) {
        for name in ["github.run_attempt", "System.StageAttempt"] {
            self.values.insert(name.to_owned(), attempt.to_string());
        }
        for (name, value) in &job.variables {
            if !self.values.contains_key(name) {
                let value = self.filled(value);
                self.values.insert(name.clone(), value);
            }
        }
    }

    fn step(&mut self, job: &Job, step: &Step, machine: &Path) -> Result<(), String> {
        match &step.act {
            Act::Checkout => {
                fs::copy(self.stage.home().join("wave.csv"), machine.join("wave.csv")).expect("the roster");
            }
            Act::Keep { name, path } => {
                let folder = self.kept(&self.filled(name));
                fs::create_dir(&folder).expect("an artifact of another name");
                fs::copy(machine.join(path), folder.join(path)).map_err(|error| error.to_string())?;
            }
            Act::ShowTests { path } => {
                let folder = self.kept("shown");
                fs::create_dir(&folder).expect("once");
                fs::copy(machine.join(path), folder.join(path)).map_err(|error| error.to_string())?;
            }
            Act::Fetch { prefix, into } => self.fetch(&self.filled(prefix), &machine.join(into)),
            Act::Script { .. } if step.name == INSTALLS => {}
            Act::Script { id, text } => return self.script(job, step, machine, (id, text)),
        }
        Ok(())
    }

    fn fetch(&self, prefix: &str, into: &Path) {
        for entry in fs::read_dir(self.stage.home().join("kept")).expect("a folder") {
            let artifact = entry.expect("an entry");
            let name = artifact.file_name().into_string().expect("text");
            if name.starts_with(prefix) {
                fs::create_dir_all(into.join(&name)).expect("made");
                fs::copy(artifact.path().join("wave.tar.gz"), into.join(&name).join("wave.tar.gz")).expect("fetched");
            }
        }
    }

    fn script(&mut self, job: &Job, step: &Step, machine: &Path, (id, text): (&str, &str)) -> Result<(), String> {
        assert!(!text.contains("${{"), "{}: what is put into a script can be a script", step.name);
        let outputs = machine.join("outputs");
        fs::write(&outputs, "").expect("written");
        let mut bash = Command::new("bash");
        // An unset variable is an error.
        bash.args(["-u", if self.kind == Kind::GitHub { "-ec" } else { "-c" }, text]).current_dir(machine).env_clear();
        let path = std::env::var("PATH").unwrap_or_default();
        bash.env("PATH", format!("{}:{path}", self.stage.home().join("bin").display())).env("HOME", machine);
        bash.env(self.kind.sign(), "true").env("GITHUB_STEP_SUMMARY", machine.join("summary.md"));
        bash.env("GITHUB_OUTPUT", &outputs)
            .envs(self.identity(job))
            .env("AZURE_AUTHORITY_HOST", &self.stage.server.url);
        // A workflow names only the real tenant.
        bash.env("PASSWAVE_GRAPH_ENDPOINT", &self.stage.served.url).env("PASSWAVE_WRITE_QUOTA", "100000/1s");
        bash.envs(self.pilot.map(|most| ("PASSWAVE_PILOT", most.to_string())));
        bash.envs(step.env.iter().map(|(name, value)| (name, self.filled(value))));
        let output = bash.output().expect("bash");
        self.note_outputs(id, &output, &outputs);
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    }

    /// The variables that the service sets for a job with an identity.
    fn identity(&self, job: &Job) -> Vec<(&'static str, String)> {
        let url = &self.stage.server.url;
        let [(_, tenant), (_, client)] = self.stage.ids();
        match self.kind {
            Kind::GitHub if job.is_vouched_for => vec![
                ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}/github?api-version=2.0")),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", JOB_TOKEN.into()),
            ],
            Kind::Azure if job.is_vouched_for => vec![
                ("SYSTEM_OIDCREQUESTURI", format!("{url}/azure")),
                ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "connection".into()),
                ("AZURESUBSCRIPTION_TENANT_ID", tenant),
                ("AZURESUBSCRIPTION_CLIENT_ID", client),
            ],
            _ => Vec::new(),
        }
    }

    /// The outputs of a step: lines of a file, or commands in its output.
    fn note_outputs(&mut self, id: &str, output: &Output, file: &Path) {
        let file = fs::read_to_string(file).expect("UTF-8");
        let github = file.lines().filter_map(|line| line.split_once('='));
        self.values.extend(github.map(|(name, value)| (format!("steps.{id}.outputs.{name}"), value.to_owned())));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let set = printed
            .lines()
            .filter_map(|line| line.strip_prefix("##vso[task.setvariable variable=")?.split_once(";isOutput=true]"));
        let azure =
            set.map(|(name, value)| (format!("stageDependencies.plan.plan.outputs['{id}.{name}']"), value.to_owned()));
        self.values.extend(azure);
    }

    /// `text` with its expressions replaced by their values.
    fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (open, close) in [("${{", "}}"), ("$[", " ]"), ("$(", ")")] {
            while let Some(start) = filled.find(open) {
                let end = start + filled[start..].find(close).expect("a closed expression");
                let expression = filled[start + open.len()..end].trim();
                let value = self.values.get(expression).unwrap_or_else(|| panic!("what is {expression}?"));
                filled = [&filled[..start], value, &filled[end + close.len()..]].concat();
            }
        }
        filled
    }
}
