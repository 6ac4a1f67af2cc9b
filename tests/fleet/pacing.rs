//! Many tenants side by side, on a clock that skips all waiting: broken ones cost the others nothing, and the limit for the
//! application is kept.

use passwave::{
    engine::{
        pace::AllTenants,
        run::{RunEnd, RunEvent, RunOptions, run},
    },
    fleet::{OPEN_MAX, in_turn, side_by_side},
    graph::quota::Quota,
    ledger::Ledger,
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
    simulator::{Account, Faults, Simulator, SimulatorConfig},
};
use std::{future::pending, path::Path, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A tenant with this many accounts, and the ledger of a run over them.
pub struct Tenant {
    ledger: std::cell::RefCell<Option<Ledger>>,
    simulator: Arc<Simulator>,
    accounts: u64,
}

impl Tenant {
    fn new(place: &Path, nth: usize, accounts: u64, faults: &str) -> Self {
        let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
        let simulator = Simulator::new(SimulatorConfig::default().with_faults(faults));
        Self::at(place, nth, accounts, Arc::new(simulator))
    }

    /// A tenant that this simulator plays.
    pub fn at(place: &Path, nth: usize, accounts: u64, simulator: Arc<Simulator>) -> Self {
        let upns: Vec<String> = (0..accounts).map(|at| format!("user{at}@t{nth}.com")).collect();
        upns.iter().for_each(|upn| simulator.add(Account::normal(upn)));
        let text = format!("upn\n{}\n", upns.join("\n")).into_bytes();
        let roster = Roster::from_bytes("r.csv", text, &RosterOptions::default()).expect("a roster");
        let policy = PasswordPolicy::default();
        let mut settings = Settings::new(&roster, policy.clone());
        settings.rehearsal = true;
        let plan = Plan::new(&roster, Generator::new(&policy).expect("a generator"));
        let created = Ledger::create(&place.join(format!("t{nth}")), settings, plan).expect("a ledger");
        Self { ledger: Some(created.ledger).into(), simulator, accounts }
    }

    /// How the run ended, and how long it took.
    async fn run(&self, limit: &AllTenants) -> (bool, Duration) {
        self.run_with(limit, &mut |_| {}).await
    }

    /// The same; `emit` sees what happens.
    pub async fn run_with(&self, limit: &AllTenants, emit: &mut dyn FnMut(RunEvent)) -> (bool, Duration) {
        let start = Instant::now();
        let mut options = RunOptions::default();
        options.pace.all_tenants = Some(limit.clone());
        options.pace.max_wait = Duration::from_secs(60);
        options.pace.max_asked = Duration::from_secs(60);
        let mut ledger = self.ledger.take().expect("one run each");
        let end = run(&mut ledger, self.simulator.as_ref(), &options, pending(), emit).await;
        (matches!(end, Ok(RunEnd::Finished)), start.elapsed())
    }
}

async fn all(tenants: &[Tenant]) -> Vec<(bool, Duration)> {
    let limit = AllTenants::new(Quota::DOCUMENTED_WRITES);
    let order = in_turn(&tenants.iter().map(|tenant| tenant.accounts).collect::<Vec<_>>());
    let mut ended: Vec<_> = side_by_side(order, OPEN_MAX, async |at| (at, tenants[at].run(&limit).await)).await;
    ended.sort_by_key(|(at, _)| *at);
    ended.into_iter().map(|(_, end)| end).collect()
}

/// Each of them breaks a tenant: no consent, wrong secret, nothing may be written, no network, everything throttled, and
/// every request refused.
const BROKEN: [&str; 6] = [
    r#"{"latency_ms": 300, "token": {"refused": 65001}}"#,
    r#"{"latency_ms": 300, "token": {"refused": 7000215}}"#,
    r#"{"latency_ms": 300, "denied": "writes"}"#,
    r#"{"latency_ms": 300, "outages": [{"from_seconds": 0, "seconds": 86400}]}"#,
    r#"{"latency_ms": 300, "requests": {"throttled": 1, "retry_after_seconds": 3600}}"#,
    r#"{"latency_ms": 300, "requests": {"unavailable": 1}}"#,
];
const CALM: &str = r#"{"latency_ms": 300}"#;

#[tokio::test(start_paused = true)]
async fn broken_tenants_cost_the_others_nothing() {
    let time = async |broken: bool| {
        let place = tempfile::tempdir().expect("a folder");
        let faults = |nth: usize| BROKEN.get(nth).filter(|_| broken).copied().unwrap_or(CALM);
        let from = if broken { 0 } else { BROKEN.len() };
        let tenants: Vec<Tenant> = (from..20).map(|nth| Tenant::new(place.path(), nth, 1_000, faults(nth))).collect();
        let ended = all(&tenants).await;
        let (bad, good) = ended.split_at(if broken { BROKEN.len() } else { 0 });
        assert!(bad.iter().all(|(finished, _)| !finished), "{bad:?}");
        assert!(good.iter().all(|(finished, _)| *finished), "{good:?}");
        good.iter().map(|(_, took)| *took).max().expect("some")
    };
    let (with, without) = (time(true).await, time(false).await);
    assert!(with <= without.mul_f64(1.05), "{with:?} beside broken ones, {without:?} alone");
}

#[tokio::test(start_paused = true)]
async fn application_keeps_its_limit_and_small_tenants_their_share() {
    let place = tempfile::tempdir().expect("a folder");
    // 14 huge tenants use up what the application has at once; the small ones come with them.
    let sizes: Vec<u64> = std::iter::repeat_n(4_000, 14).chain(std::iter::repeat_n(60, 20)).collect();
    let tenants: Vec<Tenant> =
        sizes.iter().enumerate().map(|(nth, size)| Tenant::new(place.path(), nth, *size, CALM)).collect();
    let ended = all(&tenants).await;
    assert!(ended.iter().all(|(finished, _)| *finished), "{ended:?}");
    let (huge, small) = ended.split_at(14);
    let last = |some: &[(bool, Duration)]| some.iter().map(|(_, took)| *took).max().expect("some");
    // 57,200 accounts: 35,000 at once, and 116.67 a second.
    assert!(last(huge) >= Duration::from_secs(190), "{:?}", last(huge));
    assert!(last(huge) <= Duration::from_secs(215), "{:?}", last(huge));
    assert!(last(small) <= Duration::from_secs(30), "{:?}", last(small));
    let throttled: u64 = tenants.iter().map(|tenant| tenant.simulator.tally().throttled).sum();
    assert_eq!(throttled, 0);
}
