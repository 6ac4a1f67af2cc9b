//! What to do about password settings that do not work, and about passwords that cannot be generated.

use passwave::password::{BannedError, PasswordError, PolicyError};

/// What to change in the policy, if that is known.
pub fn of_policy(error: &PolicyError) -> Option<String> {
    let hint = match error {
        PolicyError::Length(_) => "give a length within these limits with --length",
        PolicyError::Symbol(_) => "leave that symbol out of --symbols",
        PolicyError::Words(_) => "give a number within these limits with --words",
        PolicyError::Separator => "give such a separator with --separator",
        PolicyError::Short => "use three words (--words) or a separator (--separator)",
        PolicyError::FewWords(_) => "ban fewer words (--banned-words)",
        _ => return None,
    };
    Some(hint.into())
}

/// What to change in the list of banned words, if that is known.
pub fn of_banned_words(error: &BannedError) -> Option<String> {
    let hint = match error {
        BannedError::Length { .. } => "change or remove that word in the file that --banned-words names",
        BannedError::TooMany(_) => "remove words from the file that --banned-words names",
        _ => return None,
    };
    Some(hint.into())
}

/// What to do if no password can be made, if that is known.
pub fn hint(error: &PasswordError) -> Option<String> {
    match error {
        PasswordError::Exhausted => {
            Some("allow longer passwords (--length, --words) or ban fewer words (--banned-words)".into())
        }
        PasswordError::NoRandomness(_) => None,
        _ => None,
    }
}
