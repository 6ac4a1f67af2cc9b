//! The credentials: which there are, and whether they work.

use super::Examination;
use crate::cli::{
    args::ConnectArgs,
    commands::{connect::SignIn, destination::Destination},
    failure::Failure,
};
use passwave::{
    engine::lookup::permission_warnings,
    graph::{
        Graph, SendError,
        claims::Claims,
        client::auth::{Method, Needs, Variables},
    },
    util::sanitize,
};

const CREDENTIALS: &str = "credentials";

/// Names the variables that are set, and the method that a run would use.
pub(super) fn examine_credentials(examination: &mut Examination<'_>, connect: &ConnectArgs) {
    let variables = Variables::new(&|name| std::env::var(name).ok());
    let names: Vec<&str> = variables.names().collect();
    let names = if names.is_empty() { "no variable is set".to_owned() } else { format!("{} set", names.join(", ")) };
    match connect.auth.method().map_or_else(|| Method::offered(&variables), Ok) {
        Ok(method) => {
            let why = if connect.auth.method().is_some() { "as --auth says" } else { "the first that is offered" };
            examination.fine(CREDENTIALS, format!("{names}; {method} ({why})"));
        }
        Err(error) => {
            examination.fine(CREDENTIALS, names);
            examination.failure(CREDENTIALS, &error.into());
        }
    }
}

/// Signs in, if there are credentials and the sign-in service has answered, and shows what the token says.
pub(super) async fn examine(
    examination: &mut Examination<'_>,
    connect: &ConnectArgs,
    destination: &Destination,
    is_reached: bool,
) {
    const CHECK: &str = "sign-in";
    if !SignIn::is_offered(connect) {
        return examination.skipped(CHECK, "there are no credentials");
    }
    if !is_reached {
        return examination.skipped(CHECK, "the sign-in service did not answer");
    }
    let reporter = examination.reporter;
    let sign_in = match SignIn::open(reporter, connect, destination, Needs::RUN) {
        Ok(sign_in) => sign_in,
        Err(failure) => return examination.failure(CHECK, &failure),
    };
    match sign_in.client(reporter).claims().await {
        Ok(claims) => {
            let claims = claims.unwrap_or_default();
            examination.fine(CHECK, sign_in.who(claims.clone()).to_string());
            permissions(examination, &claims);
        }
        Err(SendError::SignIn(error)) => examination.failure(CHECK, &error.into()),
        Err(error) => examination.failure(CHECK, &Failure::away(error)),
    }
}

/// Lists what the token allows, and what it seems to lack.
fn permissions(examination: &mut Examination<'_>, claims: &Claims) {
    const CHECK: &str = "permissions";
    let granted = if claims.is_application { &claims.roles } else { &claims.scopes };
    let shown: Vec<_> = granted.iter().map(|name| sanitize::line(name)).collect();
    let kind = if claims.is_application { "application" } else { "delegated" };
    let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
    examination.fine(CHECK, format!("{kind}: {shown}"));
    for warning in permission_warnings(claims) {
        examination.warning(CHECK, warning, "in the Entra admin center: API permissions of the application");
    }
}
