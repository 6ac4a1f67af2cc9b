//! One tenant's trouble ends that tenant alone.

use crate::place::Place;

const THREE: [&str; 3] = ["contoso.com", "fabrikam.com", "litware.org"];
const RESET: [&str; 7] = ["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes"];

#[test]
fn everybody_gets_a_password_in_their_own_tenant() {
    let place = Place::new(&THREE, 25, "{}");
    let (code, told) = place.run(&RESET);
    assert_eq!(code, Some(0), "{told}");
    place.everybody_holds(&place.path("autumn/report.csv"), &THREE);
    let fleet = place.json("autumn/fleet.json");
    assert_eq!(fleet["tenants"][1]["tenant_id"], place.id("fabrikam.com"));
    let (code, told) = place.run(&["run", "autumn"]);
    assert_eq!(code, Some(0), "nothing is left: {told}");
    for verb in ["report", "verify", "handouts"] {
        let (code, told) = place.run(&[verb, "autumn"]);
        assert_eq!(code, Some(0), "{verb}: {told}");
    }
    let (code, told) = place.run(&["sweep", "autumn"]);
    assert_eq!(code, Some(1), "nobody has chosen a password yet: {told}");
    assert!(told.contains("Claimed: 0 of 75 accounts (0 %); 75 not yet"), "{told}");
    assert!(told.contains("  fabrikam.com: 0 of 25 accounts (0 %); 25 not yet"), "{told}");
    let summary = place.json("autumn/summary.json");
    assert_eq!((&summary["claimed"]["no"], &summary["tenants"][2]["claimed"]["no"]), (&75.into(), &25.into()));
    assert!(place.read("autumn/report.html").contains("href=\"litware.org/report.html\""));
    assert!(place.path("autumn/contoso.com/handouts").is_dir());
}

#[test]
fn two_spellings_are_one_tenant_and_typos_are_skipped() {
    let place = Place::new(&THREE[..2], 2, "{}");
    let id = place.id("contoso.com").to_uppercase();
    let roster = format!(
        "upn,School\nuser1@contoso.com,Contoso.com\nuser1@fabrikam.com,contso.com\nuser2@contoso.com,{id}\nuser2@fabrikam.com,\n"
    );
    place.write("trust.csv", &roster);
    let (code, told) = place.run(&RESET);
    assert_eq!(code, Some(1), "{told}");
    let fleet = place.json("autumn/fleet.json");
    assert_eq!((&fleet["tenants"][0]["rows"], fleet["tenants"].as_array().map(Vec::len)), (&2.into(), Some(2)));
    assert!(told.contains(&format!("Tenant {} is contoso.com", place.id("contoso.com"))), "{told}");
    let report = place.read("autumn/report.csv");
    assert!(report.contains("tenant_unknown,line 3: 127.0.0.1 knows no tenant contso.com"), "{report}");
    assert!(report.contains("tenant_missing,line 5: this row names no tenant"), "{report}");
    assert_eq!(place.tenants.get("fabrikam.com").expect("served").tally().batches, 0);
}

#[test]
fn each_trouble_is_named_with_its_cure() {
    let names = ["a.com", "consent.com", "gone.com", "secret.com", "blocked.com", "denied.com", "later.com", "z.com"];
    let faults = r#"{"tenants": {
        "consent.com": {"token": {"refused": 65001}}, "gone.com": {"token": {"refused": 5000224}},
        "secret.com": {"token": {"refused": 7000215}}, "blocked.com": {"token": {"refused": 53003}},
        "denied.com": {"denied": "writes"}, "later.com": {"token": {"refused": 650051}}}}"#;
    let place = Place::new(&names, 5, faults);
    let (code, told) = place.run(&RESET);
    assert_eq!(code, Some(3), "{told}");
    for (tenant, cure) in [
        ("consent.com", "/adminconsent?client_id="),
        ("later.com", "/adminconsent?client_id="),
        ("gone.com", "no such tenant any more"),
        ("secret.com", "the secret is wrong"),
        ("blocked.com", "Conditional Access"),
        ("denied.com", "User-PasswordProfile.ReadWrite.All"),
    ] {
        let summary = place.json("autumn/summary.json");
        let found = summary["tenants"].as_array().expect("tenants").iter().find(|one| one["name"] == tenant);
        let trouble = &found.expect(tenant)["trouble"];
        assert!(trouble["hint"].as_str().is_some_and(|hint| hint.contains(cure)), "{tenant}: {trouble}");
        assert!(told.contains(&format!("error: {tenant}: ")), "{tenant}: {told}");
    }
    place.everybody_holds(&place.path("autumn/report.csv"), &["a.com", "z.com"]);
    assert!(told.contains("30 accounts are not finished. Continue with:"), "{told}");
}

