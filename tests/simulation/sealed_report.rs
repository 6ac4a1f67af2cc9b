//! The sealed report over several processes, none of which can read the passwords that the others sealed.

use crate::{
    checkers::Row,
    sealed::{die, of},
    watch::Cut,
    world::World,
};
use passwave::{
    engine::run::{RunEnd, RunEvent, prepare, run},
    ledger::{LedgerError, ReportRow},
    report,
};
use std::{fs, future::pending};

/// A sealed report as the holder of the key reads it.
fn opened(world: &World, name: &str) -> Vec<Row> {
    let key: age::x25519::Identity = world.key.as_ref().expect("a key").parse().expect("a key");
    let sealed = fs::read(world.folder().join(name)).expect("a sealed report");
    crate::checkers::read(&age::decrypt(&key, &sealed).expect("it opens"))
}

#[tokio::test(start_paused = true)]
async fn unreadable_sealed_report_is_kept() {
    let mut world = of(r#"{"latency_ms": 100}"#, 90);
    let mut written = Vec::new();
    for (pilot, names) in [(30, [true, false, false]), (60, [true, true, false]), (90, [true, true, true])] {
        // Two runs of this process, half of the accounts each.
        world.options.pilot = Some(15);
        let mut ledger = world.open(world.options.pace.clock.now()).expect("a ledger");
        let mut renewed = Vec::new();
        for _ in 0..2 {
            let mut emit = |event| {
                if let RunEvent::Reissued { rows, in_doubt } = event {
                    renewed.push((rows, in_doubt));
                }
            };
            let end = run(&mut ledger, &world.tenant, &world.options, pending(), &mut emit).await;
            assert!(matches!(end, Ok(RunEnd::PilotEnded | RunEnd::Finished)), "{end:?}");
        }
        assert_eq!(renewed, [(120 - pilot, 0)], "once, and only what was not sent yet");
        // A process may do this twice: the second report replaces the first.
        for _ in 0..2 {
            let summary = report::write(&ledger).expect("reports");
            assert_eq!(summary.passwords_not_in_report, pilot - 30);
        }
        let there = ["report.csv.age", "report-1.csv.age", "report-2.csv.age"];
        assert_eq!(there.map(|name| world.folder().join(name).exists()), names, "at {pilot}");
        written = there.into_iter().take(pilot as usize / 30).collect();
    }
    let all = written.iter().flat_map(|name| opened(&world, name)).filter(|row| row.status == "reset");
    let held: Vec<u64> = all
        .filter(|row| world.tenant.holds(&world.accounts[row.row as usize - 1], &row.password))
        .map(|row| row.row)
        .collect();
    assert!((1..=90).all(|row| held.contains(&row)), "every account opens with one of them: {held:?}");
}

#[tokio::test(start_paused = true)]
async fn unreadable_earlier_password_is_reported() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 5);
    die(&world, Cut::BeforeAnswer(1)).await;
    let mut ledger = world.ledger();
    let end = prepare(&mut ledger, &world.tenant, &world.options, pending(), &mut |_| {}).await;
    assert_eq!(end.expect("ready"), None);
    let told = |row: ReportRow| {
        assert!(row.is_sealed && row.password.is_some() && row.earlier.is_empty() && row.ambiguous, "row {}", row.row);
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(told).expect("rows");
}
