//! The worst input from others: files that are not rosters, and servers that answer wrongly.

mod checks;
mod endless;
mod properties;
mod server;
mod wrong_answers;
