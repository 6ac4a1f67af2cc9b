//! The workflows as data: jobs of steps, each with its script, its variables and its artifacts.

use yaml_rust2::{Yaml, YamlLoader};

/// One job.
pub struct Job {
    pub steps: Vec<Step>,
    /// What later jobs can use: names and expressions.
    pub outputs: Vec<(String, String)>,
    /// Its variables: names and expressions.
    pub variables: Vec<(String, String)>,
    /// Whether the service gives it an identity.
    pub is_vouched_for: bool,
}

/// One step of a job.
pub struct Step {
    pub name: String,
    /// Environment variables: names, and values with expressions.
    pub env: Vec<(String, String)>,
    /// Whether it also runs after a failure.
    pub always: bool,
    pub act: Act,
}

/// The action of a step.
pub enum Act {
    Checkout,
    Script {
        id: String,
        text: String,
    },
    /// Uploads the file `path` as the artifact `name`.
    Keep {
        name: String,
        path: String,
    },
    /// Shows a file of test results.
    ShowTests {
        path: String,
    },
    /// Downloads the artifacts whose names start with `prefix` into the folder `into`.
    Fetch {
        prefix: String,
        into: String,
    },
}

fn read(text: &str) -> Yaml {
    YamlLoader::load_from_str(text).expect("YAML").remove(0)
}

/// A value as text; empty if there is none.
fn text(yaml: &Yaml) -> String {
    match yaml {
        Yaml::String(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

fn pairs(yaml: &Yaml) -> Vec<(String, String)> {
    let hash = yaml.as_hash().into_iter().flatten();
    hash.map(|(name, value)| (text(name), text(value))).collect()
}

/// A job of a workflow of GitHub Actions.
pub fn github(workflow: &str, job: &str) -> Job {
    let workflow = read(workflow);
    let job = &workflow["jobs"][job];
    let step = |step: &Yaml| {
        let with = |name: &str| text(&step["with"][name]);
        let act = match text(&step["uses"]).split('@').next() {
            Some("actions/checkout") => Act::Checkout,
            Some("actions/upload-artifact") => Act::Keep { name: with("name"), path: with("path") },
            Some("actions/download-artifact") => {
                let prefix = with("pattern").strip_suffix('*').expect("a prefix").to_owned();
                Act::Fetch { prefix, into: with("path") }
            }
            Some("") => Act::Script { id: text(&step["id"]), text: text(&step["run"]) },
            other => panic!("an unknown action: {other:?}"),
        };
        Step { name: text(&step["name"]), env: pairs(&step["env"]), always: text(&step["if"]) == "always()", act }
    };
    Job {
        steps: job["steps"].as_vec().expect("steps").iter().map(step).collect(),
        outputs: pairs(&job["outputs"]),
        variables: Vec::new(),
        is_vouched_for: text(&job["permissions"]["id-token"]) == "write",
    }
}

/// Whether a step only turns off what the service would do by itself.
fn is_none(step: &Yaml) -> bool {
    [&step["download"], &step["checkout"]].iter().any(|what| what.as_str() == Some("none"))
}

/// The only job of a stage of Azure Pipelines.
pub fn azure(pipeline: &str, stage: usize) -> Job {
    let pipeline = read(pipeline);
    let job = &pipeline["stages"][stage]["jobs"][0];
    let steps = job["steps"].as_vec().or_else(|| job["strategy"]["runOnce"]["deploy"]["steps"].as_vec());
    let step = |step: &Yaml| {
        let input = |name: &str| text(&step["inputs"][name]);
        let script = |text| Act::Script { id: self::text(&step["name"]), text };
        let act = match () {
            () if !step["checkout"].is_badvalue() => Act::Checkout,
            () if !step["publish"].is_badvalue() => {
                Act::Keep { name: text(&step["artifact"]), path: text(&step["publish"]) }
            }
            () if !step["bash"].is_badvalue() => script(text(&step["bash"])),
            () => match text(&step["task"]).as_str() {
                "AzureCLI@2" => script(input("inlineScript")),
                "PublishTestResults@2" => Act::ShowTests { path: input("testResultsFiles") },
                "DownloadPipelineArtifact@2" => Act::Fetch { prefix: String::new(), into: input("targetPath") },
                other => panic!("an unknown task: {other}"),
            },
        };
        let always = text(&step["condition"]) == "always()";
        Step { name: text(&step["displayName"]), env: pairs(&step["env"]), always, act }
    };
    let all = [&pipeline["variables"], &job["variables"]].into_iter().filter_map(Yaml::as_vec).flatten();
    Job {
        steps: steps.expect("steps").iter().filter(|step| !is_none(step)).map(step).collect(),
        outputs: Vec::new(),
        variables: all.map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect(),
        // Through the task that has a service connection.
        is_vouched_for: true,
    }
}
