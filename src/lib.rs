//! passwave resets passwords in bulk in Microsoft Entra ID, and loses none of them, whatever dies.
//!
//! # The journey
//! A row of the [`roster`] becomes a [`Upn`](upn::Upn), or a refusal with its line. Roster and
//! [`PasswordPolicy`](password::PasswordPolicy) become a [`Plan`](plan::Plan): each account with the password it will get.
//! [`Ledger::create`](ledger::Ledger::create) stores the plan in one transaction. [`lookup::look_up`] reads every account and
//! completes it: writes go to object ids, and rows that must not be touched are skipped. From there on nothing is decided
//! any more. [`run::run`] claims due rows (commit: *intent*), waits for the [`throttle`], sends batches of up to 20 through a
//! [`Graph`](graph::Graph), judges each answer alone with [`Verdict::of`](outcome::Verdict::of), and records what it says
//! (commit: *fact*). [`verify::verify`] looks once more, and [`report::write`] reads the rows in roster order, at any time;
//! [`handouts`] makes slips of them, for the people themselves.
//! There is no retry queue: a row that has to go again is planned again, in the ledger. Where [`seal`] stands between, no
//! password reaches the disk but for the holders of a key.
//!
//! # The layers
//! Imports go down only, and the devices do not know each other.
//!
//! | layer | rooms | what they are |
//! |---|---|---|
//! | work | [`lookup`], [`run`], [`verify`], [`report`], [`handouts`]; [`traffic`] and [`reader`] beneath them | what is done with the devices |
//! | devices | [`ledger`], [`throttle`], [`graph`], [`register`] | SQLite; the pace; the real client and the simulator, behind one trait; the unfinished runs of this machine |
//! | papers | [`roster`], [`exclusions`], [`plan`] | any CSV as checked rows; every decision, before anything is done |
//! | words | [`upn`], [`language`], [`password`], [`seal`], [`outcome`], [`roles`], [`quota`], [`cloud`], [`wanted`] | values that are right once they exist |
//!
//! Beside them stand eight small helpers: [`clean`], [`clock`], [`figures`], [`nearest`], [`private`],
//! [`retry_after`], [`scrub`] and [`text_file`]. Nothing here prints; the program around it (`src/main.rs`, `cli/`, `verbs/`, `progress.rs`, `terminal.rs`)
//! does.
//!
//! # The invariants
//! 1. No password reaches Graph before it is durable in the ledger.
//! 2. `reset` in the report: the account holds that password. 3. `failed`: it holds its old one.
//! 4. Every roster row is in the report exactly once, in order.
//! 5. All this holds after a cut at any point, and a later run.
//! 6. Passwords, secrets and tokens are in no message, `Debug` text or file but the ledger and the reports.
//! 7. An account that the roster does not name is never touched; a rehearsal touches no tenant.
//! 8. A ledger that cannot be written stops the run.
//!
//! # A rehearsal
//! ```
//! use passwave::{
//!     graph::simulator::{Account, Simulator, SimulatorConfig},
//!     ledger::Ledger,
//!     password::{Generator, PasswordPolicy},
//!     plan::{Plan, Settings},
//!     report,
//!     roster::{Roster, RosterOptions},
//!     run::{self, RunOptions},
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let folder = place.path().join("run");
//! let csv = b"upn;name\nann@contoso.com;Ann\nbob@contoso.com;Bob\nANN@contoso.com;Ann".to_vec();
//! let roster = Roster::from_bytes("pupils.csv", csv, &RosterOptions::default())?;
//! let policy = PasswordPolicy::default();
//! let settings = Settings { rehearsal: true, ..Settings::new(&roster, policy.clone()) };
//! let plan = Plan::new(&roster, Generator::new(&policy)?);
//! let mut ledger = Ledger::create(&folder, settings, plan)?.ledger;
//!
//! let tenant = Simulator::new(SimulatorConfig::default());
//! ["ann@contoso.com", "bob@contoso.com"].map(|upn| tenant.add(Account::normal(upn)));
//! run::run(&mut ledger, &tenant, &RunOptions::default(), std::future::pending(), &mut |_event| {}).await?;
//!
//! let summary = report::write(&ledger)?;
//! assert_eq!((summary.counts["reset"], summary.counts["skipped"]), (2, 1));
//! # Ok(())
//! # }
//! ```
//! `examples/` has three more: a wave of newcomers, a school's semester, and a pipeline with the real client.

#![forbid(unsafe_code)]

pub mod clean;
pub mod clock;
pub mod cloud;
pub mod exclusions;
pub mod figures;
pub mod graph;
pub mod handouts;
pub mod language;
pub mod ledger;
pub mod lookup;
pub mod nearest;
pub mod outcome;
pub mod password;
pub mod plan;
pub mod private;
pub mod quota;
pub mod reader;
pub mod register;
pub mod report;
pub mod retry_after;
pub mod roles;
pub mod roster;
pub mod run;
pub mod scrub;
pub mod seal;
pub mod text_file;
pub mod throttle;
pub mod traffic;
pub mod upn;
pub mod verify;
pub mod wanted;
