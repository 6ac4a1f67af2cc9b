//! Defaults, presets and limits of the faults. It decides what a file may contain, never what happens.

use super::{
    BrowserFault, Competing, Complexity, Denied, Faults, FaultsError, HeaderCase, ItemFaults, RefreshFault,
    RequestFaults, ResponseFaults, RetryAfterForm, Stall, TokenFaults, Window, WritebackFaults,
};
use crate::JsonError;
use std::collections::HashMap;

/// Longest time in seconds, and highest rate per second, in a fault.
const NUMBER_MAX: f64 = 86_400.0;
/// The wait of a 429 in Graph's documentation, in seconds.
const RETRY_AFTER_SECONDS: f64 = 10.0;
/// Lifetime of a new token in Entra, in seconds.
const TOKEN_SECONDS: u32 = 3_599;
/// Polling interval and lifetime of a device code in Entra, in seconds.
const DEVICE_INTERVAL_SECONDS: u32 = 5;
const DEVICE_SECONDS: u32 = 900;
/// How long a password takes to reach the on-premises directory, in seconds: about a quarter of a minute was measured
/// once.
const WRITEBACK_SECONDS: f64 = 10.0;

impl Default for Faults {
    fn default() -> Self {
        Self {
            quota_full: 1.0,
            latency_ms: 0,
            latency_jitter_ms: 0,
            stall: Stall::default(),
            items: ItemFaults::default(),
            requests: RequestFaults::default(),
            responses: ResponseFaults::default(),
            token: TokenFaults::default(),
            outages: Vec::new(),
            competing: Competing::default(),
            denied: Denied::Nothing,
            premium: true,
            accounts: HashMap::new(),
            synced: 0.0,
            writeback: WritebackFaults::default(),
            replication_lag_seconds: 0.0,
            complexity: Complexity::default(),
            tenants: HashMap::new(),
            retry_after: RetryAfterForm::Seconds,
            header_case: HeaderCase::Canonical,
        }
    }
}

impl Default for ItemFaults {
    fn default() -> Self {
        Self {
            throttled: 0.0,
            throttled_seconds: RETRY_AFTER_SECONDS,
            unavailable: 0.0,
            timeout: 0.0,
            applied: 0.0,
            conflict: 0.0,
            conflict_as_bad_request: 0.0,
            odd_success: 0.0,
        }
    }
}

impl Default for RequestFaults {
    fn default() -> Self {
        Self {
            throttled: 0.0,
            retry_after_seconds: RETRY_AFTER_SECONDS,
            unavailable: 0.0,
            timeout: 0.0,
            bad_gateway: 0.0,
            applied: 0.0,
            lost_before: 0.0,
            lost_after: 0.0,
            truncated: 0.0,
        }
    }
}

impl Default for TokenFaults {
    fn default() -> Self {
        Self {
            seconds: TOKEN_SECONDS,
            revoked_after_requests: 0,
            device_polls: 1,
            device_interval_seconds: DEVICE_INTERVAL_SECONDS,
            device_seconds: DEVICE_SECONDS,
            refresh_once: false,
            refused: 0,
            of_tenant: String::new(),
            refresh_refused: RefreshFault::Nothing,
            browser: BrowserFault::Nothing,
            browser_seconds: 0,
        }
    }
}

impl Default for WritebackFaults {
    fn default() -> Self {
        Self { off: false, seconds: WRITEBACK_SECONDS, slow: 0.0, refused: 0.0, endless: 0.0, without_address: 0.0 }
    }
}

impl Default for Complexity {
    fn default() -> Self {
        Self { share: 0.0, times: 1 }
    }
}

impl Faults {
    /// No faults; the default.
    #[must_use]
    pub fn calm() -> Self {
        Self::default()
    }

    /// A little of every temporary fault: a run that retries reaches the end.
    #[must_use]
    pub fn storm() -> Self {
        Self {
            quota_full: 0.5,
            latency_ms: 250,
            latency_jitter_ms: 250,
            stall: Stall { share: 0.005, seconds: 20.0 },
            items: ItemFaults {
                throttled: 0.01,
                unavailable: 0.01,
                timeout: 0.01,
                applied: 0.5,
                conflict: 0.01,
                conflict_as_bad_request: 0.01,
                ..ItemFaults::default()
            },
            requests: RequestFaults {
                throttled: 0.01,
                unavailable: 0.01,
                timeout: 0.01,
                bad_gateway: 0.01,
                applied: 0.5,
                lost_before: 0.01,
                lost_after: 0.01,
                truncated: 0.01,
                ..RequestFaults::default()
            },
            responses: ResponseFaults { missing: 0.005, repeated: 0.005, unknown: 0.01, empty_bodies: 0.3 },
            token: TokenFaults { revoked_after_requests: 50, ..TokenFaults::default() },
            outages: vec![Window { from_seconds: 60.0, seconds: 20.0 }],
            competing: Competing { units_per_second: 10.0, from_seconds: 30.0, seconds: Some(120.0) },
            complexity: Complexity { share: 0.02, times: 1 },
            retry_after: RetryAfterForm::Mixed,
            header_case: HeaderCase::Mixed,
            ..Self::default()
        }
    }

