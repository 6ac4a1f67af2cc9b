//! Each command that the program prints as a next step is run unchanged in the same shell, and must do what it says.
//! The tests go through all states, against a simulated tenant over loopback.
#![cfg(unix)]

#[path = "../support/served.rs"]
mod served;

mod names;
mod remembered;
mod states;
mod terminal;
mod workspace;
