//! What broke in other programs that keep work in PostgreSQL, and what breaks around any server. Each must leave nothing
//! lost, nothing done twice, and nothing waiting for ever.

use crate::{
    proxy::{Cut, Proxy},
    server::{Server, shared},
    steps::{NOW, calm, create, open, refused, rows, server, turn},
};
use passwave::ledger::{LedgerError, postgres::PostgresError, state::Event};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

const LEASE: Duration = Duration::from_secs(3);

/// Opens a run as soon as nobody holds it any more.
pub fn wait_to_open(
    server: &passwave::ledger::postgres::LedgerServer,
    name: &str,
) -> Result<passwave::ledger::Ledger, LedgerError> {
    let began = Instant::now();
    loop {
        match open(server, name) {
            Err(LedgerError::Postgres(PostgresError::Held { .. })) if began.elapsed() < Duration::from_secs(60) => {
                sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}

#[test]
fn held_run_is_refused_with_its_holder() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let first = create(&calm(&database.url()), "wave", 2).expect("made");
    let second = calm(&database.url());
    let PostgresError::Held { holder, until, .. } = refused(open(&second, "wave")) else { panic!("another error") };
    assert_eq!(holder, "the test");
    assert!(until.ends_with('Z') && until.len() == 20, "{until}");
    drop(first);
    open(&second, "wave").expect("it was given back");
}

#[test]
fn lease_outlives_every_pooled_connection() {
    // Others kept a lock in a session: behind a pooler it stayed with a connection that nobody had, or was lost when the
    // pool retired the connection. This pooler retires each after two seconds.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let Some(url) = database.pooled() else { return };
    let holder = server(&url, LEASE).expect("a server");
    let mut ledger = create(&holder, "wave", 4).expect("made");
    let other = server(&url, LEASE).expect("a server");
    let began = Instant::now();
    while began.elapsed() < 3 * LEASE {
        assert!(matches!(refused(open(&other, "wave")), PostgresError::Held { .. }));
        turn(&mut ledger, vec![], 0).expect("nothing");
        sleep(Duration::from_millis(200));
    }
    turn(&mut ledger, vec![], 1).expect("it still holds the run");
    drop(ledger);
    open(&other, "wave").expect("and gave it back");
}

#[test]
fn overtaken_process_records_nothing_more() {
    // Others believed in their lead after it was lost, for weeks.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let server = calm(&database.url());
    let mut zombie = create(&server, "wave", 6).expect("made");
    let sent = turn(&mut zombie, vec![], 2).expect("a turn");
    database.sql("UPDATE passwave.run SET until = clock_timestamp() - interval '1 second'");
    let mut next = open(&calm(&database.url()), "wave").expect("taken over");
    let state = database.sql("SELECT state, count(*) FROM passwave.account GROUP BY 1 ORDER BY 1");
    for facts in [vec![], vec![(sent[0].row, Event::Confirmed)]] {
        let PostgresError::Overtaken { holder, .. } = refused(turn(&mut zombie, facts, 2)) else { panic!("another") };
        assert_eq!(holder, "the test");
    }
    assert!(zombie.set_remarks(&["too late".into()]).is_err());
    assert_eq!(database.sql("SELECT state, count(*) FROM passwave.account GROUP BY 1 ORDER BY 1"), state);
    drop(zombie);
    // The end of the zombie does not end the lease of its successor.
    assert_ne!(database.sql("SELECT holder FROM passwave.run"), "");
    turn(&mut next, vec![], 1).expect("the successor goes on");
}

#[test]
fn takeover_whose_answer_is_lost_is_still_a_takeover() {
    let Some(postgres) = shared() else { return };
    for cut in [Cut::Before, Cut::After] {
        let database = postgres.database();
        let mut zombie = create(&calm(&database.url()), "wave", 6).expect("made");
        turn(&mut zombie, vec![], 2).expect("a turn");
        database.sql("UPDATE passwave.run SET until = clock_timestamp() - interval '1 second'");
        let proxy = Proxy::to(postgres.port);
        let next = calm(&database.url_at("boss", proxy.port));
        proxy.cut(cut);
        let mut next = open(&next, "wave").expect("taken at the second try");
        assert!(proxy.is_done());
        assert_eq!(turn(&mut next, vec![], 99).expect("a turn").len(), 4, "{cut:?}: the others may be on their way");
    }
}

#[test]
fn rows_on_their_way_wait_after_a_takeover() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let mut zombie = create(&calm(&database.url()), "wave", 6).expect("made");
    let sent: Vec<u64> = turn(&mut zombie, vec![], 2).expect("a turn").iter().map(|claimed| claimed.row).collect();
    database.sql("UPDATE passwave.run SET until = clock_timestamp() - interval '1 second'");
    let mut next = open(&calm(&database.url()), "wave").expect("taken over");
    let claimed = turn(&mut next, vec![], 99).expect("a turn");
    assert_eq!(claimed.len(), 4, "all others go on at once");
    assert!(claimed.iter().all(|claimed| !sent.contains(&claimed.row)));
    assert_eq!(next.next_due().expect("a time"), Some(NOW + 120_000), "when no request of the other can be on its way");
}

#[test]
fn success_is_never_overwritten_by_a_slow_process() {
    // Others recorded a success as a failure, when a rescued job's first worker answered late.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let mut slow = create(&calm(&database.url()), "wave", 1).expect("made");
    let row = turn(&mut slow, vec![], 1).expect("a turn")[0].row;
    database.sql("UPDATE passwave.run SET until = clock_timestamp() - interval '1 second'");
    database.sql("UPDATE passwave.account SET not_before = 0");
    let mut next = open(&calm(&database.url()), "wave").expect("taken over");
    next.settle_doubts(&[(row, NOW, None)]).expect("settled");
    assert_eq!(next.counts().reset, 1);
    assert!(matches!(refused(turn(&mut slow, vec![(row, Event::Refused)], 0)), PostgresError::Overtaken { .. }));
    assert_eq!(database.sql(&format!("SELECT state FROM passwave.account WHERE \"row\" = {row}")), "reset");
}

#[test]
fn restarted_machine_is_another_holder() {
    // Others named a worker after its machine: once restarted, it looked alive, and its old work was never rescued.
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let first = server(&database.url(), LEASE).expect("a server");
    let mut ledger = create(&first, "wave", 2).expect("made");
    turn(&mut ledger, vec![], 1).expect("a turn");
    let again = server(&database.url(), LEASE).expect("a server with the same name");
    assert!(matches!(refused(open(&again, "wave")), PostgresError::Held { .. }));
}

#[test]
fn commit_whose_answer_is_lost_is_read_back() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let proxy = Proxy::to(postgres.port);
    let server = calm(&database.url_at("boss", proxy.port));
    let mut ledger = create(&server, "wave", 40).expect("made");
    for cut in [Cut::Before, Cut::After, Cut::Before, Cut::After] {
        proxy.cut(cut);
        let claimed = turn(&mut ledger, vec![], 2).expect("a turn");
        assert!(proxy.is_done());
        let facts = claimed.iter().map(|claimed| (claimed.row, Event::Confirmed)).collect();
        turn(&mut ledger, facts, 0).expect("a turn");
    }
    assert_eq!(ledger.counts().reset, 8);
    let before = rows(&ledger);
    drop(ledger);
    let ledger = open(&server, "wave").expect("open");
    assert_eq!(rows(&ledger), before, "nothing is lost, and nothing is there twice");
    assert_eq!(database.sql("SELECT sum(attempts) FROM passwave.account"), "8");
}

