//! One turn of the run: facts go in, intents come out, one commit.

use super::{
    Counts, Ledger, LedgerError,
    forms::form,
    life::{Doubt, Event, State},
    renewal::{Why, supersede},
    sessions::{self, Revocation, SessionsDue},
    vault::{Held, Vault},
};
use crate::{
    password::{Form, Password},
    seal::{Binding, SealError},
};
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

/// A row handed out to be sent; that it may have been is on disk.
pub struct Claimed {
    /// The row of the roster.
    pub row: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
    /// The account's object id, where it was looked up: what the write goes to.
    pub object_id: Option<String>,
    /// What to send: the same for the life of the run, unless Graph refuses it as too weak.
    pub password: Password,
    /// For whom it is.
    pub form: Form,
    /// What is in doubt from earlier attempts.
    pub doubt: Doubt,
    /// Answers so far that said nothing certain.
    pub troubles: u32,
}

/// What a turn hands out.
#[derive(Default)]
pub struct Claims {
    /// Passwords to be written.
    pub writes: Vec<Claimed>,
    /// Sign-in sessions to be revoked.
    pub sessions: Vec<SessionsDue>,
}

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
    /// folder is not in its place any more, nothing is claimed: see [`Ledger::is_displaced`].
    ///
    /// # Errors
    /// Where the ledger cannot be written or a fact is about a row that is not in flight; nothing has changed then, and
    /// the run must stop.
    pub fn turn(&mut self, facts: &Facts, most: usize, now: i64) -> Result<Claims, LedgerError> {
        self.look_at_the_place();
        let most = if self.is_displaced() { 0 } else { most };
        if facts.is_empty() && most == 0 {
            return Ok(Claims::default());
        }
        if facts.writes.iter().any(|fact| matches!(fact.event, Event::Replaced(_))) {
            self.vault.have_key(&self.connection)?;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.clocks.note(&transaction, now)?;
        let mut counts = self.counts;
        for fact in &facts.writes {
            record(&transaction, &self.vault, fact, now, &mut counts)?;
            if matches!(fact.event, Event::Confirmed) {
                self.sessions.follow(&transaction, fact.row, &mut counts)?;
            }
        }
        sessions::record(&transaction, &facts.sessions, &mut counts)?;
        let sessions = sessions::take(&transaction, most, now, &mut counts)?;
        let until = (now, now + self.clock_ahead, self.last_row);
        let writes = take(&transaction, &self.vault, most - sessions.len(), until)?;
        counts.moved(State::Planned, State::InFlight, writes.len() as u64);
        transaction.commit()?;
        self.counts = counts;
        Ok(Claims { writes, sessions })
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

fn record(
    transaction: &Transaction,
    vault: &Vault,
    fact: &Fact,
    now: i64,
    counts: &mut Counts,
) -> Result<(), LedgerError> {
    let (state, doubt) = fact.event.outcome(fact.doubt);
    let (not_before, trouble) = match fact.event {
        Event::Again { not_before, trouble, .. } => (not_before, trouble),
        _ => (0, false),
    };
    if let Event::Replaced(password) = &fact.event {
        supersede(transaction, vault, fact.row, password, Some(Why::Refused { doubt: fact.doubt.current }), now)?;
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

fn take(
    transaction: &Transaction,
    vault: &Vault,
    most: usize,
    (now, sent_at, last_row): (i64, i64, i64),
) -> Result<Vec<Claimed>, LedgerError> {
    let mut select = transaction.prepare_cached(
        "SELECT row, roster.user_principal_name, object_id, doubt, troubles, nth, password, profile, language
         FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row)
         WHERE state = 'planned' AND not_before <= ?1 AND row <= ?3 ORDER BY not_before, row LIMIT ?2",
    )?;
    let mut rows = select.query((now, most, last_row))?;
    let mut claimed = Vec::new();
    while let Some(row) = rows.next()? {
        claimed.push(claim(row, vault)?);
    }
    drop(rows);
    let mut update = transaction.prepare_cached(
        "UPDATE account SET state = 'in_flight', attempts = attempts + 1, sent_at = ?2 WHERE row = ?1",
    )?;
    for row in &claimed {
        update.execute((row.row, sent_at))?;
    }
    Ok(claimed)
}

fn claim(row: &Row<'_>, vault: &Vault) -> Result<Claimed, LedgerError> {
    let (number, user_principal_name): (u64, String) = (row.get(0)?, row.get(1)?);
    let place = Binding { row: number, nth: row.get(5)?, account: &user_principal_name };
    let password = match vault.get(&place, row.get_ref(6)?)? {
        Held::Password(password) => password,
        Held::Sealed => return Err(SealError::Closed(number).into()),
        Held::Nothing => return Err(LedgerError::NoPassword(number)),
    };
    Ok(Claimed {
        row: number,
        object_id: row.get(2)?,
        password,
        form: form(row, 7)?,
        doubt: Doubt::from_bits(row.get(3)?),
        troubles: row.get(4)?,
        user_principal_name,
    })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
