//! Flags that say which accounts a run is about.

use clap::Args;
use passwave::roster::{Condition, ConditionError};

const WHICH_ROWS: &str = "Which rows";

#[derive(Args)]
pub struct RowsArgs {
    /// Only rows with one of these values in this column, such as Form=7A,7B or status=failed; repeatable, and all must
    /// hold. Case does not matter, COLUMN= is an empty cell, and a value with a comma stands in quotation marks
    #[arg(long = "where", help_heading = WHICH_ROWS, value_name = "COLUMN=VALUE", value_parser = condition)]
    pub only: Vec<Condition>,
    /// This account in place of a roster, by its user principal name or object id; repeatable
    #[arg(long, help_heading = WHICH_ROWS, value_name = "UPN")]
    pub user: Vec<String>,
}

fn condition(text: &str) -> Result<Condition, String> {
    text.parse().map_err(|error: ConditionError| error.to_string())
}
