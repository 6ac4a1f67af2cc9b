//! One turn of the run: facts go in, intents come out, in one commit.

use super::{
    Claims, Counts, Ledger, LedgerError,
    approved::prove,
    claim::proof_of,
    reissue::{Made, Why, supersede},
    sessions::{self, Revocation},
    state::{Doubt, Event, State},
    words::Written,
};
use crate::outcome::Cause;
use rusqlite::{OptionalExtension, Transaction, params};

/// The answers since the last turn.
#[derive(Default)]
pub struct Facts {
    /// About passwords.
    pub writes: Vec<Fact>,
    /// About sign-in sessions.
    pub sessions: Vec<Revocation>,
}

impl Facts {
    /// Whether there is nothing to record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.sessions.is_empty()
    }
}

/// What happened to a row in flight.
pub struct Fact {
    /// The row.
    pub row: u64,
    /// Its doubt when it was claimed.
    pub doubt: Doubt,
    /// What happened.
    pub event: Event,
    /// Why Graph refused it, if it did and said why.
    pub cause: Option<Cause>,
    /// `error.code`, or empty.
    pub code: String,
    /// The message for the report, or empty.
    pub message: String,
    /// Graph's id of the answer, or empty.
    pub request_id: String,
}

impl Ledger {
    /// Records `facts` and claims up to `most` requests that are due at `now` (milliseconds since 1970), durably and in
    /// one commit. Sessions come first: until they are revoked, a user with the old password is still signed in. If the
    /// run folder is no longer in place, nothing is claimed: see [`Ledger::is_displaced`]. Each row is compared with
    /// the plan as this process first saw it ([`ReadLedger::must_be_as_planned`](super::ReadLedger::must_be_as_planned)).
    ///
    /// # Errors
    /// Fails if the ledger cannot be written, or if a fact is about a row that is not in flight; then nothing has
    /// changed, and the run must stop. If a row is not as planned, `facts` are recorded, nothing is claimed, and the
    /// run must stop, too.
    pub fn turn(&mut self, facts: &Facts, most: usize, now: i64) -> Result<Claims, LedgerError> {
        self.look_at_the_place();
        let most = if self.is_displaced() { 0 } else { most };
        if facts.is_empty() && most == 0 {
            return Ok(Claims::default());
        }
        if most > 0 && self.read.approved.borrow().is_none() {
            self.must_be_as_planned()?;
        }
        if facts.writes.iter().any(|fact| matches!(fact.event, Event::Replaced(_))) {
            self.read.passwords.have_key(&self.read.connection)?;
        }
        let transaction = self.read.connection.write()?;
        self.read.clocks.note(&transaction, now)?;
        self.staged.write(&transaction)?;
        let mut counts = self.read.counts;
        let mut made = Vec::new();
        for fact in &facts.writes {
            made.extend(self.record(&transaction, fact, now, &mut counts)?);
            if matches!(fact.event, Event::Confirmed) {
                self.sessions.follow(&transaction, fact.row, &mut counts)?;
            }
        }
        sessions::record(&transaction, &facts.sessions, &mut counts)?;
        self.fresh.extend(made);
        let claims = match self.claim(&transaction, most, now) {
            // Answers are kept, even if nothing more can be sent.
            Err(error) if error.is_about_a_change() => Err(error),
            other => Ok(other?),
        };
        transaction.commit()?;
        if let Ok(claims) = &claims {
            sessions::moved(&mut counts, claims.sessions.len() as u64);
            counts.moved(State::Planned, State::InFlight, claims.writes.len() as u64);
        }
        self.read.counts = counts;
        claims
    }

    /// The number of rows in each state after `facts` are recorded.
    #[must_use]
    pub fn counts_after(&self, facts: &Facts) -> Counts {
        let mut counts = self.read.counts;
        for fact in &facts.writes {
            counts.moved(State::InFlight, fact.event.outcome(fact.doubt).0, 1);
        }
        counts
    }

