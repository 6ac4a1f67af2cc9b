//! What is not done.

use crate::desk::{Desk, ROSTER, said};
use std::fs;

#[test]
fn nothing_is_overwritten() {
    let desk = Desk::rehearsed(&[]);
    desk.handouts(1, &[]);
    let before = desk.read("run/handouts/handouts.html");
    let said = desk.handouts(2, &["--language", "fr", "--out", "run/handouts"]);
    assert!(said.contains("never overwritten") && said.contains("--out"), "{said}");
    for again in ["handouts-2", "handouts-3"] {
        let said = desk.handouts(1, &["--language", "fr"]);
        assert!(said.contains(again), "{said}");
        assert!(desk.read(&format!("run/{again}/handouts.html")).contains("Mot de passe"));
    }
    assert_eq!(desk.read("run/handouts/handouts.html"), before);
    fs::create_dir(desk.path("new.draft")).expect("made");
    desk.write("new.draft/mine", "kept");
    assert!(desk.handouts(2, &["--out", "new"]).contains("new.draft was left behind"));
    assert_eq!((desk.read("new.draft/mine"), desk.path("new").exists()), ("kept".into(), false));
    assert!(desk.handouts(2, &["--out", "no/such/folder"]).contains("the folder above it does not exist"));
}

#[test]
fn a_mistyped_word_is_told_and_nothing_is_written() {
    let desk = Desk::rehearsed(&[]);
    for (flags, told) in [
        (&["--by", "Klase"][..], "did you mean \"Klasse\"?"),
        (&["--by", "Klase"], "nothing was written"),
        (&["--by", "Klasse", "--only", "7C", "--only", "7A"], "--only \"7C\" is not in this run; nothing was written"),
        (&["--only", "7A"], "--by"),
        (&["--user", "bobb@contoso.com"], "did you mean \"bob@contoso.com\"?"),
        (&["--language-column", "Sparche"], "did you mean \"Sprache\"?"),
        (&["--name-column", "Nachname"], "--name-column"),
        (&["--language", "nl"], "en, fr, es and de"),
        (&["--sign-in", "javascript:alert(1)"], "no address of a web page"),
        (&["--order", "size"], "possible values: roster, name"),
    ] {
        let said = desk.handouts(2, flags);
        assert!(said.contains(told) && !said.contains("nothing was sent"), "{flags:?}: {said}");
    }
    assert!(!desk.path("run/handouts").exists());
}

#[test]
fn a_plan_alone_has_no_slips() {
    let desk = Desk::new();
    desk.write("school.csv", ROSTER);
    let planned = desk.passwave(&["plan", "school.csv", "--run-dir", "run", "--lookup", "off"]);
    assert!(planned.status.success(), "{}", said(&planned));
    let said = desk.handouts(2, &[]);
    assert!(said.contains("nobody gets a slip") && said.contains("passwave run"), "{said}");
    assert!(!desk.path("run/handouts").exists());
}
