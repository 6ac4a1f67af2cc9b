//! Who agrees to a run, for its evidence.
//!
//! The names come from the environment, so they are hints and prove nothing.

use super::conditions::{Consent, RunConditions};
use jiff::Timestamp;
use passwave::{
    ledger::{Agreement, Approval},
    util::sanitize,
};

/// Variables with the person who started a pipeline (GitHub Actions, Azure Pipelines, GitLab CI), then the user of this
/// machine (Windows, Unix).
const NAMES: [&str; 6] =
    ["GITHUB_TRIGGERING_ACTOR", "BUILD_REQUESTEDFOREMAIL", "GITLAB_USER_LOGIN", "USERNAME", "USER", "LOGNAME"];

/// The approval of a run that starts now, or continues if it `has_begun`.
pub fn of(terms: &RunConditions<'_>, has_begun: bool) -> Approval {
    let how = match (terms.consent, has_begun) {
        (Consent::Asked | Consent::Missing, _) => Agreement::Typed,
        (Consent::Given, true) => Agreement::Earlier,
        (Consent::Given, false) => Agreement::Flag,
    };
    let by = NAMES.into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    Approval {
        at: format!("{:.3}", Timestamp::now()),
        how,
        expected: terms.expect.map(|expected| expected.trim().to_lowercase()),
        by: by.map(|name| sanitize::for_terminal(&name)),
    }
}
