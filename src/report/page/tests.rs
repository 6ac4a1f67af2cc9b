//! Tests the page as text: its structure, its escaping, and what it must never contain.

use super::*;
use crate::{
    ledger::{Ledger, LedgerError, ReportRow},
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report::sink::feed,
    roster::{Roster, RosterOptions},
};

const HOSTILE: &str = "</script><script>alert(1)</script><!--<b title='";

/// The page of a plan, rehearsed or real.
fn page(rehearsal: bool) -> String {
    written(rehearsal, Passwords::Shown).0
}

/// The same, and the password of its account.
fn written(rehearsal: bool, passwords: Passwords) -> (String, String) {
    let home = tempfile::tempdir().expect("a folder");
    let csv = format!("UPN,\"{HOSTILE}\"\nann@contoso.com,\"{HOSTILE}\"\n\"{HOSTILE}\",x\n");
    let roster = Roster::from_bytes(HOSTILE, csv.into_bytes(), &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::default();
    let settings = Settings { rehearsal, ..Settings::new(&roster, policy.clone()) };
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    let ledger = Ledger::create(&home.path().join("run"), settings, plan).expect("a ledger").ledger;
    let mut bytes = Vec::new();
    let summary = Summary::of(&ledger).expect("a summary");
    let times = ledger.times().expect("times");
    let mut page = Page::begin(&ledger, (&summary, &times), passwords, &mut bytes).ok().expect("memory");
    assert!(feed(&ledger, &mut [&mut page]).is_ok() && page.end().is_ok());
    let mut password = String::new();
    let note = |row: ReportRow| {
        row.password.iter().for_each(|held| password.push_str(held.expose()));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(note).expect("rows");
    (String::from_utf8(bytes).expect("UTF-8"), password)
}

#[test]
fn foreign_text_never_becomes_markup() {
    let page = page(true);
    for forbidden in ["alert(1)</script>", "<!--", "<b title", "<script>alert"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The columns, one block of rows, and our own.
    assert_eq!((page.matches("<script").count(), page.matches("</script>").count()), (3, 3));
}

#[test]
fn policy_allows_only_our_script() {
    let page = page(false);
    let script = page.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).expect("our script");
    let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next()).expect("our style");
    assert!(page.contains(&policy(style, script)) && page.contains("default-src 'none'; script-src 'sha256-"));
    for outside in ["http:", "https:", "src=\"", "@import", "url(h", " style=\"", " onclick"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn rehearsals_are_labelled() {
    assert!(page(true).contains("This was a rehearsal.") && !page(false).contains("This was a rehearsal."));
}

#[test]
fn page_withholds_what_the_report_does() {
    for (passwords, is_there) in [(Passwords::Shown, true), (Passwords::Withheld, false)] {
        let (page, password) = written(false, passwords);
        assert_eq!((password.is_empty(), page.contains(&password)), (false, is_there));
    }
}

#[test]
fn script_and_style_are_short() {
    for file in [include_str!("text.js"), include_str!("columns.js"), include_str!("page.js"), STYLE] {
        assert!(file.lines().count() <= 400);
    }
}