#[test]
fn large_commit_whose_answer_is_lost_is_read_back() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    let proxy = Proxy::to(postgres.port);
    let server = calm(&database.url_at("boss", proxy.port));
    let mut ledger = create(&server, "wave", 2_500).expect("made");
    for cut in [Cut::Before, Cut::After] {
        proxy.cut(cut);
        let claimed = turn(&mut ledger, vec![], 1_200).expect("a turn");
        assert!(proxy.is_done());
        assert_eq!(claimed.len(), 1_200);
    }
    assert_eq!(
        database.sql("SELECT count(*), sum(attempts) FROM passwave.account WHERE state = 'in_flight'"),
        "2400|2400"
    );
}

#[test]
fn restart_of_the_server_interrupts_nothing() {
    let Some(postgres) = Server::start("") else { return };
    let database = postgres.database();
    let server = server(&database.url(), LEASE).expect("a server");
    let mut ledger = create(&server, "wave", 60).expect("made");
    for (nth, mode) in ["fast", "immediate"].into_iter().enumerate() {
        let claimed = turn(&mut ledger, vec![], 2).expect("a turn");
        postgres.restart(mode);
        let facts = claimed.iter().map(|claimed| (claimed.row, Event::Confirmed)).collect();
        turn(&mut ledger, facts, 0).expect("a turn");
        let confirmed = database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'");
        assert_eq!(confirmed, (2 * (nth + 1)).to_string());
    }
}

