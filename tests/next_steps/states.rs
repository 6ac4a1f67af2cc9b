//! The way on in each state that a run can stop in.

use crate::desk::{Desk, ROWS, printed, said, the_way_on};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

/// The flags of a first call that its successor must not lack.
const MORE: &str = "--write-quota 90000/1s --concurrency 3 --batch-size 2 --max-wait '1m 30s' --auth secret";

#[test]
fn after_a_plan() {
    let desk = Desk::new("{}");
    let planned = desk.types(&format!("passwave plan wave.csv --run-dir run {} {MORE}", desk.there()));
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let command = the_way_on(&said(&planned));
    for flag in ["--concurrency 3", "--batch-size 2", "--max-wait '1m 30s'", "--auth secret", "--write-quota 90000/1s"]
    {
        assert!(command.contains(flag), "{command}");
    }
    desk.pastes(&command, 0);
    desk.must_be_done("run");
    let again = desk.pastes(&command, 0);
    assert_eq!(printed(&again), Vec::<String>::new(), "nothing is left: {again}");
}

#[test]
fn after_dry_runs() {
    let desk = Desk::new("{}");
    let first = desk.pastes(&format!("passwave reset wave.csv --dry-run --run-dir run --yes {}", desk.there()), 0);
    let second = desk.pastes(&format!("{} --dry-run", the_way_on(&first)), 0);
    desk.pastes(&the_way_on(&second), 0);
    desk.must_be_done("run");
    let last = desk.pastes(&format!("passwave run run --dry-run {}", desk.there()), 0);
    assert!(last.contains("Nothing is left to do") && printed(&last).is_empty(), "{last}");
}

#[test]
fn after_a_plan_told_as_json() {
    let desk = Desk::new("{}");
    let planned = desk.types(&format!("passwave plan wave.csv --run-dir run --format json -q {}", desk.there()));
    let plan: serde_json::Value = serde_json::from_slice(&planned.stdout).expect("JSON");
    desk.pastes(plan["next"].as_str().expect("a command"), 0);
    desk.must_be_done("run");
}

#[test]
fn after_pilots() {
    let desk = Desk::new("{}");
    let first = desk.pastes(&format!("passwave reset wave.csv --run-dir run --yes --pilot 3 {}", desk.there()), 3);
    assert_eq!(desk.count("run".as_ref(), "reset"), 3);
    let command = the_way_on(&first);
    let second = desk.pastes(&format!("{command} --pilot 3"), 3);
    assert_eq!(desk.count("run".as_ref(), "reset"), 6, "the next three: {second}");
    let last = desk.pastes(&the_way_on(&second), 0);
    assert!(last.contains("6 were reset before"), "{last}");
    desk.must_be_done("run");
}

#[test]
fn after_a_halt() {
    let faults = r#"{"accounts": {"pupil1@contoso.com": "missing"}, "denied": "reads"}"#;
    let desk = Desk::new(faults);
    let reset = "passwave reset wave.csv --run-dir run --yes --halt-on failed=1 --batch-size 1 --concurrency 1";
    let halted = desk.pastes(&format!("{reset} {}", desk.there()), 3);
    assert!(halted.contains("stopped by --halt-on failed=1"), "{halted}");
    desk.pastes(&the_way_on(&halted), 1);
    assert_eq!((desk.count("run".as_ref(), "reset"), desk.count("run".as_ref(), "failed")), (ROWS as u64 - 1, 1));
}

#[test]
fn after_an_interrupt() {
    let desk = Desk::of(200, r#"{"latency_ms": 40}"#);
    let reset = "passwave reset wave.csv --run-dir run --yes --json --batch-size 1 --concurrency 1 --lookup off";
    let mut shell = desk.shell(&format!("exec {reset} {}", desk.there()));
    let mut child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("UTF-8"));
    lines.find(|line| line.contains("\"event\":\"account\"")).expect("an account ends");
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let last: serde_json::Value = serde_json::from_str(&lines.last().expect("a last line")).expect("JSON");
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("UTF-8");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{told}");
    let command = the_way_on(&told);
    assert_eq!(last["next"].as_str(), Some(&*command), "programs are told the same");
    assert!(!command.contains("--yes"), "it has begun, so nothing is asked: {command}");
    desk.pastes(&command, 0);
    desk.must_be_done("run");
}

