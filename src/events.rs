//! `--json`: what happens, as it happens, one JSON object a line on stdout, for programs that follow a run.
//!
//! `schema/events.schema.json` says what may stand in a line. It never shows a password, foreign text in it is cleaned, and
//! that nobody reads the lines any more does not end the work.
//!
//! Invariant: the first line is `started`, and the last, if the process ends in order, `finished` or `error`.

use crate::{failure::Failure, terminal::print};
use jiff::Timestamp;
use passwave::{
    clean,
    ledger::{Counts, Ledger, Standing},
    outcome::Status,
    reader::ReadEvent,
    run::{RunEnd, RunEvent},
    traffic::{WaitReason, Waiting},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What the lines hold to. Another number is another meaning; fields and events may be added under the same.
const SCHEMA: &str = "passwave.events.v1";
/// Time between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Rows by status.
type ByStatus = BTreeMap<&'static str, u64>;

/// What a line tells.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    Started {
        schema: &'static str,
        passwave: &'static str,
        command: Option<&'a str>,
    },
    SignedIn {
        tenant_id: Option<&'a str>,
        client_id: Option<&'a str>,
        user_principal_name: Option<String>,
        graph: &'a str,
    },
    Planned {
        run_dir: String,
        roster: String,
        fingerprint: String,
        rehearsal: bool,
        looked_up: bool,
        rows: u64,
        accounts: u64,
        counts: ByStatus,
        write_quota: String,
        least_seconds: f64,
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
        user_principal_name: String,
        status: String,
        error_code: Option<String>,
        error_message: Option<String>,
        attempts: u64,
        request_id: Option<String>,
        changed_at: Option<String>,
        verified_at: Option<String>,
        verified: Option<String>,
    },
    Hold {
        reason: &'static str,
        seconds: f64,
        message: Option<String>,
    },
    DoubtsLookedAt {
        rows: u64,
        settled: u64,
    },
    Renewed {
        rows: u64,
        in_doubt: u64,
    },
    SessionsDenied {
        error_code: String,
    },
    NotYetVisible {
        changes: u64,
        seconds: f64,
    },
    Stopping {
        in_flight: usize,
    },
    Warning {
        message: String,
    },
    Finished {
        end: &'static str,
        run_dir: Option<String>,
        counts: Option<ByStatus>,
        /// The command that goes on, as it can be pasted into a shell.
        next: Option<String>,
        exit_code: u8,
    },
    Error {
        code: &'static str,
        message: String,
        hint: Option<String>,
        run_dir: Option<String>,
        counts: Option<ByStatus>,
        /// The command that goes on, as it can be pasted into a shell.
        next: Option<String>,
        exit_code: u8,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

/// What is known of the run for its last line.
struct Stream {
    progress_at: Option<Instant>,
    run_dir: Option<String>,
    counts: Option<ByStatus>,
    end: &'static str,
    /// Kind, message and hint.
    error: Option<(&'static str, String, Option<String>)>,
    next: Option<String>,
}

/// None where nobody asked for it.
static STREAM: Mutex<Option<Stream>> = Mutex::new(None);

fn stream() -> MutexGuard<'static, Option<Stream>> {
    STREAM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the lines are asked for.
pub fn are_on() -> bool {
    stream().is_some()
}

/// From now on, lines are printed.
pub fn begin(command: Option<&str>) {
    let (progress_at, run_dir, counts, error, next) = (None, None, None, None, None);
    *stream() = Some(Stream { progress_at, run_dir, counts, end: "finished", error, next });
    tell(&Event::Started { schema: SCHEMA, passwave: env!("CARGO_PKG_VERSION"), command });
}

/// Prints a line, if lines are asked for.
pub fn tell(event: &Event<'_>) {
    if are_on() {
        write(event);
    }
}

/// That a line cannot be written is no reason to stop working.
fn write(event: &Event<'_>) {
    let line = Line { at: time(Timestamp::now()), event };
    let _ = print(|out| writeln!(out, "{}", clean::json(&serde_json::to_string(&line)?)));
}

/// Notes how the run stands, for the last line.
pub fn note(ledger: &Ledger) {
    if let Some(stream) = stream().as_mut() {
        stream.run_dir = Some(shown(ledger));
        stream.counts = Some(by_status(ledger.counts()));
    }
}

/// Notes how it ends, in a word.
pub fn note_end(end: &'static str) {
    if let Some(stream) = stream().as_mut() {
        stream.end = end;
    }
}

/// Notes what broke it off.
pub fn note_failure(failure: &Failure) {
    if let Some(stream) = stream().as_mut() {
        let (message, hint) = failure.parts();
        let whole = |text: &str| text.lines().map(clean::line).collect::<Vec<_>>().join("\n");
        stream.error = Some((failure.kind, whole(message), hint.map(whole)));
        if let Some((_, command)) = failure.next() {
            stream.next = Some(command.to_owned());
        }
    }
}

/// Notes the command that goes on.
pub fn note_next(command: &str) {
    if let Some(stream) = stream().as_mut() {
        stream.next = Some(command.to_owned());
    }
}

/// Prints the last line: how it ended, or what broke it off.
pub fn end(exit_code: u8) {
    let Some(stream) = stream().take() else { return };
    let Stream { run_dir, counts, end, error, next, .. } = stream;
    write(&match error {
        None => Event::Finished { end, run_dir, counts, next, exit_code },
        Some((code, message, hint)) => Event::Error { code, message, hint, run_dir, counts, next, exit_code },
    });
}

/// How a run ended that was not broken off, in a word.
pub const fn word(end: &RunEnd) -> &'static str {
    match end {
        RunEnd::Finished => "finished",
        RunEnd::Interrupted => "interrupted",
        RunEnd::PilotEnded => "pilot_ended",
        RunEnd::Halted(_) => "halted",
        RunEnd::WindowClosed => "window_closed",
    }
}

/// Tells how one row stands.
pub fn account(standing: Standing) {
    let time = |millis: Option<i64>| millis.and_then(|at| Timestamp::from_millisecond(at).ok()).map(time);
    tell(&Event::Account {
        row: standing.row,
        user_principal_name: clean::line(&standing.user_principal_name),
        status: standing.status,
        error_code: standing.error_code.as_deref().map(clean::line),
        error_message: standing.error_message.as_deref().map(clean::line),
        attempts: standing.attempts,
        request_id: standing.request_id.as_deref().map(clean::line),
        changed_at: time(standing.changed_at),
        verified_at: time(standing.verified_at),
        verified: standing.verdict,
    });
}

/// Tells what the run tells.
pub fn of_run(event: &RunEvent) {
    match event {
        RunEvent::Progress { counts, throttled } => {
            let total = counts.settled() + counts.pending();
            progress("reset", counts.settled(), total, Some((by_status(*counts), *throttled)));
        }
        RunEvent::Account(standing) => account(standing.clone()),
        RunEvent::Waiting(waiting) => hold(waiting),
        RunEvent::DoubtsLookedAt { rows, settled } => tell(&Event::DoubtsLookedAt { rows: *rows, settled: *settled }),
        RunEvent::Renewed { rows, in_doubt } => tell(&Event::Renewed { rows: *rows, in_doubt: *in_doubt }),
        RunEvent::SessionsDenied(code) => tell(&Event::SessionsDenied { error_code: clean::line(code) }),
        RunEvent::Stopping { in_flight } => tell(&Event::Stopping { in_flight: *in_flight }),
    }
}

/// Tells what the reader tells, of accounts to which `phase` is done: `done` of `total`.
pub fn of_reading(event: &ReadEvent, phase: &str, done: u64, total: u64) {
    match event {
        ReadEvent::Read(_) => progress(phase, done, total, None),
        ReadEvent::Waiting(waiting) => hold(waiting),
    }
}

/// Now and then, and when all is done.
fn progress(phase: &str, done: u64, total: u64, more: Option<(ByStatus, u64)>) {
    if let Some(stream) = stream().as_mut() {
        if done < total && stream.progress_at.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
            return;
        }
        stream.progress_at = Some(Instant::now());
    }
    let (counts, throttled) = more.unzip();
    tell(&Event::Progress { phase, done, total, counts, throttled });
}