    /// Parses faults from a JSON object and checks them.
    ///
    /// # Errors
    /// Fails if the JSON is invalid, or if a field is misspelled or out of bounds; the error names the field.
    pub fn from_json(json: &[u8]) -> Result<Self, FaultsError> {
        let faults: Self = serde_json::from_slice(json).map_err(|error| FaultsError::Unreadable(JsonError(error)))?;
        faults.check()?;
        Ok(faults)
    }

    /// Checks that every share and every time is within its bounds.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn check(&self) -> Result<(), FaultsError> {
        for (field, value) in self.shares() {
            if !(0.0..=1.0).contains(&value) {
                return Err(FaultsError::Share { field, value });
            }
        }
        for (section, sum) in [("items", self.items.sum()), ("requests", self.requests.sum())] {
            // A sum of decimal shares may miss 1 slightly.
            if sum > 1.0 + 1e-9 {
                return Err(FaultsError::Sum { section, sum });
            }
        }
        for (field, value) in self.numbers() {
            if !(0.0..=NUMBER_MAX).contains(&value) {
                return Err(FaultsError::Number { field, value });
            }
        }
        for (name, faults) in &self.tenants {
            if !faults.tenants.is_empty() {
                return Err(FaultsError::Nested(name.clone()));
            }
            faults.check()?;
        }
        Ok(())
    }

    fn shares(&self) -> [(&'static str, f64); 27] {
        [
            ("quota_full", self.quota_full),
            ("stall.share", self.stall.share),
            ("items.throttled", self.items.throttled),
            ("items.unavailable", self.items.unavailable),
            ("items.timeout", self.items.timeout),
            ("items.applied", self.items.applied),
            ("items.conflict", self.items.conflict),
            ("items.conflict_as_bad_request", self.items.conflict_as_bad_request),
            ("items.odd_success", self.items.odd_success),
            ("requests.throttled", self.requests.throttled),
            ("requests.unavailable", self.requests.unavailable),
            ("requests.timeout", self.requests.timeout),
            ("requests.bad_gateway", self.requests.bad_gateway),
            ("requests.applied", self.requests.applied),
            ("requests.lost_before", self.requests.lost_before),
            ("requests.lost_after", self.requests.lost_after),
            ("requests.truncated", self.requests.truncated),
            ("responses.missing", self.responses.missing),
            ("responses.repeated", self.responses.repeated),
            ("responses.unknown", self.responses.unknown),
            ("responses.empty_bodies", self.responses.empty_bodies),
            ("complexity.share", self.complexity.share),
            ("synced", self.synced),
            ("writeback.slow", self.writeback.slow),
            ("writeback.refused", self.writeback.refused),
            ("writeback.endless", self.writeback.endless),
            ("writeback.without_address", self.writeback.without_address),
        ]
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared with a bound far below 2^52")]
    fn numbers(&self) -> Vec<(&'static str, f64)> {
        let mut numbers = vec![
            ("latency_ms", self.latency_ms as f64),
            ("latency_jitter_ms", self.latency_jitter_ms as f64),
            ("stall.seconds", self.stall.seconds),
            ("items.throttled_seconds", self.items.throttled_seconds),
            ("requests.retry_after_seconds", self.requests.retry_after_seconds),
            ("replication_lag_seconds", self.replication_lag_seconds),
            ("writeback.seconds", self.writeback.seconds),
            ("token.seconds", f64::from(self.token.seconds)),
            ("token.device_interval_seconds", f64::from(self.token.device_interval_seconds)),
            ("token.device_seconds", f64::from(self.token.device_seconds)),
            ("token.browser_seconds", f64::from(self.token.browser_seconds)),
            ("competing.units_per_second", self.competing.units_per_second),
            ("competing.from_seconds", self.competing.from_seconds),
            ("competing.seconds", self.competing.seconds.unwrap_or_default()),
        ];
        for outage in &self.outages {
            numbers.push(("outages.from_seconds", outage.from_seconds));
            numbers.push(("outages.seconds", outage.seconds));
        }
        numbers
    }
}

impl ItemFaults {
    fn sum(&self) -> f64 {
        let refused = self.throttled + self.unavailable + self.timeout;
        refused + self.conflict + self.conflict_as_bad_request + self.odd_success
    }
}

impl RequestFaults {
    fn sum(&self) -> f64 {
        let answered = self.throttled + self.unavailable + self.timeout + self.bad_gateway;
        answered + self.lost_before + self.lost_after + self.truncated
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::AccountKind;

    fn message(json: &str) -> String {
        Faults::from_json(json.as_bytes()).expect_err("not to be taken").to_string()
    }

    #[test]
    fn calm_and_storm_are_valid() {
        assert_eq!(Faults::from_json(b"{}").expect("calm"), Faults::calm());
        Faults::storm().check().expect("the storm");
    }

    #[test]
    fn every_section_is_read() {
        let json = br#"{
            "quota_full": 0.25, "latency_ms": 120, "latency_jitter_ms": 30, "stall": {"share": 0.1, "seconds": 45},
            "items": {"throttled": 0.1, "applied": 1}, "requests": {"lost_after": 0.5}, "responses": {"missing": 0.2},
            "token": {"seconds": 60, "device_polls": 3, "device_interval_seconds": 0, "device_seconds": 30,
            "refresh_once": true, "refresh_refused": "expired", "browser": "asks", "browser_seconds": 5}, "replication_lag_seconds": 12.5, "outages": [{"from_seconds": 5, "seconds": 2.5}],
            "competing": {"units_per_second": 7}, "denied": "sessions",
            "accounts": {"ann@contoso.com": "admin_by_group", "bob@contoso.com": "federated"},
            "synced": 0.5, "writeback": {"off": true, "seconds": 3, "slow": 0.1, "refused": 0.2, "endless": 0.3,
            "without_address": 0.4},
            "complexity": {"share": 0.5, "times": 2}, "retry_after": "fraction", "header_case": "lower"
        }"#;
        let faults = Faults::from_json(json).expect("good faults");
        assert_eq!(faults.outages, [Window { from_seconds: 5.0, seconds: 2.5 }]);
        assert_eq!((faults.token.seconds, faults.token.revoked_after_requests), (60, 0));
        let TokenFaults { device_polls, device_interval_seconds, device_seconds, refresh_once, .. } = faults.token;
        assert_eq!((device_polls, device_interval_seconds, device_seconds, refresh_once), (3, 0, 30, true));
        let TokenFaults { refresh_refused, browser, browser_seconds, .. } = faults.token;
        let expected = (RefreshFault::Expired, BrowserFault::Asks, 5);
        assert_eq!((refresh_refused, browser, browser_seconds), expected);
        assert_eq!((faults.denied, faults.replication_lag_seconds), (Denied::Sessions, 12.5));
        let kinds = ["ann@contoso.com", "bob@contoso.com"].map(|upn| faults.accounts[upn]);
        assert_eq!(kinds, [AccountKind::AdminByGroup, AccountKind::Federated]);
        for denied in ["nothing", "reads", "roles", "domains", "writes", "everything"] {
            Faults::from_json(format!(r#"{{"denied": "{denied}"}}"#).as_bytes()).expect("known");
        }
        assert_eq!(faults.complexity, Complexity { share: 0.5, times: 2 });
        assert_eq!((faults.retry_after, faults.header_case), (RetryAfterForm::Fraction, HeaderCase::Lower));
    }

    #[test]
    fn invalid_faults_are_named() {
        for (json, said) in [
            ("{", "cannot be read"),
            (r#"{"latency": 3}"#, "unknown field `latency`"),
            (r#"{"items": {"throtled": 0.1}}"#, "unknown field `throtled`"),
            (r#"{"accounts": {"a@contoso.com": "gone"}}"#, "unknown variant `gone`"),
            (r#"{"items": {"throttled": 1.5}}"#, "items.throttled is 1.5"),
            (r#"{"quota_full": -0.1}"#, "quota_full is -0.1"),
            (r#"{"requests": {"lost_before": 0.6, "lost_after": 0.6}}"#, "shares in requests add up to 1.2"),
            (r#"{"replication_lag_seconds": -1}"#, "replication_lag_seconds is -1"),
            (r#"{"token": {"device_seconds": 86401}}"#, "token.device_seconds is 86401"),
            (r#"{"stall": {"seconds": -1}}"#, "stall.seconds is -1"),
            (r#"{"outages": [{"from_seconds": 0, "seconds": 1e9}]}"#, "outages.seconds is 1000000000"),
        ] {
            let message = message(json);
            assert!(message.contains(said), "{json}: {message}");
        }
        let faults = Faults { quota_full: f64::NAN, ..Faults::default() };
        assert!(matches!(faults.check(), Err(FaultsError::Share { field: "quota_full", .. })));
    }
}