#[test]
fn after_a_sign_in_that_failed() {
    let desk = Desk::new("{}");
    let reset = format!("AZURE_CLIENT_SECRET=wrong passwave reset wave.csv --run-dir run --yes {}", desk.there());
    let refused = desk.pastes(&reset, 3);
    let order = ["error: ", "hint: ", "The plan is kept, and nothing was sent now. Go on with:  "];
    let places = order.map(|part| refused.find(part).unwrap_or_else(|| panic!("{part}: {refused}")));
    assert!(places.is_sorted(), "first what happened, then what helps, then how to go on: {refused}");
    desk.pastes(&the_way_on(&refused), 0);
    desk.must_be_done("run");
}

#[test]
fn a_folder_that_is_there_already() {
    let desk = Desk::new("{}");
    let plan = format!("passwave plan wave.csv --run-dir 'my run' {}", desk.there());
    desk.pastes(&plan, 0);
    let refused = desk.pastes(&plan, 2);
    desk.pastes(&the_way_on(&refused), 0);
    desk.must_be_done("my run");
    fs::create_dir(desk.home.path().join("other")).expect("a folder");
    let refused = desk.pastes("passwave plan wave.csv --run-dir other", 2);
    assert!(printed(&refused).is_empty() && refused.contains("--run-dir"), "{refused}");
    desk.pastes("passwave rehearse wave.csv --run-dir rehearsed", 0);
    let refused = desk.pastes("passwave plan wave.csv --run-dir rehearsed", 2);
    assert!(printed(&refused).is_empty() && refused.contains("it holds a rehearsal"), "{refused}");
}

#[test]
fn more_accounts_than_were_meant() {
    let desk = Desk::new("{}");
    for verb in ["plan", "reset", "rehearse"] {
        let line =
            format!("passwave {verb} wave.csv --run-dir run --yes --max-accounts 2 --format text {}", desk.there());
        let refused = desk.types(&line);
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{}", said(&refused));
        assert!(!desk.home.path().join("run").exists(), "{verb} leaves nothing behind");
        assert!(said(&refused).contains("--max-accounts 8"), "{}", said(&refused));
    }
    let planned = desk.pastes(&format!("passwave plan wave.csv --run-dir run {}", desk.there()), 0);
    let refused = desk.pastes(&format!("{} --max-accounts 2", the_way_on(&planned)), 2);
    desk.pastes(&the_way_on(&refused), 0);
    desk.must_be_done("run");
}

#[test]
fn a_roster_in_the_place_of_a_run() {
    let desk = Desk::new("{}");
    for verb in ["run", "verify", "report", "run --dry-run"] {
        let refused = desk.pastes(&format!("passwave {verb} wave.csv"), 2);
        assert!(refused.contains("is a file") && !refused.contains("os error"), "{verb}: {refused}");
        assert!(!refused.contains("free space"), "{refused}");
    }
    let refused = desk.pastes(&format!("passwave run wave.csv {}", desk.there()), 2);
    let planned = desk.pastes(&the_way_on(&refused), 0);
    desk.pastes(&the_way_on(&planned), 0);
    let long = "x".repeat(300);
    for line in [format!("run {long}"), format!("plan wave.csv --run-dir {long}"), format!("report {long}")] {
        let refused = desk.pastes(&format!("passwave {line}"), 2);
        assert!(refused.contains("the name is too long") && !refused.contains("free space"), "{refused}");
    }
}

#[test]
fn a_report_knows_no_endpoints_and_says_so() {
    let desk = Desk::new("{}");
    desk.pastes(&format!("passwave reset wave.csv --run-dir run --yes --pilot 3 {}", desk.there()), 3);
    let told = desk.pastes("passwave report run", 0);
    let command = the_way_on(&told);
    assert!(command.ends_with("run run --graph-endpoint URL --authority-host URL"), "{command}");
    assert!(told.contains("with your own in place of the capitals"), "{told}");
    let refused = desk.pastes("passwave run run", 2);
    assert!(refused.contains("--graph-endpoint URL") && refused.contains("nothing was sent"), "{refused}");
    let variables = format!("export PASSWAVE_GRAPH_ENDPOINT={0} AZURE_AUTHORITY_HOST={0};", desk.served.url);
    let told = desk.pastes(&format!("{variables} passwave report run"), 0);
    assert_eq!(the_way_on(&told), "passwave run run", "the environment has them");
    desk.pastes(&format!("{variables} {}", the_way_on(&told)), 0);
    desk.must_be_done("run");
}

