//! The work of all processes of a run, added up.
//!
//! For killed processes only the rows are known: their times and writes count, but not their batches and 429 answers.

use crate::{
    engine::run,
    ledger::{LedgerError, Process, ReadLedger, Times},
};

/// The work of all processes together.
#[derive(Default)]
pub(super) struct Work {
    pub processes: u64,
    pub cut_off: u64,
    pub began_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub batches: u64,
    pub writes: u64,
    pub throttled: u64,
    pub seconds: f64,
    /// The minimum time that the quota allows, and the actual time, of processes that the quota limited.
    pub possible: f64,
    pub took: f64,
    pub write_quota: Option<String>,
}

impl Work {
    pub fn of(ledger: &ReadLedger, Times { processes, .. }: &Times) -> Result<Self, LedgerError> {
        let mut work = Self::default();
        processes.iter().for_each(|process| work.add(process));
        if work.cut_off > 0 {
            // The rows show what killed processes sent. For sessions, they only show how they ended.
            let counts = ledger.counts();
            let sent = ledger.attempts()? + counts.sessions_revoked + counts.sessions_kept;
            work.writes = work.writes.max(sent);
        }
        work.began_at = processes.first().map(|process| process.session.began_at);
        work.ended_at = processes.last().filter(|last| !last.is_cut_off).map(|last| last.session.ended_at);
        Ok(work)
    }

    fn add(&mut self, process: &Process) {
        let Process { session, is_cut_off, .. } = process;
        self.processes += 1;
        self.cut_off += u64::from(*is_cut_off);
        self.batches = self.batches.saturating_add(session.batches);
        self.writes = self.writes.saturating_add(session.writes);
        self.throttled = self.throttled.saturating_add(session.throttled);
        if let Some((first, last)) = session.first_write.zip(session.last_write) {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run stay far below 2^52")]
            let millis = last.saturating_sub(first).max(0) as f64;
            self.seconds += millis / 1_000.0;
        }
        if let Some((least, share)) = run::share_of_possible(process) {
            self.possible += least;
            self.took += least / share;
        }
        if !session.write_quota.is_empty() {
            self.write_quota = Some(session.write_quota.clone());
        }
    }
}
