//! `--json`: events as they happen, one JSON object per line on stdout, for programs that follow a run.
//!
//! `schema/events.schema.json` defines the lines. They never contain a password, foreign text is sanitized, and the
//! work continues if nobody reads them any more.
//!
//! Invariant: the first line is `started`, and the last, if the process ends normally, is `finished` or `error`.

mod data;

use super::{
    event::{End, Event, Finding, FleetPlan, FleetResult, Planned, ReadTask, SignedIn},
    stdio::print,
    together::Together,
};
use crate::cli::failure::Failure;
use data::{ByStatus, Data, Line, SCHEMA, by_status, time, time_of};
use jiff::Timestamp;
use passwave::{
    engine::{
        dispatch::{WaitReason, Waiting},
        reader::ReadEvent,
        run::{RunEnd, RunEvent, writeback_time},
    },
    ledger::{ClaimCounts, ReadLedger, RowStatus},
    util::sanitize,
};
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// Time between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Writes the lines, and remembers what the last one needs.
#[derive(Default)]
pub struct JsonLines {
    /// Whose event is written, if there are several tenants.
    tenant: Option<String>,
    /// The progress of several tenants.
    together: Option<Together>,
    progress_at: Option<Instant>,
    run_dir: Option<String>,
    counts: Option<ByStatus>,
    /// How it ends, if not as usual.
    end: Option<&'static str>,
    /// Kind, message and hint.
    error: Option<(&'static str, String, Option<String>)>,
    next: Option<String>,
}

impl JsonLines {
    /// Writes this event, if it is for programs.
    pub fn handle(&mut self, event: &Event<'_>) {
        match *event {
            Event::Started { command } => {
                self.write(&Data::Started { schema: SCHEMA, passwave: env!("CARGO_PKG_VERSION"), command });
            }
            Event::Warning { text, hint } => self.warning(text, hint),
            Event::Finding(finding) => self.finding(finding),
            Event::Problem(problem) => {
                let (text, hint) = problem.parts();
                self.warning(text, hint);
            }
            Event::Failed(failure) | Event::Misread { failure, .. } => self.failed(failure),
            Event::Created(created) => self.write_standing(&created.ledger),
            Event::Standing(ledger) | Event::PilotResult { ledger, .. } => self.write_standing(ledger),
            Event::Result(result) => self.write_standing(result.ledger),
            Event::Planned(planned) => self.planned(planned),
            Event::SignedIn(who) => self.signed_in(who),
            Event::Run(event) => self.run(event),
            Event::Read { event, task, done, total } => self.read(event, task, (done, total)),
            Event::Swept { claims: &ClaimCounts { yes, no, unread }, since, sign_ins } => {
                let (tried, not_tried) = (sign_ins.map(|known| known.tried), sign_ins.map(|known| known.not_tried));
                let last_sweep_at = since.map(|since| time_of(since.at));
                let newly_claimed = since.map(|since| since.claimed);
                self.write(&Data::Swept { yes, no, unread, last_sweep_at, newly_claimed, tried, not_tried });
            }
            Event::NotYetVisible { changes, wait } => {
                self.write(&Data::NotYetVisible { changes, seconds: wait.as_secs_f64() });
            }
            Event::Account(standing) => self.account(standing),
            Event::RunEnded(end) => self.end = Some(end_of_run(end)),
            Event::Ends(end) => self.end = Some(end_of_command(end)),
            Event::NextStep { command, .. } => self.next = Some(command.to_owned()),
            Event::FleetPlanned(plan) => self.fleet_planned(plan),
            Event::FleetBegins(work) => self.together = Some(Together::begin(work)),
            Event::FleetEnds => self.together = None,
            Event::FleetResult(result) => self.fleet_result(result),
            Event::Finished { exit_code } => self.finish(exit_code),
            Event::Detail(_)
            | Event::Notice(_)
            | Event::Required(_)
            | Event::SignInPrompt(_)
            | Event::WritingBegins { .. }
            | Event::ReadingBegins(_)
            | Event::ReadingTotal(_)
            | Event::ProgressEnds
            | Event::Summary { .. } => {}
        }
    }

    fn write_standing(&mut self, ledger: &ReadLedger) {
        self.run_dir = Some(shown(ledger));
        self.counts = Some(by_status(ledger.counts()));
    }

    fn failed(&mut self, failure: &Failure) {
        let (message, hint) = failure.parts();
        self.error = Some((failure.kind, sanitized(message), hint.map(sanitized)));
        if let Some((_, command)) = failure.next() {
            self.next = Some(command.to_owned());
        }
    }

