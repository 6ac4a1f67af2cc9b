//! Whole runs by the engine, against the simulated tenant, with the ledger in a database.

use crate::{
    server::shared,
    steps::{calm, server},
};
use passwave::{
    engine::{
        lookup::{LookupError, LookupOptions, look_up},
        reader::ReadError,
        run::{self, RunEnd, RunError, RunOptions},
    },
    ledger::{
        Ledger, LedgerError,
        postgres::{LedgerServer, PostgresError},
    },
    password::{BannedWords, Generator, PasswordPolicy, Style},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
    seal::{Identities, Sealing},
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};
use secrecy::ExposeSecret;
use std::{future::pending, path::Path, time::Duration};

/// The documented quota, and one at which a run takes a while.
const QUOTA: &str = "3000/150s";
const SLOW: &str = "50/10s";

/// A tenant and the accounts of a roster.
pub struct World {
    pub tenant: Simulator,
    pub accounts: Vec<String>,
    sealing: Option<Sealing>,
    key: Option<String>,
}

fn world(rows: usize, quota: &str, faults: &str) -> World {
    let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
    let tenant = Simulator::new(SimulatorConfig::new(quota.parse().expect("a quota"), 3).with_faults(faults));
    let accounts: Vec<String> = (1..=rows).map(|n| format!("user{n}@contoso.com")).collect();
    accounts.iter().for_each(|name| tenant.add(Account::normal(name)));
    World { tenant, accounts, sealing: None, key: None }
}

/// A tenant with the documented quota and no faults.
pub fn tenant_of(rows: usize) -> World {
    world(rows, QUOTA, "{}")
}

/// The same with sealed passwords.
pub fn sealed_world(rows: usize, quota: &str) -> World {
    let identity = age::x25519::Identity::generate();
    let sealing = Sealing { recipients: vec![identity.to_public().to_string()], ..Sealing::default() };
    let key = identity.to_string().expose_secret().to_owned();
    World { sealing: Some(sealing), key: Some(key), ..world(rows, quota, "{}") }
}

pub fn plan(world: &World, server: &LedgerServer, name: &str) -> Ledger {
    let csv = format!("UPN\n{}\n", world.accounts.join("\n"));
    let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
    let mut settings = Settings::new(&roster, policy.clone());
    settings.sealing.clone_from(&world.sealing);
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    Ledger::create_on(server, name, Path::new("reports"), settings, plan).expect("made").ledger
}

/// Works in virtual time; `None` if the process is cut off after this much of it.
pub fn work(world: &World, ledger: &mut Ledger, cut: Option<Duration>) -> Option<Result<RunEnd, RunError>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let options = RunOptions::default();
        let going = async {
            if !ledger.lookup_has_ended().expect("a ledger") {
                let looking = LookupOptions::default();
                match look_up(ledger, &world.tenant, &looking, pending(), &mut |_| {}).await {
                    Err(LookupError::Read(ReadError::Ledger(error))) => return Err(RunError::Ledger(error)),
                    looked => drop(looked.expect("looked up")),
                }
            }
            run::run(ledger, &world.tenant, &options, pending(), &mut |_| {}).await
        };
        match cut {
            None => Some(going.await),
            Some(cut) => tokio::time::timeout(cut, going).await.ok(),
        }
    })
}

/// Plans and runs in one process.
pub fn run_to_the_end(world: &World, server: &LedgerServer, name: &str) {
    let mut ledger = plan(world, server, name);
    let end = work(world, &mut ledger, None).expect("not cut").expect("an end");
    assert!(matches!(end, RunEnd::Finished));
    must_hold(world, &mut ledger);
    assert_eq!(ledger.counts().pending(), 0);
}

fn must_hold(world: &World, ledger: &mut Ledger) {
    must_hold_in(&world.tenant, &world.accounts, world.key.as_deref(), ledger);
}

