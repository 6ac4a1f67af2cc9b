//! One turn of the run: facts go in, intents come out, one commit.

use super::{
    Claims, Counts, Ledger, LedgerError,
    claim::proof_of,
    life::{Doubt, Event, State},
    renewal::{Made, Why, supersede},
    sessions::{self, Revocation},
};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

/// What has come back since the last turn.
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
    /// What is in doubt about it, as it was claimed.
    pub doubt: Doubt,
    /// What happened.
    pub event: Event,
    /// `error.code`, empty for none.
    pub code: String,
    /// What the report says about it, empty for nothing.
    pub message: String,
    /// Under which Graph can find it again, empty for none.
    pub request_id: String,
}

impl Ledger {
    /// Records `facts` and claims up to `most` requests that are due at `now` (milliseconds since 1970), durably and
    /// together. Sessions come first: until they are revoked, whoever had the old password is still in. Once the run
    /// folder is not in its place any more, nothing is claimed: see [`Ledger::is_displaced`]. Each row is compared with
    /// the plan as it was when this process first looked at it ([`Ledger::must_be_as_planned`]).
    ///
    /// # Errors
    /// Where the ledger cannot be written or a fact is about a row that is not in flight; nothing has changed then, and
    /// the run must stop. If a row is not what was planned, `facts` are recorded, nothing is claimed, and the run must
    /// stop, too.
    pub fn turn(&mut self, facts: &Facts, most: usize, now: i64) -> Result<Claims, LedgerError> {
        self.look_at_the_place();
        let most = if self.is_displaced() { 0 } else { most };
        if facts.is_empty() && most == 0 {
            return Ok(Claims::default());
        }
        if most > 0 && self.approved.borrow().is_none() {
            self.must_be_as_planned()?;
        }
        if facts.writes.iter().any(|fact| matches!(fact.event, Event::Replaced(_))) {
            self.vault.have_key(&self.connection)?;
        }
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        self.clocks.note(&transaction, now)?;
        let mut counts = self.counts;
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
            // What has been answered is kept, even if nothing more can be sent.
            Err(error) if error.is_about_a_change() => Err(error),
            other => Ok(other?),
        };
        transaction.commit()?;
        if let Ok(claims) = &claims {
            sessions::moved(&mut counts, claims.sessions.len() as u64);
            counts.moved(State::Planned, State::InFlight, claims.writes.len() as u64);
        }
        self.counts = counts;
        claims
    }

    /// How many rows will stand where once `facts` are recorded.
    #[must_use]
    pub fn counts_after(&self, facts: &Facts) -> Counts {
        let mut counts = self.counts;
        for fact in &facts.writes {
            counts.moved(State::InFlight, fact.event.outcome(fact.doubt).0, 1);
        }
        counts
    }

    /// How many requests are due at `now`, counted up to `most`.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn due(&self, now: i64, most: usize) -> Result<usize, LedgerError> {
        let mut count = self.connection.prepare_cached(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM account WHERE sessions = 'due' AND not_before <= ?1 LIMIT ?2))
                  + (SELECT count(*) FROM (SELECT 1 FROM account
                     WHERE state = 'planned' AND not_before <= ?1 AND row <= ?3 LIMIT ?2))",
        )?;
        let due: usize = count.query_row((now, most, self.last_row), |row| row.get(0))?;
        Ok(due.min(most))
    }

    /// When the next request is due, in milliseconds since 1970; none where nothing is left to be sent.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        let mut first = self.connection.prepare_cached(
            "SELECT min(due) FROM (
                 SELECT * FROM (SELECT not_before AS due FROM account WHERE sessions = 'due' ORDER BY not_before LIMIT 1)
                 UNION ALL
                 SELECT * FROM (SELECT not_before FROM account
                                WHERE state = 'planned' AND row <= ?1 ORDER BY not_before LIMIT 1))",
        )?;
        Ok(first.query_row([self.last_row], |row| row.get(0))?)
    }

    /// From now on, only rows up to `last` are handed out to be written; all of them where there is none.
    pub fn limit_to(&mut self, last: Option<u64>) {
        self.last_row = last.and_then(|row| i64::try_from(row).ok()).unwrap_or(i64::MAX);
    }

    /// The row of the `nth` account (from 1) that has not ended; none if there are fewer.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn nth_pending(&self, nth: u64) -> Result<Option<u64>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT row FROM account WHERE state IN ('planned', 'in_flight') ORDER BY row LIMIT 1 OFFSET ?1",
        )?;
        Ok(select.query_row([nth.saturating_sub(1)], |row| row.get(0)).optional()?)
    }

    /// From now on, times of sending are noted as so many milliseconds after ours: what the directory's clock shows.
    pub fn set_clock_ahead(&mut self, millis: i64) {
        self.clock_ahead = millis;
    }

    /// Plans `rows` again that Graph refused for a cause that lies with the run and not with them; behind all that were
    /// not tried yet, so that the next process comes past rows of which each had the cause in itself after all.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn plan_again(&mut self, rows: &[u64]) -> Result<(), LedgerError> {
        if rows.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for row in rows {
            transaction
                .prepare_cached(
                    "UPDATE account SET state = 'planned', settled_at = NULL, not_before = 1
                 WHERE row = ?1 AND state IN ('failed', 'in_doubt')",
                )?
                .execute([row])?;
        }
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        self.counts = counts;
        Ok(())
    }
}

impl Ledger {
    /// Records one fact; returns the password that was made for it, if one was.
    fn record(
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
                Some(supersede(transaction, (&self.vault, &self.marks), fact.row, password, why, now)?)
            }
            _ => None,
        };
        let proof = proof_of(transaction, &self.marks, (fact.row, state, doubt, now))?;
        let mut update = transaction.prepare_cached(
            "UPDATE account SET state = ?2, doubt = ?3, not_before = ?4, attempts = attempts - ?5, troubles = troubles + ?6,
                    settled_at = ?7, error_code = ?8, error_message = ?9, request_id = ?10, proof = ?11
             WHERE row = ?1 AND state = 'in_flight'",
        )?;
        let changed = update.execute(params![
            fact.row,
            state.as_str(),
            doubt.to_bits(),
            not_before,
            matches!(fact.event, Event::Unsent),
            trouble,
            (state != State::Planned).then_some(now),
            some(&fact.code),
            some(&fact.message),
            some(&fact.request_id),
            proof,
        ])?;
        if changed != 1 {
            return Err(LedgerError::OutOfStep(fact.row));
        }
        counts.moved(State::InFlight, state, 1);
        Ok(made)
    }
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
