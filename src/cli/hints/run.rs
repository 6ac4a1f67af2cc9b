//! What to do if a run, a lookup or a verification stopped early.

use passwave::{
    engine::{audit::AuditError, dispatch::DispatchError, lookup::LookupError, reader::ReadError, run::RunError},
    graph::SendError,
};

/// What to do if the application may not revoke sessions.
/// What to do if the first account of the on-premises directory was not reset.
pub const WRITEBACK_PILOT: &str = "read error_message of this row in the report, and check that password writeback is on; \
     the next run begins with another account";

pub const SESSIONS_DENIED: &str =
    "grant the application User.RevokeSessions.All with admin consent; the line after the report has the command";

/// What to do if a run stopped early, if that is known.
pub fn hint(error: &RunError) -> Option<String> {
    match error {
        RunError::Ledger(error) => super::ledger::hint(error),
        RunError::Dispatcher(error) => of_dispatch(error),
        RunError::Everyone { cause, .. } => {
            Some(format!("{}, then continue the run", super::outcome::of_refusal(*cause)))
        }
        RunError::ProvidedPassword(_) => {
            Some("give the key that reads them (--identity KEYFILE, or --passphrase)".into())
        }
        RunError::Password(error) => super::password::hint(error),
        _ => None,
    }
}

/// What to do if nothing more can be sent.
pub fn of_dispatch(error: &DispatchError) -> Option<String> {
    let hint = match error {
        DispatchError::SignIn(error) => return super::sign_in::hint(error),
        DispatchError::TokenRefused(_) => "check that --cloud, --authority-host and --graph-endpoint belong together",
        DispatchError::BatchRefused(_) => {
            "check --graph-endpoint and whether a proxy answers instead of Graph, then run this again"
        }
        DispatchError::Away { .. } => {
            "check the network, the proxy (--ca-file) and the service's health, then run this again; --max-wait sets how long \
             to wait"
        }
        DispatchError::Asked { .. } => "continue later with `passwave run`, or allow a longer --max-wait",
        DispatchError::Stalled(_) => {
            "another job may be using this application's quota; continue later, or wait longer with --max-wait"
        }
        _ => return None,
    };
    Some(hint.into())
}

/// What to do if accounts cannot be read.
pub fn of_read(error: &ReadError) -> Option<String> {
    match error {
        ReadError::Ledger(error) => super::ledger::hint(error),
        ReadError::Dispatcher(error) => of_dispatch(error),
        ReadError::Unclear(_) => Some(
            "check --graph-endpoint and whether a proxy answers instead of Graph, then continue with `passwave run`; a plan \
             with --lookup off uses the names in the roster"
                .into(),
        ),
        _ => None,
    }
}

/// What to do if the audit log cannot be read.
pub fn of_audit(error: &AuditError) -> Option<String> {
    match error {
        AuditError::Ledger(error) => super::ledger::hint(error),
        AuditError::Send(SendError::SignIn(error)) => super::sign_in::hint(error),
        AuditError::Send(_) => Some("check the network and the service's health, then run this again".into()),
        _ => None,
    }
}

/// What to do if the lookup stopped early.
pub fn of_look_up(error: &LookupError) -> Option<String> {
    match error {
        LookupError::Read(error) => of_read(error),
        LookupError::SignIn(error) => super::sign_in::hint(error),
        LookupError::Tenant(_) => Some("check the network and the service's health, then run this again".into()),
        LookupError::Denied(_) => Some(
            "grant the application User.Read.All with admin consent, or plan with --lookup auto: --lookup required was given"
                .into(),
        ),
        _ => None,
    }
}