#[test]
fn what_was_not_verified() {
    let desk = Desk::new("{}");
    desk.pastes(&format!("passwave reset wave.csv --run-dir run --yes {}", desk.there()), 0);
    fs::write(desk.home.path().join("faults"), "").expect("written");
    let told = desk.pastes(&format!("passwave verify run {}", desk.there()), 0);
    assert!(told.contains("Verified: 8 confirmed.") && printed(&told).is_empty(), "{told}");
    let blind = Desk::new(r#"{"denied": "reads"}"#);
    let told = blind.types(&format!("passwave reset wave.csv --run-dir run --yes --verify {}", blind.there()));
    let commands = printed(&said(&told));
    assert!(said(&told).contains("Verified: 8 not verified."), "{}", said(&told));
    assert!(
        !commands.is_empty() && commands.iter().all(|command| command.contains("passwave verify run ")),
        "{commands:?}"
    );
    let denied = blind.pastes(&commands[0], 3);
    assert!(denied.contains("cannot be verified"), "it asks again, as it says: {denied}");
}

#[test]
fn sessions_that_may_not_be_revoked() {
    let desk = Desk::new(r#"{"denied": "sessions"}"#);
    let told =
        desk.pastes(&format!("passwave reset wave.csv --run-dir run --yes --revoke-sessions {}", desk.there()), 0);
    let command = the_way_on(&told);
    assert!(command.ends_with("--revoke-sessions"), "{command}");
    let before = desk.served.tenant.tally().batches;
    desk.pastes(&command, 0);
    assert!(desk.served.tenant.tally().batches > before, "it tries again");
}

#[test]
fn a_pipeline_shows_the_same_command() {
    let desk = Desk::new("{}");
    let step = desk.home.path().join("step.md");
    let job = format!("GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY={}", step.display());
    desk.pastes(&format!("{job} passwave reset wave.csv --run-dir 'my run' --yes --pilot 2 {}", desk.there()), 3);
    let summary = fs::read_to_string(&step).expect("a summary");
    let commands: Vec<&str> = summary.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(commands.len(), 1, "{summary}");
    desk.pastes(commands[0], 0);
    desk.must_be_done("my run");
    fs::remove_file(&step).expect("removed");
    let wrong =
        format!("{job} AZURE_CLIENT_SECRET=wrong passwave reset wave.csv --run-dir other --yes {}", desk.there());
    desk.pastes(&wrong, 3);
    let summary = fs::read_to_string(&step).expect("a summary");
    let command = summary.lines().find_map(|line| line.strip_prefix("    ")).expect("a command");
    desk.pastes(command, 0);
    desk.must_be_done("other");
}

#[test]
fn a_rehearsal_has_no_way_on() {
    let desk = Desk::new("{}");
    let told = desk.pastes("passwave rehearse wave.csv --run-dir run --pilot 2", 3);
    assert!(printed(&told).is_empty(), "{told}");
    assert!(printed(&desk.pastes("passwave report run", 0)).is_empty());
}

#[cfg(feature = "seal")]
#[test]
fn sealed_passwords_of_the_roster_go_out_with_the_key_that_is_named() {
    let desk = Desk::new("{}");
    let lock = "export PASSWAVE_SEAL_PASSPHRASE=anything;";
    let reset = "passwave reset wave.csv --run-dir run --yes --pilot 3 --password-column Password --seal-passphrase";
    let told = desk.pastes(&format!("{lock} {reset} {}", desk.there()), 3);
    let commands = printed(&told);
    let run = commands.iter().find(|command| command.starts_with("passwave run ")).expect("a way on");
    assert!(run.contains("--passphrase"), "{run}");
    let refused = desk.pastes(&format!("{lock} passwave run run {}", desk.there()), 2);
    let named = the_way_on(&refused);
    assert!(named.contains("--passphrase"), "{named}");
    desk.pastes(&format!("{lock} {named}"), 0);
    desk.must_be_done("run");
}

#[cfg(feature = "seal")]
#[test]
fn passwords_that_the_report_lacks_are_added_with_the_key() {
    let desk = Desk::new("{}");
    let lock = "export PASSWAVE_SEAL_PASSPHRASE=anything;";
    let reset = "passwave reset wave.csv --run-dir run --yes --pilot 3 --seal-passphrase";
    desk.pastes(&format!("{lock} {reset} {}", desk.there()), 3);
    let told = desk.pastes(&format!("passwave run run {}", desk.there()), 0);
    let lacking = the_way_on(&told);
    assert!(
        told.contains("It lacks 3 passwords")
            && lacking.starts_with("passwave report run")
            && lacking.ends_with("--passphrase"),
        "{lacking}"
    );
    assert!(!desk.pastes(&format!("{lock} {lacking}"), 0).contains("It lacks"));
}
