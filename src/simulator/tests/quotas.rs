//! Tests what the quotas grant, and how they refuse.

use super::*;
use std::time::Duration;
use tokio::time::advance;

fn client(writes: &str, faults_json: &str) -> Client {
    let faults = faults(faults_json);
    let write_quota = writes.parse().expect("a quota");
    Client::of(SimulatorConfig { faults, ..SimulatorConfig::new(write_quota, 1) })
}

fn retry_after(said: &Said) -> Vec<Option<String>> {
    let items = said.body["responses"].as_array().expect("responses");
    let throttled = items.iter().filter(|item| item["status"] == 429);
    throttled.map(|item| item["headers"]["Retry-After"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(start_paused = true)]
async fn only_excess_items_are_throttled() {
    let client = client("10/10s", "{}");
    let said = client.wave(20);
    assert_eq!(said.status, 200);
    assert_eq!(said.statuses().iter().filter(|status| **status == 429).count(), 10);
    // At the tenth refused item, the bucket is nine units in debt, and the item needs one more.
    let told: Vec<u64> = retry_after(&said).iter().flatten().filter_map(|value| value.parse().ok()).collect();
    assert_eq!((told.iter().min(), told.iter().max()), (Some(&2), Some(&11)));
    assert_eq!((client.sim.tally().writes, client.sim.tally().throttled), (10, 10));
    let item = said.body["responses"].as_array().expect("responses").iter().find(|item| item["status"] == 429);
    let item = item.expect("a throttled item");
    assert_eq!(item["body"]["error"]["code"], "TooManyRequests");
    assert_eq!(item["headers"]["x-ms-throttle-information"], "WriteLimitExceeded");
    assert!(item["headers"]["x-ms-throttle-scope"].as_str().expect("a scope").starts_with("Tenant_Application/Write/"));
    let used: f64 = item["headers"]["x-ms-throttle-limit-percentage"].as_str().expect("a share").parse().expect("one");
    assert!((1.0..=1.8).contains(&used), "{used}");
}

#[tokio::test(start_paused = true)]
async fn early_retries_are_counted() {
    let client = client("10/10s", r#"{"quota_full": 0}"#);
    let patch = || client.wave(1).statuses()[0];
    assert_eq!(patch(), 429);
    advance(Duration::from_secs(1)).await;
    assert_eq!((patch(), client.sim.tally().early), (429, 1));
    advance(Duration::from_secs(2)).await;
    assert_eq!((patch(), client.sim.tally().early), (204, 1));
}

#[tokio::test(start_paused = true)]
async fn resource_units_have_their_own_quota() {
    let resource_units = "4/4s".parse().expect("a quota");
    let client = Client::of(SimulatorConfig { resource_units, ..SimulatorConfig::default() });
    let said = client.wave(6);
    assert_eq!(said.statuses().iter().filter(|status| **status == 429).count(), 2);
    assert_eq!(client.ask("GET", "/v1.0/users/user0@contoso.com", "").status, 429);
    let item = said.body["responses"].as_array().expect("responses").iter().find(|item| item["status"] == 429);
    assert_eq!(item.expect("one")["headers"]["x-ms-throttle-information"], "ResourceUnitLimitExceeded");
}

#[tokio::test(start_paused = true)]
async fn usage_is_reported_from_80_percent() {
    let client = client("20/1000s", "{}");
    let told = |said: &Said| {
        let items = said.body["responses"].as_array().expect("responses").clone();
        items.iter().filter(|item| item["headers"]["x-ms-throttle-limit-percentage"].is_string()).count()
    };
    assert_eq!((told(&client.wave(16)), told(&client.wave(2))), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn retry_after_has_every_form() {
    for form in ["fraction", "date", "one", "absent"] {
        let client = client("20/30s", &format!(r#"{{"quota_full": 0, "retry_after": "{form}"}}"#));
        let value = retry_after(&client.wave(1)).remove(0);
        let parsed = value.as_deref().and_then(|value| crate::graph::retry_after::parse(value, Timestamp::now()));
        match form {
            "fraction" => assert_eq!(value.as_deref(), Some("3.000")),
            "one" => assert_eq!(value.as_deref(), Some("1")),
            "absent" => assert_eq!(value, None),
            _ => assert!(parsed.is_some_and(|wait| (2.0..=5.0).contains(&wait.as_secs_f64())), "{value:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn competing_application_uses_the_quota() {
    let client = client("20/10s", r#"{"quota_full": 0, "competing": {"units_per_second": 1.5}}"#);
    advance(Duration::from_secs(10)).await;
    assert_eq!(client.wave(20).statuses().iter().filter(|status| **status == 204).count(), 5);
}
