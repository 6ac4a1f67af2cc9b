//! The content of a line, as in `schema/events.schema.json`.

use jiff::Timestamp;
use passwave::{
    fleet::Trouble,
    ledger::{Counts, Verdict},
    outcome::{Method, Status},
};
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap};

/// The format of the lines. Another number means another format; fields and events may be added under the same number.
pub(super) const SCHEMA: &str = "passwave.events.v1";
/// Rows by status.
pub(super) type ByStatus = BTreeMap<&'static str, u64>;

/// The content of a line.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Data<'a> {
    Started {
        schema: &'static str,
        passwave: &'static str,
        command: Option<&'a str>,
    },
    SignedIn {
        tenant_id: Option<&'a str>,
        client_id: Option<&'a str>,
        user_principal_name: Option<Cow<'a, str>>,
        graph: &'a str,
    },
    Planned {
        run_dir: String,
        roster: Cow<'a, str>,
        fingerprint: String,
        rehearsal: bool,
        looked_up: bool,
        rows: u64,
        accounts: u64,
        counts: ByStatus,
        write_quota: String,
        least_seconds: f64,
        /// Only in a run with `--writeback`.
        #[serde(skip_serializing_if = "is_zero")]
        on_premises: u64,
    },
    FleetPlanned {
        run_dir: String,
        roster: Cow<'a, str>,
        fingerprint: &'a str,
        rehearsal: bool,
        rows: u64,
        accounts: u64,
        tenants: usize,
        write_quota: String,
        least_seconds: f64,
    },
    TenantEnded {
        tenant_id: Option<&'a str>,
        counts: ByStatus,
        finished: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        trouble: Option<&'a Trouble>,
    },
    Progress {
        phase: &'a str,
        done: u64,
        total: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        counts: Option<ByStatus>,
        #[serde(skip_serializing_if = "Option::is_none")]
        throttled: Option<u64>,
    },
    Account {
        row: u64,
        user_principal_name: Cow<'a, str>,
        status: Status,
        error_code: Option<Cow<'a, str>>,
        error_message: Option<Cow<'a, str>>,
        attempts: u64,
        request_id: Option<Cow<'a, str>>,
        changed_at: Option<String>,
        verified_at: Option<String>,
        verified: Option<Verdict>,
        /// Only in a run with `--writeback`.
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<Method>,
    },
    Hold {
        reason: &'static str,
        seconds: f64,
        message: Option<Cow<'a, str>>,
    },
    DoubtsLookedAt {
        rows: u64,
        settled: u64,
    },
    #[serde(rename = "renewed")]
    Reissued {
        rows: u64,
        in_doubt: u64,
    },
    SessionsDenied {
        error_code: Cow<'a, str>,
    },
    NotYetVisible {
        changes: u64,
        seconds: f64,
    },
    Swept {
        yes: u64,
        no: u64,
        unread: u64,
        /// Both only if there was a sweep before.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_sweep_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        newly_claimed: Option<u64>,
        /// Both only with `--sign-ins`.
        #[serde(skip_serializing_if = "Option::is_none")]
        tried: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        not_tried: Option<u64>,
    },
    Stopping {
        in_flight: usize,
    },
    Finding {
        check: &'static str,
        result: &'static str,
        message: String,
        hint: Option<String>,
    },
    Warning {
        message: String,
        hint: Option<String>,
    },
    Finished {
        end: &'static str,
        run_dir: Option<String>,
        counts: Option<ByStatus>,
        /// The command that continues, ready to paste into a shell.
        next: Option<String>,
        exit_code: u8,
    },
    Error {
        code: &'static str,
        message: String,
        hint: Option<String>,
        run_dir: Option<String>,
        counts: Option<ByStatus>,
        /// The command that continues, ready to paste into a shell.
        next: Option<String>,
        exit_code: u8,
    },
}

#[derive(Serialize)]
pub(super) struct Line<'a> {
    at: String,
    /// The tenant that it is about, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(flatten)]
    event: &'a Data<'a>,
}

impl<'a> Line<'a> {
    /// An event with the current time.
    pub(super) fn now(tenant: Option<&'a str>, event: &'a Data<'a>) -> Self {
        Self { at: time(Timestamp::now()), tenant, event }
    }
}

/// Rows by the report's status words.
pub(super) fn by_status(counts: Counts) -> ByStatus {
    Status::ALL.into_iter().map(|status| (status.as_str(), counts.of(status))).collect()
}

pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A time in milliseconds since 1970.
pub(super) fn time_of(millis: i64) -> String {
    Timestamp::from_millisecond(millis).map(time).unwrap_or_default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const FINGERPRINT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

    fn planned() -> Data<'static> {
        let counts = by_status(Counts::default());
        let text = String::new;
        Data::Planned {
            run_dir: text(),
            roster: text().into(),
            fingerprint: "0".repeat(64),
            rehearsal: false,
            looked_up: true,
            rows: 0,
            accounts: 0,
            counts: counts.clone(),
            write_quota: "3000/150s".into(),
            least_seconds: 0.0,
            on_premises: 0,
        }
    }

    fn sweeps() -> Vec<Data<'static>> {
        vec![
            Data::Swept {
                yes: 1,
                no: 2,
                unread: 3,
                last_sweep_at: None,
                newly_claimed: None,
                tried: None,
                not_tried: None,
            },
            Data::Swept {
                yes: 1,
                no: 2,
                unread: 3,
                last_sweep_at: Some(time_of(0)),
                newly_claimed: Some(1),
                tried: Some(1),
                not_tried: Some(1),
            },
        ]
    }

    /// One event of each kind; if one is missing here, the runs of `tests/events.rs` find it.
    fn one_of_each() -> Vec<Data<'static>> {
        let (counts, text) = (by_status(Counts::default()), String::new);
        let standing = Data::Account {
            row: 1,
            user_principal_name: text().into(),
            status: Status::Reset,
            error_code: None,
            error_message: Some(text().into()),
            attempts: 1,
            request_id: None,
            changed_at: Some(time(Timestamp::UNIX_EPOCH)),
            verified_at: None,
            verified: Some(Verdict::Confirmed),
            method: None,
        };
        let planned = planned();
        let error = Data::Error {
            code: "usage",
            message: text(),
            hint: None,
            run_dir: Some(text()),
            counts: Some(counts.clone()),
            next: None,
            exit_code: 2,
        };
        let finished = Data::Finished {
            end: "left_at_once",
            run_dir: Some(text()),
            counts: Some(counts.clone()),
            next: Some(text()),
            exit_code: 130,
        };
        let progress = |counts| Data::Progress { phase: "reset", done: 1, total: 2, counts, throttled: Some(0) };
        vec![
            Data::Started { schema: SCHEMA, passwave: "0", command: None },
            Data::SignedIn {
                tenant_id: None,
                client_id: Some(""),
                user_principal_name: Some(text().into()),
                graph: "",
            },
            planned,
            progress(None),
            progress(Some(counts)),
            standing,
            Data::Hold { reason: "asked", seconds: 1.5, message: None },
            Data::DoubtsLookedAt { rows: 1, settled: 0 },
            Data::Reissued { rows: 1, in_doubt: 0 },
            Data::SessionsDenied { error_code: text().into() },
            Data::NotYetVisible { changes: 1, seconds: 5.0 },
            Data::Stopping { in_flight: 1 },
            Data::Finding { check: "clock", result: "problem", message: text(), hint: Some(text()) },
            Data::Warning { message: text(), hint: None },
            Data::Warning { message: text(), hint: Some(text()) },
            finished,
            error,
        ]
    }

    /// The events of several tenants.
    fn of_a_fleet() -> [Data<'static>; 2] {
        let planned = Data::FleetPlanned {
            run_dir: String::new(),
            roster: "".into(),
            fingerprint: FINGERPRINT,
            rehearsal: false,
            rows: 0,
            accounts: 0,
            tenants: 2,
            write_quota: "3000/150s".into(),
            least_seconds: 0.0,
        };
        let counts = by_status(Counts::default());
        [planned, Data::TenantEnded { tenant_id: None, counts, finished: true, trouble: None }]
    }

    #[test]
    fn events_match_the_schema_exactly() {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/events.schema.json");
        let schema: serde_json::Value =
            serde_json::from_slice(&std::fs::read(schema).expect("a schema")).expect("JSON");
        let known: BTreeSet<String> = schema["oneOf"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| event["$ref"].as_str().expect("a name").trim_start_matches("#/$defs/").to_owned())
            .collect();
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("urn:tested", schema).expect("a schema");
        let index = compiler.compile("urn:tested", &mut schemas).expect("a schema");
        let mut told = BTreeSet::new();
        for event in one_of_each().into_iter().chain(sweeps()).chain(of_a_fleet()) {
            let tenant = matches!(event, Data::TenantEnded { .. }).then_some("contoso.com");
            let line = Line { at: time(Timestamp::UNIX_EPOCH), tenant, event: &event };
            let line = serde_json::to_value(line).expect("JSON");
            schemas.validate(&line, index).unwrap_or_else(|error| panic!("{line}: {error:#}"));
            told.insert(line["event"].as_str().expect("a name").to_owned());
        }
        assert_eq!(told, known);
    }
}
