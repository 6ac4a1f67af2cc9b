//! The rows of a run as the roster of another run: the same accounts, even if renamed, and no others.

use crate::scenarios::config;
use passwave::{
    engine::{
        lookup::{LookupOptions, look_up},
        run::{self, RunOptions},
    },
    ledger::Ledger,
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report::{self, TakeOver},
    roster::{Roster, RosterOptions},
    simulator::{Account, AccountKind, Simulator},
};
use std::{future::pending, path::Path};

const ROSTER: &str = "upn,Form,Password\nann@contoso.com,7A,x\nbob@contoso.com,7A,y\ncat@contoso.com,7B,z\nANN@contoso.com,7B,x\n\
                      dan,7B,x\neve@contoso.com,7B,x,y\n";
/// The first three accounts, in order.
const NAMES: [&str; 3] = ["ann@contoso.com", "bob@contoso.com", "cat@contoso.com"];

fn id(nth: usize) -> String {
    format!("00000000-0000-4000-8000-00000000000{nth}")
}

/// A tenant in which the accounts have these names.
fn tenant(names: [&str; 3]) -> Simulator {
    let tenant = Simulator::new(config("{}"));
    for (nth, name) in (1..).zip(names) {
        tenant.add(Account { id: Some(id(nth)), ..Account::normal(name) });
    }
    tenant
}

fn plan(folder: &Path, roster: &Roster) -> Ledger {
    let policy = PasswordPolicy::default();
    let generator = Generator::new(&policy).expect("randomness");
    Ledger::create(folder, Settings::new(roster, policy.clone()), Plan::new(roster, generator))
        .expect("a ledger")
        .ledger
}

async fn look(ledger: &mut Ledger, tenant: &Simulator) {
    let options = RunOptions::default();
    look_up(ledger, tenant, &LookupOptions::new(options.pace.clone()), pending(), &mut |_| {}).await.expect("a look");
}

async fn go(ledger: &mut Ledger, tenant: &Simulator) {
    run::run(ledger, tenant, &RunOptions::default(), pending(), &mut |_| {}).await.expect("an end");
}

/// The rows of the run in `folder` that meet the conditions.
fn roster_of(folder: &Path, conditions: &[&str]) -> Roster {
    let ledger = Ledger::open_to_read(folder).expect("a ledger");
    let earlier = report::as_roster(&ledger, TakeOver { object_ids: true, forms: true }).expect("rows");
    let only = conditions.iter().map(|text| text.parse().expect("a condition")).collect();
    let mut options = RosterOptions::default();
    options.only = only;
    Roster::of_run(earlier, &options).expect("a roster")
}

/// Number, account or error code, and form of each row.
fn rows(roster: &Roster) -> Vec<(u64, String, String)> {
    let row = |row: passwave::roster::Row| {
        let account = row.address.map_or_else(|refusal| refusal.skip.code().to_owned(), |upn| upn.as_str().to_owned());
        (row.number, account, row.cells[1].to_owned())
    };
    roster.rows().map(|found| row(found.expect("a row"))).collect()
}

fn expected(rows: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
    rows.iter().map(|(number, account, form)| (*number, (*account).to_owned(), (*form).to_owned())).collect()
}

/// A run of the roster in which bob and cat were refused.
async fn first_run(folder: &Path) -> Ledger {
    let tenant = tenant(NAMES);
    let roster = Roster::from_bytes("pupils.csv", ROSTER.into(), &RosterOptions::default()).expect("a roster");
    let mut ledger = plan(folder, &roster);
    look(&mut ledger, &tenant).await;
    NAMES[1..].iter().for_each(|name| tenant.add(Account { kind: AccountKind::Synced, ..Account::normal(*name) }));
    go(&mut ledger, &tenant).await;
    assert_eq!((ledger.counts().reset, ledger.counts().failed, ledger.counts().skipped), (1, 2, 3));
    ledger
}

