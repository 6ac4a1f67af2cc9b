//! What the directory said of the accounts before anything was sent, and what that makes of the plan.
//!
//! It keeps what was found, row by row, so that a look-up that was cut off goes on where it stood. It never judges an
//! account: that is done before it comes here.
//!
//! Invariant: once the look-up has ended, no two planned rows are one account.

use super::{
    Counts, Ledger, LedgerError,
    approved::{self, mark_again},
    fingerprint,
};
use crate::{outcome::Skip, roster::Origin};
use rusqlite::{Transaction, TransactionBehavior, params};

/// Under which it is noted how the look-up ended.
pub(super) const LOOKUP: &str = "lookup";
/// Under which it is noted why there was none.
const LOOKUP_SAID: &str = "lookup_said";
/// Names that are told of each kind.
const NAMES_TOLD: usize = 3;

/// A row whose account is to be looked up.
pub struct ToLookUp {
    /// Position in the roster.
    pub row: u64,
    /// Line of the file.
    pub line: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
}

/// What was found of an account, and what that means for its row.
pub struct Looked {
    /// Position in the roster.
    pub row: u64,
    /// What it means in a word: a code of [`Skip`] where the row is skipped.
    pub kind: &'static str,
    /// Where the row is skipped: why, for a person.
    pub skip: Option<(Skip, String)>,
    /// Its object id, where it was found.
    pub object_id: Option<String>,
    /// Its name in the directory, where it was found.
    pub user_principal_name: Option<String>,
    /// When its password had been set last, in milliseconds since 1970.
    pub password_changed_at: Option<i64>,
}

/// Rows of which the same is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// Whether they are skipped.
    pub is_skipped: bool,
    /// The kind, or the code of the reason; empty where nobody looked.
    pub kind: String,
    /// How many.
    pub number: u64,
    /// The first few of them.
    pub names: Vec<String>,
}

