//! A call and what it asks for: what to do where, and what that needs and costs.

use super::{
    permission::Permission,
    place::Place,
    refusal::Refusal,
    route::cost,
    schema::{Route, Target},
};

/// A call as it came.
pub(super) struct Call<'a> {
    /// Its id in the batch; empty if it came alone.
    pub id: &'a str,
    pub method: &'a str,
    /// Path and query, relative to the API's version.
    pub url: &'a str,
    pub has_content_type: bool,
    pub body: Option<&'a [u8]>,
}

/// What to do, and where.
#[derive(Clone, Copy)]
pub(super) struct Action<'a> {
    pub verb: Verb,
    pub place: &'a Place<'a>,
    /// The key in the address, or the id of the person who is signed in.
    pub key: &'a str,
    /// Whether the call has `ConsistencyLevel: eventual`.
    pub eventual: bool,
    /// What the caller must be allowed to do.
    pub permission: Permission,
}

/// The method of a call that a route allows.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Verb {
    Get,
    /// A `POST` that only reads.
    Ask,
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub(super) fn of(method: &str, route: &Route) -> Result<(Self, Permission), Refusal> {
        let permission = route.permission(method).ok_or(Refusal::METHOD)?;
        let verb = match (method, route.target) {
            ("GET", _) => Self::Get,
            ("PATCH", _) => Self::Patch,
            ("DELETE", _) => Self::Delete,
            (_, Target::Users | Target::RevokeSessions | Target::Restore | Target::ResetOnPremises) => Self::Post,
            _ => Self::Ask,
        };
        Ok((verb, permission))
    }
}

impl<'a> Action<'a> {
    pub(super) fn is_write(self) -> bool {
        !matches!(self.verb, Verb::Get | Verb::Ask)
    }

    /// Whether it concerns authentication methods, which have a quota of their own.
    pub(super) fn is_of_methods(self) -> bool {
        matches!(self.place.route.target, Target::ResetOnPremises | Target::Operation)
    }

    /// Whether it reads the audit log, which has a quota of its own.
    pub(super) fn is_of_reports(self) -> bool {
        self.place.route.target == Target::DirectoryAudits
    }

    /// Whether it reads the last sign-ins, which have a quota of their own.
    pub(super) fn is_of_sign_ins(self, query: &str) -> bool {
        self.verb == Verb::Get
            && matches!(self.place.route.target, Target::User | Target::Users)
            && query.to_ascii_lowercase().contains("signinactivity")
    }

    /// Whether it needs a body. An action without parameters needs one only within a batch.
    pub(super) fn needs_body(self, call: &Call<'_>) -> bool {
        let bare = matches!(self.place.route.target, Target::RevokeSessions | Target::Restore);
        !matches!(self.verb, Verb::Get | Verb::Delete) && (!bare || !call.id.is_empty())
    }

    /// The account that it concerns.
    pub(super) fn account(self) -> Option<&'a str> {
        matches!(self.place.route.target, Target::User | Target::RevokeSessions | Target::ResetOnPremises)
            .then_some(self.key)
    }

    /// Resource units that it costs (Graph's throttling limits, identity and access).
    pub(super) fn units(self, query: &str) -> u32 {
        match (self.verb, self.place.route.target) {
            // Nothing reduces the cost of these, and there are many of them.
            (Verb::Patch | Verb::Post | Verb::Delete, _) | (Verb::Get, Target::User) => 1,
            (Verb::Ask, _) => self.place.route.units,
            (Verb::Get, _) => cost(self.place.route.units, query),
        }
    }
}
