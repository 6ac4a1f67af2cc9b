//! What the directory said about the accounts before anything was sent, and what it changes in the plan.
//!
//! Results are stored row by row, so an interrupted lookup continues where it was. It judges no account; that happens
//! before results get here.
//!
//! Invariant: once the lookup has ended, no two planned rows are the same account.

use super::{
    Counts, Ledger, LedgerError, ReadLedger,
    approved::{self, LookupState, mark_again},
    note::{self, NoteKey},
    tally::Tally,
    words::{Word, Written},
};
use crate::{
    outcome::{Kind, Skip},
    roster::Origin,
};
use rusqlite::{Transaction, params};
use std::hash::{BuildHasher, RandomState};

/// How many names are listed for each kind.
const NAMES_LISTED: usize = 3;

/// A row whose account has to be looked up.
pub struct ToLookUp {
    /// Position in the roster.
    pub row: u64,
    /// Line of the file.
    pub line: u64,
    /// The account as the roster names it.
    pub user_principal_name: String,
}

/// What was found about an account, and what it means for its row.
pub struct Looked {
    /// Position in the roster.
    pub row: u64,
    /// What it is: if the row is skipped, the reason.
    pub kind: Kind,
    /// If the row is skipped: why, in words for users.
    pub skip: Option<(Skip, String)>,
    /// Its object id, if it was found.
    pub object_id: Option<String>,
    /// Its name in the directory, if it was found.
    pub user_principal_name: Option<String>,
    /// When its password was last set, in milliseconds since 1970.
    pub password_changed_at: Option<i64>,
}

/// Rows of the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCount {
    /// Whether they are skipped.
    pub is_skipped: bool,
    /// The kind, or the reason for which they are skipped; `None` if nobody looked.
    pub kind: Option<Kind>,
    /// How many.
    pub number: u64,
    /// The first few of them.
    pub names: Vec<String>,
}

impl ReadLedger {
    /// Up to `most` planned rows after `after` that were not looked up yet.
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
    pub fn left_to_look_up(&self) -> Result<u64, LedgerError> {
        Ok(self.connection.query_row(
            "SELECT count(*) FROM account WHERE state = 'planned'
                    AND NOT EXISTS (SELECT 1 FROM looked_up WHERE looked_up.row = account.row)",
            (),
            |row| row.get(0),
        )?)
    }

