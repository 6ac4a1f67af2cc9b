//! Reads the group and its members.

use super::{
    Asked, Directory,
    made::{find_group, group},
};
use crate::simulator::{query::Candidates, refusal::Refusal, reply::Body};

/// `GET /groups`.
pub(super) fn list(directory: Directory<'_>, asked: &Asked<'_>) -> Body {
    let groups: Vec<_> = (!directory.register.members.is_empty()).then(|| group(directory)).into_iter().collect();
    asked.these("groups", &groups)
}

/// `GET /groups/{key}`.
pub(super) fn read(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    Ok(asked.one("groups", &find_group(directory, asked.key)?))
}

/// `GET /groups/{key}/members` and `transitiveMembers`.
pub(super) fn members(directory: Directory<'_>, asked: &Asked<'_>) -> Result<Body, Refusal> {
    find_group(directory, asked.key)?;
    let members = Candidates::These(directory.register.members.clone());
    let set = if asked.place.cast.is_some() { "users" } else { "directoryObjects" };
    Ok(asked.list(set, members, |at| Some(directory.account(at))))
}
