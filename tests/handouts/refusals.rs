//! What `handouts` refuses.

use crate::workspace::{ROSTER, Workspace, said};
use std::fs;

#[test]
fn nothing_is_overwritten() {
    let workspace = Workspace::rehearsed(&[]);
    workspace.handouts(1, &[]);
    let before = workspace.read("run/handouts/handouts.html");
    let said = workspace.handouts(2, &["--language", "fr", "--out", "run/handouts"]);
    assert!(said.contains("never overwritten") && said.contains("--out"), "{said}");
    for again in ["handouts-2", "handouts-3"] {
        let said = workspace.handouts(1, &["--language", "fr"]);
        assert!(said.contains(again), "{said}");
        assert!(workspace.read(&format!("run/{again}/handouts.html")).contains("Mot de passe"));
    }
    assert_eq!(workspace.read("run/handouts/handouts.html"), before);
    fs::create_dir(workspace.path("new.draft")).expect("made");
    workspace.write("new.draft/mine", "kept");
    assert!(workspace.handouts(2, &["--out", "new"]).contains("new.draft was left behind"));
    assert_eq!((workspace.read("new.draft/mine"), workspace.path("new").exists()), ("kept".into(), false));
    assert!(workspace.handouts(2, &["--out", "no/such/folder"]).contains("the folder above it does not exist"));
}

#[test]
fn mistyped_values_write_nothing() {
    let workspace = Workspace::rehearsed(&[]);
    for (flags, told) in [
        (&["--by", "Klase"][..], "did you mean \"Klasse\"?"),
        (&["--by", "Klase"], "nothing was written"),
        (
            &["--by", "Klasse", "--only", "7C", "--only", "7A"],
            "the group \"7C\" is not in this run; nothing was written",
        ),
        (&["--only", "7A"], "--by"),
        (&["--user", "bobb@contoso.com"], "did you mean \"bob@contoso.com\"?"),
        (&["--language-column", "Sparche"], "did you mean \"Sprache\"?"),
        (&["--name-column", "Nachname"], "--name-column"),
        (&["--language", "nl"], "en, fr, es and de"),
        (&["--sign-in", "javascript:alert(1)"], "no address of a web page"),
        (&["--order", "size"], "possible values: roster, name"),
    ] {
        let said = workspace.handouts(2, flags);
        assert!(said.contains(told) && !said.contains("nothing was sent"), "{flags:?}: {said}");
    }
    assert!(!workspace.path("run/handouts").exists());
}

#[test]
fn plans_have_no_slips() {
    let workspace = Workspace::new();
    workspace.write("school.csv", ROSTER);
    let planned = workspace.passwave(&["plan", "school.csv", "--run-dir", "run", "--lookup", "off"]);
    assert!(planned.status.success(), "{}", said(&planned));
    let said = workspace.handouts(2, &[]);
    assert!(said.contains("nobody gets a slip") && said.contains("passwave run"), "{said}");
    assert!(!workspace.path("run/handouts").exists());
}
