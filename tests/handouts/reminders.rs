//! Reminder slips, for users who have not chosen a password of their own.

use crate::workspace::{ROSTER, Workspace, escaped, said};
use passwave::ledger::{ClaimState, Ledger};

/// A rehearsed run in which a sweep has found that only Bob has chosen a password, and could not read Ann.
fn swept() -> Workspace {
    let workspace = Workspace::rehearsed(&[]);
    let mut ledger = Ledger::open(&workspace.path("run")).expect("a ledger");
    let (yes, no, unread) = (ClaimState::Yes, ClaimState::No, ClaimState::Unread);
    let found = [(1, yes, Some(1_790_000_000_000)), (2, no, None), (3, unread, None), (4, no, None), (5, no, None)];
    ledger.keep_claims(&found).expect("written");
    ledger.end_sweep(1_790_000_000_000).expect("written");
    workspace
}

#[test]
fn reminders_go_to_those_who_have_not_chosen() {
    let workspace = swept();
    let said = workspace.handouts(0, &["--where", "claimed=no", "--language-column", "Sprache", "--language", "es"]);
    assert!(said.contains("Reminders for users who had not chosen a password"), "{said}");
    assert!(said.contains("21 Sep 2026") && said.contains("3 slips in 1 file"), "{said}");
    let page = workspace.read("run/handouts/handouts.html");
    for (upn, is_there) in [("bob", false), ("ann", false), ("zoe", true), ("kim", true), ("smith", true)] {
        let upn = format!("{upn}@contoso.com");
        assert_eq!(page.contains(&upn), is_there, "{upn}");
        assert_eq!(
            page.contains(&escaped(&workspace.password(&upn))),
            is_there,
            "{upn}: the password is still in force"
        );
    }
    assert!(page.contains("Rappel\u{a0}: votre compte") && page.contains("Recordatorio: su cuenta"), "{page}");
    assert!(page.contains("celui-ci est toujours valable") && page.contains("esta sigue siendo válida"), "{page}");
}

#[test]
fn only_those_who_have_not_chosen_are_reminded() {
    let workspace = swept();
    workspace.handouts(0, &["--where", "claimed=no,unread", "--where", "Klasse=7A", "--language", "de"]);
    let page = workspace.read("run/handouts/handouts.html");
    assert!(page.contains("ann@contoso.com") && page.contains("kim@contoso.com") && !page.contains("zoe@contoso.com"));
    assert_eq!(page.matches("Erinnerung: Ihr Konto").count(), 1, "nobody knows what Ann has done");
    assert_eq!(page.matches("dieses gilt weiterhin").count(), 1);
}

#[test]
fn rows_can_be_selected_by_any_column() {
    let workspace = Workspace::rehearsed(&[]);
    let told = workspace.handouts(0, &["--where", "Klasse=7b"]);
    assert!(told.contains("1 slip in 1 file") && !told.contains("Reminders"), "{told}");
    for (flag, expected) in [
        ("claimed=no", "was never swept"),
        ("Klasse=8A", "no account with a new password meets Klasse=8A"),
        ("Klase=7A", "did you mean \"Klasse\"?"),
        ("password=x", "it may hold passwords"),
        ("Klasse", "COLUMN=VALUE"),
    ] {
        let told = workspace.handouts(2, &["--where", flag]);
        assert!(told.contains(expected), "{flag}: {told}");
    }
    assert!(!workspace.path("run/handouts-2").exists());
}

#[test]
fn run_that_was_never_swept_names_the_sweep() {
    let workspace = Workspace::new();
    workspace.write("school.csv", ROSTER);
    let planned = workspace.passwave(&["plan", "school.csv", "--run-dir", "run", "--lookup", "off"]);
    assert!(planned.status.success(), "{}", said(&planned));
    let told = workspace.handouts(2, &["--where", "claimed=no"]);
    assert!(told.contains("passwave sweep run"), "{told}");
}
