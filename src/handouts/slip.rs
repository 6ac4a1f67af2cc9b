//! One user's slip, as a template sees it.
//!
//! Invariant: its password leaves only through [`write_secret`], straight into the file, or through what a template
//! itself makes of it; no `Debug` text shows it.

use super::words::{Occasion, Words};
use crate::{
    account::language::Language,
    password::{ForceChange, Password},
    util::sanitize,
};
use minijinja::{
    Value, context,
    value::{Enumerator, Object, ObjectRepr},
};
use std::{fmt, sync::Arc};

/// How many characters of a text fit on a line of the built-in slip, from large to small letters. Templates get the
/// size that fits, so they need not count.
pub(super) struct Fits([usize; 3]);

const PASSWORD: Fits = Fits([22, 30, 36]);
const ACCOUNT: Fits = Fits([29, 34, 39]);
const NAME: Fits = Fits([24, 30, 40]);
/// The limits for an address.
pub(super) const ADDRESS: Fits = Fits([30, 36, 46]);
/// Their names in the style sheet; text in the last size takes several lines.
const SIZES: [&str; 4] = ["", "long", "longer", "longest"];

impl Fits {
    /// The size that fits.
    pub(super) fn size(&self, text: &str) -> &'static str {
        let length = text.chars().count();
        SIZES[self.0.iter().position(|fits| length <= *fits).unwrap_or(self.0.len())]
    }
}

/// The content of a slip.
pub(super) struct Slip {
    pub(super) row: u64,
    pub(super) occasion: Occasion,
    pub(super) name: String,
    pub(super) user_principal_name: String,
    pub(super) password: Arc<Secret>,
    pub(super) language: Language,
    pub(super) force_change: ForceChange,
    pub(super) cells: Arc<Cells>,
    /// The words of its language, for the template.
    pub(super) words: Value,
}

/// The fields of a slip that a template can use.
const FIELDS: [&str; 14] = [
    "row",
    "name",
    "user_principal_name",
    "password",
    "password_size",
    "account_size",
    "name_size",
    "signs",
    "language",
    "words",
    "next",
    "force_change",
    "is_reminder",
    "cells",
];

impl Object for Slip {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "row" => self.row.into(),
            "name" => sanitize::line(&self.name).into(),
            "user_principal_name" => sanitize::line(&self.user_principal_name).into(),
            "password" => Value::from_dyn_object(Arc::clone(&self.password)),
            "password_size" => PASSWORD.size(self.password.0.expose()).into(),
            "account_size" => ACCOUNT.size(&self.user_principal_name).into(),
            "name_size" => NAME.size(&self.name).into(),
            "signs" => self.signs(),
            "language" => self.language.to_string().into(),
            "words" => self.words.clone(),
            "next" => Words::of(self.language).next(self.force_change, self.occasion).into(),
            "is_reminder" => (self.occasion == Occasion::Reminder).into(),
            "force_change" => word(self.force_change).into(),
            "cells" => Value::from_dyn_object(Arc::clone(&self.cells)),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&FIELDS)
    }
}

impl Slip {
    /// Characters of the password that are easily mistaken, each once, with their names.
    fn signs(&self) -> Value {
        let (words, password) = (Words::of(self.language), self.password.0.expose().as_bytes());
        let mut seen = Vec::new();
        for (at, c) in password.iter().map(|byte| char::from(*byte)).enumerate() {
            let Some(called) = words.sign(c) else { continue };
            if !is_in_word(password, at) && !seen.contains(&(c, called)) {
                seen.push((c, called));
            }
        }
        seen.sort_unstable();
        seen.into_iter()
            .map(|(sign, called)| context! { sign => if sign == ' ' { '␣' } else { sign }, called })
            .collect()
    }
}