#[test]
fn server_that_may_lose_commits_is_refused() {
    let Some(postgres) = shared() else { return };
    let database = postgres.database();
    database.sql(&format!("ALTER DATABASE {} SET synchronous_commit = off", database.name));
    let PostgresError::NotDurable { setting, .. } = refused(server(&database.url(), LEASE)) else { panic!("another") };
    assert_eq!(setting, "synchronous_commit = off");
    assert_eq!(database.sql("SELECT to_regclass('passwave.run') IS NULL"), "t", "nothing was made there");
}

#[test]
fn failover_that_lost_commits_is_noticed_and_leaves_rows_in_doubt() {
    let Some(postgres) = Server::start("") else { return };
    let database = postgres.database();
    let server = calm(&database.url());
    let mut ledger = create(&server, "wave", 10).expect("made");
    let kept = turn(&mut ledger, vec![], 2).expect("a turn");
    let facts = kept.iter().map(|claimed| (claimed.row, Event::Confirmed)).collect();
    turn(&mut ledger, facts, 0).expect("a turn");
    postgres.copy();
    let lost = turn(&mut ledger, vec![], 3).expect("a turn");
    let facts = lost.iter().map(|claimed| (claimed.row, Event::Confirmed)).collect();
    turn(&mut ledger, facts, 0).expect("a turn");
    assert!(ledger.doubtful(0, 99).expect("rows").is_empty());
    postgres.fail_over();
    assert!(matches!(refused(turn(&mut ledger, vec![], 1)), PostgresError::Rewound { .. }));
    drop(ledger);
    let mut ledger = open(&calm(&database.url()), "wave").expect("open");
    assert_eq!((ledger.counts().reset, ledger.counts().planned), (2, 8));
    let in_doubt = "SELECT count(*) FROM passwave.account WHERE state = 'planned' AND doubt = 3";
    assert_eq!(database.sql(in_doubt), "8", "none of them is known to be unsent");
    assert!(ledger.doubtful(0, 99).expect("rows").is_empty(), "the time of a change settles none of them");
    ledger.must_be_as_planned().expect("the doubts are proven");
    let sent = turn(&mut ledger, vec![], 99).expect("a turn");
    let password =
        |of: u64| sent.iter().find(|again| again.row == of).expect("sent again").password.expose().to_owned();
    assert!(lost.iter().all(|lost| lost.password.expose() == password(lost.row)), "with the same password");
    drop(ledger);
    let ledger = open(&calm(&database.url()), "wave").expect("open");
    assert_eq!(ledger.counts().planned, 8);
}
