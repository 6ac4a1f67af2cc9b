//! The program is killed, interrupted and misled: whatever it leaves behind must be right.

#[path = "../support/checkers.rs"]
mod checkers;
#[cfg(feature = "seal")]
#[path = "../support/copy.rs"]
mod copy;
#[path = "../support/served.rs"]
mod served;

#[cfg(target_os = "linux")]
mod carried;
#[cfg(unix)]
mod folder;
mod held;
mod kills;
#[cfg(unix)]
mod machine;
mod meeting;
mod program;
mod refusals;
#[cfg(unix)]
mod removal;
#[cfg(feature = "seal")]
mod sealed;
#[cfg(target_os = "linux")]
mod trace;
