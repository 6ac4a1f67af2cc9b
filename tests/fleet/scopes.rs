//! Whom a 429 holds: the application in all tenants, or one tenant alone, as `x-ms-throttle-scope` says.

use crate::pacing::Tenant;
use passwave::{
    account::tenant::TenantName,
    engine::{dispatch::WaitReason, pace::AllTenants, run::RunEvent},
    graph::quota::Quota,
    simulator::{SimulatorConfig, Tenants},
};
use std::{cell::RefCell, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// Lets a large tenant run until Graph asks it to wait, and a small one begin then. Returns the reason of that wait, and how
/// many batches the small one has sent five seconds later.
async fn second_after_first(config: &SimulatorConfig) -> (WaitReason, u64) {
    let place = tempfile::tempdir().expect("a folder");
    let names = ["a.com", "b.com"].map(|name| TenantName::parse(name).expect("a domain"));
    let tenants = Tenants::new(&names, config);
    let of = |name: &str| Arc::clone(tenants.get(name).expect("served"));
    let (large, small) = (Tenant::at(place.path(), 0, 400, of("a.com")), Tenant::at(place.path(), 1, 20, of("b.com")));
    let (limit, waits) = (AllTenants::new(Quota::DOCUMENTED_WRITES), RefCell::new(Vec::new()));
    let mut emit = |event| {
        if let RunEvent::Waiting(waiting) = event {
            waits.borrow_mut().push(waiting);
        }
    };
    let first = large.run_with(&limit, &mut emit);
    let second = async {
        while waits.borrow().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
        let wait = waits.borrow()[0].clone();
        assert!(wait.wait > Duration::from_secs(6), "long enough to see a difference: {wait:?}");
        // It is still held, or it has ended.
        drop(timeout(Duration::from_secs(5), small.run_with(&limit, &mut |_| {})).await);
        wait.reason
    };
    let reason = tokio::select! {
        _ = first => panic!("the large tenant has ended"),
        reason = second => reason,
    };
    (reason, tenants.get("b.com").expect("served").tally().batches)
}

#[tokio::test(start_paused = true)]
async fn spent_application_holds_all_tenants() {
    let mut config = SimulatorConfig::default();
    config.application_writes = "100/100s".parse().expect("a quota");
    let (reason, batches) = second_after_first(&config).await;
    assert_eq!((reason, batches), (WaitReason::AskedOfApplication, 0));
}

#[tokio::test(start_paused = true)]
async fn spent_tenant_holds_itself_alone() {
    let config = SimulatorConfig::new("100/100s".parse().expect("a quota"), 0);
    let (reason, batches) = second_after_first(&config).await;
    assert_eq!((reason, batches), (WaitReason::Asked, 1));
}
