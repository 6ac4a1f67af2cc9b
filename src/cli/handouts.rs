//! What can be said of handouts.

use clap::{Args, ValueEnum};
use passwave::{
    handouts::{Order, SignIn},
    language::Language,
};
use std::path::PathBuf;

#[derive(Args)]
#[command(next_help_heading = "Handouts")]
pub struct HandoutArgs {
    /// One file for each value of this column of the roster, by its header or its number [default: one file for all]
    #[arg(long, value_name = "COLUMN")]
    pub by: Option<String>,
    /// Only the files of this value of --by, such as 7A; repeatable
    #[arg(long, value_name = "VALUE", requires = "by")]
    pub only: Vec<String>,
    /// Only the slip of this account, by its user principal name; repeatable
    #[arg(long, value_name = "UPN")]
    pub user: Vec<String>,
    /// The order of the slips in a file
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderName::Roster)]
    pub order: OrderName,
    /// The column of the person's name; repeatable, for a name in parts [default: those whose headers say so]
    #[arg(long, value_name = "COLUMN")]
    pub name_column: Vec<String>,
    /// The language of the slips: en, fr, es or de
    #[arg(long, value_name = "LANGUAGE", default_value_t)]
    pub language: Language,
    /// The column that says the language of each slip, such as fr, fr-CA or French; --language where it says none
    #[arg(long, value_name = "COLUMN")]
    pub language_column: Option<String>,
    /// Where people sign in; printed, and as a QR code of that address alone [default: https://myaccount.microsoft.com]
    #[arg(long, value_name = "URL")]
    pub sign_in: Option<SignIn>,
    /// A template of your own, in place of the built-in one
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Print the built-in template on stdout, to start from; it says what a template can use
    #[arg(long, exclusive = true)]
    pub print_template: bool,
    /// The folder to make [default: handouts in the run folder, or handouts-2 and so on if that exists]; a sealed run needs
    /// one outside of its folder, or --seal-map
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Seal each file to the recipients of age that this CSV has for its group: a value of --by and age1… on each line
    #[cfg(feature = "seal")]
    #[arg(long, value_name = "FILE", requires = "by")]
    pub seal_map: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderName {
    /// As in the roster
    Roster,
    /// By family name, where the roster has it in a column of its own, else by name
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
