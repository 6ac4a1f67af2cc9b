//! The form of each row's password: the profile and the language from planning.
//!
//! It decides neither. Invariant: a word in the file that is not a profile or a language is an error for every reader.

use super::{FILE_NAME, LedgerError, ReadLedger, tally::Tally};
use crate::{
    password::{Form, Profile},
    util::sanitize,
};
use rusqlite::Row;
use std::{path::PathBuf, str::FromStr};

impl ReadLedger {
    /// The form of a row's password.
    pub fn form(&self, row: u64) -> Result<Form, LedgerError> {
        let mut select = self.connection.prepare_cached("SELECT profile, language FROM roster WHERE row = ?1")?;
        let mut rows = select.query([row])?;
        rows.next()?.map_or(Err(LedgerError::OutOfStep(row)), |row| form(row, 0))
    }

    /// How many accounts of the plan have passwords of each form, the form without a profile first. Skipped rows do not
    /// count.
    pub fn forms(&self) -> Result<Vec<(Form, u64)>, LedgerError> {
        let mut select = self
            .connection
            .prepare("SELECT profile, language FROM account JOIN roster USING (row) WHERE state <> 'skipped'")?;
        let (mut rows, mut forms) = (select.query(())?, Tally::new());
        while let Some(row) = rows.next()? {
            let text = |at: usize| row.get_ref(at)?.as_str_or_null().map_err(rusqlite::Error::from);
            let (profile, language) = (text(0)?, text(1)?.unwrap_or_default());
            let is = |(known, of): &(Option<String>, String)| known.as_deref() == profile && of == language;
            *forms.at(is, || (profile.map(str::to_owned), language.to_owned())) += 1;
        }
        let parsed = |((profile, language), number): ((Option<String>, String), u64)| {
            Ok((form_of(profile.as_deref(), &language)?, number))
        };
        let mut forms = forms.into_vec().into_iter().map(parsed).collect::<Result<Vec<_>, LedgerError>>()?;
        forms.sort_unstable();
        Ok(forms)
    }

    /// The lowest entropy of the plan's passwords, in bits; that of the settings if the plan has no passwords.
    pub fn entropy_bits(&self) -> Result<f64, LedgerError> {
        Ok(self.entropy_bits_of(&self.forms()?))
    }

    /// The same if the [forms](Self::forms) are known already.
    #[must_use]
    pub fn entropy_bits_of(&self, forms: &[(Form, u64)]) -> f64 {
        let policy = &self.settings.policy;
        let bits = forms.iter().map(|(form, _)| policy.entropy_bits(*form));
        bits.reduce(f64::min).unwrap_or_else(|| policy.entropy_bits(Form::default()))
    }
}

/// Reads a profile and a language from adjacent columns, starting at `at`.
pub(super) fn form(row: &Row<'_>, at: usize) -> Result<Form, LedgerError> {
    let text = |at: usize| row.get_ref(at)?.as_str_or_null().map_err(rusqlite::Error::from);
    form_of(text(at)?, text(at + 1)?.unwrap_or_default())
}

fn form_of(profile: Option<&str>, language: &str) -> Result<Form, LedgerError> {
    Ok(Form { profile: profile.map(word::<Profile>).transpose()?, language: word(language)? })
}

fn word<T: FromStr>(text: &str) -> Result<T, LedgerError> {
    text.parse().map_err(|_| LedgerError::Damaged {
        file: PathBuf::from(FILE_NAME),
        why: format!("a row has the unknown profile or language {:?}", sanitize::for_terminal(text)),
    })
}