    /// How many requests are due at `now`, counted up to `most`.
    pub fn due(&self, now: i64, most: usize) -> Result<usize, LedgerError> {
        let mut count = self.read.connection.prepare_cached(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM account WHERE sessions = 'due' AND not_before <= ?1 LIMIT ?2))
                  + (SELECT count(*) FROM (SELECT 1 FROM account INDEXED BY due
                     WHERE state = 'planned' AND method IS NULL AND not_before <= ?1 AND row <= ?3 LIMIT ?2))",
        )?;
        let due: usize = count.query_row((now, most, self.last_row), |row| row.get(0))?;
        Ok(due.min(most))
    }

    /// When the next request is due, in milliseconds since 1970; `None` if nothing is left to send.
    ///
    /// Each turn asks, so the index is named: without it, SQLite would search all rows.
    pub fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        let mut first = self.read.connection.prepare_cached(
            "SELECT min(due) FROM (
                 SELECT * FROM (SELECT not_before AS due FROM account WHERE sessions = 'due' ORDER BY not_before LIMIT 1)
                 UNION ALL
                 SELECT * FROM (SELECT not_before FROM account INDEXED BY due
                                WHERE state = 'planned' AND method IS NULL AND row <= ?1 ORDER BY not_before LIMIT 1))",
        )?;
        Ok(first.query_row([self.last_row], |row| row.get(0))?)
    }

    /// From now on, only rows up to `last` are handed out for writing; all rows if it is `None`.
    pub fn limit_to(&mut self, last: Option<u64>) {
        self.last_row = last.and_then(|row| i64::try_from(row).ok()).unwrap_or(i64::MAX);
    }

    /// The row of the `nth` account (from 1) that has not ended; `None` if there are fewer.
    pub fn nth_pending(&self, nth: u64) -> Result<Option<u64>, LedgerError> {
        let mut select = self.read.connection.prepare_cached(
            "SELECT row FROM account WHERE state IN ('planned', 'in_flight', 'accepted') ORDER BY row LIMIT 1 OFFSET ?1",
        )?;
        Ok(select.query_row([nth.saturating_sub(1)], |row| row.get(0)).optional()?)
    }

    /// From now on, sending times are noted this many milliseconds after ours, which is what the directory's clock
    /// shows.
    pub fn set_clock_ahead(&mut self, millis: i64) {
        self.clock_ahead = millis;
    }

    /// Plans `rows` again that Graph refused for a cause of the whole run. They come after all rows that were not tried
    /// yet, so that the next process gets past them if the cause was in these rows after all.
    pub fn plan_again(&mut self, rows: &[u64]) -> Result<(), LedgerError> {
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = self.read.connection.write()?;
        for row in rows {
            transaction
                .prepare_cached(
                    "UPDATE account SET state = 'planned', settled_at = NULL, not_before = 1, cause = NULL
                 WHERE row = ?1 AND state IN ('failed', 'in_doubt')",
                )?
                .execute([row])?;
            prove(&transaction, &self.read.marks, *row)?;
        }
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        self.read.counts = counts;
        Ok(())
    }
}

impl Ledger {
    /// Records one fact; returns the memory of a password that was made for it, if any.
    pub(super) fn record(
        &self,
        transaction: &Transaction<'_>,
        fact: &Fact,
        now: i64,
        counts: &mut Counts,
    ) -> Result<Option<Made>, LedgerError> {
        let (state, doubt) = fact.event.outcome(fact.doubt);
        let (not_before, trouble) = match fact.event {
            Event::Again { not_before, trouble, .. } => (not_before, trouble),
            _ => (0, false),
        };
        let made = match &fact.event {
            Event::Replaced(password) => {
                let why = Some(Why::Refused { doubt: fact.doubt.current });
                Some(supersede(transaction, (&self.read.passwords, &self.read.marks), fact.row, password, why, now)?)
            }
            _ => None,
        };
        let settled_at = (state != State::Planned).then_some(now);
        let proof = proof_of(transaction, &self.read.marks, (fact.row, state, doubt, settled_at))?;
        let mut update = transaction.prepare_cached(
            "UPDATE account SET state = ?2, doubt = ?3, not_before = ?4, attempts = attempts - ?5, troubles = troubles + ?6,
                    settled_at = ?7, error_code = ?8, error_message = ?9, request_id = ?10, proof = ?11, cause = ?12
             WHERE row = ?1 AND state = 'in_flight'",
        )?;
        let changed = update.execute(params![
            fact.row,
            state.as_str(),
            doubt.to_bits(),
            not_before,
            matches!(fact.event, Event::Unsent),
            trouble,
            settled_at,
            some(&fact.code),
            some(&fact.message),
            some(&fact.request_id),
            proof,
            fact.cause.map(Written),
        ])?;
        if changed != 1 {
            return Err(LedgerError::OutOfStep(fact.row));
        }
        counts.moved(State::InFlight, state, 1);
        Ok(made)
    }
}

pub(super) fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