impl Ledger {
    /// The next planned rows after `after` that were not looked up yet, `most` of them.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn to_look_up(&self, after: u64, most: usize) -> Result<Vec<ToLookUp>, LedgerError> {
        if self.approved.borrow().is_none() {
            self.must_be_as_planned()?;
        }
        let mut select = self.connection.prepare_cached(
            "SELECT row, line, user_principal_name FROM account JOIN roster USING (row)
             WHERE state = 'planned' AND row > ?1
                   AND NOT EXISTS (SELECT 1 FROM looked_up WHERE looked_up.row = account.row)
             ORDER BY row LIMIT ?2",
        )?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok(ToLookUp { row: row.get(0)?, line: row.get(1)?, user_principal_name: row.get(2)? })
        };
        Ok(select.query_map((after, most), row)?.collect::<Result<_, _>>()?)
    }

    /// How many planned rows were not looked up yet.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn left_to_look_up(&self) -> Result<u64, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT count(*) FROM account WHERE state = 'planned'
                    AND NOT EXISTS (SELECT 1 FROM looked_up WHERE looked_up.row = account.row)",
            (),
            |row| row.get(0),
        )?)
    }

    /// Tells the names and the object id of each account that is still to be written.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn for_each_pending(&self, each: &mut dyn FnMut(&[&str])) -> Result<(), LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT roster.user_principal_name, coalesce(looked_up.user_principal_name, ''), coalesce(object_id, '')
             FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row)
             WHERE state = 'planned' OR state = 'in_flight'",
        )?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            let (listed, name, id) = (text(0)?, text(1)?, text(2)?);
            // A name that says nothing new is left out.
            let name = if name.eq_ignore_ascii_case(listed) { "" } else { name };
            let known: Vec<&str> = [listed, name, id].into_iter().filter(|name| !name.is_empty()).collect();
            each(&known);
        }
        Ok(())
    }

    /// How many accounts to be reset had their password set at `since` or later (milliseconds since 1970, by the
    /// directory's clock) when they were looked up, and the first few of their names.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn changed_since(&self, since: i64) -> Result<(u64, Vec<String>), LedgerError> {
        const CHANGED: &str = "FROM account JOIN looked_up USING (row)
            WHERE state = 'planned' AND password_changed_at >= ?1";
        let number = self.connection.query_row(&format!("SELECT count(*) {CHANGED}"), [since], |row| row.get(0))?;
        let names = format!("SELECT user_principal_name {CHANGED} ORDER BY row LIMIT {NAMES_TOLD}");
        let mut select = self.connection.prepare(&names)?;
        let names = select.query_map([since], |row| row.get(0))?;
        Ok((number, names.collect::<Result<_, _>>()?))
    }

    /// Names and object ids, in lower case, that are not to be touched.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn exclusions(&self) -> Result<Vec<String>, LedgerError> {
        let mut select = self.connection.prepare("SELECT key FROM exclusion")?;
        Ok(select.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Keeps what was found. A row that is skipped loses its password, which was never sent.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn keep_looked(&mut self, found: &[Looked]) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut counts = self.counts;
        let mut marked = Vec::with_capacity(found.len());
        for looked in found {
            keep(&transaction, looked, &mut counts)?;
            marked.push((looked.row, mark_again(&transaction, &self.marks, looked.row)?));
        }
        transaction.commit()?;
        if let Some(approved) = &mut *self.approved.borrow_mut() {
            marked.into_iter().for_each(|(row, mark)| approved.set(row, mark));
        }
        self.counts = counts;
        Ok(())
    }

    /// Ends the look-up: of rows that turned out to be one account, the first stands. `without` says why nothing was
    /// looked up, where that is so.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn end_lookup(&mut self, without: Option<&str>) -> Result<(), LedgerError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let is_as_stored = without.is_some()
            && !transaction.query_row("SELECT EXISTS (SELECT 1 FROM looked_up)", (), |row| row.get::<_, bool>(0))?;
        // Where nothing was looked up, the plan is what it was when it was stored.
        let taken = match is_as_stored {
            true => None,
            false => {
                let mut known = self.approved.borrow_mut();
                let origin = self.settings.origin();
                let duplicates = if without.is_none() { skip_duplicates(&transaction, origin)? } else { Vec::new() };
                for row in duplicates {
                    let mark = mark_again(&transaction, &self.marks, row)?;
                    known.iter_mut().for_each(|known| known.set(row, mark));
                }
                let taken = approved::take_from(&transaction, &self.settings_text, &self.marks, true)?;
                known.as_ref().map_or(Ok(()), |known| known.must_be(&taken))?;
                Some(taken)
            }
        };
        let fingerprint = taken.as_ref().map(|taken| taken.fingerprint.clone());
        let notes = [
            (LOOKUP, Some(if without.is_none() { "done" } else { "none" })),
            (LOOKUP_SAID, without),
            (fingerprint::NAME, fingerprint.as_deref()),
        ];
        for (name, value) in notes {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO run SELECT ?1, ?2 WHERE ?2 IS NOT NULL")?
                .execute((name, value))?;
        }
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        self.counts = counts;
        if taken.is_some() {
            self.approved.replace(taken);
        }
        Ok(())
    }

    /// Whether the look-up has ended, one way or the other.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn lookup_has_ended(&self) -> Result<bool, LedgerError> {
        Ok(self.note(LOOKUP)?.is_some())
    }

    /// Whether accounts were looked up, all of them.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn is_looked_up(&self) -> Result<bool, LedgerError> {
        Ok(self.note(LOOKUP)?.as_deref() == Some("done"))
    }

    /// Why accounts were not looked up, where that is so.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn not_looked_up_because(&self) -> Result<Option<String>, LedgerError> {
        self.note(LOOKUP_SAID)
    }

    /// The rows by what the plan makes of them, those to be reset first, then the most.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn kinds(&self) -> Result<Vec<KindCount>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT state = 'skipped' AS is_skipped,
                    CASE WHEN state = 'skipped' THEN coalesce(error_code, '') ELSE coalesce(kind, '') END AS what,
                    count(*)
             FROM account LEFT JOIN looked_up USING (row) GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2",
        )?;
        let kind = |row: &rusqlite::Row<'_>| {
            Ok(KindCount { is_skipped: row.get(0)?, kind: row.get(1)?, number: row.get(2)?, names: Vec::new() })
        };
        let mut kinds: Vec<KindCount> = select.query_map((), kind)?.collect::<Result<_, _>>()?;
        for kind in &mut kinds {
            kind.names = self.names_of_kind(kind)?;
        }
        Ok(kinds)
    }

    fn names_of_kind(&self, kind: &KindCount) -> Result<Vec<String>, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT coalesce(looked_up.user_principal_name, roster.user_principal_name)
             FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row)
             WHERE iif(?1, state = 'skipped' AND coalesce(error_code, '') = ?2,
                           state <> 'skipped' AND coalesce(kind, '') = ?2)
             ORDER BY row LIMIT ?3",
        )?;
        let names = select.query_map((kind.is_skipped, &kind.kind, NAMES_TOLD), |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// How many accounts have another name in the directory than in the roster, and the first few as (old, new).
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn renamed(&self) -> Result<(u64, Vec<(String, String)>), LedgerError> {
        const RENAMED: &str = "FROM looked_up JOIN roster USING (row)
            WHERE looked_up.user_principal_name <> roster.user_principal_name COLLATE NOCASE
                  AND coalesce(looked_up.object_id, '') <> roster.user_principal_name COLLATE NOCASE";
        let number = self.connection.query_row(&format!("SELECT count(*) {RENAMED}"), (), |row| row.get(0))?;
        let mut select = self.connection.prepare(&format!(
            "SELECT roster.user_principal_name, looked_up.user_principal_name {RENAMED} ORDER BY row LIMIT {NAMES_TOLD}"
        ))?;
        let names = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((number, names.collect::<Result<_, _>>()?))
    }
}