#[test]
fn another_tenants_token_reaches_nobody() {
    let faults = r#"{"tenants": {"contoso.com": {"token": {"of_tenant": "fabrikam.com"}}}}"#;
    let place = Place::new(&THREE, 5, faults);
    let (code, told) = place.run(&[&RESET[..], &["--lookup", "off"]].concat());
    assert_eq!(code, Some(3), "{told}");
    let (own, other) = (place.id("contoso.com"), place.id("fabrikam.com"));
    assert!(told.contains(&format!("issued a token for tenant {other}, but this run is for tenant {own}")), "{told}");
    let batches = |domain: &str| place.tenants.get(domain).expect("served").tally().batches;
    assert_eq!((batches("contoso.com"), batches("fabrikam.com")), (0, 1), "only its own");
    place.everybody_holds(&place.path("autumn/report.csv"), &["fabrikam.com", "litware.org"]);
}

#[test]
fn fleet_has_one_fingerprint_and_one_limit() {
    let place = Place::new(&THREE, 4, "{}");
    let plan = ["plan", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn"];
    let (code, told) = place.run(&[&plan[..], &["--max-accounts", "11"]].concat());
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("12 accounts are to be reset over all tenants"), "{told}");
    let output = place.program(&[&plan[..], &["--format", "json"]].concat()).output().expect("it starts");
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((output.status.code(), &plan["accounts"]), (Some(0), &12.into()));
    let (code, told) = place.run(&["run", "autumn", "--yes", "--expect", &"0".repeat(64)]);
    assert_eq!(code, Some(2), "{told}");
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let (code, told) = place.run(&["run", "autumn", "--yes", "--expect", fingerprint]);
    assert_eq!(code, Some(0), "{told}");
    place.everybody_holds(&place.path("autumn/report.csv"), &THREE);
}

#[test]
fn tenants_may_have_their_own_application() {
    let place = Place::new(&THREE[..2], 3, "{}");
    let client = place.tenants.first().credentials().client_id.clone();
    let keys = format!("[\"fabrikam.com\"]\nclient_id = \"{client}\"\nsecret_in = \"FABRIKAM_SECRET\"\n");
    place.write("tenants.toml", &keys);
    let arguments = [&RESET[..], &["--tenants", "tenants.toml"]].concat();
    let (code, told) = place.run(&arguments);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("the variable FABRIKAM_SECRET is not set"), "{told}");
    let output = place.program(&arguments).env("FABRIKAM_SECRET", "wrong").output().expect("it starts");
    let told = crate::place::said(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("fabrikam.com: sign-in was refused: AADSTS7000215"), "{told}");
    assert!(told.contains("run autumn --tenants tenants.toml"), "the next step repeats it: {told}");
    place.everybody_holds(&place.path("autumn/report.csv"), &["contoso.com"]);
}

#[test]
fn rows_with_too_much_trouble_stop_all_together() {
    let place = Place::new(&THREE, 40, "{}");
    for domain in THREE {
        for nth in 1..=10 {
            let account = passwave::simulator::Account {
                id: None,
                upn: format!("user{nth}@{domain}"),
                kind: passwave::simulator::AccountKind::Admin,
            };
            place.tenants.get(domain).expect("served").add(account);
        }
    }
    // Ten in each tenant are too few for one of them, but thirty are too many.
    let arguments = [&RESET[..], &["--lookup", "off", "--halt-on", "failed=15", "--batch-size", "5"]].concat();
    let (code, told) = place.run(&arguments);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("stopped by --halt-on failed=15, over all tenants together"), "{told}");
}
