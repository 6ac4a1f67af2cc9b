//! The next step in each state in which a run can stop.

use crate::workspace::{ROWS, Workspace, next_command, printed, said};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

/// Flags of a first call that the next command must repeat.
const MORE: &str = "--write-quota 90000/1s --concurrency 3 --batch-size 2 --max-wait '1m 30s' --auth secret";

#[test]
fn after_a_plan() {
    let workspace = Workspace::new("{}");
    let planned =
        workspace.type_line(&format!("passwave plan wave.csv --run-dir run {} {MORE}", workspace.endpoint_flags()));
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let command = next_command(&said(&planned));
    for flag in ["--concurrency 3", "--batch-size 2", "--max-wait '1m 30s'", "--auth secret", "--write-quota 90000/1s"]
    {
        assert!(command.contains(flag), "{command}");
    }
    workspace.paste(&command, 0);
    workspace.must_be_done("run");
    let again = workspace.paste(&command, 0);
    assert_eq!(printed(&again), Vec::<String>::new(), "nothing is left: {again}");
}

#[test]
fn after_dry_runs() {
    let workspace = Workspace::new("{}");
    let first = workspace
        .paste(&format!("passwave reset wave.csv --dry-run --run-dir run --yes {}", workspace.endpoint_flags()), 0);
    let second = workspace.paste(&format!("{} --dry-run", next_command(&first)), 0);
    workspace.paste(&next_command(&second), 0);
    workspace.must_be_done("run");
    let last = workspace.paste(&format!("passwave run run --dry-run {}", workspace.endpoint_flags()), 0);
    assert!(last.contains("Nothing is left to do") && printed(&last).is_empty(), "{last}");
}

#[test]
fn after_a_json_plan() {
    let workspace = Workspace::new("{}");
    let planned = workspace
        .type_line(&format!("passwave plan wave.csv --run-dir run --format json -q {}", workspace.endpoint_flags()));
    let plan: serde_json::Value = serde_json::from_slice(&planned.stdout).expect("JSON");
    workspace.paste(plan["next"].as_str().expect("a command"), 0);
    workspace.must_be_done("run");
}

#[test]
fn after_pilots() {
    let workspace = Workspace::new("{}");
    let first = workspace
        .paste(&format!("passwave reset wave.csv --run-dir run --yes --pilot 3 {}", workspace.endpoint_flags()), 3);
    assert_eq!(workspace.count("run".as_ref(), "reset"), 3);
    let command = next_command(&first);
    let second = workspace.paste(&format!("{command} --pilot 3"), 3);
    assert_eq!(workspace.count("run".as_ref(), "reset"), 6, "the next three: {second}");
    let last = workspace.paste(&next_command(&second), 0);
    assert!(last.contains("6 were reset before"), "{last}");
    workspace.must_be_done("run");
}

#[test]
fn after_a_halt() {
    let faults = r#"{"accounts": {"pupil1@contoso.com": "missing"}, "denied": "reads"}"#;
    let workspace = Workspace::new(faults);
    let reset = "passwave reset wave.csv --run-dir run --yes --halt-on failed=1 --batch-size 1 --concurrency 1";
    let halted = workspace.paste(&format!("{reset} {}", workspace.endpoint_flags()), 3);
    assert!(halted.contains("stopped by --halt-on failed=1"), "{halted}");
    workspace.paste(&next_command(&halted), 1);
    assert_eq!(
        (workspace.count("run".as_ref(), "reset"), workspace.count("run".as_ref(), "failed")),
        (ROWS as u64 - 1, 1)
    );
}

#[test]
fn after_an_interrupt() {
    let workspace = Workspace::of(200, r#"{"latency_ms": 40}"#);
    let reset = "passwave reset wave.csv --run-dir run --yes --json --batch-size 1 --concurrency 1 --lookup off";
    let mut shell = workspace.shell(&format!("exec {reset} {}", workspace.endpoint_flags()));
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("UTF-8"));
    lines.find(|line| line.contains("\"event\":\"account\"")).expect("an account ends");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let last: serde_json::Value = serde_json::from_str(&lines.last().expect("a last line")).expect("JSON");
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{told}");
    let command = next_command(&told);
    assert_eq!(last["next"].as_str(), Some(&*command), "programs get the same command");
    assert!(!command.contains("--yes"), "it has begun, so nothing is asked: {command}");
    workspace.paste(&command, 0);
    workspace.must_be_done("run");
}

