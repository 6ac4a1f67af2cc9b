//! Every command and many ways to fail, with secrets that are known: none of them may come out, but on the wire and in the
//! files that were asked for.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../doors/desk.rs"]
#[allow(dead_code, reason = "its checks run with the doors")]
mod desk;
#[path = "../doors/pair.rs"]
#[allow(dead_code, reason = "its checks run with the doors")]
mod pair;
#[path = "../support/served.rs"]
mod served;
#[path = "../doors/stage.rs"]
#[allow(dead_code, reason = "its checks run with the doors")]
mod stage;

mod canary;
mod doors;
#[cfg(unix)]
mod files;
#[cfg(feature = "seal")]
mod sealed;
mod verbs;
mod watched;
