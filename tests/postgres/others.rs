//! More of what broke in other programs that keep work in PostgreSQL: locks granted to the dead, leads that were lost, waits
//! that nobody ends, and commits that a standby never got.

use crate::{
    faults::wait_to_open,
    runs::{is_overtaken, plan, tenant_of, work},
    server::{Server, Standby, shared},
    stage::{Stage, wait},
    steps::{calm, create, open, refused, rows, server, turn},
    takeover::LATE_MAX,
    workers::share,
};
use passwave::ledger::{postgres::PostgresError, state::Event};
use std::{
    mem::forget,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

const LEASE: Duration = Duration::from_secs(3);

#[test]
fn claim_that_is_granted_to_a_dead_process_ends_by_itself() {
    // Others had no leader for ever: the program gave up waiting for a lock, and the server granted it afterwards.
    let Some(postgres) = shared() else { return };
    let stage = Stage::new(postgres.database(), 20);
    let mut lock = stage.database.session("BEGIN; SELECT FROM passwave.run FOR UPDATE; SELECT pg_sleep(3); COMMIT");
    let locked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait("nobody locks it", || stage.number(locked) == 1);
    let run = ["run", "wave", "--yes", "--standby", "--lease", "3s", "--write-quota", "100000/1s"];
    let mut dead = stage.start("dead", &run);
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'WITH found AS%'";
    wait("it does not wait for the lock", || stage.number(waiting) == 1);
    let epoch = stage.epoch();
    dead.kill().expect("it is killed");
    dead.wait().expect("it has ended");
    lock.wait().expect("it ends");
    stage.wait_for_takeover(epoch);
    assert_eq!(stage.database.sql("SELECT process FROM public.taken ORDER BY epoch DESC LIMIT 1"), "dead");
    let next = stage.start("next", &run).wait_with_output().expect("it ends");
    assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stderr));
    let delays = stage.delays();
    assert!(delays.len() == 1 && delays[0] < LATE_MAX, "{delays:?}");
    assert_eq!(stage.must_hold(), (20, 0));
}

#[test]
fn lease_outlives_connections_that_the_server_ends() {
    // Others lost their lead every hour, when a pool retired the connection that had it.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let mut ledger = create(&server(&database.url(), LEASE).expect("a server"), "wave", 40).expect("made");
    let other = server(&database.url(), LEASE).expect("a server");
    let began = Instant::now();
    while began.elapsed() < 2 * LEASE {
        database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        turn(&mut ledger, vec![], 1).expect("a turn on another connection");
        assert!(matches!(
            refused(open(&other, "wave")),
            PostgresError::Held { .. } | PostgresError::Unreachable { .. }
        ));
        sleep(Duration::from_millis(300));
    }
    assert_eq!(database.sql("SELECT epoch FROM passwave.run"), "1", "nobody else ever had it");
}

#[test]
fn holder_whose_renewals_are_rolled_back_does_not_believe_in_its_lease() {
    // Others had two leaders for weeks: a lead was believed in although its transaction was rolled back.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let Some(url) = database.pooled() else { return };
    let tenant = tenant_of(60);
    let mut leader = plan(&tenant, &server(&url, LEASE).expect("a server"), "wave");
    leader.end_lookup(Some("a test")).expect("an end");
    database.sql(
        "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'rolled back' USING ERRCODE = 'serialization_failure';
         END $$;
         CREATE TRIGGER fail BEFORE UPDATE ON passwave.run FOR EACH ROW
         WHEN (OLD.epoch = 1 AND NEW.epoch = 1) EXECUTE FUNCTION public.fail()",
    );
    let next = wait_to_open(&server(&url, LEASE).expect("a server"), "wave").expect("taken over");
    let end = work(&tenant, &mut leader, None).expect("not cut");
    assert!(end.is_err_and(|error| is_overtaken(&error)));
    assert_eq!(tenant.tenant.tally().batches, 0, "it sends nothing");
    assert_eq!(next.counts().reset, 0);
}

