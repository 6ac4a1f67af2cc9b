//! A run remembers its flags until a flag of `run` changes them.

use crate::workspace::{Workspace, next_command, said};

#[test]
fn remembered_verify_covers_everything() {
    let workspace = Workspace::new("{}");
    let reset = "passwave reset wave.csv --run-dir run --yes --pilot 2 --verify --revoke-sessions --halt-on failed=50";
    let first = workspace.paste(&format!("{reset} {}", workspace.endpoint_flags()), 3);
    assert!(first.contains("This run also revokes sessions, verifies, and stops at failed=50."), "{first}");
    let command = next_command(&first);
    for flag in ["--verify", "--revoke-sessions", "--halt-on"] {
        assert!(!command.contains(flag), "the run remembers it: {command}");
    }
    let last = workspace.paste(&command, 0);
    assert!(last.contains("This run also revokes sessions, verifies, and stops at failed=50."), "{last}");
    assert!(last.contains("Verified: 8 confirmed.") && last.contains("Sessions: revoked for 8 accounts."), "{last}");
}

#[test]
fn plans_remember_flags() {
    let workspace = Workspace::new("{}");
    let planned =
        workspace.paste(&format!("passwave plan wave.csv --run-dir run --verify {}", workspace.endpoint_flags()), 0);
    assert!(planned.contains("This run also verifies."), "{planned}");
    assert!(workspace.paste(&next_command(&planned), 0).contains("Verified: 8 confirmed."));
}

#[test]
fn changed_flags_are_announced() {
    let workspace = Workspace::new("{}");
    let endpoint_flags = workspace.endpoint_flags();
    let plan =
        format!("passwave plan wave.csv --run-dir run --verify --halt-on failed=3% --format json -q {endpoint_flags}");
    let plan: serde_json::Value = serde_json::from_slice(&workspace.type_line(&plan).stdout).expect("JSON");
    assert_eq!(plan["wanted"], serde_json::json!({"verify": true, "halt_on": ["failed=3%"]}));
    let dry = workspace.paste(&format!("passwave run run --dry-run --halt-on failed=9% {endpoint_flags}"), 0);
    assert!(dry.contains("--halt-on now failed=9%, was failed=3%."), "{dry}");
    let run = format!("passwave run run --yes --pilot 2 --halt-on failed=5% --no-verify {endpoint_flags}");
    let changed = workspace.paste(&run, 3);
    assert!(changed.contains("--halt-on now failed=5%, was failed=3%."), "a dry run changes nothing: {changed}");
    assert!(changed.contains("--verify now off, was on."), "{changed}");
    let next = workspace.paste(&format!("passwave run run --pilot 2 {endpoint_flags}"), 3);
    assert!(next.contains("stops at failed=5%") && !next.contains("verifies"), "{next}");
    // The approved plan included it; later changes were not approved.
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let approved = workspace.paste(&format!("passwave run run --expect {fingerprint} {endpoint_flags}"), 0);
    assert!(approved.contains("This run also verifies and stops at failed=3%."), "{approved}");
    assert!(approved.contains("Verified: 8 confirmed."), "{approved}");
}

#[test]
fn expected_run_repeats_its_flags() {
    let workspace = Workspace::new("{}");
    let endpoint_flags = workspace.endpoint_flags();
    let plan = format!("passwave plan wave.csv --run-dir run --format json -q {endpoint_flags}");
    let plan: serde_json::Value = serde_json::from_slice(&workspace.type_line(&plan).stdout).expect("JSON");
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let first = workspace
        .paste(&format!("passwave run run --yes --expect {fingerprint} --verify --pilot 2 {endpoint_flags}"), 3);
    let command = next_command(&first);
    assert!(command.contains(&format!("--expect {fingerprint} --verify")), "{command}");
    assert!(workspace.paste(&command, 0).contains("Verified: 8 confirmed."));
    let short = workspace.paste(&format!("passwave run run --expect {} {endpoint_flags}", &fingerprint[..12]), 2);
    assert!(short.contains("64 characters, but this one has 12"), "{short}");
}

#[test]
fn plan_shows_the_approved_fingerprint() {
    let workspace = Workspace::new("{}");
    let planned = workspace.paste("passwave plan wave.csv --run-dir run --lookup off", 0);
    let shown = planned.lines().find_map(|line| line.strip_prefix("Fingerprint: ")).expect("a fingerprint");
    assert_eq!(shown.len(), 64);
    let dry = workspace.paste(&format!("passwave run run --dry-run --expect {shown}"), 0);
    assert!(dry.contains(shown), "{dry}");
}

#[test]
fn run_stays_in_its_cloud() {
    let workspace = Workspace::new("{}");
    let planned = workspace.paste("passwave plan wave.csv --run-dir run --lookup off --cloud usgov", 0);
    assert!(!next_command(&planned).contains("--cloud"), "the run remembers it: {planned}");
    let refused = workspace.paste("passwave run run --dry-run --cloud china", 2);
    assert!(refused.contains("planned for the cloud usgov") && refused.contains("nothing was sent"), "{refused}");
    workspace.paste("passwave run run --dry-run --cloud usgov", 0);
    workspace.paste("PASSWAVE_CLOUD=china passwave run run --dry-run", 0);
}

#[test]
fn one_line_fits_all_commands() {
    let workspace = Workspace::new("{}");
    let flags = "--yes --auth secret --dry-run --format json --pilot 3 --halt-on failed=3% --window 00:00-23:59 --verify \
                 --revoke-sessions --concurrency 2 --batch-size 5 --max-wait 20s --max-accounts 100 --no-force-change";
    for verb in ["reset", "plan", "rehearse"] {
        let output = workspace
            .type_line(&format!("passwave {verb} wave.csv --run-dir {verb} {flags} {}", workspace.endpoint_flags()));
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", said(&output));
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&plan["accounts"], &plan["wanted"]["verify"]), (&8.into(), &true.into()), "{verb}");
    }
    let detailed = workspace.paste("passwave rehearse wave.csv --run-dir told --yes --cloud usgov -v", 0);
    assert_eq!(detailed.matches("ignored by `rehearse`: ").count(), 1, "{detailed}");
    assert_eq!(workspace.served.tenant.tally().writes, 0);
}

#[test]
fn missing_key_is_noticed() {
    let workspace = Workspace::new("{}");
    workspace.paste("passwave plan wave.csv --run-dir run --lookup off", 0);
    let refused =
        workspace.paste(&format!("passwave run run --identity nokey.txt --yes {}", workspace.endpoint_flags()), 2);
    assert!(refused.contains("nokey.txt"), "{refused}");
}
