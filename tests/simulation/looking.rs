//! The lookup: the kind of an account decides about its row, and nothing is sent to an account that the plan skips.

use crate::{
    checkers::Row,
    pacing::note,
    scenarios::{Bent, config},
    watch::{Cut, Watch},
    world::World,
};
use passwave::{
    engine::{
        lookup::{LookupEnd, LookupError},
        reader::ReadError,
        run::{RunEnd, RunError},
    },
    graph::{BatchRequest, BatchResponse},
    ledger::LedgerError,
    outcome::{Cause, Kind, Skip},
    plan::{Lookup, Rules},
    simulator::{AccountKind, Simulator},
};
use std::{future::pending, time::Duration};

const KINDS: [(&str, AccountKind); 8] = [
    ("ann@contoso.com", AccountKind::Normal),
    ("bob@contoso.com", AccountKind::Missing),
    ("cy@contoso.com", AccountKind::Synced),
    ("dee@contoso.com", AccountKind::Disabled),
    ("eve_x.com#EXT#@contoso.com", AccountKind::Guest),
    ("fred@federated.example", AccountKind::Federated),
    ("gus@contoso.com", AccountKind::Admin),
    ("hal@contoso.com", AccountKind::AdminByGroup),
];

/// One account of each kind, an excluded one, and the first one again.
fn kinds(rules: Rules, faults: &str) -> World {
    let mut accounts: Vec<String> = KINDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    accounts.extend(["glass@contoso.com", "ANN@contoso.com"].map(str::to_owned));
    let world = World::with(config(faults), accounts, rules, &["GLASS@contoso.com"]);
    KINDS.iter().enumerate().for_each(|(at, (_, kind))| world.make(at + 1, *kind));
    world
}

fn ends(report: &[Row]) -> Vec<(&str, &str)> {
    report.iter().map(|row| (row.status.as_str(), row.code.as_str())).collect()
}

#[tokio::test(start_paused = true)]
async fn every_account_kind_gets_its_status() {
    for faults in ["{}", r#"{"items": {"throttled": 0.3, "throttled_seconds": 3}, "requests": {"lost_after": 0.3}}"#] {
        let world = kinds(Rules::default(), faults);
        assert_eq!(world.look(&world.tenant, pending()).await.expect("a look").0, LookupEnd::Done);
        let patches = world.tenant.tally().patches;
        assert_eq!(patches, 0, "a look writes nothing");
        assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
        let report = world.check_ended();
        let skipped = |code| ("skipped", code);
        let expected = [
            ("reset", ""),
            skipped("missing"),
            skipped("synced"),
            ("reset", ""),
            skipped("guest"),
            skipped("federated"),
            skipped("admin"),
            skipped("admin"),
            skipped("excluded"),
            skipped("duplicate"),
        ];
        assert_eq!(ends(&report), expected, "{faults}");
        for row in report.iter().filter(|row| row.status == "skipped" && row.code != "duplicate") {
            assert!(world.tenant.ever_given(&row.name).is_empty(), "{} was touched", row.name);
        }
        let kept = rusqlite::Connection::open(world.folder().join("ledger.db")).expect("the ledger");
        let sql = "SELECT count(*) FROM account WHERE state = 'skipped' AND password IS NOT NULL";
        let passwords: u64 = kept.query_row(sql, (), |row| row.get(0)).expect("a count");
        assert_eq!(passwords, 0, "no password is kept that is never sent");
    }
}

#[tokio::test(start_paused = true)]
async fn included_accounts_are_sent() {
    let rules = Rules { include_synced: true, include_admins: true, ..Rules::default() };
    let world = kinds(rules, "{}");
    let (_, warnings) = world.look(&world.tenant, pending()).await.expect("a look");
    assert!(warnings.iter().any(|warning| warning.contains("Privileged Authentication Administrator")), "{warnings:?}");
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let report = world.check_ended();
    let of = |row: usize| ends(&report)[row - 1];
    assert_eq!((of(3), of(7)), (("failed", "Request_BadRequest"), ("failed", "Authorization_RequestDenied")));
}

