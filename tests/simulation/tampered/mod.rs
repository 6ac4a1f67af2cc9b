//! Somebody edits the ledger between plan and run, or while it runs: nothing leaves that was not approved.

mod edits;

use crate::{forger::Forger, scenarios::config, world::World};
use passwave::{
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, Request, SendError, claims::Claims},
    ledger::{FILE_NAME, Ledger, LedgerError},
    lookup::look_up,
    password::Password,
    run::{self, RunEnd, RunOptions},
    upn::Upn,
};
use rusqlite::Connection;
use secrecy::ExposeSecret;
use std::{cell::Cell, future::pending};

/// The account that somebody wants to get at.
const CEO: &str = "principal@contoso.com";

/// A plan that was approved.
struct Plan {
    world: World,
    fingerprint: String,
    passwords: Vec<String>,
}

impl Plan {
    async fn new(rows: usize) -> Self {
        let world = World::of(config("{}"), rows);
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

    /// `run --expect FINGERPRINT --yes`, as the program does it.
    async fn run_expected(&self, graph: &impl Graph, options: &RunOptions) -> Result<RunEnd, String> {
        self.run_as(graph, options, Some(&self.fingerprint)).await
    }

    async fn run_as(&self, graph: &impl Graph, options: &RunOptions, expected: Option<&str>) -> Result<RunEnd, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let mut ledger = self.world.open(options.pace.clock.now()).map_err(|error| told(&error))?;
        if !ledger.lookup_has_ended().map_err(|error| told(&error))? {
            let end = look_up(&mut ledger, graph, &options.pace, false, pending(), &mut |_| {}).await;
            end.map_err(|error| told(&error))?;
        }
        ledger.must_be_as_planned().map_err(|error| told(&error))?;
        let found = ledger.fingerprint_now().map_err(|error| told(&error))?;
        if expected.is_some_and(|expected| expected != found) {
            return Err("not the plan that was approved".into());
        }
        ledger.set_note("begun_at", "2026-11-26T12:00:00Z").map_err(|error| told(&error))?;
        run::run(&mut ledger, graph, options, pending(), &mut |_| {}).await.map_err(|error| told(&error))
    }

    /// What was written that nobody approved.
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

    /// A row of which the report says that a password is in force that is not.
    fn false_report(&self) -> Option<String> {
        let ledger = Ledger::open_to_read(&self.world.folder()).ok()?;
        let mut wrong = None;
        // A report that breaks off says nothing of the rows that follow.
        let _ = ledger.for_each_row(|row| {
            let account = usize::try_from(row.row).ok().and_then(|at| self.world.accounts.get(at.checked_sub(1)?));
            let password = row.password.as_ref().map(Password::expose);
            let is_held = account.zip(password).is_some_and(|(account, held)| self.world.tenant.holds(account, held));
            if row.status == "reset" && !is_held {
                wrong.get_or_insert(format!("row {} is told to be reset", row.row));
            }
            Ok::<_, LedgerError>(())
        });
        wrong
    }

    async fn must_refuse(&self, words: &[&str]) {
        let refused = self.run_expected(&self.world.tenant, &self.world.options).await.expect_err("a refusal");
        words.iter().for_each(|word| assert!(refused.contains(word), "{word}: {refused}"));
        assert!(refused.contains("hint:"), "{refused}");
        assert_eq!(self.unapproved(), None);
        assert!(self.world.accounts.iter().all(|account| self.world.tenant.ever_given(account).is_empty()));
    }

    fn id_of(&self, row: u64) -> String {
        let sql = "SELECT object_id FROM looked_up WHERE row = ?1";
        self.file().query_row(sql, [row], |row| row.get(0)).expect("an id")
    }

