//! Passwords for an on-premises directory: sent one by one, accepted, and followed until their operation has ended.
//!
//! A row goes from `planned` to `in_flight`, and from there to `accepted` once the service has accepted the password or may
//! have. An accepted row is only looked at: with the address of its operation by following it, without one by reading the
//! account. [`super::writeback_claim`] hands rows out.
//!
//! Invariant: a password that the service may have accepted never becomes `planned` again.

use super::{
    Counts, Fact, Ledger, LedgerError, ReadLedger,
    approved::prove,
    claim::Claimed,
    marks::Planned,
    reissue::Made,
    state::{Doubt, Event, State},
    turn::some,
    words::{Found, Written},
};
use crate::outcome::{Cause, Kind, Method};
use rusqlite::{OptionalExtension, Transaction, params};

/// How long after a request whose answer is lost the account is read, in milliseconds.
pub(super) const LOOK_AFTER_MILLIS: i64 = 2 * 60 * 1_000;

/// What is to be done for a row.
pub enum Errand {
    /// Send its password.
    Reset(Claimed),
    /// Follow its operation at this address.
    Follow(String),
    /// Read the account, because there is no address to follow.
    Look {
        /// When the password was sent, by the directory's clock.
        sent_at: i64,
        /// When the account's password was last set before all this.
        changed_before: Option<i64>,
    },
}

/// A row that is handed out.
pub struct WritebackClaim {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// Its object id.
    pub object_id: Option<String>,
    /// What to do.
    pub errand: Errand,
    /// Whether the service said that it accepted the password.
    pub is_accepted: bool,
    /// How often someone looked at it.
    pub polls: u32,
}

/// What happened to a row.
pub enum WritebackEvent {
    /// The service certainly has not accepted the password: sent again later, or refused for good.
    NotAccepted(Event),
    /// The service has accepted the password, or may have.
    Accepted {
        /// Where the operation can be followed.
        operation: Option<String>,
        /// Whether the service said so. If not, the answer is lost.
        is_certain: bool,
    },
    /// An accepted row has not ended, and is looked at again.
    Later {
        /// Whether this look counts: the service said something about the row.
        counts: bool,
    },
    /// The operation succeeded.
    Succeeded,
    /// The operation failed: the old password stands.
    Failed,
    /// It is not known, and will not be: the password may be in force.
    Unknown,
}

/// A fact about a row.
pub struct WritebackFact {
    /// The row.
    pub row: u64,
    /// What happened.
    pub event: WritebackEvent,
    /// When it is looked at next, in milliseconds since 1970, if it is.
    pub next: i64,
    /// Why Graph refused it, if it did and said why.
    pub cause: Option<Cause>,
    /// `error.code`, or empty.
    pub code: String,
    /// The message for the report, or empty.
    pub message: String,
    /// Graph's id of the answer, or empty.
    pub request_id: String,
}

impl WritebackFact {
    /// Whether the row has ended, and how.
    #[must_use]
    pub fn ended(&self) -> Option<State> {
        match &self.event {
            WritebackEvent::Succeeded => Some(State::Reset),
            WritebackEvent::Failed | WritebackEvent::NotAccepted(Event::Refused) => Some(State::Failed),
            WritebackEvent::Unknown => Some(State::InDoubt),
            _ => None,
        }
    }
}

impl ReadLedger {
    /// How the password of a row goes to its account.
    pub(super) fn method_of(&self, planned: &Planned<'_>) -> Method {
        let kind = planned.looked.as_ref().and_then(|looked| Kind::from_word(looked.kind));
        kind.map_or(Method::Graph, |kind| self.settings.method_of(kind))
    }

    /// The number of rows in each state whose passwords go to an on-premises directory.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn writeback_counts(&self) -> Result<Counts, LedgerError> {
        let mut counts = Counts::default();
        let mut select = self
            .connection
            .prepare_cached("SELECT state, count(*) FROM account WHERE method = 'writeback' GROUP BY state")?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            if let Found(Some(state)) = row.get(0)? {
                *counts.at(state) = row.get(1)?;
            }
        }
        Ok(counts)
    }
}

