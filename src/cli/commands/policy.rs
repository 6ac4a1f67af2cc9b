//! Turns flags into the password policy.

use crate::cli::{
    args::{PolicyArgs, StyleName},
    failure::Failure,
};
use passwave::{
    password::{BannedWords, ENTROPY_BITS_MIN, Form, PasswordPolicy, SYMBOLS_DEFAULT, Style},
    roster::text_file::{self, Wanted},
    util::sanitize,
};
use std::path::Path;

/// Maximum size of a list of banned words: ten thousand short words have a few hundred thousand bytes.
const WORDS_BYTES_MAX: u64 = 8 << 20;

/// What decides the profile of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profiles {
    /// The flags, if anything does.
    OfFlags,
    /// Each password has its own.
    Many,
}

/// The form of passwords for which the roster says nothing.
pub fn form(args: &PolicyArgs) -> Form {
    Form { profile: args.profile, language: args.language.unwrap_or_default() }
}

/// The policy from the flags. Choosing a profile accepts its entropy, which the plan shows again.
pub fn policy(args: &PolicyArgs, profiles: Profiles) -> Result<PasswordPolicy, Failure> {
    let banned = match &args.banned_words {
        Some(file) => banned_words(file)?,
        None => BannedWords::default(),
    };
    let style = match args.style {
        StyleName::Words => Style::Words { words: args.words, separator: args.separator.clone() },
        StyleName::Random => {
            let symbols = args.symbols.as_deref().unwrap_or(SYMBOLS_DEFAULT).to_owned();
            Style::Random { length: args.length, symbols }
        }
    };
    let policy = PasswordPolicy::new(style, banned)?;
    let bits = policy.entropy_bits(form(args));
    let is_by_profile = profiles == Profiles::Many || args.profile.is_some();
    if bits < ENTROPY_BITS_MIN && !args.allow_weak && !is_by_profile {
        return Err(Failure::usage(format!(
            "these passwords have {bits:.1} bits of entropy, under {ENTROPY_BITS_MIN:.0}: they can be guessed"
        ))
        .hint("make them longer (--length, --words), or accept this with --allow-weak"));
    }
    Ok(policy)
}

fn banned_words(file: &Path) -> Result<BannedWords, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("{}: {why}", sanitize::for_terminal(&file.display().to_string())))
            .hint("--banned-words takes a text file in UTF-8, with one word on each line")
    };
    let bytes = text_file::read(file, WORDS_BYTES_MAX).map_err(|error| wrong(error.to_string()))?;
    let text = text_file::decode(bytes, Wanted::Found).map_err(|error| wrong(error.to_string()))?.text;
    Ok(BannedWords::read(&text)?)
}