#[tokio::test(start_paused = true)]
async fn resets_only_failed_accounts() {
    let home = tempfile::tempdir().expect("a folder");
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    drop(first_run(&first).await);
    let roster = roster_of(&first, &["status=failed"]);
    assert_eq!(rows(&roster), expected(&[(2, &id(2), "7A"), (3, &id(3), "7B")]));
    // Bob has a new name, and a new user has his old one.
    let tenant = tenant(["ann@contoso.com", "robert@contoso.com", "cat@contoso.com"]);
    tenant.add(Account::normal("bob@contoso.com"));
    let mut ledger = plan(&second, &roster);
    look(&mut ledger, &tenant).await;
    assert_eq!(ledger.renamed().expect("names").0, 0, "an object id is no former name");
    go(&mut ledger, &tenant).await;
    assert_eq!(ledger.counts().reset, 2);
    for (name, times) in
        [("robert@contoso.com", 1), ("cat@contoso.com", 1), ("ann@contoso.com", 0), ("bob@contoso.com", 0)]
    {
        assert_eq!(tenant.ever_given(name).len(), times, "{name}");
    }
    let mut report = Vec::new();
    report::print_csv(&ledger, &mut report).expect("a report");
    let report = String::from_utf8(report).expect("UTF-8");
    let held = tenant.password("robert@contoso.com").expect("a password");
    let line = format!("2,robert@contoso.com,reset,{}", secrecy::ExposeSecret::expose_secret(&held));
    assert!(report.lines().any(|row| row.starts_with(&line)), "{report}");
}

#[tokio::test(start_paused = true)]
async fn whole_runs_keep_what_they_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let folders = ["first", "second", "third"].map(|name| home.path().join(name));
    // Another process holds the run.
    let held = first_run(&folders[0]).await;
    let again = expected(&[
        (1, &id(1), "7A"),
        (2, &id(2), "7A"),
        (3, &id(3), "7B"),
        (4, "duplicate", "7B"),
        (5, "upn_invalid", "7B"),
        (6, "row_malformed", "7B"),
    ]);
    let mut header = Vec::new();
    for pair in folders.windows(2) {
        let roster = roster_of(&pair[0], &[]);
        assert_eq!(rows(&roster), again);
        assert!(header.is_empty() || header == roster.header(), "columns do not pile up");
        header = roster.header().to_vec();
        drop(plan(&pair[1], &roster));
    }
    drop(held);
    assert_eq!(header[..5], ["upn", "Form", "Password", "previous_row", "previous_user_principal_name"]);
    assert!(!header.contains(&"previous_password".to_owned()));
    let shown =
        roster_of(&folders[0], &["error_code=duplicate,row_malformed"]).rows().nth(1).expect("two").expect("a row");
    let told = shown.address.expect_err("refused").message;
    assert!(told.starts_with("row 6 of run first: this row has 4 cells"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn report_columns_win_over_roster() {
    let home = tempfile::tempdir().expect("a folder");
    let text = "upn,status,Row\nann@contoso.com,failed,9\nbob@contoso.com,x,8\n";
    let roster = Roster::from_bytes("pupils.csv", text.into(), &RosterOptions::default()).expect("a roster");
    let (first, tenant) = (home.path().join("first"), tenant(NAMES));
    tenant.add(Account { kind: AccountKind::Synced, ..Account::normal("bob@contoso.com") });
    let mut ledger = plan(&first, &roster);
    ledger.end_lookup(Some("not wanted")).expect("no look");
    go(&mut ledger, &tenant).await;
    drop(ledger);
    for (conditions, row) in [(&["status=failed"][..], 2), (&["2=failed"], 1), (&["Row=9"], 1), (&["row=2"], 2)] {
        let roster = roster_of(&first, conditions);
        assert_eq!(roster.rows().map(|row| row.expect("a row").number).collect::<Vec<_>>(), [row], "{conditions:?}");
    }
}
