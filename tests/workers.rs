//! The examples with several workers: what Docker Compose and Kubernetes read of them is sound, and every command in them
//! is one that the program knows.
#![cfg(all(unix, feature = "cli", feature = "postgres"))]

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};
use yaml_rust2::{Yaml, YamlLoader};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workers").join(name)
}

/// The documents of a file.
fn documents(name: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&std::fs::read_to_string(file(name)).expect(name)).expect("YAML")
}

fn words(yaml: &Yaml) -> Vec<&str> {
    yaml.as_vec().expect("a list").iter().map(|word| word.as_str().expect("a text")).collect()
}

/// The program knows these words; it ends before it does anything.
fn must_be_known(words: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_passwave")).args(words).arg("--help").output().expect("it starts");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    flags.for_each(|flag| assert!(help.contains(flag), "{} does not take {flag}", words[0]));
}

/// Whether a tool is here and accepts the file; `true`, with a word, if it is not here.
fn accepted(tool: &str, arguments: &[&str], name: &str) -> bool {
    let Ok(output) = Command::new(tool).args(arguments).current_dir(file("")).output() else {
        let _ = writeln!(std::io::stderr(), "{name} is not checked with {tool}: it is not installed");
        return true;
    };
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    true
}

#[test]
fn compose_file_has_a_server_and_workers() {
    assert!(accepted("docker-compose", &["--file", "compose.yaml", "config", "--quiet"], "compose.yaml"));
    let compose = &documents("compose.yaml")[0];
    let worker = &compose["services"]["worker"];
    must_be_known(&words(&worker["command"]));
    let url = worker["environment"]["PASSWAVE_LEDGER"].as_str().expect("an address");
    assert!(passwave::ledger::postgres::Address::parse(url).is_ok(), "a socket needs no certificate: {url}");
    let grace = worker["stop_grace_period"].as_str().expect("a time");
    assert_eq!(grace, "2m", "the time limit of one request, and no less");
    for service in ["postgres", "worker"] {
        let volumes = words(&compose["services"][service]["volumes"]);
        assert!(volumes.iter().any(|volume| volume.starts_with("socket:/var/run/postgresql")), "{service}");
    }
}

#[test]
fn kubernetes_manifest_has_workers_and_a_plan() {
    assert!(accepted("yamllint", &["-d", "relaxed", "kubernetes.yaml"], "kubernetes.yaml"));
    let all = documents("kubernetes.yaml");
    let kinds: Vec<_> = all.iter().map(|one| one["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["ServiceAccount", "Deployment", "Job"]);
    let account = all[0]["metadata"]["name"].as_str().expect("a name");
    for (one, verb) in all[1..].iter().zip(["work", "plan"]) {
        let pod = &one["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"].as_str(), Some(account));
        assert_eq!(pod["securityContext"]["runAsNonRoot"].as_bool(), Some(true));
        let [container] = pod["containers"].as_vec().expect("containers").as_slice() else { panic!("one container") };
        let arguments = words(&container["args"]);
        assert_eq!(arguments[0], verb);
        must_be_known(&arguments);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"].as_bool(), Some(true));
        let names = |list: &Yaml| -> Vec<String> {
            list.as_vec()
                .expect("a list")
                .iter()
                .map(|item| item["name"].as_str().expect("a name").to_owned())
                .collect()
        };
        let volumes = names(&pod["volumes"]);
        let mounts = names(&container["volumeMounts"]);
        assert!(mounts.iter().all(|mount| volumes.contains(mount)), "{mounts:?} of {volumes:?}");
    }
    let workers = &all[1]["spec"];
    assert_eq!(workers["replicas"].as_i64(), Some(3));
    let labels = &workers["template"]["metadata"]["labels"];
    for key in ["app", "role"] {
        assert_eq!(workers["selector"]["matchLabels"][key], labels[key], "{key}");
    }
}