    fn planned(&mut self, planned: &Planned<'_>) {
        self.write_standing(planned.ledger);
        self.write_planned(planned);
    }

    fn write_planned(&self, planned: &Planned<'_>) {
        let ledger = planned.ledger;
        let accounts = ledger.counts().pending();
        self.write(&Data::Planned {
            run_dir: shown(ledger),
            roster: sanitize::line(&ledger.settings().roster),
            fingerprint: planned.fingerprint.clone(),
            rehearsal: ledger.settings().rehearsal,
            looked_up: planned.is_looked_up,
            rows: ledger.counts().rows(),
            accounts,
            counts: by_status(ledger.counts()),
            write_quota: planned.quota.to_string(),
            least_seconds: least_time(planned, accounts).as_secs_f64(),
            on_premises: planned.on_premises,
        });
    }

    fn run(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Progress { counts, throttled, .. } => {
                let total = counts.settled() + counts.pending();
                self.progress("reset", (counts.settled(), total), Some((by_status(*counts), *throttled)));
            }
            RunEvent::Account(standing) => self.account(standing),
            RunEvent::Waiting(waiting) => self.pause_data(waiting),
            RunEvent::DoubtsLookedAt { rows, settled } => {
                self.write(&Data::DoubtsLookedAt { rows: *rows, settled: *settled });
            }
            RunEvent::Reissued { rows, in_doubt } => self.write(&Data::Reissued { rows: *rows, in_doubt: *in_doubt }),
            RunEvent::SessionsDenied(code) => self.write(&Data::SessionsDenied { error_code: sanitize::line(code) }),
            RunEvent::Stopping { in_flight } => self.write(&Data::Stopping { in_flight: *in_flight }),
            _ => {}
        }
    }

    fn read(&mut self, event: &ReadEvent, task: ReadTask, done_of: (u64, u64)) {
        match event {
            ReadEvent::Read(_) => self.progress(&task.done().replace(' ', "_"), done_of, None),
            ReadEvent::Waiting(waiting) => self.pause_data(waiting),
            _ => {}
        }
    }

    /// Writes progress at intervals, and once all accounts are done.
    fn progress(&mut self, phase: &str, (done, total): (u64, u64), more: Option<(ByStatus, u64)>) {
        if done < total && self.progress_at.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
            return;
        }
        self.progress_at = Some(Instant::now());
        let (counts, throttled) = more.unzip();
        self.write(&Data::Progress { phase, done, total, counts, throttled });
    }

    /// Writes the last line: how it ended, or why it stopped.
    fn finish(&mut self, exit_code: u8) {
        let Self { run_dir, counts, end, error, next, .. } = std::mem::take(self);
        self.write(&match error {
            None => Data::Finished { end: end.unwrap_or("finished"), run_dir, counts, next, exit_code },
            Some((code, message, hint)) => Data::Error { code, message, hint, run_dir, counts, next, exit_code },
        });
    }
}

/// Text of several lines, each sanitized.
fn sanitized(text: &str) -> String {
    text.lines().map(sanitize::line).collect::<Vec<_>>().join("\n")
}

/// The least time for all accounts; those of the on-premises directory go beside the others.
fn least_time(planned: &Planned<'_>, accounts: u64) -> std::time::Duration {
    let others = planned.quota.least_time_from(accounts.saturating_sub(planned.on_premises), planned.left);
    others.max(writeback_time(planned.on_premises))
}

const fn end_of_run(end: &RunEnd) -> &'static str {
    match end {
        RunEnd::Finished => "finished",
        RunEnd::Interrupted => "interrupted",
        RunEnd::PilotEnded => "pilot_ended",
        RunEnd::Halted(_) => "halted",
        RunEnd::WindowClosed => "window_closed",
        RunEnd::WritebackPilotFailed(_) => "writeback_pilot_failed",
    }
}

const fn end_of_command(end: End) -> &'static str {
    match end {
        End::Planned => "planned",
        End::Declined => "declined",
        End::Interrupted => "interrupted",
        End::Verified => "verified",
        End::Swept => "swept",
        End::ExitedAtOnce => "left_at_once",
    }
}

/// The run folder, as JSON can have it.
fn shown(ledger: &ReadLedger) -> String {
    ledger.folder().to_string_lossy().into_owned()
}

