//! Someone edits the ledger between plan and run, or during the run: nothing is sent that was not approved.

mod careless;
mod doubts;
mod edits;

use crate::{forger::Forger, scenarios::config, world::World};
use passwave::{
    account::upn::Upn,
    engine::{
        lookup::{LookupOptions, look_up},
        run::{self, RunEnd, RunOptions},
    },
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, Request, SendError, claims::Claims},
    ledger::{FILE_NAME, Ledger, LedgerError},
    outcome::Status,
    password::Password,
    simulator::{AccountKind, SimulatorConfig},
};
use rusqlite::Connection;
use secrecy::ExposeSecret;
use std::{cell::Cell, future::pending};

/// The account that the attacker wants.
const CEO: &str = "principal@contoso.com";

/// An approved plan.
struct Plan {
    world: World,
    fingerprint: String,
    passwords: Vec<String>,
}

impl Plan {
    async fn new(rows: usize) -> Self {
        Self::of(config("{}"), rows).await
    }

    async fn of(config: SimulatorConfig, rows: usize) -> Self {
        let world = World::of(config, rows);
        world.look(&world.tenant, pending()).await.expect("a look");
        let fingerprint = world.ledger().fingerprint().expect("a fingerprint");
        let passwords = world.report().into_iter().map(|row| row.password).collect();
        Self { world, fingerprint, passwords }
    }

    fn file(&self) -> Connection {
        Connection::open(self.world.folder().join(FILE_NAME)).expect("the ledger")
    }

    fn edit(&self, sql: &str) {
        self.file().execute_batch(sql).expect("an edit");
    }

    /// `run --expect FINGERPRINT --yes`, as the program runs it.
    async fn run_expected(&self, graph: &impl Graph, options: &RunOptions) -> Result<RunEnd, String> {
        self.run_as(graph, options, Some(&self.fingerprint)).await
    }

    async fn run_as(&self, graph: &impl Graph, options: &RunOptions, expected: Option<&str>) -> Result<RunEnd, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let mut ledger = self.world.open(options.pace.clock.now()).map_err(|error| told(&error))?;
        if !ledger.lookup_has_ended().map_err(|error| told(&error))? {
            let end =
                look_up(&mut ledger, graph, &LookupOptions::new(options.pace.clone()), pending(), &mut |_| {}).await;
            end.map_err(|error| told(&error))?;
        }
        ledger.must_be_as_planned().map_err(|error| told(&error))?;
        let found = ledger.fingerprint_now().map_err(|error| told(&error))?;
        if expected.is_some_and(|expected| expected != found) {
            return Err("not the plan that was approved".into());
        }
        ledger.note_begun().map_err(|error| told(&error))?;
        run::run(&mut ledger, graph, options, pending(), &mut |_| {}).await.map_err(|error| told(&error))
    }

    /// A write that nobody approved, if there was one.
    fn unapproved(&self) -> Option<String> {
        let given = |account: &String| self.world.tenant.ever_given(account);
        for (account, approved) in self.world.accounts.iter().zip(&self.passwords) {
            if given(account).iter().any(|password| password.expose_secret() != approved) {
                return Some(format!("{account} was given another password"));
            }
        }
        let stranger = self.world.strangers.iter().find(|stranger| !given(stranger).is_empty());
        stranger.map(|stranger| format!("{stranger} was given a password"))
    }

    /// A row for which the report shows a wrong password as in force, or one that was never set.
    fn false_report(&self) -> Option<String> {
        let ledger = match self.world.has_triggers.get() {
            true => Ledger::read_with_triggers(&self.world.folder()).ok()?,
            false => Ledger::open_to_read(&self.world.folder()).ok()?,
        };
        let mut wrong = None;
        // A report that stops early shows nothing about the rows that follow.
        let _ = ledger.for_each_row(|row| {
            let account = usize::try_from(row.row).ok().and_then(|at| self.world.accounts.get(at.checked_sub(1)?));
            let password = row.password.as_ref().map(Password::expose);
            let is_held = account.zip(password).is_some_and(|(account, held)| self.world.tenant.holds(account, held));
            if row.status == Status::Reset && !is_held {
                wrong.get_or_insert(format!("row {} is reported as reset", row.row));
            }
            if row.status == Status::Failed && account.is_some_and(|one| !self.world.tenant.ever_given(one).is_empty())
            {
                wrong.get_or_insert(format!("row {} is reported as failed", row.row));
            }
            Ok::<_, LedgerError>(())
        });
        wrong
    }

    async fn must_refuse(&self, words: &[&str]) {
        let refused = self.run_expected(&self.world.tenant, &self.world.options).await.expect_err("a refusal");
        words.iter().for_each(|word| assert!(refused.contains(word), "{word}: {refused}"));
        assert_eq!(self.unapproved(), None);
        assert!(self.world.accounts.iter().all(|account| self.world.tenant.ever_given(account).is_empty()));
    }

    fn id_of(&self, row: u64) -> String {
        let sql = "SELECT object_id FROM looked_up WHERE row = ?1";
        self.file().query_row(sql, [row], |row| row.get(0)).expect("an id")
    }

    /// The object id of an account that is not in the roster.
    async fn id_of_ceo(&self) -> String {
        let read = Request::new(1, Upn::parse(CEO).expect("an address"), Operation::Read);
        let answer = self.world.tenant.send(&BatchRequest { requests: vec![read] }).await.expect("an answer");
        answer.replies.into_iter().find_map(|reply| reply.user).expect("an account").id
    }
}