/// What the ledger says of each account is true, and every password that an account got is in it.
pub fn must_hold_in(tenant: &Simulator, accounts: &[String], key: Option<&str>, ledger: &mut Ledger) {
    if let Some(key) = key {
        let mut identities = Identities::default();
        identities.add(key.as_bytes()).expect("a key");
        ledger.unlock(&identities).expect("unlocked");
    }
    let superseded = ledger.superseded().expect("passwords");
    let check = |row: passwave::ledger::ReportRow| {
        let account = &accounts[row.row as usize - 1];
        let known = row.password.as_ref().map(|password| password.expose().to_owned());
        let given = tenant.ever_given(account);
        match row.status.as_str() {
            "reset" => assert!(tenant.holds(account, known.as_deref().expect("a password")), "{account}"),
            "failed" => assert!(given.is_empty(), "{account}"),
            _ => {}
        }
        let is_kept = |password: &str| {
            let replaced = superseded.iter().any(|(of, kept)| *of == row.row && kept.expose() == password);
            replaced || known.as_deref() == Some(password) || row.earlier.iter().any(|kept| kept.expose() == password)
        };
        assert!(given.iter().all(|given| is_kept(given.expose_secret())), "{account} has a password that nobody holds");
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(check).expect("rows");
}

/// Whether another process has taken the run over.
pub fn is_overtaken(error: &RunError) -> bool {
    matches!(error, RunError::Ledger(LedgerError::Postgres(PostgresError::Overtaken { .. })))
}

fn open(server: &LedgerServer, name: &str) -> Result<Ledger, LedgerError> {
    Ledger::open_on(server, name, Path::new("reports"), jiff::Timestamp::now())
}

#[test]
fn run_in_a_database_ends_like_one_in_a_folder() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let world = world(
        300,
        QUOTA,
        r#"{"items": {"throttled": 0.05, "timeout": 0.05, "applied": 0.5}, "requests": {"lost_after": 0.05}}"#,
    );
    run_to_the_end(&world, &calm(&database.url()), "wave");
    assert_eq!(database.sql("SELECT is_finished FROM passwave.run"), "t", "its holder said so in the end");
}

#[test]
fn sealed_run_in_a_database_is_held_by_its_key() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    run_to_the_end(&sealed_world(80, QUOTA), &calm(&database.url()), "wave");
}

#[test]
fn runs_are_taken_over_again_and_again() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    for (nth, world) in
        [world(400, SLOW, r#"{"requests": {"lost_after": 0.1}}"#), sealed_world(400, SLOW)].into_iter().enumerate()
    {
        let name = format!("wave{nth}");
        let first = calm(&database.url());
        let mut zombies = vec![plan(&world, &first, &name)];
        let mut cut = Duration::from_secs(3);
        loop {
            let ledger = zombies.last_mut().expect("one");
            let ended = work(&world, ledger, Some(cut));
            must_hold(&world, ledger);
            if let Some(end) = ended {
                assert!(matches!(end.expect("an end"), RunEnd::Finished));
                break;
            }
            assert!(zombies.len() < 15, "it never ends");
            cut *= 2;
            // The process is stopped, and its lease is over.
            database.sql("UPDATE passwave.run SET until = clock_timestamp() - interval '1 second'");
            zombies.push(open(&calm(&database.url()), &name).expect("taken over"));
        }
        assert!(zombies.len() > 3, "{} processes", zombies.len());
        let mut last = zombies.pop().expect("the last");
        let given = || world.accounts.iter().map(|name| world.tenant.ever_given(name).len()).sum::<usize>();
        let before = given();
        for mut zombie in zombies {
            let end = work(&world, &mut zombie, None).expect("not cut");
            assert!(end.is_err_and(|error| is_overtaken(&error)), "it goes on and notices");
        }
        assert_eq!(given(), before, "and changes no password");
        assert_eq!(last.counts().pending(), 0);
        must_hold(&world, &mut last);
    }
}

#[test]
fn process_that_was_stopped_sends_nothing_after_its_lease() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let world = world(60, QUOTA, "{}");
    let short = server(&database.url(), Duration::from_secs(3)).expect("a server");
    let mut ledger = plan(&world, &short, "wave");
    ledger.end_lookup(Some("a test")).expect("an end");
    drop(ledger);
    let mut ledger = open(&short, "wave").expect("open");
    database.sql("UPDATE passwave.run SET epoch = epoch + 1, holder = 'x', holder_name = 'the next one'");
    let end = work(&world, &mut ledger, None).expect("not cut");
    assert!(
        matches!(end, Err(RunError::Ledger(LedgerError::Postgres(PostgresError::Overtaken { holder, .. }))) if holder == "the next one")
    );
    assert_eq!(world.tenant.tally().batches, 0);
}
