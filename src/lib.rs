//! passwave resets passwords in bulk in Microsoft Entra ID. It never loses one, whatever crashes.
//!
//! # The life of a row
//! A row of the [`roster`] becomes a [`Upn`](account::upn::Upn), or a refusal with its line number. The roster and a
//! [`PasswordPolicy`](password::PasswordPolicy) make a [`Plan`](plan::Plan): each account with the password it will
//! get. [`Ledger::create`](ledger::Ledger::create) stores the plan in one transaction. [`engine::lookup::look_up`]
//! reads every account and completes the plan: it sets the object ids to write to, and skips rows that must not be
//! touched. All decisions are now made. [`engine::run::run`] claims due rows (commit: *intent*), waits for the
//! [`pace`](engine::pace), sends batches of up to 20 through a [`Graph`](graph::Graph), judges each answer by itself
//! with [`Verdict::of`](outcome::Verdict::of), and records the result (commit: *fact*). [`engine::verify::verify`]
//! reads the accounts again. [`report::write`] writes the rows in roster order, at any time. [`handouts`] makes
//! printable slips for the users.
//! There is no retry queue: the ledger schedules a row again if it needs another attempt. With [`seal`], passwords
//! reach the disk only in a form that the holders of a key can read.
//!
//! # The layers
//! Each layer is a folder, and uses only the layers below it in this table. `tests/tidy/layers.rs` reads the table and
//! checks the imports against it, inside each folder too.
//!
//! | layer | what it is |
//! |---|---|
//! | [`fleet`] | one roster for many tenants: a run for each, side by side |
//! | [`handouts`] | printable slips for the users |
//! | [`report`] | the result of each row, as CSV, workbook, HTML page, JUnit XML and summary |
//! | [`engine`] | the work: look up accounts, write passwords, verify the result |
//! | [`ledger`] | the record of a run in SQLite, on disk before anything is sent |
//! | [`plan`] | every decision about every row, made before anything is sent |
//! | [`simulator`] | a tenant in memory, behind the same trait as the real client |
//! | [`roster`] | any CSV or workbook, read as checked rows |
//! | [`graph`] | Microsoft Graph: one trait, the wire format, and the real client with its sign-in methods |
//! | [`seal`] | passwords that only the holders of a key can read |
//! | [`outcome`] | what an answer means, and why a row is skipped |
//! | [`password`] | strong passwords, and the policy that shapes them |
//! | [`account`] | facts about an account that need no lookup: its name, language and roles |
//! | `util` | small helpers: safe text for terminals, redaction, number formats, time, private files |
//!
//! Nothing here prints. The program in `src/cli/` does; it is the layer above all of these.
//!
//! # The invariants
//! 1. No password reaches Graph before it is durable in the ledger.
//! 2. If a row is `reset` in the report, the account has that password.
//! 3. If it is `failed`, the account has its old one.
//! 4. Every roster row is in the report exactly once, in order.
//! 5. All this still holds after a crash at any point and a later run.
//! 6. Passwords, secrets and tokens are in no message, `Debug` text or file, except the ledger and the reports.
//! 7. An account that is not in the roster is never touched, and a rehearsal touches no tenant.
//! 8. If the ledger cannot be written, the run stops.
//!
//! # A rehearsal
//! ```
//! use passwave::{
//!     engine::run::{self, RunOptions},
//!     ledger::Ledger,
//!     password::{Generator, PasswordPolicy},
//!     plan::{Plan, Settings},
//!     report,
//!     roster::{Roster, RosterOptions},
//!     simulator::{Account, Simulator, SimulatorConfig},
//! };
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let folder = place.path().join("run");
//! let csv = b"upn;name\nann@contoso.com;Ann\nbob@contoso.com;Bob\nANN@contoso.com;Ann".to_vec();
//! let roster = Roster::from_bytes("pupils.csv", csv, &RosterOptions::default())?;
//! let policy = PasswordPolicy::default();
//! let mut settings = Settings::new(&roster, policy.clone());
//! settings.rehearsal = true;
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
//! `examples/` has three more: a wave of new users, a school's semester, and a pipeline with the real client.

#![forbid(unsafe_code)]

pub mod account;
pub mod engine;
#[cfg(feature = "html")]
pub mod fleet;
pub mod graph;
#[cfg(feature = "handouts")]
pub mod handouts;
pub mod ledger;
pub mod outcome;
pub mod password;
pub mod plan;
pub mod report;
pub mod roster;
pub mod seal;
pub mod simulator;
#[doc(hidden)]
pub mod util;

/// Its `SecretString` is the type of secrets in the public API.
pub use secrecy;
pub use util::json_error::JsonError;
