//! Passwords that the run made to replace refused ones, and processes that die while these are in flight.

use crate::{scenarios::config, watch::Cut, watch::Watch, world::World};
use passwave::{engine::run::RunEnd, ledger::FILE_NAME};
use rusqlite::Connection;
use secrecy::ExposeSecret;
use std::{
    collections::{BTreeMap, HashSet},
    future::pending,
};
use tokio::time::Instant;

/// A tenant that refuses the first password of every row, with all rows in the first batch. No account can be read.
fn refusing() -> World {
    let mut world = World::of(config(r#"{"latency_ms": 100, "denied": "reads", "complexity": {"share": 1}}"#), 20);
    world.options.pace.concurrency = Some(1);
    world
}

async fn die(world: &World, watch: &mut Watch<'_>, cut: Cut) {
    watch.new_process(cut);
    tokio::select! {
        end = world.go(&*watch, pending()) => panic!("it ended: {end:?}"),
        () = watch.reached.notified() => {}
    }
}

/// For each row, the current password and how many came before it.
fn kept(world: &World) -> BTreeMap<u64, (u32, String)> {
    let ledger = Connection::open(world.folder().join(FILE_NAME)).expect("the ledger");
    let mut select = ledger.prepare("SELECT row, nth, password FROM account").expect("the schema");
    let rows = select.query_map((), |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

#[tokio::test(start_paused = true)]
async fn reissued_password_is_resent_at_once() {
    for first in [Cut::BeforeSending(2), Cut::BeforeAnswer(2)] {
        let world = refusing();
        let mut watch = Watch::new(&world.tenant, &world.folder());
        die(&world, &mut watch, first).await;
        let reissued = kept(&world);
        assert!(reissued.values().all(|(nth, _)| *nth == 1));
        die(&world, &mut watch, Cut::BeforeAnswer(1)).await;
        let began = Instant::now();
        watch.new_process(Cut::Never);
        assert!(matches!(world.go(&watch, pending()).await, Ok(RunEnd::Finished)));
        assert!(began.elapsed().as_secs() < 10, "nothing waits");
        watch.verdict().expect("the same password each time");
        assert!(kept(&world) == reissued);
        assert!(world.check_ended().iter().all(|row| row.status == "reset"));
        for account in &world.accounts {
            let given = world.tenant.ever_given(account);
            let distinct: HashSet<&str> = given.iter().map(ExposeSecret::expose_secret).collect();
            assert_eq!(distinct.len(), 1, "{account}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn edited_reissue_is_not_sent() {
    let world = refusing();
    let mut watch = Watch::new(&world.tenant, &world.folder());
    die(&world, &mut watch, Cut::BeforeSending(2)).await;
    let reissued = kept(&world);
    let ledger = Connection::open(world.folder().join(FILE_NAME)).expect("the ledger");
    // Another password of the same kind is refused, too: it was made for another row.
    for (row, password) in [(2_u64, "Known-to-me-2026!"), (3, reissued[&4].1.as_str())] {
        ledger.execute("UPDATE account SET password = ?2 WHERE row = ?1", (row, password)).expect("edited");
    }
    drop(ledger);
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    assert!(world.check_ended().iter().all(|row| row.status == "reset"));
    let after = kept(&world);
    for (row, (nth, password)) in &reissued {
        let is_edited = [2, 3].contains(row);
        assert_eq!(after[row].0, nth + u32::from(is_edited), "row {row}");
        assert!(is_edited || after[row].1 == *password, "row {row}");
    }
    let given = |account: &str| world.tenant.ever_given(account);
    assert!(given("user2@contoso.com").iter().all(|password| password.expose_secret() != "Known-to-me-2026!"));
    assert!(given("user3@contoso.com").iter().all(|password| password.expose_secret() != reissued[&4].1));
}
