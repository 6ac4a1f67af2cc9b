//! The way to the sign-in service and to Graph: proxy, answers, and the clock.

use super::Examination;
use crate::cli::{commands::destination::Destination, hints};
use jiff::{SignedDuration, Timestamp};
use passwave::{
    graph::client::{Endpoint, ProbeAnswer, auth::Endpoints, probe},
    util::format::short,
};

const AUTHORITY_PATH: &str = "common/v2.0/.well-known/openid-configuration";
const GRAPH_PATH: &str = "v1.0/me";
/// From this difference on, the sign-in service refuses what a certificate signs (Entra allows five minutes).
const CLOCK_WRONG: SignedDuration = SignedDuration::from_mins(5);
/// Times in the headers of answers are in whole seconds, and an answer may take some.
const CLOCK_RIGHT: SignedDuration = SignedDuration::from_secs(30);

/// Asks both services; whether the sign-in service has answered.
pub(super) async fn examine(
    examination: &mut Examination<'_>,
    endpoints: &Endpoints,
    destination: &Destination,
) -> bool {
    examination.fine("cloud", destination.cloud.as_str());
    examination.fine("proxy", routes(endpoints));
    let authority = reach(examination, ("sign-in service", AUTHORITY_PATH), endpoints, &endpoints.authority).await;
    let graph = reach(examination, ("Graph", GRAPH_PATH), endpoints, &endpoints.graph).await;
    match [authority, graph].into_iter().flatten().find_map(|answer| answer.date) {
        Some(there) => clock(examination, Timestamp::now().duration_since(there)),
        None => examination.skipped("clock", "no service said its time"),
    }
    authority.is_some()
}

/// How both endpoints are reached, without the user name and password of a proxy.
fn routes(endpoints: &Endpoints) -> String {
    let of = |endpoint| endpoints.web.route(endpoint).to_string();
    let (authority, graph) = (of(&endpoints.authority), of(&endpoints.graph));
    if authority == graph { graph } else { format!("the sign-in service {authority}; Graph {graph}") }
}

/// Asks an endpoint, for a document that it gives to everyone or refuses quickly.
async fn reach(
    examination: &mut Examination<'_>,
    (check, path): (&'static str, &str),
    endpoints: &Endpoints,
    endpoint: &Endpoint,
) -> Option<ProbeAnswer> {
    match probe(&endpoints.web, endpoint, path).await {
        Ok(answer) if answer.status >= 500 || answer.status == 407 => {
            let text = format!("{} answers HTTP {}", endpoint.host(), answer.status);
            let hint = "try again later; if it stays, find out whether a proxy answers instead";
            examination.problem(check, text, Some(hint.into()));
            None
        }
        Ok(answer) => {
            examination.fine(check, format!("{} answers", endpoint.host()));
            Some(answer)
        }
        Err(error) => {
            examination.problem(check, error.to_string(), hints::sign_in::of_probe(&error));
            None
        }
    }
}

/// Compares the clocks. `ahead` is how far this machine's is ahead.
fn clock(examination: &mut Examination<'_>, ahead: SignedDuration) {
    let (off, direction) = (ahead.abs(), if ahead.is_negative() { "behind" } else { "ahead of" });
    let text = format!("{} {direction} the clocks of Microsoft", short(off.unsigned_abs()));
    let hint = "set this machine's clock, and let it follow a time server";
    if off >= CLOCK_WRONG {
        examination.problem("clock", text, Some(hint.into()));
    } else if off >= CLOCK_RIGHT {
        examination.warning("clock", text, hint);
    } else {
        examination.fine("clock", "agrees with the clocks of Microsoft");
    }
}
