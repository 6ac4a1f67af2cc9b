//! What each route answers.
//!
//! Reads go through [`Asked`], which does the query on any record or list; writes go to the tenant.

mod accounts;
mod audit;
mod groups;
mod made;
mod memberships;
mod organization;
mod principal;
mod roles;

use super::{
    context::{ReadView, RequestContext},
    place::Place,
    query::{Allowed, Candidates, Listing, Query, expanded},
    record::{Record, View},
    refusal::Refusal,
    register::Register,
    reply::Body,
    schema::{DIRECTORY_OBJECT, Entity, Target},
    tenant::Tenant,
    token::Credentials,
};

/// A read, ready to be done.
pub(super) struct Asked<'a> {
    pub place: &'a Place<'a>,
    /// The key, with `me` already resolved.
    pub key: &'a str,
    pub query: Query<'a>,
    /// The root of the API, as in links.
    pub root: String,
    pub view: ReadView,
    pub credentials: &'a Credentials,
}

/// Everything that a read can see.
#[derive(Clone, Copy)]
struct Directory<'a> {
    tenant: &'a Tenant,
    register: &'a Register,
    credentials: &'a Credentials,
    view: ReadView,
}

impl<'a> Asked<'a> {
    /// Reads the query of a request to `place`.
    pub(super) fn read(
        place: &'a Place<'a>,
        key: &'a str,
        text: &'a str,
        eventual: bool,
        (context, view, credentials): (&RequestContext, ReadView, &'a Credentials),
    ) -> Result<Self, Refusal> {
        let cast = place.cast.map(|cast| [cast]);
        let types: &[&'static Entity] = cast.as_ref().map_or(place.route.types, |cast| cast.as_slice());
        let allowed = Allowed { route: place.route, types, eventual, counting: place.counting };
        if place.counting && !eventual {
            return Err(Refusal::NO_COUNT);
        }
        let query = Query::read(text, &allowed)?;
        Ok(Self { place, key, query, root: context.root(), view, credentials })
    }

    /// The name of the declared type of a list's items.
    fn declared(&self) -> &'static str {
        let types = self.place.route.types;
        self.place.cast.or(types.first().copied()).map_or("", |entity| entity.name)
    }

    /// OData's name for what the answer holds.
    fn context(&self, set: &str, ending: &str) -> String {
        format!("{}/$metadata#{}{ending}", self.root, self.query.context(set))
    }

    /// The address of the list.
    fn address(&self) -> String {
        let path = self.place.route.path.replace('*', self.key);
        let cast = self.place.cast.map_or_else(String::new, |cast| format!("/microsoft.graph.{}", cast.name));
        format!("{}/{path}{cast}", self.root)
    }

    /// One object.
    pub(super) fn one(&self, set: &str, record: &dyn Record) -> Body {
        let context = self.context(set, "/$entity");
        let typed = self.declared() == DIRECTORY_OBJECT.name;
        let select = self.query.select.as_deref();
        let view = View { record, context: Some(&context), typed, select, expanded: expanded(&self.query, record) };
        Body::Json(view.json())
    }

    /// One item of a list, as a value.
    fn item(&self, record: &dyn Record) -> serde_json::Value {
        let view =
            View { record, context: None, typed: false, select: self.query.select.as_deref(), expanded: Vec::new() };
        serde_json::from_str(view.json().get()).unwrap_or_default()
    }

    /// A list, or the number of its items.
    fn list<R: Record>(&self, set: &str, candidates: Candidates, at: impl Fn(usize) -> Option<R>) -> Body {
        let (context, address) = (self.context(set, ""), self.address());
        let cast = self.place.cast;
        let fitting = |position| at(position).filter(|record| cast.is_none_or(|cast| record.entity() == cast));
        let declared = self.declared();
        let (context, address) = (context.as_str(), address.as_str());
        let listing = Listing { query: &self.query, candidates, at: fitting, context, address, declared };
        if self.place.counting { Body::Count(listing.count()) } else { Body::Json(listing.page()) }
    }

    /// A list of so many records, each made for the answer.
    pub(super) fn list_below<R: Record>(&self, set: &str, end: usize, at: impl Fn(usize) -> Option<R>) -> Body {
        self.list(set, Candidates::Below(end), at)
    }

    /// A short list of records that are already there.
    fn these<R: Record>(&self, set: &str, records: &[R]) -> Body
    where
        for<'r> &'r R: Record,
    {
        self.list(set, Candidates::Below(records.len()), |at| records.get(at))
    }
}

impl<R: Record + ?Sized> Record for &R {
    fn entity(&self) -> &'static Entity {
        (**self).entity()
    }