#[tokio::test(start_paused = true)]
async fn swapping_trigger_is_refused() {
    let plan = Plan::new(3).await;
    let ceo = plan.id_of_ceo().await;
    plan.edit(&format!(
        "CREATE TRIGGER swap AFTER INSERT ON run WHEN new.name = 'begun_at' BEGIN
             UPDATE looked_up SET object_id = '{ceo}' WHERE row = 2;
             UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2;
         END"
    ));
    plan.must_refuse(&["the trigger swap, which passwave never creates"]).await;
}

#[tokio::test(start_paused = true)]
async fn inserting_trigger_is_refused() {
    let plan = Plan::new(3).await;
    plan.edit(&format!(
        "CREATE TRIGGER more AFTER INSERT ON run WHEN new.name = 'begun_at' BEGIN
             INSERT INTO roster VALUES (4, 5, '{CEO}', '[]', NULL, 'en');
             INSERT INTO account (row, state, password, mark) VALUES (4, 'planned', 'Known-to-me-2026!', 0);
         END"
    ));
    plan.must_refuse(&["the trigger more, which passwave never creates"]).await;
}

#[tokio::test(start_paused = true)]
async fn view_replacing_table_is_refused() {
    let plan = Plan::new(3).await;
    let ceo = plan.id_of_ceo().await;
    plan.edit(&format!(
        "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; ALTER TABLE looked_up RENAME TO hidden;
         CREATE VIEW looked_up AS SELECT row, kind,
             iif(row = 2 AND EXISTS (SELECT 1 FROM run WHERE name = 'begun_at'), '{ceo}', object_id) AS object_id,
             user_principal_name, password_changed_at FROM hidden"
    ));
    plan.must_refuse(&["was changed by another program"]).await;
}

