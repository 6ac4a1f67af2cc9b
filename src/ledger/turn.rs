//! One turn of the run: facts go in, intents come out, one commit.

use super::{
    Counts, Ledger, LedgerError,
    life::{Doubt, Event, State},
};
use crate::password::Password;
use rusqlite::{Transaction, TransactionBehavior, params};

/// A row handed out to be sent; that it may have been is on disk.
pub struct Claimed {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// What to send: the same for the life of the run, unless Graph refuses it as too weak.
    pub password: Password,
    /// What is in doubt from earlier attempts.
    pub doubt: Doubt,
    /// Answers so far that said nothing certain.
    pub troubles: u32,
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
    /// Records `facts` and claims up to `claim` rows that are due at `now` (milliseconds since 1970), durably and
    /// together.
    ///
    /// # Errors
    /// Where the ledger cannot be written or a fact is about a row that is not in flight; nothing has changed then, and
    /// the run must stop.
    pub fn turn(&mut self, facts: &[Fact], claim: usize, now: i64) -> Result<Vec<Claimed>, LedgerError> {
        if facts.is_empty() && claim == 0 {
            return Ok(Vec::new());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut counts = self.counts;
        for fact in facts {
            record(&transaction, fact, now, &mut counts)?;
        }
        let claimed = take(&transaction, claim, now)?;
        counts.moved(State::Planned, State::InFlight, claimed.len() as u64);
        transaction.commit()?;
        self.counts = counts;
        Ok(claimed)
    }

    /// How many rows are due at `now`, counted up to `most`.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn due(&self, now: i64, most: usize) -> Result<usize, LedgerError> {
        let mut count = self.connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM account WHERE state = 'planned' AND not_before <= ?1 LIMIT ?2)",
        )?;
        Ok(count.query_row((now, most), |row| row.get(0))?)
    }

    /// When the next row is due, in milliseconds since 1970; none where no row is planned.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        let mut first = self
            .connection
            .prepare_cached("SELECT not_before FROM account WHERE state = 'planned' ORDER BY not_before LIMIT 1")?;
        let mut rows = first.query(())?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
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

fn record(transaction: &Transaction, fact: &Fact, now: i64, counts: &mut Counts) -> Result<(), LedgerError> {
    let (state, doubt) = fact.event.outcome(fact.doubt);
    let (not_before, trouble) = match fact.event {
        Event::Again { not_before, trouble, .. } => (not_before, trouble),
        _ => (0, false),
    };
    if let Event::Replaced(password) = &fact.event {
        replace(transaction, fact, password, now)?;
    }
    let mut update = transaction.prepare_cached(
        "UPDATE account SET state = ?2, doubt = ?3, not_before = ?4, attempts = attempts - ?5, troubles = troubles + ?6,
                settled_at = ?7, error_code = ?8, error_message = ?9, request_id = ?10
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
    ])?;
    if changed != 1 {
        return Err(LedgerError::OutOfStep(fact.row));
    }
    counts.moved(State::InFlight, state, 1);
    Ok(())
}

fn replace(transaction: &Transaction, fact: &Fact, password: &Password, now: i64) -> Result<(), LedgerError> {
    transaction
        .prepare_cached("INSERT INTO replaced SELECT row, password, ?2, ?3 FROM account WHERE row = ?1")?
        .execute((fact.row, fact.doubt.current, now))?;
    transaction
        .prepare_cached("UPDATE account SET password = ?2 WHERE row = ?1")?
        .execute((fact.row, password.expose()))?;
    Ok(())
}

fn take(transaction: &Transaction, claim: usize, now: i64) -> Result<Vec<Claimed>, LedgerError> {
    let mut select = transaction.prepare_cached(
        "SELECT row, user_principal_name, password, doubt, troubles FROM account JOIN roster USING (row)
         WHERE state = 'planned' AND not_before <= ?1 ORDER BY not_before, row LIMIT ?2",
    )?;
    let claimed = select
        .query_map((now, claim), |row| {
            Ok(Claimed {
                row: row.get(0)?,
                user_principal_name: row.get(1)?,
                password: Password::new(row.get(2)?),
                doubt: Doubt::from_bits(row.get(3)?),
                troubles: row.get(4)?,
            })
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let mut update = transaction.prepare_cached(
        "UPDATE account SET state = 'in_flight', attempts = attempts + 1, sent_at = ?2 WHERE row = ?1",
    )?;
    for row in &claimed {
        update.execute((row.row, now))?;
    }
    Ok(claimed)
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