    /// The object id of somebody who is not in the roster.
    async fn id_of_ceo(&self) -> String {
        let read = Request { row: 1, address: Upn::parse(CEO).expect("an address"), operation: Operation::Read };
        let answer = self.world.tenant.send(&BatchRequest { requests: vec![read] }).await.expect("an answer");
        answer.replies.into_iter().find_map(|reply| reply.user).expect("an account").id
    }
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_swaps_a_row_is_refused() {
    let plan = Plan::new(3).await;
    let ceo = plan.id_of_ceo().await;
    plan.edit(&format!(
        "CREATE TRIGGER swap AFTER INSERT ON run WHEN new.name = 'begun_at' BEGIN
             UPDATE looked_up SET object_id = '{ceo}' WHERE row = 2;
             UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2;
         END"
    ));
    plan.must_refuse(&["the trigger swap, which passwave never makes"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_adds_a_row_is_refused() {
    let plan = Plan::new(3).await;
    plan.edit(&format!(
        "CREATE TRIGGER more AFTER INSERT ON run WHEN new.name = 'begun_at' BEGIN
             INSERT INTO roster VALUES (4, 5, '{CEO}', '[]', NULL, 'en');
             INSERT INTO account (row, state, password, mark) VALUES (4, 'planned', 'Known-to-me-2026!', 0);
         END"
    ));
    plan.must_refuse(&["the trigger more, which passwave never makes"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_view_in_the_place_of_a_table_is_refused() {
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
async fn a_report_view_that_lies_or_never_ends_is_refused() {
    for body in [
        "SELECT row, 'Lie-lie-lie-1234' AS password FROM account",
        "WITH RECURSIVE n (row) AS (SELECT 1 UNION ALL SELECT row + 1 FROM n) SELECT row FROM n",
    ] {
        let plan = Plan::new(3).await;
        plan.edit(&format!("DROP VIEW report; CREATE VIEW report AS {body}"));
        let told = Ledger::open_to_read(&plan.world.folder()).err().expect("a refusal").to_string();
        assert!(told.contains("the view report is not the one of passwave"), "{told}");
        plan.must_refuse(&["the view report is not the one of passwave"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_edited_password_is_refused_with_its_row() {
    let plan = Plan::new(3).await;
    plan.edit("UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2");
    plan.must_refuse(&["row 2 of the ledger was changed", "password"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_password_number_without_its_history_is_refused() {
    let plan = Plan::new(3).await;
    plan.edit("UPDATE account SET nth = 1 WHERE row = 2");
    plan.must_refuse(&["row 2 of the ledger was changed", "first password"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_forger_who_makes_every_hash_anew_does_not_meet_what_was_approved() {
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
async fn swapped_recipients_are_refused_with_and_without_the_key() {
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
    assert!(refused.contains("its plan is not the one that was made"), "{refused}");
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
async fn a_password_that_an_earlier_process_seems_to_have_made_is_not_sent() {
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
async fn sessions_that_nobody_asked_for_are_not_revoked() {
    let plan = Plan::new(3).await;
    assert_eq!(plan.run_expected(&plan.world.tenant, &plan.world.options).await, Ok(RunEnd::Finished));
    plan.edit("UPDATE account SET sessions = 'due' WHERE row = 2");
    let batches = plan.world.tenant.tally().batches;
    let refused = plan.run_expected(&plan.world.tenant, &plan.world.options).await.expect_err("a refusal");
    assert!(refused.contains("row 2") && refused.contains("--revoke-sessions"), "{refused}");
    assert_eq!(plan.world.tenant.tally().batches, batches);
}

/// Somebody who edits the ledger when the second batch is on its way.
struct Editor<'a> {
    plan: &'a Plan,
    sql: String,
    sent: Cell<u32>,
    /// Whether the engine is one that sends what the file says at that moment.
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
            Request { row: request.row, address, operation }
        });
        BatchRequest { requests: requests.collect() }
    }
}

impl Graph for Editor<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        self.sent.set(self.sent.get() + 1);
        if self.sent.get() == 2 {
            self.plan.edit(&self.sql);
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

/// What comes of an edit of row 90 while the run is at work.
async fn edited_meanwhile(sql: &str, is_careless: bool) -> (Result<RunEnd, String>, Option<String>) {
    let mut plan = Plan::new(100).await;
    plan.world.options.pace.concurrency = Some(1);
    let sql = sql.replace("CEO", &plan.id_of_ceo().await);
    let editor = Editor { plan: &plan, sql, sent: Cell::new(0), is_careless };
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
async fn a_row_that_is_edited_while_the_run_is_at_work_is_not_sent() {
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
async fn a_trigger_that_is_made_while_the_run_is_at_work_does_not_run() {
    let trigger = "CREATE TRIGGER swap BEFORE UPDATE ON account
                   BEGIN UPDATE looked_up SET object_id = 'CEO' WHERE row = 90; END";
    let (end, wrong) = edited_meanwhile(trigger, false).await;
    assert_eq!((end, wrong), (Ok(RunEnd::Finished), None));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_sends_what_the_file_says_is_caught() {
    for sql in &MEANWHILE[..2] {
        let sql = sql.replace("row = 90", "row BETWEEN 21 AND 40");
        assert!(edited_meanwhile(&sql, true).await.1.is_some(), "{sql}");
    }
}
