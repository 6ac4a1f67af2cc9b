//! Every command that the program prints as the way on is collected, run as it stands in the same shell, and must do what it
//! says: state by state, against a simulated tenant over loopback.
#![cfg(unix)]

#[path = "../support/served.rs"]
mod served;

mod desk;
mod names;
mod remembered;
mod states;
mod terminal;
