//! One roster for many tenants, against a simulator that serves all of them over loopback, and side by side on a clock
//! that skips all waiting.

mod alone;
mod evidence;
mod junit;
mod pacing;
mod place;
mod schemas;
mod scopes;
#[cfg(feature = "seal")]
mod sealed;
#[cfg(unix)]
mod stopping;
mod trouble;
