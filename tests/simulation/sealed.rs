//! Sealed runs: who can read what, what happens to rows whose password cannot be read, and what is refused.

use crate::{
    checkers::Row,
    copy::copy,
    scenarios::config,
    watch::{Cut, Watch},
    world::{KeyPair, World},
};
use passwave::{
    engine::run::{RunEnd, RunError, RunEvent, RunOptions, run},
    ledger::{FILE_NAME, Ledger, LedgerError, ReportRow},
    password::{Generator, PasswordPolicy},
    plan::{Plan, Rules, Settings},
    report,
    roster::{Roster, RosterOptions},
    seal::{Identities, SealError, Sealing},
    simulator::{AccountKind, SimulatorConfig},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use secrecy::ExposeSecret;
use std::{fs, future::pending, time::Duration};
use tokio::time::sleep;

/// A world with sealed passwords.
pub fn world(config: SimulatorConfig, accounts: Vec<String>) -> World {
    World::sealed(config, accounts, Rules::default(), &[], KeyPair::generate())
}

/// The same with ordinary names, and one batch after another.
pub fn of(faults: &str, rows: usize) -> World {
    let mut world = world(config(faults), (1..=rows).map(|n| format!("user{n}@contoso.com")).collect());
    world.options.pace.concurrency = Some(1);
    world
}

/// A process starts, and dies at that batch.
pub async fn die(world: &World, cut: Cut) {
    let mut watch = Watch::new(&world.tenant, &world.folder());
    watch.new_process(cut);
    tokio::select! {
        end = world.go(&watch, pending()) => panic!("it ended: {end:?}"),
        () = watch.reached.notified() => {}
    }
    watch.verdict().expect("the intent comes first");
}

fn passwords(report: &[Row]) -> Vec<&str> {
    report.iter().map(|row| row.password.as_str()).collect()
}

fn earlier(row: &Row) -> &[String] {
    row.earlier.as_deref().expect("a sealed run has the column")
}

/// All passwords that any account ever had.
fn given(world: &World) -> Vec<String> {
    let all = world.accounts.iter().flat_map(|account| world.tenant.ever_given(account));
    all.map(|password| password.expose_secret().to_owned()).collect()
}

/// Checks that no file of the run folder contains one of `canaries`.
fn nothing_is_in_the_clear(world: &World, canaries: &[String]) {
    assert!(!canaries.is_empty());
    for entry in fs::read_dir(world.folder()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(&path).expect("a file");
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{} holds a password", path.display());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_key_reads_passwords() {
    let world = of(r#"{"complexity": {"share": 0.3}, "latency_ms": 50}"#, 200);
    world.gives_key.set(true);
    let planned: Vec<String> = passwords(&world.report()).into_iter().map(str::to_owned).collect();
    die(&world, Cut::BeforeAnswer(3)).await;
    nothing_is_in_the_clear(&world, &[planned.clone(), given(&world)].concat());
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert!(report.iter().all(|row| row.status == "reset"));
    let ledger = Ledger::open_to_read(&world.folder()).expect("a ledger");
    let summary = report::write(&ledger).expect("reports");
    assert_eq!((summary.counts["reset"], summary.passwords_not_in_report), (200, 200));
    nothing_is_in_the_clear(&world, &[planned, given(&world)].concat());
    let plain = crate::checkers::read(&fs::read(world.folder().join(report::CSV_NAME)).expect("a report"));
    assert!(plain.iter().all(|row| row.status == "reset" && row.password.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn key_resends_the_same_passwords() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 60);
    let before = world.report();
    // The process that planned has ended, so the key is needed from the first batch on.
    world.gives_key.set(true);
    die(&world, Cut::BeforeAnswer(2)).await;
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert_eq!(passwords(&before), passwords(&report));
    assert_eq!(report.iter().filter(|row| row.attempts == 2).count(), 20);
    assert!(world.accounts.iter().all(|account| world.tenant.ever_given(account).len() == 1));
}

#[tokio::test(start_paused = true)]
async fn without_key_passwords_are_replaced() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 60);
    let planned = world.report();
    die(&world, Cut::BeforeAnswer(2)).await;
    let second = world.check().expect("the invariants");
    assert!(planned.iter().zip(&second).all(|(one, two)| one.password != two.password), "nobody gave the key");
    assert!(planned.iter().all(|row| earlier(row).is_empty()) && second.iter().all(|row| earlier(row).is_empty()));
    // What took effect for the dead process cannot be written any more.
    (21..=40).for_each(|row| world.make(row, AccountKind::Synced));
    let mut renewed = Vec::new();
    let mut emit = |event| {
        if let RunEvent::Reissued { rows, in_doubt } = event {
            renewed.push((rows, in_doubt));
        }
    };
    let end = run(&mut world.ledger(), &world.tenant, &world.options, pending(), &mut emit).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert_eq!(renewed, [(40, 20)]);
    let third = world.check_ended();
    let kinds = |status: &str| third.iter().filter(|row| row.status == status).map(|row| row.row).collect::<Vec<_>>();
    assert_eq!((kinds("in_doubt"), kinds("reset").len()), ((21..=40).collect(), 40));
    for row in &third {
        let (was, at) = (&second[row.row as usize - 1], row.row);
        match at {
            1..=20 => assert_eq!(row.password, was.password, "what has ended stays as it was"),
            21..=40 => assert_eq!(row.password, was.password, "the one that may be in force is shown"),
            _ => assert!(row.password != was.password && earlier(row).is_empty(), "never sent, never kept"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn key_shows_every_candidate() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 5);
    let mut sent = Vec::new();
    for process in 0..3 {
        // The first batch of the second process is a read, which only the current password can have; it is denied.
        die(&world, Cut::BeforeAnswer(1 + u32::from(process == 1))).await;
        let report = world.check().expect("the invariants");
        sent.push(report[0].password.clone());
        let candidates: Vec<&String> = sent.iter().rev().skip(1).collect();
        assert_eq!(earlier(&report[0]).iter().collect::<Vec<_>>(), candidates, "the latest first");
    }
    world.gives_key.set(true);
    (1..=5).for_each(|row| world.make(row, AccountKind::Synced));
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert_eq!((report[0].status.as_str(), &report[0].password), ("in_doubt", &sent[2]));
    assert_eq!(earlier(&report[0]), [sent[1].clone(), sent[0].clone()]);
    let without_the_key = Ledger::open_to_read(&world.folder()).expect("a ledger");
    let ambiguous = |row: ReportRow| {
        assert!(row.ambiguous && row.is_sealed && row.password.is_none() && row.earlier.is_empty(), "row {}", row.row);
        Ok::<_, LedgerError>(())
    };
    without_the_key.for_each_row(ambiguous).expect("rows");
}

#[tokio::test(start_paused = true)]
async fn doubts_settle_before_new_passwords() {
    let world = of(r#"{"latency_ms": 100}"#, 60);
    world.look(&world.tenant, pending()).await.expect("a look");
    sleep(Duration::from_secs(5)).await;
    die(&world, Cut::BeforeAnswer(2)).await;
    let before = world.report();
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let report = world.check_ended();
    assert!(report.iter().all(|row| row.status == "reset" && row.attempts == 1));
    assert!(
        passwords(&before)[..40] == passwords(&report)[..40] && passwords(&before)[40..] != passwords(&report)[40..]
    );
}

#[tokio::test(start_paused = true)]
async fn plan_copy_replaces_lost_machine() {
    for with_key in [false, true] {
        for batches in [1, 3, 5] {
            let world = of(r#"{"latency_ms": 100}"#, 100);
            world.look(&world.tenant, pending()).await.expect("a look");
            let artifact = tempfile::tempdir().expect("a folder");
            let artifact = artifact.path().join("artifact");
            copy(&world.folder(), &artifact);
            die(&world, Cut::BeforeAnswer(batches)).await;
            // Everything that the dead machine had written is lost.
            copy(&artifact, &world.folder());
            sleep(Duration::from_secs(300)).await;
            world.gives_key.set(with_key);
            assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
            // What only the dead machine knew is lost; every account has the password that the key reads.
            let report = world.report();
            let holds =
                |(row, account): (&Row, &String)| row.status == "reset" && world.tenant.holds(account, &row.password);
            assert!(report.iter().zip(&world.accounts).all(holds), "the key opens every account");
            nothing_is_in_the_clear(&world, &given(&world));
        }
    }
}

/// Faults while the run works.
const MISFORTUNES: [&str; 4] = [
    r#"{"latency_ms": 100}"#,
    r#"{"latency_ms": 50, "denied": "reads", "items": {"timeout": 0.1, "applied": 0.5}}"#,
    r#"{"latency_ms": 200, "requests": {"lost_after": 0.2, "lost_before": 0.1}, "complexity": {"share": 0.5, "times": 2}}"#,
    r#"{"latency_ms": 90, "stall": {"share": 0.1, "seconds": 40}, "responses": {"missing": 0.2}, "complexity": {"share": 0.2, "times": 5}}"#,
];

#[tokio::test(start_paused = true)]
async fn cuts_lose_nothing_sealed() {
    for seed in 0..60 {
        let mut rng = StdRng::seed_from_u64(seed);
        let world = of(MISFORTUNES[rng.random_range(0..MISFORTUNES.len())], rng.random_range(1..80));
        if rng.random() {
            world.look(&world.tenant, pending()).await.expect("a look");
        }
        let mut watch = Watch::new(&world.tenant, &world.folder());
        let mut last = None;
        for process in 0..40 {
            let batch = rng.random_range(1..8);
            watch.new_process(match rng.random_range(0..4) {
                _ if process > 4 => Cut::Never,
                0 => Cut::Never,
                1 => Cut::BeforeSending(batch),
                _ => Cut::BeforeAnswer(batch),
            });
            world.gives_key.set(rng.random());
            let end = tokio::select! {
                end = world.go(&watch, pending()) => Some(end),
                () = watch.reached.notified() => None,
            };
            let report = watch.verdict().and_then(|()| world.check());
            assert!(report.is_ok(), "seed {seed}, process {process}: {:?}", report.err());
            match end {
                Some(Ok(RunEnd::Finished)) => break,
                Some(Ok(end)) => panic!("seed {seed}: unexpected end {end:?}"),
                other => {
                    last = other;
                    sleep(Duration::from_secs(rng.random_range(0..200))).await;
                }
            }
        }
        assert!(world.counts().is_finished(), "seed {seed}: {last:?}");
        world.check_ended();
    }
}

#[tokio::test(start_paused = true)]
async fn roster_passwords_need_the_key() {
    let key = age::x25519::Identity::generate();
    let csv = b"upn,password\nann@contoso.com,Acorn-basket-27\nbob@contoso.com,Basket-acorn-28\n".to_vec();
    let mut options = RosterOptions::default();
    options.password_column = Some("password".into());
    let roster = Roster::from_bytes("wave.csv", csv, &options).expect("a roster");
    let (policy, home) = (PasswordPolicy::default(), tempfile::tempdir().expect("a folder"));
    let sealing = Sealing { recipients: vec![key.to_public().to_string()], ..Sealing::default() };
    let mut settings = Settings::new(&roster, policy.clone());
    settings.rehearsal = true;
    settings.sealing = Some(sealing);
    let folder = home.path().join("run");
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    drop(Ledger::create(&folder, settings, plan).expect("a ledger"));
    let tenant = passwave::simulator::Simulator::new(config("{}"));
    ["ann@contoso.com", "bob@contoso.com"]
        .iter()
        .for_each(|upn| tenant.add(passwave::simulator::Account::normal(*upn)));
    let (mut ledger, options) = (Ledger::open(&folder).expect("a ledger"), RunOptions::default());
    let end = run(&mut ledger, &tenant, &options, pending(), &mut |_| {}).await;
    assert!(matches!(&end, Err(RunError::ProvidedPassword(_))), "{end:?}");
    assert_eq!(tenant.tally().batches, 0);
    let mut identities = Identities::default();
    identities.add(key.to_string().expose_secret().as_bytes()).expect("a key");
    ledger.unlock(&identities).expect("the right key");
    let end = run(&mut ledger, &tenant, &options, pending(), &mut |_| {}).await;
    assert!(matches!(end, Ok(RunEnd::Finished)), "{end:?}");
    assert!(tenant.holds("ann@contoso.com", "Acorn-basket-27"));
}

/// The error that the holder of the key gets for a ledger that `sql` has changed.
fn after(world: &World, sql: &str) -> Result<(), String> {
    let (folder, sound) = (world.folder(), tempfile::tempdir().expect("a folder"));
    let sound = sound.path().join("sound");
    copy(&folder, &sound);
    let changes = rusqlite::Connection::open(folder.join(FILE_NAME)).expect("a database");
    changes.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).expect("changed");
    drop(changes);
    let opened = || -> Result<(), LedgerError> {
        let mut ledger = Ledger::open_to_read(&folder)?;
        let mut identities = Identities::default();
        identities.add(world.key.as_ref().expect("a key").as_bytes())?;
        ledger.unlock(&identities)?;
        ledger.for_each_row(|_| Ok::<_, LedgerError>(()))
    };
    let told = opened().map_err(|error| error.to_string());
    copy(&sound, &folder);
    told
}

#[tokio::test(start_paused = true)]
async fn edited_sealed_ledger_is_refused() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 5);
    die(&world, Cut::BeforeAnswer(1)).await;
    die(&world, Cut::BeforeAnswer(2)).await;
    assert_eq!(after(&world, ""), Ok(()));
    let refused = |sql: &str, expected: &str| {
        let told = after(&world, sql).expect_err(sql);
        assert!(told.contains(expected), "{sql}: {told}");
    };
    refused("UPDATE account SET password = (SELECT password FROM account WHERE row = 2) WHERE row = 1", "row 1:");
    refused("UPDATE account SET password = substr(password, 1, 40) WHERE row = 3", "row 3:");
    refused("UPDATE account SET password = substr(password, 1, 3) WHERE row = 3", "row 3:");
    refused("UPDATE account SET password = x'' WHERE row = 3", "row 3:");
    refused("UPDATE account SET password = 'Clear-text-1' WHERE row = 4", "row 4:");
    refused("UPDATE account SET password = x'00000009' || substr(password, 5) WHERE row = 2", "row 2:");
    refused("UPDATE account SET nth = nth + 1 WHERE row = 2", "row 2:");
    refused("UPDATE roster SET user_principal_name = 'user2@contoso.com' WHERE row = 1", "row 1:");
    refused(
        "UPDATE account SET row = row + 100 WHERE row = 1; UPDATE account SET row = 1 WHERE row = 2; \
         UPDATE account SET row = 2 WHERE row = 101",
        "row 1:",
    );
    // An earlier password instead of the current one, and the reverse.
    refused(
        "UPDATE account SET password = (SELECT password FROM replaced WHERE replaced.row = 5) WHERE row = 5",
        "row 5:",
    );
    refused(
        "UPDATE replaced SET password = (SELECT password FROM account WHERE account.row = 5) WHERE row = 5",
        "row 5:",
    );
    refused("UPDATE run SET value = 'x' WHERE name = 'run_id'", "data key 1");
    refused("DELETE FROM data_key WHERE number = 3", "row 1:");
    refused("UPDATE data_key SET wrapped = x'00' WHERE number = 2", "data key 2");
    refused(
        "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE number = 1) WHERE number = 2",
        "data key 2",
    );
    refused("UPDATE data_key SET wrapped = substr(wrapped, 1, length(wrapped) - 1) WHERE number = 3", "data key 3");
}

#[tokio::test(start_paused = true)]
async fn other_keys_open_nothing() {
    let world = of("{}", 5);
    let mut ledger = world.ledger();
    let mut identities = Identities::default();
    identities.add(age::x25519::Identity::generate().to_string().expose_secret().as_bytes()).expect("a key");
    let told = ledger.unlock(&identities);
    assert!(matches!(told, Err(LedgerError::Seal(SealError::WrongKey))), "{told:?}");
    drop(ledger);
    let changes = rusqlite::Connection::open(world.folder().join(FILE_NAME)).expect("a database");
    changes
        .execute("UPDATE account SET password = (SELECT password FROM account WHERE row = 2) WHERE row = 1", ())
        .expect("changed");
    drop(changes);
    world.gives_key.set(true);
    let end = world.run().await;
    let expected = matches!(end, Err(RunError::Ledger(LedgerError::Changed { row: 1, .. })));
    assert!(expected && world.tenant.tally().batches == 0, "{end:?}");
}