#[test]
fn after_a_second_interrupt() {
    let workspace = Workspace::of(20, r#"{"latency_ms": 3000}"#);
    let reset = "passwave reset wave.csv --run-dir run --yes --json --batch-size 1 --concurrency 1 --lookup off";
    let mut shell = workspace.shell(&format!("exec {reset} {}", workspace.endpoint_flags()));
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("UTF-8"));
    for awaited in ["account", "stopping"] {
        lines.find(|line| line.contains(&format!("\"event\":\"{awaited}\""))).expect("it is reported");
        let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
    }
    let rest: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(&line).expect("JSON")).collect();
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{told}");
    let left = "exited at once: requests in flight are in doubt, and the next run resolves them";
    assert!(told.contains(&format!("warning: {left}")), "{told}");
    let [warning, last] = rest.as_slice() else { panic!("{rest:?}") };
    assert_eq!((&warning["event"], &warning["message"]), (&"warning".into(), &left.into()));
    assert_eq!((&last["event"], &last["end"]), (&"finished".into(), &"left_at_once".into()));
    let command = told.lines().find_map(|line| line.strip_prefix("Continue with:  ")).expect("the next command");
    assert_eq!(last["next"].as_str(), Some(command), "programs get the same command");
}

#[test]
fn after_a_failed_sign_in() {
    let workspace = Workspace::new("{}");
    let reset =
        format!("AZURE_CLIENT_SECRET=wrong passwave reset wave.csv --run-dir run --yes {}", workspace.endpoint_flags());
    let refused = workspace.paste(&reset, 3);
    let order = ["error: ", "hint: ", "The plan is kept, and nothing was sent now. Continue with:  "];
    let places = order.map(|part| refused.find(part).unwrap_or_else(|| panic!("{part}: {refused}")));
    assert!(places.is_sorted(), "first what happened, then what helps, then how to continue: {refused}");
    workspace.paste(&next_command(&refused), 0);
    workspace.must_be_done("run");
}

#[test]
fn existing_folder() {
    let workspace = Workspace::new("{}");
    let plan = format!("passwave plan wave.csv --run-dir 'my run' {}", workspace.endpoint_flags());
    workspace.paste(&plan, 0);
    let refused = workspace.paste(&plan, 2);
    workspace.paste(&next_command(&refused), 0);
    workspace.must_be_done("my run");
    fs::create_dir(workspace.home.path().join("other")).expect("a folder");
    let refused = workspace.paste("passwave plan wave.csv --run-dir other", 2);
    assert!(printed(&refused).is_empty() && refused.contains("--run-dir"), "{refused}");
    workspace.paste("passwave rehearse wave.csv --run-dir rehearsed", 0);
    let refused = workspace.paste("passwave plan wave.csv --run-dir rehearsed", 2);
    assert!(printed(&refused).is_empty() && refused.contains("it holds a rehearsal"), "{refused}");
}

#[test]
fn more_accounts_than_were_meant() {
    let workspace = Workspace::new("{}");
    for verb in ["plan", "reset", "rehearse"] {
        let line = format!(
            "passwave {verb} wave.csv --run-dir run --yes --max-accounts 2 --format text {}",
            workspace.endpoint_flags()
        );
        let refused = workspace.type_line(&line);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{}", said(&refused));
        assert!(!workspace.home.path().join("run").exists(), "{verb} leaves nothing behind");
        assert!(said(&refused).contains("--max-accounts 8"), "{}", said(&refused));
    }
    let planned = workspace.paste(&format!("passwave plan wave.csv --run-dir run {}", workspace.endpoint_flags()), 0);
    let refused = workspace.paste(&format!("{} --max-accounts 2", next_command(&planned)), 2);
    workspace.paste(&next_command(&refused), 0);
    workspace.must_be_done("run");
}