#[test]
fn long_work_is_not_rescued_because_of_its_age() {
    // Others handed work to a second worker when it was older than some limit, although the first one was still at it.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let short = server(&database.url(), LEASE).expect("a server");
    let mut ledger = create(&short, "wave", 2).expect("made");
    turn(&mut ledger, vec![], 2).expect("a turn that Graph answers late");
    let (began, other) = (Instant::now(), server(&database.url(), LEASE).expect("a server"));
    while began.elapsed() < 2 * LEASE + LEASE / 2 {
        assert!(matches!(refused(open(&other, "wave")), PostgresError::Held { .. }));
        sleep(Duration::from_millis(100));
    }
    assert_eq!(
        database.sql("SELECT epoch, sum(attempts) FROM passwave.run JOIN passwave.account USING (run) GROUP BY 1"),
        "1|2"
    );
}

#[test]
fn wait_that_graph_asked_for_ends_although_its_process_died() {
    // Others paused a queue for ever: the job that was to resume it got lost.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let ledgers = ["one", "two"].map(|name| create(&calm(&database.url()), name, 40).expect("made"));
    let [mut one, mut two] = ledgers.each_ref().map(share);
    // A bucket of 3,000 is full again after 150 seconds.
    one.owe(Duration::from_secs(150 + 4));
    // It dies.
    forget(one);
    let wait = two.admit(20).expect_err("all of them wait");
    assert!(wait < Duration::from_millis(5_100), "{wait:?}: four seconds, and one for a batch");
    sleep(wait);
    assert_eq!(two.admit(20), Ok(()), "nobody had to end the wait");
}

/// A server with a synchronous standby that has stopped, a run, and the standby.
fn with_stopped_standby(test: impl FnOnce(&Server, &Standby<'_>)) {
    let Some(postgres) = Server::start("") else { return };
    let standby = Standby::of(&postgres);
    let database = postgres.database();
    assert!(calm(&database.url()).has_asynchronous_standby(), "a failover may lose commits");
    postgres.set("synchronous_standby_names", "*");
    wait("it is not synchronous", || {
        database.sql("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == "1"
    });
    assert!(!calm(&database.url()).has_asynchronous_standby());
    test(&postgres, &standby);
}

/// A turn that the standby does not confirm, because it is stopped, and `cut` ends the wait for it. The turn must not be
/// made before the standby has it.
fn must_wait_for_the_standby(cut: impl FnOnce(&Server, &crate::server::Database<'_>)) {
    with_stopped_standby(|postgres, standby| {
        let database = postgres.database();
        let mut ledger = create(&calm(&database.url()), "wave", 10).expect("made");
        standby.stop();
        scope(|threads| {
            let turning = threads.spawn(|| turn(&mut ledger, vec![], 3));
            let waiting =
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%commits + 1%'";
            wait("the turn does not wait", || database.sql(waiting) == "1");
            cut(postgres, &database);
            let in_flight = "SELECT count(*) FROM passwave.account WHERE state = 'in_flight'";
            assert_eq!(database.sql(in_flight), "3", "everybody sees it");
            let asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%RETURNING commits%'
                AND query NOT LIKE '%commits + 1%'";
            wait("it is not read back", || database.sql(asked) == "1");
            assert!(!turning.is_finished(), "nothing may be sent");
            standby.start();
            assert_eq!(turning.join().expect("it ends").expect("a turn").len(), 3);
            assert_eq!(standby.sql(&database, in_flight), "3", "the standby has it, too");
        });
        let before = rows(&ledger);
        turn(&mut ledger, vec![(3, Event::Confirmed)], 0).expect("and the run goes on");
        assert_eq!(before.len(), 12);
    });
}

#[test]
fn cancelled_wait_for_a_standby_is_no_confirmation() {
    // Others lost commits in synchronous replication: a wait that is cancelled makes the commit visible.
    must_wait_for_the_standby(|_, database| {
        database.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%commits + 1%'");
    });
}

#[test]
fn restart_of_the_primary_is_no_confirmation() {
    // And so does a restart of the primary.
    must_wait_for_the_standby(|postgres, _| postgres.restart("immediate"));
}
