//! The evidence over all tenants: one file has the hashes of all others, so a change anywhere is found and named.

use crate::{place::Place, schemas::Schema};
use passwave::fleet::{FleetEvidenceFault, check_evidence};
use std::fs;

const THREE: [&str; 3] = ["contoso.com", "fabrikam.com", "litware.org"];

/// A fleet that has ended, with its evidence; one row names no tenant.
fn written(flags: &[&str]) -> Place {
    let place = Place::new(&THREE, 4, "{}");
    place.write("trust.csv", &(place.read("trust.csv") + "lost@contoso.com,contso\n"));
    let (code, told) = place.run(&["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes"]);
    assert_eq!(code, Some(1), "one row is skipped: {told}");
    let (code, told) = place.run(&[&["evidence", "autumn"], flags].concat());
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Evidence: autumn/evidence.json (13 rows in 4 run folders, without passwords)"), "{told}");
    place
}

fn fault(place: &Place) -> FleetEvidenceFault {
    check_evidence(&place.path("autumn/evidence.json")).expect_err("changed")
}

#[test]
fn evidence_over_all_tenants_holds_and_has_no_password() {
    let place = written(&[]);
    let (code, told) = place.run(&["evidence", "--check", "autumn/evidence.json"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("holds, and so does the evidence of all 4 run folders: 13 rows as written"), "{told}");
    let evidence = place.json("autumn/evidence.json");
    Schema::new("fleet-evidence.schema.json").check(&evidence);
    Schema::new("evidence.schema.json").check(&place.json("autumn/litware.org/evidence.json"));
    assert_eq!((&evidence["row_total"], &evidence["counts"]["reset"]), (&13.into(), &12.into()));
    assert_eq!(evidence["rows"][1]["file"], "fabrikam.com/evidence.json");
    assert_eq!(evidence["rows"][1]["tenant_id"], place.id("fabrikam.com"));
    let page = place.read("autumn/evidence.html");
    assert!(page.contains("href=\"fabrikam.com/evidence.html\""), "{page}");
    let all = THREE.map(|domain| place.read(&format!("autumn/{domain}/evidence.json"))).concat()
        + &page
        + &place.read("autumn/evidence.json");
    let mut reader = csv::ReaderBuilder::new().from_path(place.path("autumn/report.csv")).expect("a report");
    let passwords = reader.records().map(|row| row.expect("a row")[3].to_owned()).filter(|text| !text.is_empty());
    assert_eq!(passwords.inspect(|password| assert!(!all.contains(password))).count(), 12);
}

#[test]
fn one_bit_in_any_tenants_file_is_found_and_named() {
    let place = written(&[]);
    for folder in THREE.into_iter().chain(["without-tenant"]) {
        let name = format!("{folder}/evidence.json");
        let path = place.path("autumn").join(&name);
        let whole = fs::read(&path).expect("a file");
        for at in (0..whole.len()).step_by(97) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, changed).expect("written");
            let fault = fault(&place);
            assert!(matches!(&fault, FleetEvidenceFault::Tenant { file, .. } if *file == name), "{at}: {fault}");
        }
        fs::write(&path, whole).expect("written");
    }
    check_evidence(&place.path("autumn/evidence.json")).expect("all are as they were");
}

#[test]
fn one_bit_in_the_file_over_all_is_found() {
    let place = written(&[]);
    let path = place.path("autumn/evidence.json");
    let whole = fs::read(&path).expect("a file");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(&path, changed).expect("written");
        assert!(matches!(fault(&place), FleetEvidenceFault::Own(_)), "byte {at}");
    }
}

#[test]
fn files_that_hold_by_themselves_must_be_the_ones_that_were_written() {
    let place = written(&[]);
    let (code, told) = place.run(&["evidence", "autumn/fabrikam.com"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = place.run(&["evidence", "--check", "autumn/evidence.json"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("fabrikam.com/evidence.json holds by itself, but it is not the file"), "{told}");
    let (code, _) = place.run(&["evidence", "autumn"]);
    assert_eq!(code, Some(0));
    fs::copy(place.path("autumn/contoso.com/evidence.json"), place.path("autumn/litware.org/evidence.json"))
        .expect("copied");
    assert!(matches!(fault(&place), FleetEvidenceFault::Another(file) if file == "litware.org/evidence.json"));
    fs::remove_file(place.path("autumn/litware.org/evidence.json")).expect("removed");
    assert!(matches!(fault(&place), FleetEvidenceFault::Tenant { file, .. } if file == "litware.org/evidence.json"));
}

#[test]
fn audit_logs_of_all_tenants_are_read() {
    let place = written(&["--audit"]);
    let (code, told) = place.run(&["evidence", "autumn", "--audit"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Audit logs: found 12 rows ("), "{told}");
    let (evidence, page) =
        (place.read("autumn/fabrikam.com/evidence.json"), place.read("autumn/fabrikam.com/evidence.html"));
    assert_eq!(evidence.matches("\"audit\":{\"id\":\"Directory_").count(), 4, "{evidence}");
    assert_eq!(page.matches("<td>Directory_").count(), 4, "{page}");
}

#[cfg(feature = "sign")]
#[test]
#[expect(clippy::print_stderr, reason = "the reader of the test's output must know what was left out")]
fn signature_is_of_all_tenants() {
    let place = Place::new(&THREE, 2, "{}");
    let (code, told) = place.run(&["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    let mut keygen = std::process::Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "admin@contoso.com", "-f"]).arg(place.path("key"));
    let Ok(made) = keygen.status() else {
        eprintln!("left out: ssh-keygen is not installed");
        return;
    };
    assert!(made.success());
    let (code, told) = place.run(&["evidence", "autumn", "--sign", "key"]);
    assert_eq!(code, Some(0), "{told}");
    for file in ["autumn/evidence.json", "autumn/litware.org/evidence.json"] {
        let (code, told) = place.run(&["evidence", "--check", file]);
        assert!(code == Some(0) && told.contains("Signature: holds"), "{told}");
    }
    let (code, told) = place.run(&["evidence", "autumn"]);
    assert!(code == Some(0) && told.contains("is of the evidence before this one"), "{told}");
    let (code, told) = place.run(&["evidence", "--check", "autumn/evidence.json"]);
    assert!(code == Some(1) && told.contains("the file is not the one that was signed"), "{told}");
}