#[test]
fn roster_instead_of_a_run() {
    let workspace = Workspace::new("{}");
    for verb in ["run", "verify", "report", "run --dry-run"] {
        let refused = workspace.paste(&format!("passwave {verb} wave.csv"), 2);
        assert!(refused.contains("is a file") && !refused.contains("os error"), "{verb}: {refused}");
        assert!(!refused.contains("free space"), "{refused}");
    }
    let refused = workspace.paste(&format!("passwave run wave.csv {}", workspace.endpoint_flags()), 2);
    let planned = workspace.paste(&next_command(&refused), 0);
    workspace.paste(&next_command(&planned), 0);
    let long = "x".repeat(300);
    for line in [format!("run {long}"), format!("plan wave.csv --run-dir {long}"), format!("report {long}")] {
        let refused = workspace.paste(&format!("passwave {line}"), 2);
        assert!(refused.contains("the name is too long") && !refused.contains("free space"), "{refused}");
    }
}

#[test]
fn verify_names_no_exit_code_of_a_run() {
    let workspace = Workspace::new("{}");
    let roster = workspace.home.path().join("wave.csv");
    let text = std::fs::read_to_string(&roster).expect("a roster");
    std::fs::write(&roster, format!("{}\nnot an address\n", text.trim_end())).expect("written");
    let endpoints = workspace.endpoint_flags();
    let told = workspace.paste(&format!("passwave reset wave.csv --run-dir run --yes {endpoints}"), 1);
    assert!(told.contains("Exit code 1: 1 row needs attention"), "{told}");
    let told = workspace.paste(&format!("passwave verify run {endpoints}"), 0);
    assert!(told.contains("1 row needs attention") && !told.contains("Exit code"), "{told}");
}

#[test]
fn report_says_endpoints_are_unknown() {
    let workspace = Workspace::new("{}");
    workspace
        .paste(&format!("passwave reset wave.csv --run-dir run --yes --pilot 3 {}", workspace.endpoint_flags()), 3);
    let told = workspace.paste("passwave report run", 0);
    let command = next_command(&told);
    assert!(command.ends_with("run run --graph-endpoint URL --authority-host URL"), "{command}");
    assert!(told.contains("with (replace the words in capitals)"), "{told}");
    let refused = workspace.paste("passwave run run", 2);
    assert!(refused.contains("--graph-endpoint URL") && refused.contains("nothing was sent"), "{refused}");
    let variables = format!("export PASSWAVE_GRAPH_ENDPOINT={0} AZURE_AUTHORITY_HOST={0};", workspace.served.url);
    let told = workspace.paste(&format!("{variables} passwave report run"), 0);
    assert_eq!(next_command(&told), "passwave run run", "the environment has them");
    workspace.paste(&format!("{variables} {}", next_command(&told)), 0);
    workspace.must_be_done("run");
}

