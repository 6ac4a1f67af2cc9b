//! What was asked of a run is part of it, until a flag of `run` changes that.

use crate::desk::{Desk, said, the_way_on};

#[test]
fn a_run_verifies_all_if_that_was_asked_for() {
    let desk = Desk::new("{}");
    let reset = "passwave reset wave.csv --run-dir run --yes --pilot 2 --verify --revoke-sessions --halt-on failed=50";
    let first = desk.pastes(&format!("{reset} {}", desk.there()), 3);
    assert!(first.contains("This run also revokes sessions, verifies, and stops at failed=50."), "{first}");
    let command = the_way_on(&first);
    for flag in ["--verify", "--revoke-sessions", "--halt-on"] {
        assert!(!command.contains(flag), "the run remembers it: {command}");
    }
    let last = desk.pastes(&command, 0);
    assert!(last.contains("This run also revokes sessions, verifies, and stops at failed=50."), "{last}");
    assert!(last.contains("Verified: 8 confirmed.") && last.contains("Sessions: revoked of 8 accounts."), "{last}");
}

#[test]
fn a_plan_remembers_it_too() {
    let desk = Desk::new("{}");
    let planned = desk.pastes(&format!("passwave plan wave.csv --run-dir run --verify {}", desk.there()), 0);
    assert!(planned.contains("This run also verifies."), "{planned}");
    assert!(desk.pastes(&the_way_on(&planned), 0).contains("Verified: 8 confirmed."));
}

#[test]
fn a_flag_of_run_changes_it_with_a_word() {
    let desk = Desk::new("{}");
    let there = desk.there();
    let plan = format!("passwave plan wave.csv --run-dir run --verify --halt-on failed=3% --format json -q {there}");
    let plan: serde_json::Value = serde_json::from_slice(&desk.types(&plan).stdout).expect("JSON");
    assert_eq!(plan["wanted"], serde_json::json!({"verify": true, "halt_on": ["failed=3%"]}));
    let dry = desk.pastes(&format!("passwave run run --dry-run --halt-on failed=9% {there}"), 0);
    assert!(dry.contains("--halt-on now failed=9%, was failed=3%."), "{dry}");
    let run = format!("passwave run run --yes --pilot 2 --halt-on failed=5% --no-verify {there}");
    let changed = desk.pastes(&run, 3);
    assert!(changed.contains("--halt-on now failed=5%, was failed=3%."), "a dry run changes nothing: {changed}");
    assert!(changed.contains("--verify now off, was on."), "{changed}");
    let next = desk.pastes(&format!("passwave run run --pilot 2 {there}"), 3);
    assert!(next.contains("stops at failed=5%") && !next.contains("verifies"), "{next}");
    // The approved plan asked for it, and what was changed later was not approved.
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let approved = desk.pastes(&format!("passwave run run --expect {fingerprint} {there}"), 0);
    assert!(approved.contains("This run also verifies and stops at failed=3%."), "{approved}");
    assert!(approved.contains("Verified: 8 confirmed."), "{approved}");
}

#[test]
fn a_run_that_is_expected_says_so_again() {
    let desk = Desk::new("{}");
    let there = desk.there();
    let plan = format!("passwave plan wave.csv --run-dir run --format json -q {there}");
    let plan: serde_json::Value = serde_json::from_slice(&desk.types(&plan).stdout).expect("JSON");
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let first = desk.pastes(&format!("passwave run run --yes --expect {fingerprint} --verify --pilot 2 {there}"), 3);
    let command = the_way_on(&first);
    assert!(command.contains(&format!("--expect {fingerprint} --verify")), "{command}");
    assert!(desk.pastes(&command, 0).contains("Verified: 8 confirmed."));
    let short = desk.pastes(&format!("passwave run run --expect {} {there}", &fingerprint[..12]), 2);
    assert!(short.contains("64 characters, and this one has 12"), "{short}");
}

#[test]
fn the_plan_shows_what_is_approved() {
    let desk = Desk::new("{}");
    let planned = desk.pastes("passwave plan wave.csv --run-dir run --lookup off", 0);
    let shown = planned.lines().find_map(|line| line.strip_prefix("Fingerprint: ")).expect("a fingerprint");
    assert_eq!(shown.len(), 64);
    let dry = desk.pastes(&format!("passwave run run --dry-run --expect {shown}"), 0);
    assert!(dry.contains(shown), "{dry}");
}

#[test]
fn a_run_stays_in_its_cloud() {
    let desk = Desk::new("{}");
    let planned = desk.pastes("passwave plan wave.csv --run-dir run --lookup off --cloud usgov", 0);
    assert!(!the_way_on(&planned).contains("--cloud"), "the run remembers it: {planned}");
    let refused = desk.pastes("passwave run run --dry-run --cloud china", 2);
    assert!(refused.contains("planned for the cloud usgov") && refused.contains("nothing was sent"), "{refused}");
    desk.pastes("passwave run run --dry-run --cloud usgov", 0);
    desk.pastes("PASSWAVE_CLOUD=china passwave run run --dry-run", 0);
}

#[test]
fn the_same_line_is_planned_rehearsed_and_run() {
    let desk = Desk::new("{}");
    let flags = "--yes --auth secret --dry-run --format json --pilot 3 --halt-on failed=3% --window 00:00-23:59 --verify \
                 --revoke-sessions --concurrency 2 --batch-size 5 --max-wait 20s --max-accounts 100 --no-force-change";
    for verb in ["reset", "plan", "rehearse"] {
        let output = desk.types(&format!("passwave {verb} wave.csv --run-dir {verb} {flags} {}", desk.there()));
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", said(&output));
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&plan["accounts"], &plan["wanted"]["verify"]), (&8.into(), &true.into()), "{verb}");
    }
    let detailed = desk.pastes("passwave rehearse wave.csv --run-dir told --yes --cloud usgov -v", 0);
    assert_eq!(detailed.matches("without meaning for `rehearse`, and not minded: ").count(), 1, "{detailed}");
    assert_eq!(desk.served.tenant.tally().writes, 0);
}

#[test]
fn a_key_that_is_not_there_is_noticed() {
    let desk = Desk::new("{}");
    desk.pastes("passwave plan wave.csv --run-dir run --lookup off", 0);
    let refused = desk.pastes(&format!("passwave run run --identity nokey.txt --yes {}", desk.there()), 2);
    assert!(refused.contains("nokey.txt"), "{refused}");
}