fn hold(Waiting { reason, wait, .. }: &Waiting) {
    let (reason, message) = match reason {
        WaitReason::Asked => ("asked", None),
        WaitReason::Away(said) => ("away", Some(clean::line(said))),
    };
    tell(&Event::Hold { reason, seconds: wait.as_secs_f64(), message });
}

/// The run folder, as JSON can have it.
pub fn shown(ledger: &Ledger) -> String {
    ledger.folder().to_string_lossy().into_owned()
}

/// Rows by the words of the report.
pub fn by_status(counts: Counts) -> ByStatus {
    Status::ALL.into_iter().map(|status| (status.as_str(), counts.of(status))).collect()
}

fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// One of each; what the compiler does not know to be missing here, the runs of `tests/events.rs` find.
    fn one_of_each() -> Vec<Event<'static>> {
        let (counts, text) = (by_status(Counts::default()), String::new);
        let standing = Event::Account {
            row: 1,
            user_principal_name: text(),
            status: "reset".into(),
            error_code: None,
            error_message: Some(text()),
            attempts: 1,
            request_id: None,
            changed_at: Some(time(Timestamp::UNIX_EPOCH)),
            verified_at: None,
            verified: Some("confirmed".into()),
        };
        let planned = Event::Planned {
            run_dir: text(),
            roster: text(),
            fingerprint: "0".repeat(64),
            rehearsal: false,
            looked_up: true,
            rows: 0,
            accounts: 0,
            counts: counts.clone(),
            write_quota: "3000/150s".into(),
            least_seconds: 0.0,
        };
        let error = Event::Error {
            code: "usage",
            message: text(),
            hint: None,
            run_dir: Some(text()),
            counts: Some(counts.clone()),
            next: None,
            exit_code: 2,
        };
        let finished = Event::Finished {
            end: "left_at_once",
            run_dir: Some(text()),
            counts: Some(counts.clone()),
            next: Some(text()),
            exit_code: 130,
        };
        let progress = |counts| Event::Progress { phase: "reset", done: 1, total: 2, counts, throttled: Some(0) };
        vec![
            Event::Started { schema: SCHEMA, passwave: "0", command: None },
            Event::SignedIn { tenant_id: None, client_id: Some(""), user_principal_name: Some(text()), graph: "" },
            planned,
            progress(None),
            progress(Some(counts)),
            standing,
            Event::Hold { reason: "asked", seconds: 1.5, message: None },
            Event::DoubtsLookedAt { rows: 1, settled: 0 },
            Event::Renewed { rows: 1, in_doubt: 0 },
            Event::SessionsDenied { error_code: text() },
            Event::NotYetVisible { changes: 1, seconds: 5.0 },
            Event::Stopping { in_flight: 1 },
            Event::Warning { message: text() },
            finished,
            error,
        ]
    }

    #[test]
    fn each_event_is_what_the_schema_says_and_the_schema_has_no_other() {
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
        for event in one_of_each() {
            let line = serde_json::to_value(Line { at: time(Timestamp::UNIX_EPOCH), event: &event }).expect("JSON");
            schemas.validate(&line, index).unwrap_or_else(|error| panic!("{line}: {error:#}"));
            told.insert(line["event"].as_str().expect("a name").to_owned());
        }
        assert_eq!(told, known);
    }
}
