//! How the ledger stores passwords: as text, or sealed.
//!
//! Every password goes into the database and comes out of it through this module. Invariant: in a sealed run no
//! password enters the database in the clear, and none that is there in the clear is accepted.

use super::{LedgerError, database::Database};
use crate::{
    password::Password,
    seal::{Binding, Identities, Keyring, SealError, Sealing},
};
use jiff::Timestamp;
use rusqlite::{
    Connection,
    types::{ToSqlOutput, Value, ValueRef},
};
use std::{
    cell::RefCell,
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

/// Converts passwords between memory and the database.
#[derive(Default)]
pub(super) struct PasswordColumn {
    /// `None` if the run is not sealed.
    keyring: Option<Keyring>,
    /// Passwords that this process can read, as keyed hashes; built on first use.
    used: RefCell<Option<Used>>,
}

#[derive(Default)]
struct Used(RandomState, HashSet<u64>);

/// What the database has in place of a password.
pub(super) enum StoredPassword {
    Nothing,
    Password(Password),
    /// A password whose key is not available.
    Sealed,
}

impl StoredPassword {
    /// The password, if it can be read here.
    pub(super) fn password(self) -> Option<Password> {
        match self {
            Self::Password(password) => Some(password),
            Self::Nothing | Self::Sealed => None,
        }
    }
}

impl PasswordColumn {
    /// The password column of the run with that id.
    pub(super) fn new(run_id: String, sealing: Option<&Sealing>) -> Result<Self, SealError> {
        let keyring = sealing.map(|sealing| Keyring::new(run_id, sealing)).transpose()?;
        Ok(Self { keyring, ..Self::default() })
    }

    /// Also opens data keys of an older release, because the run was migrated.
    pub(super) fn accept_older(&mut self) {
        self.keyring.iter_mut().for_each(Keyring::accept_older);
    }

    pub(super) fn keyring(&self) -> Option<&Keyring> {
        self.keyring.as_ref()
    }

    /// Makes a key for this process and stores it on disk before anything is sealed with it. Do not call it within a
    /// transaction, which could be rolled back.
    pub(super) fn have_key(&mut self, database: &Database) -> Result<(), LedgerError> {
        let Some(keyring) = self.keyring.as_mut().filter(|keyring| keyring.own().is_none()) else { return Ok(()) };
        let number = database.query_row("SELECT coalesce(max(number), 0) + 1 FROM data_key", (), |row| row.get(0))?;
        let made = keyring.make(number)?;
        let now = Timestamp::now().as_millisecond();
        database.change("INSERT INTO data_key VALUES (?1, ?2, ?3)", (number, made.wrapped(), now))?;
        keyring.adopt(made);
        Ok(())
    }

    /// Opens all data keys that are sealed to `identities`.
    pub(super) fn unlock(&mut self, connection: &Connection, identities: &Identities) -> Result<(), LedgerError> {
        let Some(keyring) = &mut self.keyring else { return Ok(()) };
        let mut select = connection.prepare("SELECT number, wrapped FROM data_key ORDER BY number")?;
        let mut rows = select.query(())?;
        let mut opened = false;
        while let Some(row) = rows.next()? {
            opened |=
                keyring.unlock(row.get(0)?, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?, identities)?;
        }
        *self.used.borrow_mut() = None;
        if opened { Ok(()) } else { Err(SealError::WrongKey.into()) }
    }

    /// A password in its form for the database.
    pub(super) fn put<'a>(&self, place: &Binding<'_>, password: &'a Password) -> Result<ToSqlOutput<'a>, SealError> {
        if let Some(Used(hasher, used)) = &mut *self.used.borrow_mut() {
            used.insert(hasher.hash_one(password.expose()));
        }
        match &self.keyring {
            None => Ok(ToSqlOutput::Borrowed(password.expose().into())),
            Some(keyring) => Ok(ToSqlOutput::Owned(Value::Blob(keyring.seal(place, password)?))),
        }
    }

    /// The content of the database, for its place.
    pub(super) fn get(&self, place: &Binding<'_>, held: ValueRef<'_>) -> Result<StoredPassword, SealError> {
        match (&self.keyring, held) {
            (_, ValueRef::Null) => Ok(StoredPassword::Nothing),
            (None, ValueRef::Text(text)) => match str::from_utf8(text) {
                Ok(text) => Ok(StoredPassword::Password(Password::new(text.to_owned()))),
                Err(_) => Err(SealError::BadValue(place.row)),
            },
            (Some(keyring), ValueRef::Blob(sealed)) => {
                Ok(keyring.open(place, sealed)?.map_or(StoredPassword::Sealed, StoredPassword::Password))
            }
            _ => Err(SealError::Unsealed(place.row)),
        }
    }

    /// Whether the content of the database can be read here, as far as its key is concerned.
    pub(super) fn reads(&self, held: ValueRef<'_>) -> bool {
        match (&self.keyring, held) {
            (Some(keyring), ValueRef::Blob(sealed)) => keyring.reads(sealed),
            _ => true,
        }
    }

    /// Whether a row already has this password, among those that can be read here. On the first call, `all` provides
    /// them.
    pub(super) fn is_used(
        &self,
        password: &Password,
        all: impl FnOnce(&mut dyn FnMut(&Password)) -> Result<(), LedgerError>,
    ) -> Result<bool, LedgerError> {
        let mut used = self.used.borrow_mut();
        if used.is_none() {
            let mut found = Used::default();
            all(&mut |password| {
                found.1.insert(found.0.hash_one(password.expose()));
            })?;
            *used = Some(found);
        }
        Ok(used.as_ref().is_some_and(|Used(hasher, used)| used.contains(&hasher.hash_one(password.expose()))))
    }
}
