//! Ledgers in a real PostgreSQL server, which the tests start themselves. Where the server's programs are not installed,
//! each test says so and passes.
#![cfg(all(unix, feature = "cli", feature = "postgres", feature = "seal"))]
#![expect(clippy::print_stderr, reason = "reports a missing server")]

mod certificates;
#[path = "../support/checkers.rs"]
mod checkers;
mod disk;
#[path = "../support/elsewhere.rs"]
mod elsewhere;
mod entra;
mod faults;
mod kills;
mod log;
mod looks;
mod others;
mod overlaps;
mod proxy;
mod rights;
mod room;
mod rooms;
mod runs;
#[path = "../support/served.rs"]
mod served;
mod server;
mod stage;
mod steps;
mod stories;
mod takeover;
mod tls;
#[path = "../support/torture/mod.rs"]
#[expect(dead_code, reason = "the example runs everything")]
mod torture;
mod verbs;
#[path = "../support/watch.rs"]
mod watch;
mod workers;
#[path = "../support/world.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod world;

/// Every run is in a database.
fn elsewhere() -> Option<Box<dyn elsewhere::Elsewhere>> {
    Some(Box::new(room::Room::new(server::shared()?)))
}