#[tokio::test(start_paused = true)]
async fn name_and_id_are_one_account() {
    let id = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";
    let name = format!("{id}@contoso.com");
    let world = World::new(config("{}"), vec!["ann@contoso.com".into(), id.to_uppercase(), name.clone()]);
    assert!(!world.ledger().is_looked_up().expect("readable"));
    world.look(&world.tenant, pending()).await.expect("a look");
    assert!(world.ledger().is_looked_up().expect("readable"));
    assert_eq!(world.ledger().renamed().expect("readable"), (0, vec![]), "an object id is no other name");
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let report = world.report();
    assert_eq!(ends(&report), [("reset", ""), ("reset", ""), ("skipped", "duplicate")]);
    assert_eq!(report[1].name, name, "an id is shown by its name now");
    assert_eq!(world.tenant.ever_given(&name).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn lookup_ramps_up_in_a_few_round_trips() {
    let world = World::of(config(r#"{"latency_ms": 80}"#), 5_000);
    assert_eq!(world.look(&world.tenant, pending()).await.expect("a look").0, LookupEnd::Done);
    let tally = world.tenant.tally();
    let (first, last) = tally.first_read.zip(tally.last_read).expect("reads");
    note(&format!("5,000 lookups at 80 ms: {:.2} s", (last - first).as_secs_f64()));
    assert!((last - first).as_secs_f64() <= 0.48 && tally.throttled == 0, "{:?}", last - first);
}

#[tokio::test(start_paused = true)]
async fn large_lookup_keeps_the_pace() {
    // If an answer takes a second, so does the start.
    for (latency, most) in [(300, 1.05), (1_000, 1.08)] {
        let world = World::of(config(&format!(r#"{{"latency_ms": {latency}}}"#)), 100_000);
        assert_eq!(world.look(&world.tenant, pending()).await.expect("a look").0, LookupEnd::Done);
        let tally = world.tenant.tally();
        assert_eq!((tally.reads, tally.throttled, tally.patches), (100_000, 0, 0));
        let (first, last) = tally.first_read.zip(tally.last_read).expect("reads");
        let share = (last - first).as_secs_f64() / ((100_000.0 - 8_000.0) / 800.0);
        note(&format!("100,000 lookups at {latency} ms: {share:.3} of the bound"));
        assert!(share <= most, "{latency} ms: {share}");
    }
}

#[tokio::test(start_paused = true)]
async fn lookup_survives_bad_luck() {
    let mut small = config(
        r#"{"items": {"throttled": 0.05, "throttled_seconds": 2, "unavailable": 0.05, "timeout": 0.02},
            "requests": {"unavailable": 0.05, "lost_after": 0.05, "truncated": 0.03}, "retry_after": "mixed",
            "responses": {"missing": 0.05}, "token": {"revoked_after_requests": 9},
            "outages": [{"from_seconds": 3, "seconds": 30}]}"#,
    );
    small.resource_units = "300/10s".parse().expect("a quota");
    let world = World::of(small, 3_000);
    (1..=60).for_each(|nth| world.make(nth * 50, AccountKind::Synced));
    assert_eq!(world.look(&world.tenant, pending()).await.expect("a look").0, LookupEnd::Done);
    assert_eq!((world.counts().planned, world.counts().skipped), (2_940, 60));
    assert!(world.ledger().kinds().expect("kinds").iter().all(|kind| kind.kind != Some(Kind::Reason(Skip::Unread))));
}

/// The planned action for each row, without its password.
fn plan(world: &World) -> Vec<String> {
    let ledger = rusqlite::Connection::open(world.folder().join("ledger.db")).expect("the ledger");
    let sql = "SELECT concat_ws(' ', row, state, error_code, kind, object_id, looked_up.user_principal_name)
               FROM account LEFT JOIN looked_up USING (row) ORDER BY row";
    let mut select = ledger.prepare(sql).expect("the schema");
    select.query_map((), |row| row.get(0)).expect("rows").map(|row| row.expect("a row")).collect()
}

#[tokio::test(start_paused = true)]
async fn interrupted_lookup_reaches_the_same_plan() {
    let whole = World::of(config(r#"{"latency_ms": 50}"#), 500);
    whole.look(&whole.tenant, pending()).await.expect("a look");
    let expected = plan(&whole);
    for nth in [1, 2, 5, 9] {
        let mut world = World::of(config(r#"{"latency_ms": 50}"#), 500);
        world.options.pace.concurrency = Some(16);
        let mut watch = Watch::new(&world.tenant, &world.folder());
        watch.new_process(Cut::BeforeAnswer(nth));
        tokio::select! {
            end = world.look(&watch, pending()) => panic!("it ended: {end:?}"),
            () = watch.reached.notified() => {}
        }
        assert!(!world.ledger().lookup_has_ended().expect("an answer"));
        watch.new_process(Cut::Never);
        assert_eq!(world.look(&watch, pending()).await.expect("a look").0, LookupEnd::Done);
        let ledger = world.ledger();
        ledger.must_be_as_planned().expect("the plan");
        drop(ledger);
        assert_eq!(plan(&world), expected, "cut at {nth}");
        assert!(world.tenant.tally().reads <= 500 + 320, "what was read is not read again");
    }
}

#[tokio::test(start_paused = true)]
async fn total_refusal_takes_five_batches() {
    for (rows, batch_size) in [(3, 20), (20, 20), (5_000, 20), (5_000, 7), (300, 1), (3, 1)] {
        let mut world = World::of(config(r#"{"denied": "everything", "latency_ms": 100}"#), rows);
        world.options.pace.batch_size = batch_size;
        let (end, warnings) = world.look(&world.tenant, pending()).await.expect("no end of it");
        assert_eq!(end, LookupEnd::Without);
        assert!(warnings.iter().any(|warning| warning.contains("User-PasswordProfile.ReadWrite.All")), "{warnings:?}");
        assert!(warnings.iter().any(|warning| warning.contains("User.Read.All")), "{warnings:?}");
        let end = world.run().await;
        assert!(matches!(end, Err(RunError::Everyone { cause: Cause::Permission, .. })), "{end:?}");
        let batches = world.tenant.tally().batches;
        assert!(batches <= 5, "{batches} batches of {batch_size} for {rows}");
        assert_eq!(world.counts().planned, rows as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn plan_uses_names_without_permission() {
    let world = World::of(config(r#"{"denied": "reads"}"#), 50);
    assert_eq!(world.look(&world.tenant, pending()).await.expect("no look").0, LookupEnd::Without);
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    assert_eq!(world.counts().reset, 50);
    let rules = Rules { lookup: Lookup::Required, ..Rules::default() };
    let world = World::with(config(r#"{"denied": "reads"}"#), vec!["ann@contoso.com".into()], rules, &[]);
    assert!(matches!(world.look(&world.tenant, pending()).await, Err(LookupError::Denied(_))));
    assert!(!world.ledger().lookup_has_ended().expect("an answer"));
}

/// A tenant that cannot process the first row.
fn odd(tenant: &Simulator) -> Bent<'_, impl Fn(&BatchRequest, &mut BatchResponse)> {
    Bent(tenant, |_: &BatchRequest, response: &mut BatchResponse| {
        for reply in response.replies.iter_mut().filter(|reply| reply.row == Some(1)) {
            (reply.status, reply.code, reply.user) = (400, "Request_BadRequest".into(), None);
        }
    })
}

#[tokio::test(start_paused = true)]
async fn one_odd_account_is_tolerated() {
    let mut world = World::of(config("{}"), 40);
    world.options.pace.batch_size = 1;
    assert_eq!(world.look(&odd(&world.tenant), pending()).await.expect("a look").0, LookupEnd::Done);
    let kinds = world.ledger().kinds().expect("kinds");
    let kinds: Vec<_> = kinds.iter().map(|kind| (kind.kind.map_or("", Kind::as_str), kind.number)).collect();
    assert_eq!(kinds, [("ready", 39), ("unread", 1)]);
    let alone = World::of(config("{}"), 1);
    let end = alone.look(&odd(&alone.tenant), pending()).await;
    assert!(matches!(end, Err(LookupError::Read(ReadError::Unclear(_)))), "{end:?}");
}

/// A tenant whose answers about some rows contain no account.
fn garbled(tenant: &Simulator, every: u64) -> Bent<'_, impl Fn(&BatchRequest, &mut BatchResponse)> {
    Bent(tenant, move |_: &BatchRequest, response: &mut BatchResponse| {
        let of_those = |row: &u64| row.is_multiple_of(every);
        for reply in response.replies.iter_mut().filter(|reply| reply.row.as_ref().is_some_and(of_those)) {
            reply.user = None;
        }
    })
}

#[tokio::test(start_paused = true)]
async fn unclear_answers_are_not_denials() {
    for rows in [1, 3, 500] {
        let world = World::of(config("{}"), rows);
        let end = world.look(&garbled(&world.tenant, 1), pending()).await;
        let said = end.expect_err("nothing is known of the accounts").to_string();
        assert!(said.contains("cannot be understood"), "{said}");
        assert!(!said.contains("User.Read.All") && !world.ledger().lookup_has_ended().expect("an answer"));
    }
}

#[tokio::test(start_paused = true)]
async fn unclear_account_is_skipped() {
    let mut world = World::of(config("{}"), 40);
    world.options.pace.batch_size = 7;
    let tenant = garbled(&world.tenant, 20);
    assert_eq!(world.look(&tenant, pending()).await.expect("a look").0, LookupEnd::Done);
    assert_eq!(world.run().await.expect("an end"), RunEnd::Finished);
    let report = world.check_ended();
    for (at, row) in report.iter().enumerate() {
        let is_skipped = (at + 1) % 20 == 0;
        assert_eq!(
            (row.status.as_str(), row.code == "unread"),
            (if is_skipped { "skipped" } else { "reset" }, is_skipped)
        );
        assert_eq!(world.tenant.ever_given(&row.name).is_empty(), is_skipped, "{}", row.name);
    }
}

#[tokio::test(start_paused = true)]
async fn postponing_tenant_is_not_forbidden() {
    let mut world = kinds(Rules::default(), r#"{"items": {"throttled": 1.0, "throttled_seconds": 5}}"#);
    world.options.pace.max_wait = Duration::from_secs(60);
    assert!(matches!(world.look(&world.tenant, pending()).await, Err(LookupError::Tenant(_))));
    assert!(!world.ledger().lookup_has_ended().expect("an answer"), "it continues later");
}

#[tokio::test(start_paused = true)]
async fn unrecognized_exclusions_are_reported() {
    for (excluded, warns) in [(&["glass@contoso.com"][..], true), (&[], false)] {
        let world =
            World::with(config(r#"{"denied": "reads"}"#), vec!["ann@contoso.com".into()], Rules::default(), excluded);
        let (_, warnings) = world.look(&world.tenant, pending()).await.expect("no look");
        assert_eq!(warnings.iter().any(|warning| warning.contains("an excluded account")), warns, "{warnings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn unreadable_tenant_facts_are_reported() {
    for (denied, permission) in [("roles", "RoleManagement.Read.Directory"), ("domains", "Domain.Read.All")] {
        let world = kinds(Rules::default(), &format!(r#"{{"denied": "{denied}"}}"#));
        let (end, warnings) = world.look(&world.tenant, pending()).await.expect("a look");
        assert_eq!(end, LookupEnd::Done);
        assert!(warnings.iter().any(|warning| warning.contains(permission)), "{denied}: {warnings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tampered_plan_names_the_row() {
    for (row, change) in [
        (3, "UPDATE roster SET user_principal_name = 'eve@contoso.com' WHERE row = 3"),
        (3, "UPDATE looked_up SET object_id = '0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b' WHERE row = 3"),
        (3, "UPDATE account SET state = 'skipped', error_code = 'excluded' WHERE row = 3"),
        (2, "UPDATE account SET password = 'Known-to-me-2026!' WHERE row = 2"),
        (5, "DELETE FROM account WHERE row = 5"),
    ] {
        let world = World::of(config("{}"), 5);
        world.look(&world.tenant, pending()).await.expect("a look");
        let approved = world.ledger().fingerprint().expect("a fingerprint");
        assert_eq!(world.ledger().fingerprint_now().expect("a fingerprint"), approved, "computed again");
        let ledger = rusqlite::Connection::open(world.folder().join("ledger.db")).expect("the ledger");
        ledger.execute(change, ()).expect("a change");
        let refused = world.ledger().fingerprint_now();
        assert!(
            matches!(refused, Err(LedgerError::Changed { row: found, .. }) if found == row),
            "{change}: {refused:?}"
        );
    }
}
