//! The fields of a faults file, described once: for the manual page and for `docs/reference/faults.md`.
//!
//! Tests check that every field is here with its default, and that the page has the same table.

/// A field of a faults file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FaultField {
    /// Its name, with its section before a dot.
    pub name: &'static str,
    /// Its default, as JSON.
    pub default: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

const fn field(name: &'static str, default: &'static str, meaning: &'static str) -> FaultField {
    FaultField { name, default, meaning }
}

/// Every field, in a useful order for readers.
pub const FIELDS: &[FaultField] = &[
    field("quota_full", "1", "how full both quotas are at the start, from 0 to 1"),
    field("latency_ms", "0", "how long every request takes; a rehearsal without this file uses 300"),
    field("latency_jitter_ms", "0", "up to this many milliseconds more, evenly spread"),
    field("stall.share", "0", "share of requests that hang before they are answered; their writes take effect"),
    field("stall.seconds", "0", "how long these requests hang"),
    field("items.throttled", "0", "share of items answered with 429 although the quota is not spent"),
    field("items.throttled_seconds", "10", "the wait that such a 429 asks for"),
    field("items.unavailable", "0", "share of items answered with 503"),
    field("items.timeout", "0", "share of items answered with 504"),
    field("items.applied", "0", "share of these 503s and 504s, and of odd successes, whose write takes effect anyway"),
    field("items.conflict", "0", "share of writes answered with a concurrency conflict as 409"),
    field("items.conflict_as_bad_request", "0", "share of writes answered with the same conflict as 400"),
    field(
        "items.odd_success",
        "0",
        "share of writes answered with a success that Graph does not document: 200, 201, 202, 205, 299, or 204 with the \
         body of an error",
    ),
    field("requests.throttled", "0", "share of whole requests answered with 429; nothing is written"),
    field("requests.retry_after_seconds", "10", "the wait that a 429 or 503 for a whole request asks for"),
    field("requests.unavailable", "0", "share of whole requests answered with 503"),
    field("requests.timeout", "0", "share of whole requests answered with 504"),
    field("requests.bad_gateway", "0", "share of whole requests answered with 502 and a page of HTML"),
    field("requests.applied", "0", "share of these 502s, 503s and 504s whose writes take effect anyway"),
    field("requests.lost_before", "0", "share of requests whose connection is cut before they take effect"),
    field("requests.lost_after", "0", "share of requests whose connection is cut after they take effect"),
    field("requests.truncated", "0", "share of requests that take effect and whose answer is cut off in the middle"),
    field("responses.missing", "0", "share of items that take effect and are not answered"),
    field("responses.repeated", "0", "share of items that are answered twice"),
    field("responses.unknown", "0", "share of batch responses that also answer an item nobody asked for"),
    field(
        "responses.empty_bodies",
        "0",
        "share of 204s in batches that have the body {}; Graph sends no body, or null",
    ),
    field("token.seconds", "3599", "how long an access token is valid"),
    field(
        "token.revoked_after_requests",
        "0",
        "how many requests a token serves before it is refused, long before it expires; 0 means no limit",
    ),
    field("token.device_polls", "1", "how often a device code is still pending when it is asked for"),
    field("token.device_interval_seconds", "5", "how often to ask whether a device code was entered"),
    field("token.device_seconds", "900", "how long a device code is valid"),
    field("token.refresh_once", "false", "true makes each refresh token valid only once"),
    field(
        "token.refused",
        "0",
        "the number of an error (AADSTS) with which every sign-in is refused: 65001 or 650051 (no consent), 90002 or 5000224 (no such tenant), 7000215 (wrong secret), 53003 (Conditional Access) or any other; 0 means none is",
    ),
    field(
        "token.of_tenant",
        "\"\"",
        "the name of another tenant of this simulator, whose token is issued in place of this tenant's",
    ),
    field(
        "token.refresh_refused",
        "\"nothing\"",
        "why every refresh token is refused: \"expired\" (not used for too long, AADSTS700082), \"sign_in_frequency\" (a rule of Conditional Access, AADSTS70043)",
    ),
    field(
        "token.browser",
        "\"nothing\"",
        "what goes wrong in a browser: \"denied\" (the user declines, AADSTS65004), \"wrong_state\" (the answer has another state), \"code_used\" (the code was already redeemed, AADSTS54005), \"consent_missing\" (nobody has consented, AADSTS65001, also with device codes and refresh tokens), and \"asks\": nothing goes wrong, but a page asks the user first",
    ),
    field("token.browser_seconds", "0", "how long a browser waits before it is sent back"),
    field(
        "outages",
        "[]",
        "times without a network, from the start of the simulator: [{\"from_seconds\": 60, \"seconds\": 20}]",
    ),
    field("competing.units_per_second", "0", "writes that another job makes each second, out of the same quotas"),
    field("competing.from_seconds", "0", "when the other job starts"),
    field("competing.seconds", "null", "how long the other job continues; null means forever"),
    field(
        "denied",
        "\"nothing\"",
        "what the application may not do: \"reads\", \"roles\", \"domains\", \"writes\", \"sessions\", \"methods\", \"audit_log\", \"everything\"",
    ),
    field(
        "synced",
        "0",
        "share of ordinary accounts that an on-premises directory manages; the seed and the name decide which",
    ),
    field("writeback.off", "false", "true makes every reset on premises fail: password writeback is switched off"),
    field("writeback.seconds", "10", "how long a password takes to reach the on-premises directory"),
    field("writeback.slow", "0", "share of resets on premises that take ten times as long"),
    field("writeback.refused", "0", "share of accounts whose passwords the on-premises policy refuses"),
    field(
        "writeback.endless",
        "0",
        "share of resets on premises whose operation never ends; half of them set the password",
    ),
    field("writeback.without_address", "0", "share of accepted resets whose answer names no operation to follow"),
    field("premium", "true", "whether the tenant has the licence (Entra ID P1 or P2) that signInActivity needs"),
    field("replication_lag_seconds", "0", "reads show the last change of a password as it was this long ago"),
    field(
        "accounts",
        "{}",
        "what single accounts are, by user principal name or object ID: {\"ann@contoso.com\": \"synced\"}. Kinds are \
         \"normal\", \"admin\" (holds a directory role), \"admin_by_group\" (is in a group that holds one), \"synced\", \
         \"guest\", \"federated\" (together with its domain), \"disabled\", \"missing\"",
    ),
    field(
        "tenants",
        "{}",
        "if there are many tenants: the faults of single ones, by id or domain, in place of all others: \
         {\"contoso.com\": {\"token\": {\"refused\": 65001}}}",
    ),
    field("complexity.share", "0", "share of accounts whose password is refused although it obeys the rules"),
    field("complexity.times", "1", "how many passwords of such an account are refused"),
    field(
        "retry_after",
        "\"seconds\"",
        "how Retry-After is written: \"seconds\", \"fraction\", \"date\", \"one\" (always 1), \"absent\", \"mixed\"",
    ),
    field(
        "header_case",
        "\"canonical\"",
        "how header names of items are spelled: \"canonical\", \"lower\", \"upper\", \"mixed\"",
    ),
];

