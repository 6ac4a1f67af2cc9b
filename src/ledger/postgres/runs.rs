//! The runs of a database.

use super::{LIMIT, LedgerServer, error::PostgresError, link::client, load::answered};
use crate::ledger::LedgerError;
use tokio_postgres::types::Type;

/// A run of the database, as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRun {
    /// Its name.
    pub name: String,
    /// When it was planned.
    pub planned_at: String,
    /// Who works on it, if anybody does.
    pub holder: Option<String>,
    /// When that process loses it, if it does not renew its lease.
    pub until: Option<String>,
    /// Why it stopped, if a person has to look at it before it goes on.
    pub stopped_by: Option<String>,
    /// How often a process has taken it.
    pub epoch: u64,
    /// The rows of its roster.
    pub rows: u64,
    /// Of these, how many have not ended.
    pub pending: u64,
    /// Its passwords.
    pub passwords: StoredPasswords,
}

/// What the database has of the passwords of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoredPasswords {
    /// Everybody who can read the tables can read them.
    Readable,
    /// Only the recipients can read them.
    Sealed,
    /// There are none.
    #[default]
    None,
}

const LIST: &str = "SELECT name, to_char(planned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
        CASE WHEN until > clock_timestamp() THEN holder_name END,
        CASE WHEN until > clock_timestamp() THEN to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') END,
        rows, pending, stopped_by, epoch, is_readable, is_sealed
    FROM passwave.run CROSS JOIN LATERAL (
        SELECT count(*) AS rows, count(*) FILTER (WHERE state IN ('planned', 'in_flight', 'accepted')) AS pending,
            coalesce(bool_or(password IS NOT NULL), false) AS is_readable,
            coalesce(bool_or(sealed IS NOT NULL), false) AS is_sealed
        FROM passwave.account WHERE account.run = run.run
    ) AS accounts
    ORDER BY planned_at, name";

impl LedgerServer {
    /// All runs of the database, the oldest first.
    ///
    /// # Errors
    /// Fails if the server does not answer, or refuses.
    pub fn runs(&self) -> Result<Vec<StoredRun>, LedgerError> {
        let link = self.link.clone();
        let rows = self.worker.wait(LIMIT, async move {
            let mut held = link.connected().await?;
            let rows = client(&mut held).query_typed(LIST, &[]).await?;
            rows.iter()
                .map(|row| {
                    let number = |at: usize| Ok(u64::try_from(row.try_get::<_, i64>(at)?).unwrap_or_default());
                    let passwords = match (row.try_get(8)?, row.try_get(9)?) {
                        (true, _) => StoredPasswords::Readable,
                        (false, true) => StoredPasswords::Sealed,
                        (false, false) => StoredPasswords::None,
                    };
                    Ok(StoredRun {
                        passwords,
                        name: row.try_get(0)?,
                        planned_at: row.try_get(1)?,
                        holder: row.try_get(2)?,
                        until: row.try_get(3)?,
                        stopped_by: row.try_get(6)?,
                        epoch: number(7)?,
                        rows: number(4)?,
                        pending: number(5)?,
                    })
                })
                .collect()
        });
        Ok(answered(rows, self.shown())?)
    }

    /// The number of the run with this name, and the version of its ledger.
    pub(in crate::ledger) fn find(&self, name: &str) -> Result<(i64, i32), PostgresError> {
        let (link, wanted) = (self.link.clone(), name.to_owned());
        let found = self.worker.wait(LIMIT, async move {
            let mut held = link.connected().await?;
            let sql = "SELECT run, ledger FROM passwave.run WHERE name = $1";
            let row = client(&mut held).query_typed_opt(sql, &[(&wanted, Type::TEXT)]).await?;
            row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
        });
        let missing = || PostgresError::NoRun { name: name.to_owned(), server: self.shown().to_owned() };
        answered(found, self.shown())?.ok_or_else(missing)
    }
}