#[test]
fn unverified_changes() {
    let workspace = Workspace::new("{}");
    workspace.paste(&format!("passwave reset wave.csv --run-dir run --yes {}", workspace.endpoint_flags()), 0);
    fs::write(workspace.home.path().join("faults"), "").expect("written");
    let told = workspace.paste(&format!("passwave verify run {}", workspace.endpoint_flags()), 0);
    assert!(told.contains("Verified: 8 confirmed.") && printed(&told).is_empty(), "{told}");
    let blind = Workspace::new(r#"{"denied": "reads"}"#);
    let told =
        blind.type_line(&format!("passwave reset wave.csv --run-dir run --yes --verify {}", blind.endpoint_flags()));
    let commands = printed(&said(&told));
    assert!(said(&told).contains("Verified: 8 not verified."), "{}", said(&told));
    assert!(
        !commands.is_empty() && commands.iter().all(|command| command.contains("passwave verify run ")),
        "{commands:?}"
    );
    let denied = blind.paste(&commands[0], 3);
    assert!(denied.contains("cannot be verified"), "it asks again, as it says: {denied}");
}

#[test]
fn forbidden_revocations() {
    let workspace = Workspace::new(r#"{"denied": "sessions"}"#);
    let told = workspace.paste(
        &format!("passwave reset wave.csv --run-dir run --yes --revoke-sessions {}", workspace.endpoint_flags()),
        0,
    );
    let command = next_command(&told);
    assert!(command.ends_with("--revoke-sessions"), "{command}");
    let before = workspace.served.tenant.tally().batches;
    workspace.paste(&command, 0);
    assert!(workspace.served.tenant.tally().batches > before, "it tries again");
}

#[test]
fn pipeline_shows_the_same_command() {
    let workspace = Workspace::new("{}");
    let step = workspace.home.path().join("step.md");
    let job = format!("GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY={}", step.display());
    workspace.paste(
        &format!("{job} passwave reset wave.csv --run-dir 'my run' --yes --pilot 2 {}", workspace.endpoint_flags()),
        3,
    );
    let summary = fs::read_to_string(&step).expect("a summary");
    let commands: Vec<&str> = summary.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(commands.len(), 1, "{summary}");
    workspace.paste(commands[0], 0);
    workspace.must_be_done("my run");
    fs::remove_file(&step).expect("removed");
    let wrong = format!(
        "{job} AZURE_CLIENT_SECRET=wrong passwave reset wave.csv --run-dir other --yes {}",
        workspace.endpoint_flags()
    );
    workspace.paste(&wrong, 3);
    let summary = fs::read_to_string(&step).expect("a summary");
    let command = summary.lines().find_map(|line| line.strip_prefix("    ")).expect("a command");
    workspace.paste(command, 0);
    workspace.must_be_done("other");
}

#[test]
fn rehearsals_have_no_next_step() {
    let workspace = Workspace::new("{}");
    let told = workspace.paste("passwave rehearse wave.csv --run-dir run --pilot 2", 3);
    assert!(printed(&told).is_empty(), "{told}");
    assert!(printed(&workspace.paste("passwave report run", 0)).is_empty());
}

#[cfg(feature = "seal")]
#[test]
fn sealed_roster_passwords_need_their_key() {
    let workspace = Workspace::new("{}");
    let lock = "export PASSWAVE_SEAL_PASSPHRASE=anything;";
    let reset = "passwave reset wave.csv --run-dir run --yes --pilot 3 --password-column Password --seal-passphrase";
    let told = workspace.paste(&format!("{lock} {reset} {}", workspace.endpoint_flags()), 3);
    let commands = printed(&told);
    let run = commands.iter().find(|command| command.starts_with("passwave run ")).expect("a way on");
    assert!(run.contains("--passphrase"), "{run}");
    let refused = workspace.paste(&format!("{lock} passwave run run {}", workspace.endpoint_flags()), 2);
    let named = next_command(&refused);
    assert!(named.contains("--passphrase"), "{named}");
    workspace.paste(&format!("{lock} {named}"), 0);
    workspace.must_be_done("run");
}

#[cfg(feature = "seal")]
#[test]
fn key_adds_missing_passwords() {
    let workspace = Workspace::new("{}");
    let lock = "export PASSWAVE_SEAL_PASSPHRASE=anything;";
    let reset = "passwave reset wave.csv --run-dir run --yes --pilot 3 --seal-passphrase";
    workspace.paste(&format!("{lock} {reset} {}", workspace.endpoint_flags()), 3);
    let told = workspace.paste(&format!("passwave run run {}", workspace.endpoint_flags()), 0);
    let lacking = next_command(&told);
    assert!(
        told.contains("It lacks 3 passwords")
            && lacking.starts_with("passwave report run")
            && lacking.ends_with("--passphrase"),
        "{lacking}"
    );
    assert!(!workspace.paste(&format!("{lock} {lacking}"), 0).contains("It lacks"));
}
