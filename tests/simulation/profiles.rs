//! Profiles through a whole run: each account gets a password of its profile's form and sign-in rule, even if the
//! directory refuses the first password.

use crate::{scenarios::config, world::KeyPair};
use passwave::{
    engine::run::{RunEnd, RunOptions, run},
    ledger::Ledger,
    password::{ForceChange, Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    seal::Sealing,
    simulator::{Account, Simulator},
};
use secrecy::ExposeSecret;
use std::{future::pending, path::Path};

const ROSTER: &str = "upn,year,speaks\n\
                      mia@contoso.com,early-years,es\n\
                      noah@contoso.com,Junior,de\n\
                      ruth@contoso.com,SENIOR,\n\
                      ana@contoso.com,staff,fr\n\
                      desk@contoso.com,admin,\n\
                      nobody@contoso.com,parent,\n";

/// For each account that is reset: the number of parts of its password, and what it must do at the next sign-in.
const EXPECTED: [(&str, usize, ForceChange); 5] = [
    ("mia@contoso.com", 3, ForceChange::No),
    ("noah@contoso.com", 4, ForceChange::No),
    ("ruth@contoso.com", 5, ForceChange::NextSignIn),
    ("ana@contoso.com", 5, ForceChange::NextSignIn),
    ("desk@contoso.com", 0, ForceChange::NextSignInWithMfa),
];

fn planned(folder: &Path, force_change: Option<ForceChange>, sealing: Option<Sealing>) -> Ledger {
    let mut options = RosterOptions::default();
    options.profile_column = Some("year".into());
    options.language_column = Some("speaks".into());
    let roster = Roster::from_bytes("school.csv", ROSTER.into(), &options).unwrap_or_else(|error| panic!("{error}"));
    let policy = PasswordPolicy::default();
    let mut settings = Settings::new(&roster, policy.clone());
    settings.rehearsal = true;
    settings.force_change = force_change;
    settings.sealing = sealing;
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    Ledger::create(folder, settings, plan).expect("a ledger").ledger
}

fn school(faults: &str) -> Simulator {
    let tenant = Simulator::new(config(faults));
    EXPECTED.iter().for_each(|(upn, ..)| tenant.add(Account::normal(*upn)));
    tenant
}

/// The number of parts between hyphens in a password of words; 0 for random characters.
fn parts(password: &str) -> usize {
    let mut letters = password.chars().filter(char::is_ascii_alphabetic).skip(1);
    if letters.all(|letter| letter.is_ascii_lowercase()) { password.split('-').count() } else { 0 }
}

#[tokio::test(start_paused = true)]
async fn accounts_follow_their_profiles() {
    // The second time, two passwords of each account are refused and replaced; the third time, the first password
    // cannot be read.
    let sealing = KeyPair::generate().map(|keys| keys.sealing());
    for (faults, sealing) in [("{}", None), (r#"{"complexity": {"share": 1, "times": 2}}"#, None), ("{}", sealing)] {
        let (home, tenant) = (tempfile::tempdir().expect("a folder"), school(faults));
        let folder = home.path().join("run");
        drop(planned(&folder, None, sealing));
        let mut ledger = Ledger::open(&folder).expect("a ledger");
        let end = run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_| {}).await;
        assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
        for (upn, count, force_change) in EXPECTED {
            assert_eq!(tenant.force_change(upn), Some(force_change), "{upn}");
            let password = tenant.password(upn).expect("an account");
            assert_eq!(parts(password.expose_secret()), count, "{upn}");
        }
        let summary = report::write(&ledger).expect("a report");
        assert_eq!((summary.counts["reset"], summary.counts["skipped"]), (5, 1));
        let told: Vec<_> = summary.profiles.iter().map(|(profile, told)| (profile.as_str(), told.accounts)).collect();
        assert_eq!(told, [("early-years", 1), ("junior", 1), ("senior", 1), ("staff", 1), ("admin", 1)]);
        assert!(summary.profiles.values().map(|told| told.entropy_bits).is_sorted());
        assert_eq!(ledger.entropy_bits().expect("bits"), summary.profiles.values().next().expect("one").entropy_bits);
    }
}

#[tokio::test(start_paused = true)]
async fn command_line_beats_profiles() {
    let (home, tenant) = (tempfile::tempdir().expect("a folder"), school("{}"));
    let mut ledger = planned(&home.path().join("run"), Some(ForceChange::No), None);
    let end = run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_| {}).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert!(EXPECTED.iter().all(|(upn, ..)| tenant.force_change(upn) == Some(ForceChange::No)));
}

#[test]
fn edited_profile_is_noticed() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("run");
    for (sql, word) in [
        ("UPDATE roster SET profile = 'early-years' WHERE row = 5", "row 5 of the ledger was changed"),
        ("UPDATE roster SET language = 'kl' WHERE row = 1", "\"kl\""),
    ] {
        drop(planned(&folder, None, None));
        let changes = rusqlite::Connection::open(folder.join(passwave::ledger::FILE_NAME)).expect("a database");
        changes.execute_batch(sql).expect("changed");
        drop(changes);
        let ledger = Ledger::open(&folder).expect("a ledger");
        let found = ledger.forms().map(drop).and_then(|()| ledger.must_be_as_planned());
        assert!(found.as_ref().is_err_and(|error| error.to_string().contains(word)), "{found:?}");
        drop(ledger);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
