//! The tables, and what a role needs.

use crate::{
    server::shared,
    steps::{calm, create, open, refused, server, turn},
};
use passwave::ledger::postgres::PostgresError;
use std::time::Duration;

/// What the guide tells the owner of the database to grant.
const GRANTS: &str = "GRANT USAGE ON SCHEMA passwave TO runner;
    GRANT SELECT ON passwave.migration TO runner;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA passwave TO runner;";

#[test]
fn role_that_cannot_change_tables_can_run() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    database.sql("DO $$ BEGIN CREATE ROLE runner LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    database.sql(&format!("REVOKE CREATE ON DATABASE {} FROM PUBLIC", database.name));
    let lease = Duration::from_secs(600);
    assert!(matches!(refused(server(&database.url_of("runner"), lease)), PostgresError::NoTables { .. }));
    drop(calm(&database.url()));
    database.sql(GRANTS);
    let runner = server(&database.url_of("runner"), lease).expect("a server");
    let mut ledger = create(&runner, "wave", 3).expect("made");
    turn(&mut ledger, vec![], 1).expect("a turn");
    drop(ledger);
    open(&runner, "wave").expect("open").discard().expect("removed");
}

#[test]
fn other_tables_are_left_alone() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    drop(calm(&database.url()));
    for change in [
        "UPDATE passwave.migration SET hash = 'another'",
        "UPDATE passwave.migration SET version = 7",
        "INSERT INTO passwave.migration (version, hash) VALUES (9, 'later')",
    ] {
        database.sql(change);
        let error = refused(server(&database.url(), Duration::from_secs(60)));
        assert!(matches!(error, PostgresError::Tables { .. }), "{change}: {error}");
    }
}

#[test]
fn tables_are_made_once_by_many_at_the_same_time() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    std::thread::scope(|threads| {
        let going: Vec<_> = (0..6).map(|_| threads.spawn(|| drop(calm(&database.url())))).collect();
        going.into_iter().for_each(|one| one.join().expect("a server"));
    });
    assert_eq!(database.sql("SELECT count(*) FROM passwave.migration"), "1");
}