    /// Calls `each` with the names and the object id of each account that is still to be written.
    pub fn for_each_pending(&self, each: &mut dyn FnMut(&[&str])) -> Result<(), LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT roster.user_principal_name, coalesce(looked_up.user_principal_name, ''), coalesce(object_id, '')
             FROM account JOIN roster USING (row) LEFT JOIN looked_up USING (row)
             WHERE state = 'planned' OR state = 'in_flight' OR state = 'accepted'",
        )?;
        let mut rows = select.query(())?;
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            let (listed, name, id) = (text(0)?, text(1)?, text(2)?);
            // A name that is the same again is left out.
            let name = if name.eq_ignore_ascii_case(listed) { "" } else { name };
            let known: Vec<&str> = [listed, name, id].into_iter().filter(|name| !name.is_empty()).collect();
            each(&known);
        }
        Ok(())
    }

    /// How many of the accounts to reset had their password set at `since` or later (milliseconds since 1970, by the
    /// directory's clock) when they were looked up, and the first few of their names.
    pub fn changed_since(&self, since: i64) -> Result<(u64, Vec<String>), LedgerError> {
        const CHANGED: &str = "FROM account JOIN looked_up USING (row)
            WHERE state = 'planned' AND password_changed_at >= ?1";
        let number = self.connection.query_row(&format!("SELECT count(*) {CHANGED}"), [since], |row| row.get(0))?;
        let names = format!("SELECT user_principal_name {CHANGED} ORDER BY row LIMIT {NAMES_LISTED}");
        let mut select = self.connection.prepare(&names)?;
        let names = select.query_map([since], |row| row.get(0))?;
        Ok((number, names.collect::<Result<_, _>>()?))
    }

    /// Names and object ids, in lower case, that must not be touched.
    pub fn exclusions(&self) -> Result<Vec<String>, LedgerError> {
        let mut select = self.connection.prepare("SELECT key FROM exclusion")?;
        Ok(select.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Whether the lookup has ended in any way.
    pub fn lookup_has_ended(&self) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::Lookup)?.is_some())
    }

    /// Whether all accounts were looked up.
    pub fn is_looked_up(&self) -> Result<bool, LedgerError> {
        Ok(note::read(&self.connection, NoteKey::Lookup)?.as_deref() == Some("done"))
    }

    /// Why accounts were not looked up, if so.
    pub fn not_looked_up_because(&self) -> Result<Option<String>, LedgerError> {
        note::read(&self.connection, NoteKey::LookupSaid)
    }

    /// The rows by kind: those to be reset first, then by number.
    pub fn kinds(&self) -> Result<Vec<KindCount>, LedgerError> {
        let mut select = self.connection.prepare(
            "SELECT state = 'skipped', CASE WHEN state = 'skipped' THEN coalesce(error_code, '') ELSE coalesce(kind, '') END, row
             FROM account LEFT JOIN looked_up USING (row) ORDER BY row",
        )?;
        let (mut rows, mut kinds) = (select.query(())?, Tally::new());
        while let Some(row) = rows.next()? {
            let (is_skipped, word) = (row.get(0)?, row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
            let is = |(skipped, known): &(bool, String)| *skipped == is_skipped && known == word;
            let (number, first): &mut (u64, Vec<u64>) = kinds.at(is, || (is_skipped, word.to_owned()));
            *number += 1;
            if first.len() < NAMES_LISTED {
                first.push(row.get(2)?);
            }
        }
        let mut kinds = kinds.into_vec();
        kinds.sort_unstable_by(|((skipped, word), (number, _)), ((other, after), (fewer, _))| {
            (skipped, fewer, word).cmp(&(other, number, after))
        });
        let told = |((is_skipped, word), (number, first)): ((bool, String), (u64, Vec<u64>))| {
            let names = first.into_iter().map(|row| self.name(row)).collect::<Result<_, _>>()?;
            Ok(KindCount { is_skipped, kind: Kind::parse(&word), number, names })
        };
        kinds.into_iter().map(told).collect()
    }

    /// A row's name in the directory if it was looked up, otherwise in the roster.
    fn name(&self, row: u64) -> Result<String, LedgerError> {
        let mut select = self.connection.prepare_cached(
            "SELECT coalesce(looked_up.user_principal_name, roster.user_principal_name)
             FROM roster LEFT JOIN looked_up USING (row) WHERE row = ?1",
        )?;
        Ok(select.query_row([row], |row| row.get(0))?)
    }

    /// How many accounts have another name in the directory than in the roster, and the first few as (old, new).
    pub fn renamed(&self) -> Result<(u64, Vec<(String, String)>), LedgerError> {
        const RENAMED: &str = "FROM looked_up JOIN roster USING (row)
            WHERE looked_up.user_principal_name <> roster.user_principal_name COLLATE NOCASE
                  AND coalesce(looked_up.object_id, '') <> roster.user_principal_name COLLATE NOCASE";
        let number = self.connection.query_row(&format!("SELECT count(*) {RENAMED}"), (), |row| row.get(0))?;
        let mut select = self.connection.prepare(&format!(
            "SELECT roster.user_principal_name, looked_up.user_principal_name {RENAMED} ORDER BY row LIMIT {NAMES_LISTED}"
        ))?;
        let names = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((number, names.collect::<Result<_, _>>()?))
    }
}