/// Whether a character is part of a word: lower-case letters, the first of which may be a capital.
fn is_in_word(password: &[u8], at: usize) -> bool {
    const LETTERS_MIN: usize = 4;
    let small = |byte: &&u8| byte.is_ascii_lowercase();
    let before = password[..at].iter().rev().take_while(small).count();
    let after = password[at + 1..].iter().take_while(small).count();
    let begins = at.checked_sub(before + 1).is_some_and(|first| password[first].is_ascii_uppercase());
    match password[at] {
        b'a'..=b'z' => before + 1 + after + usize::from(begins) >= LETTERS_MIN,
        b'A'..=b'Z' => before == 0 && 1 + after >= LETTERS_MIN,
        _ => false,
    }
}

const fn word(force_change: ForceChange) -> &'static str {
    match force_change {
        ForceChange::NextSignIn => "next_sign_in",
        ForceChange::NextSignInWithMfa => "next_sign_in_with_mfa",
        ForceChange::No => "no",
    }
}

impl fmt::Debug for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the slip of row {}", self.row)
    }
}

/// A password in a template. It is written only where the template puts it.
pub(super) struct Secret(pub(super) Password);

impl Object for Secret {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    /// Filters and operators turn it into a text, which is not wiped.
    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sanitize::data(self.0.expose()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password]")
    }
}

/// Writes a password escaped, without an intermediate copy; `false` if `value` is not a password.
pub(super) fn write_secret(out: &mut impl fmt::Write, value: &Value) -> Result<bool, fmt::Error> {
    let Some(Secret(password)) = value.downcast_object_ref::<Secret>() else { return Ok(false) };
    for c in password.expose().chars() {
        match c {
            // Entra accepts no password with one, but others may have changed the ledger.
            c if c.is_control() => {}
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&#39;")?,
            c => out.write_char(c)?,
        }
    }
    Ok(true)
}

/// A roster row's cells by column name. A row may have fewer cells than the header.
#[derive(Debug)]
pub(super) struct Cells {
    pub(super) header: Arc<[String]>,
    pub(super) cells: Vec<String>,
}

impl Object for Cells {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let wanted = key.as_str()?;
        let at = self.header.iter().position(|name| name == wanted || sanitize::line(name) == wanted)?;
        Some(sanitize::line(self.cells.get(at).map_or("", String::as_str)).into())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.header.iter().map(|name| sanitize::line(name).into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_written_but_never_shown() {
        let secret = Arc::new(Secret(Password::new("a<b&\"c'd>0".into())));
        assert_eq!(format!("{secret:?}"), "[password]");
        let value = Value::from_dyn_object(secret);
        let mut out = String::new();
        assert!(write_secret(&mut out, &value).expect("memory"));
        assert_eq!(out, "a&lt;b&amp;&quot;c&#39;d&gt;0");
        assert_eq!(write_secret(&mut out, &Value::from("text")), Ok(false));
    }

    #[test]
    fn letters_in_words_need_no_sign() {
        let taken = |password: &str| {
            let at = |at: &usize| "l1IO0| ".contains(char::from(password.as_bytes()[*at]));
            let alone = (0..password.len()).filter(at).filter(|at| !is_in_word(password.as_bytes(), *at));
            alone.map(|at| char::from(password.as_bytes()[at])).collect::<String>()
        };
        for (password, signs) in [
            ("Water-pedal-lemon-42", ""),
            ("Orchard-Iceland7", ""),
            ("Oil-l10l", "Oll10l"),
            ("Abcd0Ol1 I|ef", "0Ol1 I|"),
            ("xIabcdO", "IO"),
            ("lemon1", "1"),
            ("Lemol", ""),
        ] {
            assert_eq!(taken(password), signs, "{password}");
        }
    }

    #[test]
    fn text_sizes_are_distinguished() {
        let sizes = [0, 22, 23, 30, 31, 36, 37].map(|length| PASSWORD.size(&"é".repeat(length)));
        assert_eq!(sizes, ["", "", "long", "long", "longer", "longer", "longest"]);
    }
}
