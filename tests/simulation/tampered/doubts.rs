//! Someone edits the doubt about a row that has not ended, during the run or between two processes.

use super::Plan;
use crate::{scenarios::config, watch::Cut};
use passwave::{
    engine::run::RunEnd,
    graph::{BatchRequest, BatchResponse, Graph, Operation, Page, SendError, claims::Claims},
    simulator::AccountKind,
};
use std::cell::Cell;

/// Loses the answer to the first write, whose account then refuses all writes; edits the ledger when the second one is
/// sent.
struct Loses<'a> {
    plan: &'a Plan,
    sql: &'a str,
    writes: Cell<u32>,
}

impl Graph for Loses<'_> {
    async fn send(&self, batch: &BatchRequest) -> Result<BatchResponse, SendError> {
        let answer = self.plan.world.tenant.send(batch).await;
        if batch.requests.iter().any(|request| matches!(request.operation, Operation::Read)) {
            return answer;
        }
        self.writes.set(self.writes.get() + 1);
        match self.writes.get() {
            1 => {
                self.plan.world.make(1, AccountKind::Synced);
                return Err(SendError::Lost("the line went dead".into()));
            }
            2 => self.plan.edit(self.sql),
            _ => {}
        }
        answer
    }

    async fn page(&self, url: &str) -> Result<Page, SendError> {
        self.plan.world.tenant.page(url).await
    }

    async fn claims(&self) -> Result<Option<Claims>, SendError> {
        self.plan.world.tenant.claims().await
    }
}

/// The violation after a run that loses the answer of row 1. `sql` runs meanwhile, unless it is empty.
pub async fn loses_one(plan: &mut Plan, sql: &str) -> Option<String> {
    plan.world.options.pace.batch_size = 1;
    plan.world.options.pace.concurrency = Some(1);
    let loses = Loses { plan, sql, writes: Cell::new(0) };
    plan.run_expected(&loses, &plan.world.options).await.expect("an end");
    plan.unapproved().or(plan.false_report())
}

/// The result of editing row 1, whose answer is lost, during the run; and the result of continuing.
async fn edited(sql: &str) -> (Result<RunEnd, String>, Result<RunEnd, String>, Option<String>) {
    let mut plan = Plan::new(6).await;
    plan.world.options.pace.batch_size = 1;
    plan.world.options.pace.concurrency = Some(1);
    let loses = Loses { plan: &plan, sql, writes: Cell::new(0) };
    let first = plan.run_expected(&loses, &plan.world.options).await;
    let second = plan.run_expected(&plan.world.tenant, &plan.world.options).await;
    (first, second, plan.unapproved().or(plan.false_report()))
}

#[tokio::test(start_paused = true)]
async fn edited_doubt_is_refused() {
    for sql in [
        "UPDATE account SET doubt = 0 WHERE row = 1",
        "UPDATE account SET doubt = 2 WHERE row = 1",
        "UPDATE account SET doubt = 3 WHERE row = 1",
        "UPDATE account SET proof = NULL WHERE row = 1",
        "UPDATE account SET proof = 7 WHERE row = 1",
    ] {
        let (first, second, wrong) = edited(sql).await;
        for end in [first, second] {
            let told = end.expect_err(sql);
            assert!(told.contains("row 1 ") && told.contains("what is in doubt about it was changed"), "{sql}: {told}");
        }
        assert_eq!(wrong, None, "{sql}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_doubt_edits_are_harmless() {
    for sql in [
        "UPDATE account SET attempts = 0 WHERE row = 1",
        "UPDATE account SET troubles = 0 WHERE row = 1",
        "UPDATE account SET troubles = 4000000000 WHERE row = 1",
        "UPDATE account SET not_before = 0 WHERE row = 1",
        "UPDATE account SET not_before = 9223372036854775807 WHERE row = 1",
        "UPDATE account SET not_before = -9223372036854775808 WHERE row = 1",
        "UPDATE account SET sent_at = 0 WHERE row = 1",
    ] {
        let (first, _, wrong) = edited(sql).await;
        assert_eq!((first, wrong), (Ok(RunEnd::Finished), None), "{sql}");
    }
}

#[tokio::test(start_paused = true)]
async fn believing_edited_doubts_is_caught() {
    // Without a proof there is nothing to compare, as in an engine that compares none.
    let (first, _, wrong) = edited("UPDATE account SET doubt = 0, proof = NULL WHERE row = 1").await;
    assert_eq!(first, Ok(RunEnd::Finished));
    assert!(wrong.is_some_and(|wrong| wrong.contains("row 1 is reported as failed")));
}

#[tokio::test(start_paused = true)]
async fn in_flight_is_never_unsent() {
    for sql in [
        "UPDATE account SET state = 'planned' WHERE state = 'in_flight'",
        "UPDATE account SET doubt = 2 WHERE state = 'in_flight'",
    ] {
        let mut plan = Plan::of(config(r#"{"latency_ms": 100}"#), 60).await;
        crate::afterwards::die(&mut plan.world, Cut::BeforeAnswer(2)).await;
        (21..=40).for_each(|row| plan.world.make(row, AccountKind::Synced));
        plan.edit(sql);
        let told = plan.run_expected(&plan.world.tenant, &plan.world.options).await.expect_err(sql);
        assert!(told.contains("row 21 ") && told.contains("what is in doubt about it was changed"), "{sql}: {told}");
        assert_eq!(plan.unapproved().or(plan.false_report()), None, "{sql}");
    }
}