    fn field(&self, property: &super::schema::Property) -> super::record::Field<'_> {
        (**self).field(property)
    }

    fn related(&self, navigation: &str) -> Option<serde_json::Value> {
        (**self).related(navigation)
    }
}

/// Answers a `GET`.
pub(super) fn get(tenant: &mut Tenant, asked: &Asked<'_>) -> Result<Body, Refusal> {
    // The register is only made for those who need it: an account alone does not.
    if asked.place.route.target == Target::User && asked.query.expand.is_empty() {
        return accounts::read(tenant, asked);
    }
    let (tenant, register) = tenant.with_register();
    let directory = Directory { tenant, register, credentials: asked.credentials, view: asked.view };
    match asked.place.route.target {
        Target::User => accounts::read_related(directory, asked),
        Target::Users => Ok(accounts::list(directory, asked)),
        Target::UsersDelta => accounts::delta(directory, asked),
        Target::DeletedUsers => Ok(accounts::deleted(directory, asked)),
        Target::DeletedUser => accounts::read_deleted(directory, asked),
        Target::Manager => accounts::manager(directory, asked),
        Target::MemberOf | Target::TransitiveMemberOf => memberships::of_account(directory, asked),
        Target::GroupMemberOf => memberships::of_group(directory, asked),
        Target::Empty => memberships::none(directory, asked),
        Target::Groups => Ok(groups::list(directory, asked)),
        Target::Group => groups::read(directory, asked),
        Target::GroupMembers => groups::members(directory, asked),
        Target::DirectoryRoles => Ok(roles::active(directory, asked)),
        Target::DirectoryRole => roles::read_active(directory, asked),
        Target::RoleMembers => roles::members(directory, asked),
        Target::RoleDefinitions => Ok(roles::definitions(asked)),
        Target::RoleDefinition => roles::read_definition(asked),
        Target::RoleAssignments => Ok(roles::assignments(directory, asked)),
        Target::RoleAssignment => roles::read_assignment(directory, asked),
        Target::Organizations => Ok(organization::list(directory, asked)),
        Target::Organization => organization::read(directory, asked),
        Target::Domains => Ok(organization::domains(directory, asked)),
        Target::Domain => organization::domain(directory, asked),
        Target::ServicePrincipals => Ok(organization::applications(directory, asked)),
        Target::ServicePrincipal => organization::application(directory, asked),
        Target::DirectoryObject => organization::object_by_id(directory, asked),
        Target::DirectoryAudits => Ok(audit::list(tenant, asked)),
        Target::RevokeSessions
        | Target::MemberGroups
        | Target::MemberObjects
        | Target::CheckMemberGroups
        | Target::CheckMemberObjects
        | Target::ObjectsByIds
        | Target::Restore
        | Target::ResetOnPremises
        | Target::Operation => Err(Refusal::METHOD),
    }
}

/// Answers an action that only reads, with its parameters in the body.
pub(super) fn ask(tenant: &mut Tenant, asked: &Asked<'_>, body: &[u8]) -> Result<Body, Refusal> {
    let (tenant, register) = tenant.with_register();
    let directory = Directory { tenant, register, credentials: asked.credentials, view: asked.view };
    match asked.place.route.target {
        Target::ObjectsByIds => organization::by_ids(directory, asked, body),
        target => memberships::check(directory, asked, target, body),
    }
}

/// The body after an account was created or restored.
pub(super) fn account(tenant: &Tenant, asked: &Asked<'_>, at: usize) -> Body {
    accounts::one(tenant, asked, at)
}
