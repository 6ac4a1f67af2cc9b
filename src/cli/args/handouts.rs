//! The flags of `handouts`.

use super::rows::condition;
use crate::cli::hints;
use clap::{Args, ValueEnum};
use passwave::{
    account::language::Language,
    handouts::{Order, SignIn},
    roster::Condition,
};
use std::path::PathBuf;

#[derive(Args, Clone)]
#[command(next_help_heading = "Handouts")]
pub struct HandoutArgs {
    /// One file per value of this roster column, by header or number [default: one file for all]
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// Only the files for this value of --by, such as 7A; repeatable
    #[arg(long, value_name = "VALUE", requires = "by")]
    pub only: Vec<String>,
    /// Only the slips of rows with one of these values in this column, such as Form=7A,7B; repeat it for more conditions.
    /// After a sweep, claimed=no makes reminders for users who have not chosen a password of their own
    #[arg(long = "where", value_name = "COLUMN=VALUE", value_parser = condition)]
    pub conditions: Vec<Condition>,
    /// Only the slip of this account, by user principal name; repeatable
    #[arg(long, value_name = "UPN")]
    pub user: Vec<String>,
    /// Order of the slips in a file
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderName::Roster)]
    pub order: OrderName,
    /// Column with the user's name; repeat it if the name is in several columns [default: found by the headers]
    #[arg(long, value_name = "COLUMN")]
    pub name_column: Vec<String>,
    /// Language of the slips: en, fr, es or de
    #[arg(long, value_name = "LANGUAGE", default_value_t)]
    pub language: Language,
    /// Column with the language of each slip, such as fr, fr-CA or French; empty cells use --language
    #[arg(long, value_name = "COLUMN")]
    pub language_column: Option<String>,
    /// Sign-in address for the users, printed as text and as a QR code [default: https://myaccount.microsoft.com]
    #[arg(long, value_name = "URL", value_parser = sign_in_page)]
    pub sign_in: Option<SignIn>,
    /// Your own template instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Print the built-in template on stdout as a starting point; it explains what a template can use
    #[arg(long, exclusive = true)]
    pub print_template: bool,
    /// Folder to create [default: handouts in the run folder, or handouts-2 and so on if that exists]; a sealed run
    /// needs a folder outside the run folder, or --seal-map
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seal each file to its group's age recipients: a CSV with a value of --by and a recipient (age1…) on each line
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "FILE", requires = "by")]
    pub seal_map: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderName {
    /// As in the roster
    Roster,
    /// By family name if the roster has a column for it, otherwise by name
    Name,
}

impl From<OrderName> for Order {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Roster => Self::Roster,
            OrderName::Name => Self::Name,
        }
    }
}

/// The page on which people sign in.
fn sign_in_page(text: &str) -> Result<SignIn, String> {
    text.parse().map_err(|error| match hints::handouts::of_address(&error) {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    })
}
