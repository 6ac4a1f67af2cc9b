//! New passwords for rows whose own are sealed: which rows get one, when it may be sent, and that none is made twice.

use crate::{
    sealed::{die, of},
    watch::Cut,
};
use passwave::{
    engine::run::RunEnd,
    ledger::{FILE_NAME, Ledger},
    password::Password,
};

#[tokio::test(start_paused = true)]
async fn sealed_passwords_stay_unique() {
    let world = of("{}", 3);
    let planned = world.report();
    let used = |ledger: &Ledger| {
        let is_used = |password: &str| ledger.is_used(&Password::new(password.to_owned())).expect("an answer");
        (planned.iter().filter(|row| is_used(&row.password)).count(), is_used("Never-made-27"))
    };
    let mut ledger = world.ledger();
    assert_eq!(used(&ledger), (0, false), "nobody can tell without the key");
    let to_reissue = |after| {
        let rows = ledger.to_reissue(after, 2).expect("rows");
        rows.iter().map(|row| row.row).collect::<Vec<_>>()
    };
    assert_eq!((to_reissue(0), to_reissue(2)), (vec![1, 2], vec![3]));
    if let Some(keys) = world.keys() {
        ledger.unlock(&keys).expect("the right key");
    }
    assert_eq!(used(&ledger), (3, false));
}

#[tokio::test(start_paused = true)]
async fn new_password_outwaits_the_old() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 20);
    die(&world, Cut::BeforeSending(1)).await;
    let began = tokio::time::Instant::now();
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    let waited = began.elapsed().as_secs();
    assert!((119..130).contains(&waited), "{waited} s");
    world.check_ended();
    // With the key, the same password is sent, which is harmless at any time.
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 20);
    world.gives_key.set(true);
    die(&world, Cut::BeforeSending(1)).await;
    let began = tokio::time::Instant::now();
    assert!(matches!(world.run().await, Ok(RunEnd::Finished)));
    assert!(began.elapsed().as_secs() < 5);
}

#[tokio::test(start_paused = true)]
async fn waiting_uses_directory_clock() {
    let world = of(r#"{"latency_ms": 100, "denied": "reads"}"#, 1);
    die(&world, Cut::BeforeAnswer(1)).await;
    let kept = rusqlite::Connection::open(world.folder().join(FILE_NAME)).expect("a database");
    let sent: i64 = kept.query_row("SELECT sent_at FROM account", (), |row| row.get(0)).expect("a time");
    let mut ledger = world.ledger();
    ledger.set_clock_ahead(40_000);
    let now = sent + 10_000;
    let renewed = vec![(1, Password::new("Acorn-basket-27".into()))];
    assert_eq!(ledger.reissue(renewed, now, 120_000).expect("renewed"), 1);
    assert_eq!(ledger.next_due().expect("a time"), Some(now + 70_000), "fifty seconds are over");
}