impl Ledger {
    /// When the next row is due, in milliseconds since 1970; `None` if there is none. Rows that were never sent count only
    /// if something `may_begin`.
    pub fn next_writeback_due(&self, may_begin: bool) -> Result<Option<i64>, LedgerError> {
        let mut first = self.read.connection.prepare_cached(
            "SELECT min(due) FROM (
                 SELECT * FROM (SELECT not_before AS due FROM account WHERE state = 'accepted' ORDER BY not_before LIMIT 1)
                 UNION ALL
                 SELECT * FROM (SELECT not_before FROM account INDEXED BY writeback_due
                                WHERE state = 'planned' AND method = 'writeback' AND row <= ?1 AND ?2
                                ORDER BY not_before LIMIT 1))",
        )?;
        Ok(first.query_row((self.last_row, may_begin), |row| row.get(0))?)
    }

    /// How many rows are due at `now`, counted up to `most`: accepted ones, and up to `beginning` of those never sent.
    pub fn due_writeback(&self, now: i64, most: usize, beginning: usize) -> Result<usize, LedgerError> {
        let mut count = self.read.connection.prepare_cached(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM account WHERE state = 'accepted' AND not_before <= ?1 LIMIT ?2))
                  + (SELECT count(*) FROM (SELECT 1 FROM account INDEXED BY writeback_due WHERE state = 'planned' AND method = 'writeback'
                     AND not_before <= ?1 AND row <= ?4 LIMIT ?3))",
        )?;
        let due: usize = count.query_row((now, most, beginning, self.last_row), |row| row.get(0))?;
        Ok(due.min(most))
    }

    /// Records `facts` and claims up to `most` rows that are due at `now` (milliseconds since 1970), durably and in one
    /// commit. Accepted rows come first; of the others, at most `beginning` are claimed.
    ///
    /// # Errors
    /// Fails like [`Ledger::turn`].
    pub fn turn_writeback(
        &mut self,
        facts: Vec<WritebackFact>,
        (most, beginning): (usize, usize),
        now: i64,
    ) -> Result<Vec<WritebackClaim>, LedgerError> {
        self.look_at_the_place();
        let most = if self.is_displaced() { 0 } else { most };
        if facts.is_empty() && most == 0 {
            return Ok(Vec::new());
        }
        if most > 0 && self.read.approved.borrow().is_none() {
            self.must_be_as_planned()?;
        }
        if facts.iter().any(|fact| matches!(fact.event, WritebackEvent::NotAccepted(Event::Replaced(_)))) {
            self.read.passwords.have_key(&self.read.connection)?;
        }
        let transaction = self.read.connection.write()?;
        self.read.clocks.note(&transaction, now)?;
        self.staged.write(&transaction)?;
        let mut counts = self.read.counts;
        let mut made = Vec::new();
        for fact in facts {
            made.extend(self.record_writeback(&transaction, fact, now, &mut counts)?);
        }
        self.fresh.extend(made);
        let claims = match self.claim_writeback(&transaction, (most, beginning), now) {
            // Answers are kept, even if nothing more can be sent.
            Err(error) if error.is_about_a_change() => Err(error),
            other => Ok(other?),
        };
        transaction.commit()?;
        if let Ok(claims) = &claims {
            let begun = claims.iter().filter(|claim| matches!(claim.errand, Errand::Reset(_))).count();
            counts.moved(State::Planned, State::InFlight, begun as u64);
        }
        self.read.counts = counts;
        claims
    }

    fn record_writeback(
        &self,
        transaction: &Transaction<'_>,
        fact: WritebackFact,
        now: i64,
        counts: &mut Counts,
    ) -> Result<Option<Made>, LedgerError> {
        let fact = match fact {
            WritebackFact {
                event: WritebackEvent::NotAccepted(event), row, cause, code, message, request_id, ..
            } => {
                let mut doubt = transaction.prepare_cached("SELECT doubt FROM account WHERE row = ?1")?;
                let doubt = Doubt::from_bits(doubt.query_row([row], |row| row.get(0))?);
                let fact = Fact { row, doubt, event, cause, code, message, request_id };
                return self.record(transaction, &fact, now, counts);
            }
            other => other,
        };
        let fact = &fact;
        match &fact.event {
            // Recorded above.
            WritebackEvent::NotAccepted(_) => Ok(None),
            WritebackEvent::Accepted { operation, is_certain } => {
                self.accept(transaction, fact, (operation.as_deref(), *is_certain), now)?;
                counts.moved(State::InFlight, State::Accepted, 1);
                Ok(None)
            }
            WritebackEvent::Later { counts } => {
                let mut update =
                    transaction.prepare_cached("UPDATE writeback SET polls = polls + ?2 WHERE row = ?1")?;
                update.execute((fact.row, counts))?;
                let mut update = transaction.prepare_cached(
                    "UPDATE account SET not_before = ?2, error_code = coalesce(?3, error_code),
                            error_message = coalesce(?4, error_message)
                     WHERE row = ?1 AND state = 'accepted'",
                )?;
                must_be_one(fact.row, update.execute((fact.row, fact.next, some(&fact.code), some(&fact.message)))?)?;
                Ok(None)
            }
            WritebackEvent::Succeeded => self.end(transaction, fact, (State::Reset, now), counts).map(|()| None),
            WritebackEvent::Failed => self.end(transaction, fact, (State::Failed, now), counts).map(|()| None),
            WritebackEvent::Unknown => self.end(transaction, fact, (State::InDoubt, now), counts).map(|()| None),
        }
    }

    /// Notes that the service has accepted a row in flight, or may have. If the answer is lost, the password is in doubt.
    fn accept(
        &self,
        transaction: &Transaction<'_>,
        fact: &WritebackFact,
        (operation, is_certain): (Option<&str>, bool),
        now: i64,
    ) -> Result<(), LedgerError> {
        let mut update = transaction.prepare_cached(
            "UPDATE account SET state = 'accepted', doubt = doubt | ?2, not_before = ?3, error_code = ?4,
                    error_message = ?5, request_id = ?6
             WHERE row = ?1 AND state = 'in_flight' AND method = 'writeback'",
        )?;
        let (code, message, request_id) = (some(&fact.code), some(&fact.message), some(&fact.request_id));
        must_be_one(fact.row, update.execute(params![fact.row, !is_certain, fact.next, code, message, request_id])?)?;
        self.note_accepted(transaction, fact.row, (operation, is_certain), now)
    }

    pub(super) fn note_accepted(
        &self,
        transaction: &Transaction<'_>,
        row: u64,
        (operation, is_certain): (Option<&str>, bool),
        now: i64,
    ) -> Result<(), LedgerError> {
        let mark = self.read.marks.writeback_mark(row, operation, now, is_certain);
        transaction
            .prepare_cached("INSERT OR REPLACE INTO writeback VALUES (?1, ?2, ?3, ?4, 0, ?5)")?
            .execute((row, operation, now, is_certain, mark))?;
        prove(transaction, &self.read.marks, row)
    }

    /// Ends an accepted row. One that ends in doubt keeps its password, because it may be in force.
    fn end(
        &self,
        transaction: &Transaction<'_>,
        fact: &WritebackFact,
        (state, now): (State, i64),
        counts: &mut Counts,
    ) -> Result<(), LedgerError> {
        let mut update = transaction.prepare_cached(
            "UPDATE account SET state = ?2, doubt = CASE ?2 WHEN 'reset' THEN 0 WHEN 'in_doubt' THEN doubt | 1 ELSE doubt END,
                    settled_at = ?3, not_before = 0, error_code = ?4, error_message = ?5,
                    request_id = coalesce(?6, request_id), cause = ?7
             WHERE row = ?1 AND state = 'accepted' AND (?2 <> 'failed' OR doubt = 0)",
        )?;
        let (code, message, request_id) = (some(&fact.code), some(&fact.message), some(&fact.request_id));
        let cause = fact.cause.map(Written);
        let changed = update.execute(params![fact.row, state.as_str(), now, code, message, request_id, cause])?;
        must_be_one(fact.row, changed)?;
        transaction.prepare_cached("UPDATE writeback SET polls = polls + 1 WHERE row = ?1")?.execute([fact.row])?;
        prove(transaction, &self.read.marks, fact.row)?;
        counts.moved(State::Accepted, state, 1);
        if state == State::Reset {
            self.sessions.follow(transaction, fact.row, counts)?;
        }
        Ok(())
    }

    /// When a row whose answer is lost is looked at, if that was noticed at `now` (milliseconds since 1970).
    #[must_use]
    pub fn look_after_loss(now: i64) -> i64 {
        now.saturating_add(LOOK_AFTER_MILLIS)
    }

    /// Whether the operation of any row is being followed.
    ///
    /// # Errors
    /// Fails if the ledger cannot be read.
    pub fn follows_operations(&self) -> Result<bool, LedgerError> {
        let mut select = self.read.connection.prepare_cached(
            "SELECT 1 FROM account JOIN writeback USING (row) WHERE state = 'accepted' AND operation IS NOT NULL LIMIT 1",
        )?;
        Ok(select.query_row((), |_| Ok(())).optional()?.is_some())
    }
}

fn must_be_one(row: u64, changed: usize) -> Result<(), LedgerError> {
    if changed == 1 { Ok(()) } else { Err(LedgerError::OutOfStep(row)) }
}
