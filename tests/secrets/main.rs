//! Every command and many failures, with known secrets: none may appear anywhere, except on the wire and in the
//! requested files.

#[path = "../support/checkers.rs"]
mod checkers;
#[path = "../auth/fake_server.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod fake_server;
#[path = "../auth/pair.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod pair;
#[path = "../support/served.rs"]
mod served;
#[path = "../auth/stage.rs"]
#[allow(dead_code, reason = "tests/auth uses all of it")]
mod stage;

mod auth;
mod browser;
mod canary;
#[cfg(unix)]
mod files;
#[cfg(feature = "seal")]
mod sealed;
mod verbs;
mod watched;
