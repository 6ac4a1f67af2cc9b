//! Engines without a protection, each of which the checkers in this folder must catch.

use super::Plan;
use crate::forger::Forger;
use passwave::engine::run::RunEnd;

/// Edits after which a forger computes every hash again, so that only a comparison with the approved plan reveals them.
const FORGED: [&str; 2] = [
    "UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2",
    "UPDATE looked_up SET object_id = 'CEO' WHERE row = 2",
];

#[tokio::test(start_paused = true)]
async fn ignoring_the_fingerprint_is_caught() {
    for sql in FORGED {
        let plan = Plan::new(3).await;
        let (sql, file) = (sql.replace("CEO", &plan.id_of_ceo().await), plan.file());
        file.execute_batch(&sql).expect("an edit");
        Forger::of(&file).forge(&file);
        drop(file);
        let end = plan.run_as(&plan.world.tenant, &plan.world.options, None).await;
        assert_eq!(end, Ok(RunEnd::Finished), "{sql}");
        assert!(plan.unapproved().is_some(), "{sql}");
    }
}

/// A trigger that hides a lost answer from the row, as a stranger could have added it to the file.
const HIDES: &str = "CREATE TRIGGER t AFTER UPDATE OF doubt ON account WHEN new.state = 'planned' AND new.doubt = 1
                     BEGIN UPDATE account SET doubt = 0, proof = NULL WHERE row = new.row; END";

#[tokio::test(start_paused = true)]
async fn ignoring_the_schema_is_caught() {
    let plan = Plan::new(6).await;
    plan.edit(HIDES);
    plan.must_refuse(&["the trigger t, which passwave never creates"]).await;
    let mut plan = Plan::new(6).await;
    plan.edit(HIDES);
    plan.world.has_triggers.set(true);
    let wrong = super::doubts::loses_one(&mut plan, "").await;
    assert!(wrong.is_some_and(|wrong| wrong.contains("reported as failed")));
}

/// An engine that does not compare tenants uses the accounts of another tenant instead of those in the plan.
#[tokio::test(start_paused = true)]
async fn ignoring_the_tenant_is_caught() {
    let (plan, elsewhere) = (Plan::new(3).await, Plan::new(3).await);
    assert_eq!(plan.unapproved(), None);
    let end = plan.run_as(&elsewhere.world.tenant, &plan.world.options, Some(&plan.fingerprint)).await;
    assert_eq!(end, Ok(RunEnd::Finished));
    assert!(elsewhere.unapproved().is_some(), "what it writes there is seen");
    assert!(plan.false_report().is_some_and(|wrong| wrong.contains("reported as reset")), "and its report is wrong");
}

/// A forger who added a recipient to the settings of a sealed run, and computed every hash again.
#[cfg(feature = "seal")]
#[tokio::test(start_paused = true)]
async fn ignoring_the_recipients_is_caught() {
    let evil = age::x25519::Identity::generate();
    let world = crate::sealed::of("{}", 3);
    world.look(&world.tenant, std::future::pending()).await.expect("a look");
    let fingerprint = world.ledger().fingerprint().expect("a fingerprint");
    let own = world.ledger().settings().sealing.as_ref().expect("sealed").recipients[0].clone();
    let plan = Plan { world, fingerprint, passwords: Vec::new() };
    let file = plan.file();
    let swap = "UPDATE run SET value = replace(value, ?1, ?2) WHERE name = 'settings'";
    file.execute(swap, (own, evil.to_public().to_string())).expect("an edit");
    Forger::of(&file).forge(&file);
    drop(file);
    // This engine compares no fingerprint, and does not have the planner's key.
    let end = plan.run_as(&plan.world.tenant, &plan.world.options, None).await;
    assert_eq!(end, Ok(RunEnd::Finished));
    let wrapped = |number: u32| -> Vec<u8> {
        let sql = "SELECT wrapped FROM data_key WHERE number = ?1";
        plan.file().query_row(sql, [number], |row| row.get(0)).expect("a data key")
    };
    assert!(age::decrypt(&evil, &wrapped(1)).is_err(), "the plan's own is sealed to who was approved");
    assert!(age::decrypt(&evil, &wrapped(2)).is_ok(), "a key that was not approved opens the sent passwords");
}