#[cfg(test)]
mod tests {
    use super::{super::Faults, FIELDS};
    use std::{collections::BTreeSet, fs};

    /// The names that a file may use at the place where `json` has one that does not exist.
    fn expected(json: &str) -> BTreeSet<String> {
        let error = Faults::from_json(json.as_bytes()).expect_err("no such field").to_string();
        let (_, names) = error.split_once("expected ").expect("the names");
        names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn nested(name: &str, value: &str) -> String {
        match name.split_once('.') {
            Some((section, name)) => format!("{{\"{section}\": {{\"{name}\": {value}}}}}"),
            None => format!("{{\"{name}\": {value}}}"),
        }
    }

    #[test]
    fn every_field_is_described() {
        let sections: BTreeSet<String> =
            FIELDS.iter().map(|field| field.name.split('.').next().unwrap_or_default().into()).collect();
        assert_eq!(sections, expected("{\"x\": 0}"));
        let described: BTreeSet<String> = FIELDS.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(described.len(), FIELDS.len());
        for section in sections.iter().filter(|section| !described.contains(*section)) {
            let names = expected(&nested(&format!("{section}.x"), "0"));
            let names: BTreeSet<String> = names.iter().map(|name| format!("{section}.{name}")).collect();
            let own = described.iter().filter(|name| name.starts_with(&format!("{section}."))).cloned().collect();
            assert_eq!(names, own);
        }
    }

    #[test]
    fn defaults_are_the_real_ones() {
        for field in FIELDS {
            let faults = Faults::from_json(nested(field.name, field.default).as_bytes());
            assert_eq!(faults.expect(field.name), Faults::default(), "{}", field.name);
        }
    }

    #[test]
    fn page_lists_the_same_fields() {
        let row = |name: &str, default: &str, meaning: &str| format!("| `{name}` | `{default}` | {meaning} |\n");
        let rows: String = FIELDS.iter().map(|field| row(field.name, field.default, field.meaning)).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/faults.md");
        let page = fs::read_to_string(path).expect("the page").replace("\r\n", "\n");
        assert!(page.contains(&rows), "docs/reference/faults.md needs this table:\n{rows}");
    }
}
