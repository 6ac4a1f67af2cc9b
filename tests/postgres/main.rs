//! Ledgers in a real PostgreSQL server, which the tests start themselves. Where the server's programs are not installed,
//! each test says so and passes.
#![cfg(all(unix, feature = "cli", feature = "postgres", feature = "seal"))]
#![expect(clippy::print_stderr, reason = "reports a missing server")]

mod certificates;
mod disk;
mod entra;
mod faults;
mod kills;
mod log;
mod others;
mod overlaps;
mod proxy;
mod rights;
mod rooms;
mod runs;
#[path = "../support/served.rs"]
mod served;
mod server;
mod stage;
mod steps;
mod takeover;
mod tls;
mod verbs;
mod workers;
