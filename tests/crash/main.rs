//! The program itself, killed, interrupted and misled: what it leaves behind must be right.

#[path = "../support/checkers.rs"]
mod checkers;
#[cfg(feature = "seal")]
#[path = "../support/copy.rs"]
mod copy;
#[path = "../support/served.rs"]
mod served;

#[cfg(unix)]
mod folder;
mod kills;
#[cfg(unix)]
mod machine;
mod meeting;
mod program;
mod refusals;
#[cfg(feature = "seal")]
mod sealed;
#[cfg(target_os = "linux")]
mod trace;
