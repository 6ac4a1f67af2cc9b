//! What a ledger in PostgreSQL costs next to one in a file: turns in a second, and the time of a run at the documented pace, each
//! also with a database that is 1, 5 and 20 ms away.
//!
//! `cargo bench --bench postgres` prints two tables. It starts the server itself, over loopback; a proxy delays what is sent to it.

#![expect(clippy::print_stdout, reason = "the tables are what it is for")]

#[path = "../tests/postgres/proxy.rs"]
#[expect(dead_code, reason = "the tests also cut connections")]
mod proxy;
#[path = "../tests/postgres/server.rs"]
#[allow(dead_code, clippy::print_stderr, reason = "the tests use more of it")]
mod server;

use passwave::{
    engine::run::{self, RunEnd, RunOptions},
    graph::quota::Quota,
    ledger::{
        Claimed, Fact, Facts, Ledger, SignedInAs,
        postgres::{Address, Clear, LEASE_DEFAULT, LedgerServer},
        state::Event,
    },
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};
use proxy::Proxy;
use server::Database;
use std::{
    fmt::Write,
    future::pending,
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Rows of a turn: those of one batch.
const BATCH: usize = 20;
/// Turns that are timed.
const TURNS: usize = 200;
/// The pace of the documented quota, 20 in a second, with a small burst; and the accounts of a run at that pace.
const PACE: &str = "60/3s";
const ACCOUNTS: usize = 360;
/// How far away the database is, in milliseconds.
const AWAY: [u64; 4] = [0, 1, 5, 20];

/// Where a ledger is.
enum Room<'a> {
    Folder(TempDir),
    Database(&'a Database<'a>, Option<Proxy>),
}

impl Room<'_> {
    fn name(&self, away: u64) -> String {
        match self {
            Self::Folder(_) => "SQLite, in a file".into(),
            Self::Database(..) if away == 0 => "PostgreSQL over loopback".into(),
            Self::Database(..) => format!("... {away} ms away"),
        }
    }

    /// A new run with this many rows.
    fn ledger(&self, name: &str, rows: usize) -> Ledger {
        let mut text = "userPrincipalName\n".to_owned();
        (0..rows).for_each(|n| writeln!(text, "pupil{n}@contoso.com").expect("memory"));
        let roster = Roster::from_bytes("roster.csv", text.into_bytes(), &RosterOptions::default()).expect("a roster");
        let policy = PasswordPolicy::default();
        let settings = Settings::new(&roster, policy.clone());
        let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
        let created = match self {
            Self::Folder(place) => Ledger::create(&place.path().join(name), settings, plan),
            Self::Database(database, proxy) => {
                let url = proxy.as_ref().map_or_else(|| database.url(), |proxy| database.url_at("boss", proxy.port));
                let address = Address::parse(&url).expect("an address");
                let server = LedgerServer::connect(address, "a benchmark".into(), LEASE_DEFAULT, Clear::Allowed);
                Ledger::create_on(&server.expect("a server"), name, Path::new("reports"), settings, plan)
            }
        };
        let mut ledger = created.expect("a ledger").ledger;
        ledger.end_lookup(Some("a benchmark")).expect("an end");
        let signed_in =
            SignedInAs { tenant_id: Some(name.into()), client_id: Some("an application".into()), person: None };
        ledger.set_signed_in(&signed_in).expect("noted");
        ledger
    }
}

fn confirmed(claimed: Claimed) -> Fact {
    Fact {
        row: claimed.row,
        doubt: claimed.doubt,
        event: Event::Confirmed,
        cause: None,
        code: String::new(),
        message: String::new(),
        request_id: "6a3f0c52-77d1-4f0b-9c1e-0d5b8e2f4a61".into(),
    }
}

/// The times of turns, the shortest first: each records what the last one claimed, and claims the next rows.
fn turns(mut ledger: Ledger) -> Vec<Duration> {
    let mut facts = Facts::default();
    let turn = |_| {
        let began = Instant::now();
        let claimed = ledger.turn(&facts, BATCH, 1).expect("a turn");
        facts.writes = claimed.writes.into_iter().map(confirmed).collect();
        began.elapsed()
    };
    let mut times: Vec<Duration> = (0..TURNS).map(turn).collect();
    times.sort_unstable();
    times
}

/// How long a whole run takes at the documented pace, with a tenant that answers after 60 ms.
fn whole_run(mut ledger: Ledger) -> Duration {
    let quota: Quota = PACE.parse().expect("a quota");
    let faults = Faults::from_json(br#"{"latency_ms": 60}"#).expect("good faults");
    let tenant = Simulator::new(SimulatorConfig::new(quota, 1).with_faults(faults));
    (0..ACCOUNTS).for_each(|n| tenant.add(Account::normal(format!("pupil{n}@contoso.com"))));
    let mut options = RunOptions::default();
    options.pace.write_quota = quota;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let began = Instant::now();
    let ended = runtime.block_on(run::run(&mut ledger, &tenant, &options, pending(), &mut |_| {}));
    assert!(matches!(ended, Ok(RunEnd::Finished)), "{ended:?}");
    assert_eq!(ledger.counts().reset, ACCOUNTS as u64);
    began.elapsed()
}

fn main() {
    let Some(postgres) = server::Server::start("") else {
        println!("left out: PostgreSQL's server programs are not installed");
        return;
    };
    let database = postgres.database();
    let folder = || Room::Folder(tempfile::tempdir().expect("a folder"));
    let away = |millis: u64| {
        let proxy = (millis > 0).then(|| Proxy::slow(postgres.port, Duration::from_millis(millis)));
        (Room::Database(&database, proxy), millis)
    };
    let rooms: Vec<(Room<'_>, u64)> = std::iter::once((folder(), 0)).chain(AWAY.map(away)).collect();
    println!("| Ledger | Turns of {BATCH} rows in a second | Median of a turn | 99 of 100 turns |\n|---|---|---|---|");
    for (nth, (room, away)) in rooms.iter().enumerate() {
        let times = turns(room.ledger(&format!("turns{nth}"), TURNS * BATCH));
        let rate = TURNS as f64 / times.iter().sum::<Duration>().as_secs_f64();
        let millis = |at: usize| times[at].as_secs_f64() * 1e3;
        println!(
            "| {} | {rate:.0} | {:.1} ms | {:.1} ms |",
            room.name(*away),
            millis(TURNS / 2),
            millis(TURNS * 99 / 100)
        );
    }
    let least = PACE.parse::<Quota>().expect("a quota").least_time(ACCOUNTS as u64).as_secs_f64();
    println!(
        "\n| Ledger | {ACCOUNTS} accounts at 20 in a second | Relative to the least time, {least:.1} s |\n|---|---|---|"
    );
    for (nth, (room, away)) in rooms.iter().enumerate() {
        let seconds = whole_run(room.ledger(&format!("run{nth}"), ACCOUNTS)).as_secs_f64();
        println!("| {} | {seconds:.2} s | {:.3} x |", room.name(*away), seconds / least);
    }
}