fn keep(transaction: &Transaction, looked: &Looked, counts: &mut Counts) -> Result<(), LedgerError> {
    transaction.prepare_cached("INSERT OR REPLACE INTO looked_up VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        looked.row,
        looked.kind,
        looked.object_id,
        looked.user_principal_name,
        looked.password_changed_at,
    ])?;
    let Some((skip, message)) = &looked.skip else { return Ok(()) };
    let changed = skip_row(transaction, looked.row, *skip, message)?;
    counts.planned = counts.planned.saturating_sub(changed);
    counts.skipped += changed;
    Ok(())
}

fn skip_row(transaction: &Transaction, row: u64, skip: Skip, message: &str) -> Result<u64, LedgerError> {
    let changed = transaction
        .prepare_cached(
            "UPDATE account SET state = 'skipped', password = NULL, error_code = ?2, error_message = ?3
             WHERE row = ?1 AND state = 'planned'",
        )?
        .execute((row, skip.code(), message))?;
    Ok(changed as u64)
}

/// A name and an object id, or an old name and a new one, may be one account. Returns the rows that are skipped for it.
fn skip_duplicates(transaction: &Transaction, origin: Origin<'_>) -> Result<Vec<u64>, LedgerError> {
    let mut select = transaction.prepare(
        "SELECT later.row, later.line, roster.line
         FROM (SELECT row, line, min(row) OVER (PARTITION BY object_id) AS first
               FROM looked_up JOIN account USING (row) JOIN roster USING (row)
               WHERE object_id IS NOT NULL AND state = 'planned') AS later
         JOIN roster ON roster.row = later.first
         WHERE later.row <> later.first",
    )?;
    let (mut rows, mut skipped) = (select.query(())?, Vec::new());
    while let Some(row) = rows.next()? {
        let (row, line, first): (u64, u64, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        skip_row(transaction, row, Skip::Duplicate, &origin.same_account(line, first))?;
        skipped.push(row);
    }
    Ok(skipped)
}
