//! What to do about an error of the plan.

use passwave::plan::PlanError;

/// What to do next, if that is known.
pub fn hint(error: &PlanError) -> Option<String> {
    match error {
        PlanError::Roster(error) => super::roster::hint(error),
        PlanError::Password(error) => super::password::hint(error),
        _ => None,
    }
}