#[tokio::test(start_paused = true)]
async fn lying_report_view_is_refused() {
    for body in [
        "SELECT row, 'Lie-lie-lie-1234' AS password FROM account",
        "WITH RECURSIVE n (row) AS (SELECT 1 UNION ALL SELECT row + 1 FROM n) SELECT row FROM n",
    ] {
        let plan = Plan::new(3).await;
        plan.edit(&format!("DROP VIEW report; CREATE VIEW report AS {body}"));
        let told = Ledger::open_to_read(&plan.world.folder()).err().expect("a refusal").to_string();
        assert!(told.contains("the view report is not passwave's own"), "{told}");
        plan.must_refuse(&["the view report is not passwave's own"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn edited_password_is_refused() {
    let plan = Plan::new(3).await;
    plan.edit("UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2");
    plan.must_refuse(&["row 2 of the ledger was changed", "password"]).await;
}

#[tokio::test(start_paused = true)]
async fn password_number_needs_history() {
    let plan = Plan::new(3).await;
    plan.edit("UPDATE account SET nth = 1 WHERE row = 2");
    plan.must_refuse(&["row 2 of the ledger was changed", "first password"]).await;
}

#[tokio::test(start_paused = true)]
async fn forged_hashes_miss_the_approval() {
    for edit in [
        "UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2",
        "UPDATE looked_up SET object_id = '0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b' WHERE row = 2",
        "DELETE FROM looked_up WHERE row = 3; DELETE FROM account WHERE row = 3; DELETE FROM roster WHERE row = 3",
        "INSERT INTO exclusion VALUES ('user1@contoso.com')",
        "UPDATE run SET value = replace(value, '\"lookup\":\"auto\"', '\"lookup\":\"off\"') WHERE name = 'settings'",
    ] {
        let plan = Plan::new(3).await;
        let file = plan.file();
        file.execute_batch(edit).expect("an edit");
        Forger::of(&file).forge(&file);
        drop(file);
        let refused = plan.run_expected(&plan.world.tenant, &plan.world.options).await;
        assert_eq!(refused, Err("not the plan that was approved".into()), "{edit}");
        assert_eq!(plan.world.tenant.tally().writes, 0);
    }
}

#[cfg(feature = "seal")]
#[tokio::test(start_paused = true)]
async fn swapped_recipients_are_refused() {
    use passwave::seal::{Identities, SealError};
    let swap = |file: &Connection, own: &str, other: &str| {
        let sql = "UPDATE run SET value = replace(value, ?1, ?2) WHERE name = 'settings'";
        file.execute(sql, (own, other)).expect("an edit");
    };
    let evil = age::x25519::Identity::generate().to_public().to_string();
    let world = crate::sealed::of("{}", 3);
    world.look(&world.tenant, pending()).await.expect("a look");
    let fingerprint = world.ledger().fingerprint().expect("a fingerprint");
    let plan = Plan { world, fingerprint, passwords: Vec::new() };
    let own = plan.world.ledger().settings().sealing.as_ref().expect("sealed").recipients[0].clone();
    swap(&plan.file(), &own, &evil);
    let refused = plan.run_as(&plan.world.tenant, &plan.world.options, None).await.expect_err("a refusal");
    assert!(refused.contains("its plan was changed after it was made"), "{refused}");
    let file = plan.file();
    Forger::of(&file).forge(&file);
    drop(file);
    let approved = plan.run_expected(&plan.world.tenant, &plan.world.options).await;
    assert_eq!(approved, Err("not the plan that was approved".into()));
    let mut identities = Identities::default();
    identities.add(plan.world.key.as_ref().expect("a key").as_bytes()).expect("a key");
    let told = plan.world.ledger().unlock(&identities).expect_err("a refusal");
    assert!(matches!(told, LedgerError::Seal(SealError::OtherRecipients(1))), "{told:?}");
    assert_eq!(plan.world.tenant.tally().writes, 0);
}

#[tokio::test(start_paused = true)]
async fn forged_reissue_is_not_sent() {
    let plan = Plan::new(3).await;
    plan.edit(
        "INSERT INTO replaced SELECT row, 0, password, 0, 0, 'refused' FROM account WHERE row = 2;
         UPDATE account SET nth = 1, attempts = 1, password = 'Known-to-me-2026!' WHERE row = 2",
    );
    let end = plan.run_expected(&plan.world.tenant, &plan.world.options).await;
    assert_eq!(end, Ok(RunEnd::Finished));
    assert!(!plan.world.tenant.holds("user2@contoso.com", "Known-to-me-2026!"));
    plan.world.check_ended();
}

#[tokio::test(start_paused = true)]
async fn unrequested_sessions_are_not_revoked() {
    let plan = Plan::new(3).await;
    assert_eq!(plan.run_expected(&plan.world.tenant, &plan.world.options).await, Ok(RunEnd::Finished));
    plan.edit("UPDATE account SET sessions = 'due' WHERE row = 2");
    let batches = plan.world.tenant.tally().batches;
    let refused = plan.run_expected(&plan.world.tenant, &plan.world.options).await.expect_err("a refusal");
    assert!(refused.contains("row 2") && refused.contains("sessions revoked"), "{refused}");
    assert_eq!(plan.world.tenant.tally().batches, batches);
}

/// Edits the ledger when a batch is in flight.
struct Editor<'a> {
    plan: &'a Plan,
    sql: String,
    sent: Cell<u32>,
    /// The batch at which the edit happens.
    at: u32,
    /// The row whose account refuses passwords from then on; 0 for none.
    refusing: usize,
    /// Whether the engine sends what the file contains at that moment.
    is_careless: bool,
}

impl Editor<'_> {
    fn as_the_file_says(&self, batch: &BatchRequest) -> BatchRequest {
        let requests = batch.requests.iter().map(|request| {
            let operation = match &request.operation {
                Operation::SetPassword(password, force) => {
                    let sql = "SELECT password FROM account WHERE row = ?1";
                    let found = self.plan.file().query_row(sql, [request.row], |row| row.get(0));
                    Operation::SetPassword(
                        found.map_or_else(|_| Password::new(password.expose().into()), Password::new),
                        *force,
                    )
                }
                _ => Operation::Read,
            };
            let address = Upn::parse(&self.plan.id_of(request.row)).expect("an address");
            Request::new(request.row, address, operation)
        });
        BatchRequest { requests: requests.collect() }
    }
}

impl Graph for Editor<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.sent.set(self.sent.get() + 1);
        if self.sent.get() == self.at {
            // If SQLite refuses the edit, there was none.
            let _ = self.plan.file().execute_batch(&self.sql);
            if self.refusing > 0 {
                self.plan.world.make(self.refusing, AccountKind::Synced);
            }
        }
        match self.is_careless {
            true => self.plan.world.tenant.send(&self.as_the_file_says(batch)).await,
            false => self.plan.world.tenant.send(batch).await,
        }
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.plan.world.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.plan.world.tenant.claims().await
    }
}