impl Ledger {
    /// Stores the results. A skipped row loses its password, which was never sent, when the lookup ends; until then
    /// the plan is identified by it.
    pub fn keep_looked(&mut self, found: &[Looked]) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        self.staged.write(&transaction)?;
        let mut counts = self.read.counts;
        let mut marked = Vec::with_capacity(found.len());
        for looked in found {
            let method = self.read.settings.method_of(looked.kind).word().filter(|_| looked.skip.is_none());
            keep(&transaction, looked, method, &mut counts)?;
            marked.push((looked.row, mark_again(&transaction, &self.read.marks, looked.row)?));
        }
        transaction.commit()?;
        if let Some(approved) = &mut *self.read.approved.borrow_mut() {
            marked.into_iter().for_each(|(row, mark)| approved.set(row, mark));
        }
        self.read.counts = counts;
        Ok(())
    }

    /// Ends the lookup. If several rows turned out to be one account, the first is kept. `without` says why nothing
    /// was looked up, if so.
    pub fn end_lookup(&mut self, without: Option<&str>) -> Result<(), LedgerError> {
        let transaction = self.read.connection.write()?;
        let is_as_stored = without.is_some()
            && !transaction.query_row("SELECT EXISTS (SELECT 1 FROM looked_up)", (), |row| row.get::<_, bool>(0))?;
        // If nothing was looked up, the plan is as it was stored.
        let taken = match is_as_stored {
            true => None,
            false => {
                let mut known = self.read.approved.borrow_mut();
                let origin = self.read.settings.origin();
                let duplicates = if without.is_none() { skip_duplicates(&transaction, origin)? } else { Vec::new() };
                for row in duplicates {
                    let mark = mark_again(&transaction, &self.read.marks, row)?;
                    known.iter_mut().for_each(|known| known.set(row, mark));
                }
                let taken =
                    approved::take_from(&transaction, &self.read.settings_text, &self.read.marks, LookupState::Ended)?;
                known.as_ref().map_or(Ok(()), |known| known.must_be(&taken))?;
                Some(taken)
            }
        };
        let fingerprint = taken.as_ref().map(|taken| taken.fingerprint.clone());
        let notes = [
            (NoteKey::Lookup, Some(if without.is_none() { "done" } else { "none" })),
            (NoteKey::LookupSaid, without),
            (NoteKey::Fingerprint, fingerprint.as_deref()),
        ];
        for (key, value) in notes {
            value.map_or(Ok(()), |value| note::write(&transaction, key, value))?;
        }
        transaction
            .execute("UPDATE account SET password = NULL WHERE state = 'skipped' AND password IS NOT NULL", ())?;
        let counts = Counts::read(&transaction)?;
        transaction.commit()?;
        self.read.counts = counts;
        if taken.is_some() {
            self.read.approved.replace(taken);
        }
        Ok(())
    }
}

fn keep(
    transaction: &Transaction,
    looked: &Looked,
    method: Option<&str>,
    counts: &mut Counts,
) -> Result<(), LedgerError> {
    if method.is_some() {
        let mut update = transaction.prepare_cached("UPDATE account SET method = ?2 WHERE row = ?1")?;
        update.execute((looked.row, method))?;
    }
    transaction.prepare_cached("INSERT OR REPLACE INTO looked_up VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        looked.row,
        Written(looked.kind),
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
            "UPDATE account SET state = 'skipped', error_code = ?2, error_message = ?3 WHERE row = ?1 AND state = 'planned'",
        )?
        .execute((row, skip.code(), message))?;
    Ok(changed as u64)
}

/// A name and an object id, or an old name and a new one, may be the same account. Returns the rows that are skipped
/// because of that.
fn skip_duplicates(transaction: &Transaction, origin: Origin<'_>) -> Result<Vec<u64>, LedgerError> {
    if !may_have_duplicates(transaction)? {
        return Ok(Vec::new());
    }
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

/// Whether two object ids are the same, or at least their hashes: sorting numbers costs little, and most runs have no
/// such accounts.
fn may_have_duplicates(transaction: &Transaction) -> Result<bool, LedgerError> {
    let mut select = transaction.prepare("SELECT object_id FROM looked_up WHERE object_id IS NOT NULL")?;
    let (mut rows, hasher, mut hashes) = (select.query(())?, RandomState::new(), Vec::new());
    while let Some(row) = rows.next()? {
        hashes.push(hasher.hash_one(row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?));
    }
    hashes.sort_unstable();
    Ok(hashes.windows(2).any(|pair| pair[0] == pair[1]))
}