impl JsonLines {
    /// Writes this event of one tenant of several. How the command ends is told by the events of all together.
    pub fn handle_of(&mut self, tenant: &str, event: &Event<'_>) {
        self.note_of(tenant, event);
        self.tenant = Some(sanitized(tenant));
        match *event {
            Event::Failed(failure) => {
                let (text, hint) = failure.parts();
                self.warning(text, hint);
            }
            Event::Planned(planned) => self.write_planned(planned),
            Event::Run(RunEvent::Progress { .. }) | Event::Read { event: ReadEvent::Read(_), .. } => {}
            Event::Warning { .. }
            | Event::Problem(_)
            | Event::SignedIn(_)
            | Event::Run(_)
            | Event::Read { .. }
            | Event::Swept { .. }
            | Event::NotYetVisible { .. }
            | Event::Account(_) => self.handle(event),
            _ => {}
        }
        self.tenant = None;
    }

    /// Progress is told of all tenants together.
    fn note_of(&mut self, tenant: &str, event: &Event<'_>) {
        let Some(together) = &mut self.together else { return };
        if together.note(tenant, event) {
            let (sum, task) = (together.sum(), together.task());
            let phase = task.map_or_else(|| "reset".into(), |task| task.done().replace(' ', "_"));
            let more = task.is_none().then(|| (by_status(sum.counts), sum.throttled));
            self.progress(&phase, (sum.done, sum.total), more);
        }
    }

    fn fleet_planned(&mut self, plan: &FleetPlan<'_>) {
        let run_dir = plan.folder.to_string_lossy().into_owned();
        self.run_dir = Some(run_dir.clone());
        self.write(&Data::FleetPlanned {
            run_dir,
            roster: sanitize::line(plan.roster),
            fingerprint: plan.fingerprint,
            rehearsal: plan.is_rehearsal,
            rows: plan.rows,
            accounts: plan.accounts,
            tenants: plan.tenants.len(),
            write_quota: plan.quota.to_string(),
            least_seconds: plan.least.as_secs_f64(),
        });
    }

    fn fleet_result(&mut self, result: &FleetResult<'_>) {
        self.run_dir = Some(result.folder.to_string_lossy().into_owned());
        self.counts = Some(result.summary.counts.clone());
        for tenant in &result.summary.tenants {
            self.tenant = Some(sanitized(&tenant.name));
            self.write(&Data::TenantEnded {
                tenant_id: tenant.tenant_id.as_deref(),
                counts: tenant.counts.clone(),
                finished: tenant.finished,
                trouble: tenant.trouble.as_ref(),
            });
        }
        self.tenant = None;
    }

    /// A failed write is no reason to stop working.
    fn write(&self, event: &Data<'_>) {
        let line = Line::now(self.tenant.as_deref(), event);
        let _ = print(|out| writeln!(out, "{}", sanitize::json(&serde_json::to_string(&line)?)));
    }

    fn finding(&self, Finding { check, severity, text, hint }: &Finding) {
        let (message, hint) = (sanitized(text), hint.as_deref().map(sanitized));
        self.write(&Data::Finding { check, result: severity.word(), message, hint });
    }

    fn warning(&self, text: &str, hint: Option<&str>) {
        self.write(&Data::Warning { message: sanitized(text), hint: hint.map(sanitized) });
    }

    fn account(&self, standing: &RowStatus) {
        let time = |millis: Option<i64>| millis.and_then(|at| Timestamp::from_millisecond(at).ok()).map(time);
        self.write(&Data::Account {
            row: standing.row,
            user_principal_name: sanitize::line(&standing.user_principal_name),
            status: standing.status,
            error_code: standing.error_code.as_deref().map(sanitize::line),
            error_message: standing.error_message.as_deref().map(sanitize::line),
            attempts: standing.attempts,
            request_id: standing.request_id.as_deref().map(sanitize::line),
            changed_at: time(standing.changed_at),
            verified_at: time(standing.verified_at),
            verified: standing.verdict,
            method: standing.method,
        });
    }

    fn signed_in(&self, who: &SignedIn) {
        let known = |text| Some(sanitize::line(text)).filter(|text| !text.is_empty());
        let (tenant, client) = (known(&who.tenant), known(&who.client_id));
        self.write(&Data::SignedIn {
            tenant_id: tenant.as_deref(),
            client_id: client.as_deref(),
            user_principal_name: who.person.as_deref().map(sanitize::line),
            graph: &who.host,
        });
    }

    fn pause_data(&self, Waiting { reason, wait, .. }: &Waiting) {
        let (reason, message) = match reason {
            WaitReason::Asked | WaitReason::AskedOfApplication => ("asked", None),
            WaitReason::Away(said) => ("away", Some(sanitize::line(said))),
            _ => return,
        };
        self.write(&Data::Hold { reason, seconds: wait.as_secs_f64(), message });
    }
}