/// The result of editing row 90 during the run.
async fn edited_meanwhile(sql: &str, is_careless: bool) -> (Result<RunEnd, String>, Option<String>) {
    let mut plan = Plan::new(100).await;
    plan.world.options.pace.concurrency = Some(1);
    let sql = sql.replace("CEO", &plan.id_of_ceo().await);
    let editor = Editor { plan: &plan, sql, sent: Cell::new(0), at: 2, refusing: 0, is_careless };
    let end = plan.run_expected(&editor, &plan.world.options).await;
    (end, plan.unapproved().or(plan.false_report()))
}

const MEANWHILE: [&str; 4] = [
    "UPDATE looked_up SET object_id = 'CEO' WHERE row = 90",
    "UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 90",
    "UPDATE roster SET user_principal_name = 'principal@contoso.com' WHERE row = 90",
    "UPDATE account SET nth = 1, password = 'Known-to-me-2026!' WHERE row = 90",
];

#[tokio::test(start_paused = true)]
async fn row_edited_meanwhile_is_not_sent() {
    for sql in MEANWHILE {
        let (end, wrong) = edited_meanwhile(sql, false).await;
        assert!(end.as_ref().is_err_and(|told| told.contains("row 90 of the ledger was changed")), "{sql}: {end:?}");
        assert_eq!(wrong, None, "{sql}");
    }
    let settings = "UPDATE run SET value = replace(value, 'wave', 'wove') WHERE name = 'settings'";
    let (end, wrong) = edited_meanwhile(settings, false).await;
    assert!(end.is_err_and(|told| told.contains("settings")) && wrong.is_none());
}

#[tokio::test(start_paused = true)]
async fn trigger_added_meanwhile_never_runs() {
    let trigger = "CREATE TRIGGER swap BEFORE UPDATE ON account
                   BEGIN UPDATE looked_up SET object_id = 'CEO' WHERE row = 90; END";
    let (end, wrong) = edited_meanwhile(trigger, false).await;
    assert_eq!((end, wrong), (Ok(RunEnd::Finished), None));
}

#[tokio::test(start_paused = true)]
async fn trusting_the_file_is_caught() {
    for sql in &MEANWHILE[..2] {
        let sql = sql.replace("row = 90", "row BETWEEN 21 AND 40");
        assert!(edited_meanwhile(&sql, true).await.1.is_some(), "{sql}");
    }
}
