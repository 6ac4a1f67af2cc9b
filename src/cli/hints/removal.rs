//! What to do about passwords that could not be removed.

use passwave::report::RemovalError;

/// What to do next, if that is known.
pub fn hint(error: &RemovalError) -> Option<String> {
    let hint = match error {
        RemovalError::Report(error) => return super::report::hint(error),
        RemovalError::File { .. } => "check the permissions, and whether a program holds it open",
        RemovalError::NotReplaced { .. } => "close the program that has it open",
        _ => return None,
    };
    Some(hint.into())
}
