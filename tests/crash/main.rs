//! The program itself, killed, interrupted and misled: what it leaves behind must be right.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../support/served.rs"]
mod served;

mod kills;
mod program;
mod refusals;
