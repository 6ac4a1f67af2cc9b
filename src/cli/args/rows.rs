//! Flags that select the accounts of a run, and the skips that are acceptable.

use clap::Args;
use passwave::{
    outcome::{Skip, Status},
    roster::{Condition, ConditionError},
    util::suggest::nearest,
};

const WHICH_ROWS: &str = "Which rows";

#[derive(Args)]
pub struct RowsArgs {
    /// Only rows with one of these values in this column, such as Form=7A,7B or status=failed. Repeat it for more
    /// conditions; a row must meet all of them. Case is ignored, COLUMN= matches an empty cell, and a value with a
    /// comma needs quotation marks
    #[arg(long = "where", help_heading = WHICH_ROWS, value_name = "COLUMN=VALUE", value_parser = condition)]
    pub only: Vec<Condition>,
    /// Reset this account instead of a roster, by user principal name or object id; repeatable
    #[arg(long, help_heading = WHICH_ROWS, value_name = "UPN")]
    pub user: Vec<String>,
}

/// Parses a condition, for `--where`.
pub fn condition(text: &str) -> Result<Condition, String> {
    text.parse().map_err(|error: ConditionError| error.to_string())
}

/// Parses a reason for skipping, for `--accept`.
pub fn accepted(text: &str) -> Result<Skip, String> {
    let text = text.trim().to_lowercase();
    if let Some(skip) = Skip::from_code(&text) {
        return Ok(skip);
    }
    let is_status = |status: &Status| *status != Status::Skipped && status.as_str() == text.replace('-', "_");
    if Status::ALL.iter().any(is_status) {
        return Err(format!("rows with the status {text} are never accepted, only reasons for which rows are skipped"));
    }
    let codes = Skip::ALL.map(Skip::code);
    let hint = nearest(&text, codes).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    Err(format!("rows are skipped for these reasons: {}{hint}", codes.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_skip_reasons_only() {
        assert_eq!(accepted(" Synced"), Ok(Skip::Synced));
        for (text, word) in [
            ("failed", "never accepted"),
            ("in-doubt", "never accepted"),
            ("sinced", "did you mean synced?"),
            ("x", "upn_missing"),
        ] {
            let error = accepted(text).expect_err(text);
            assert!(error.contains(word), "{error}");
        }
    }
}
