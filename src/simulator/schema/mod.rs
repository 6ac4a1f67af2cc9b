//! What the simulated Graph has: its types with their properties, and its routes with what each of them takes.
//!
//! Names, types and defaults are those of Microsoft's public metadata (v1.0, August 2026); what can be filtered, sorted and
//! searched is what its page on advanced queries says. Requests are checked against these tables, and so are answers, in
//! builds with debug assertions. Nothing here acts.
//!
//! Invariant: whatever is not in a table is refused.

mod audit;
mod complex;
mod entity;
mod objects;
mod operation;
mod routes;
mod user;
mod value;

pub(super) use self::{
    audit::DIRECTORY_AUDIT,
    complex::complex,
    entity::{Access, Entity, Kind, Property, Support},
    objects::{
        DIRECTORY_OBJECT, DIRECTORY_ROLE, DOMAIN, GROUP, ORGANIZATION, ROLE_ASSIGNMENT, ROLE_DEFINITION,
        SERVICE_PRINCIPAL,
    },
    operation::OPERATION,
    routes::{Options, ROUTES, Route, Target},
    user::USER,
    value::fits,
};

/// The entity with this name, such as `user`.
pub(super) fn entity(name: &str) -> Option<&'static Entity> {
    ENTITIES.iter().copied().find(|entity| entity.name == name)
}

const ENTITIES: &[&Entity] = &[
    &USER,
    &GROUP,
    &DIRECTORY_ROLE,
    &SERVICE_PRINCIPAL,
    &ORGANIZATION,
    &DOMAIN,
    &ROLE_DEFINITION,
    &ROLE_ASSIGNMENT,
    &DIRECTORY_OBJECT,
    &OPERATION,
    &DIRECTORY_AUDIT,
];
