//! The routes of the simulated Graph: addresses, methods, permissions and query options.

use super::{
    audit::DIRECTORY_AUDIT,
    entity::Entity,
    objects::{
        DIRECTORY_OBJECT, DIRECTORY_ROLE, DOMAIN, GROUP, ORGANIZATION, ROLE_ASSIGNMENT, ROLE_DEFINITION,
        SERVICE_PRINCIPAL,
    },
    operation::OPERATION,
    user::USER,
};
use crate::simulator::permission::Permission::{
    self, ReadAuditLog, ReadDomains, ReadGroups, ReadMethods, ReadRoles, ReadUsers, ResetOnPremises, RevokeSessions,
    WritePasswords, WriteUsers,
};

/// What a route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Target {
    User,
    Users,
    UsersDelta,
    RevokeSessions,
    MemberOf,
    TransitiveMemberOf,
    /// A list that has no items for any object here.
    Empty,
    Manager,
    MemberGroups,
    MemberObjects,
    CheckMemberGroups,
    CheckMemberObjects,
    Group,
    Groups,
    GroupMembers,
    GroupMemberOf,
    DirectoryRole,
    DirectoryRoles,
    RoleMembers,
    RoleDefinition,
    RoleDefinitions,
    RoleAssignment,
    RoleAssignments,
    Organization,
    Organizations,
    Domain,
    Domains,
    ServicePrincipal,
    ServicePrincipals,
    DirectoryObject,
    ObjectsByIds,
    DeletedUser,
    DeletedUsers,
    Restore,
    ResetOnPremises,
    Operation,
    DirectoryAudits,
}

/// Query options that a route takes, as bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::simulator) struct Options(u8);

impl Options {
    pub(in crate::simulator) const NONE: Self = Self(0);
    pub(in crate::simulator) const SELECT: Self = Self(1);
    pub(in crate::simulator) const EXPAND: Self = Self(2);
    pub(in crate::simulator) const FILTER: Self = Self(4);
    pub(in crate::simulator) const SEARCH: Self = Self(8);
    pub(in crate::simulator) const ORDER_BY: Self = Self(16);
    pub(in crate::simulator) const TOP: Self = Self(32);
    pub(in crate::simulator) const COUNT: Self = Self(64);
    pub(in crate::simulator) const DELTA: Self = Self(128);
    const ONE: Self = Self::SELECT.and(Self::EXPAND);
    /// A list of directory objects, with everything.
    const LIST: Self = Self(Self::DELTA.0 - 1);
    /// A list with filters, but without advanced queries.
    const SIMPLE: Self = Self::SELECT.and(Self::FILTER).and(Self::TOP).and(Self::EXPAND);
    const PAGES: Self = Self::SELECT.and(Self::TOP);

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(in crate::simulator) const fn has(self, option: Self) -> bool {
        self.0 & option.0 == option.0
    }
}

/// One address and what can be done there.
#[derive(Debug)]
pub(in crate::simulator) struct Route {
    /// Its segments, with `*` for a key.
    pub path: &'static str,
    pub target: Target,
    /// The methods, each with the permission that it needs.
    pub methods: &'static [(&'static str, Permission)],
    /// The types of its objects; the first is the declared one.
    pub types: &'static [&'static Entity],
    /// The query options of `GET`.
    pub options: Options,
    /// Resource units of a `GET` without options (Graph's throttling limits, identity and access).
    pub units: u32,
}

const fn route(
    path: &'static str,
    target: Target,
    methods: &'static [(&'static str, Permission)],
    types: &'static [&'static Entity],
    options: Options,
) -> Route {
    Route { path, target, methods, types, options, units: 1 }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Route {
    const fn costs(self, units: u32) -> Self {
        Self { units, ..self }
    }

    /// Whether a `GET` answers with a list.
    pub(in crate::simulator) fn is_list(&self) -> bool {
        self.options.has(Options::TOP) || matches!(self.target, Target::Organizations | Target::DirectoryRoles)
    }

    /// Whether `$count` can follow the address, and whether the advanced parameters mean something here.
    pub(in crate::simulator) fn is_advanced(&self) -> bool {
        self.options.has(Options::COUNT)
    }

    /// The permission that `method` needs; `None` if it is not allowed.
    pub(in crate::simulator) fn permission(&self, method: &str) -> Option<Permission> {
        self.methods.iter().find(|(verb, _)| *verb == method).map(|(_, permission)| *permission)
    }
}

const MEMBERS: &[&Entity] = &[&DIRECTORY_OBJECT, &USER, &GROUP, &SERVICE_PRINCIPAL];
const HOLDERS: &[&Entity] = &[&DIRECTORY_OBJECT, &GROUP, &DIRECTORY_ROLE];
const OBJECTS: &[&Entity] = &[&DIRECTORY_OBJECT, &USER, &GROUP, &DIRECTORY_ROLE, &SERVICE_PRINCIPAL];

/// All of them; the most frequent first, because they are searched in this order.
pub(in crate::simulator) static ROUTES: &[Route] = &[
    // Before the accounts, or these would be the keys of one.
    route("users/getByIds", Target::ObjectsByIds, &[("POST", ReadUsers)], OBJECTS, Options::NONE).costs(5),
    route("groups/getByIds", Target::ObjectsByIds, &[("POST", ReadGroups)], OBJECTS, Options::NONE).costs(5),
    route(
        "users/delta",
        Target::UsersDelta,
        &[("GET", ReadUsers)],
        &[&USER],
        Options::DELTA.and(Options::PAGES).and(Options::FILTER),
    )
    .costs(2),
    route(
        "users/*",
        Target::User,
        &[("GET", ReadUsers), ("PATCH", WritePasswords), ("DELETE", WriteUsers)],
        &[&USER],
        Options::ONE,
    ),
    route("users/*/revokeSignInSessions", Target::RevokeSessions, &[("POST", RevokeSessions)], &[], Options::NONE),
    route(
        "users/*/authentication/methods/*/resetPassword",
        Target::ResetOnPremises,
        &[("POST", ResetOnPremises)],
        &[],
        Options::NONE,
    ),
    route(
        "users/*/authentication/operations/*",
        Target::Operation,
        &[("GET", ReadMethods)],
        &[&OPERATION],
        Options::SELECT,
    ),
    route("users", Target::Users, &[("GET", ReadUsers), ("POST", WriteUsers)], &[&USER], Options::LIST).costs(2),
    route("users/*/memberOf", Target::MemberOf, &[("GET", ReadUsers)], HOLDERS, Options::LIST).costs(2),
    route("users/*/transitiveMemberOf", Target::TransitiveMemberOf, &[("GET", ReadUsers)], HOLDERS, Options::LIST)
        .costs(2),
    route("users/*/manager", Target::Manager, &[("GET", ReadUsers)], &[&DIRECTORY_OBJECT], Options::ONE),
    route("users/*/directReports", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/ownedObjects", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/createdObjects", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/ownedDevices", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/registeredDevices", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/licenseDetails", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/appRoleAssignments", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/oauth2PermissionGrants", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/transitiveReports", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/sponsors", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/scopedRoleMemberOf", Target::Empty, &[("GET", ReadUsers)], MEMBERS, Options::LIST),
    route("users/*/getMemberGroups", Target::MemberGroups, &[("POST", ReadUsers)], &[], Options::NONE),
    route("users/*/getMemberObjects", Target::MemberObjects, &[("POST", ReadUsers)], &[], Options::NONE),
    route("users/*/checkMemberGroups", Target::CheckMemberGroups, &[("POST", ReadUsers)], &[], Options::NONE),
    route("users/*/checkMemberObjects", Target::CheckMemberObjects, &[("POST", ReadUsers)], &[], Options::NONE),
    route(
        "roleManagement/directory/roleAssignments",
        Target::RoleAssignments,
        &[("GET", ReadRoles)],
        &[&ROLE_ASSIGNMENT],
        Options::SIMPLE,
    ),
    route(
        "roleManagement/directory/roleAssignments/*",
        Target::RoleAssignment,
        &[("GET", ReadRoles)],
        &[&ROLE_ASSIGNMENT],
        Options::ONE,
    ),
    route(
        "roleManagement/directory/roleDefinitions",
        Target::RoleDefinitions,
        &[("GET", ReadRoles)],
        &[&ROLE_DEFINITION],
        Options::SIMPLE,
    ),
    route(
        "roleManagement/directory/roleDefinitions/*",
        Target::RoleDefinition,
        &[("GET", ReadRoles)],
        &[&ROLE_DEFINITION],
        Options::ONE,
    ),
    route(
        "directoryRoles",
        Target::DirectoryRoles,
        &[("GET", ReadRoles)],
        &[&DIRECTORY_ROLE],
        Options::SELECT.and(Options::FILTER),
    ),
    route("directoryRoles/*", Target::DirectoryRole, &[("GET", ReadRoles)], &[&DIRECTORY_ROLE], Options::SELECT),
    route("directoryRoles/*/members", Target::RoleMembers, &[("GET", ReadRoles)], MEMBERS, Options::LIST).costs(2),
    route("groups", Target::Groups, &[("GET", ReadGroups)], &[&GROUP], Options::LIST).costs(2),
    route("groups/*", Target::Group, &[("GET", ReadGroups)], &[&GROUP], Options::ONE),
    route("groups/*/members", Target::GroupMembers, &[("GET", ReadGroups)], MEMBERS, Options::LIST).costs(3),
    route("groups/*/transitiveMembers", Target::GroupMembers, &[("GET", ReadGroups)], MEMBERS, Options::LIST).costs(5),
    route("groups/*/owners", Target::Empty, &[("GET", ReadGroups)], MEMBERS, Options::LIST).costs(2),
    route("groups/*/memberOf", Target::GroupMemberOf, &[("GET", ReadGroups)], HOLDERS, Options::LIST).costs(2),
    route("groups/*/transitiveMemberOf", Target::GroupMemberOf, &[("GET", ReadGroups)], HOLDERS, Options::LIST)
        .costs(2),
    route("domains", Target::Domains, &[("GET", ReadDomains)], &[&DOMAIN], Options::PAGES),
    route("domains/*", Target::Domain, &[("GET", ReadDomains)], &[&DOMAIN], Options::SELECT),
    route("organization", Target::Organizations, &[("GET", ReadUsers)], &[&ORGANIZATION], Options::SELECT),
    route("organization/*", Target::Organization, &[("GET", ReadUsers)], &[&ORGANIZATION], Options::SELECT),
    route("servicePrincipals", Target::ServicePrincipals, &[("GET", ReadUsers)], &[&SERVICE_PRINCIPAL], Options::LIST),
    route("servicePrincipals/*", Target::ServicePrincipal, &[("GET", ReadUsers)], &[&SERVICE_PRINCIPAL], Options::ONE),
    route("directoryObjects/getByIds", Target::ObjectsByIds, &[("POST", ReadUsers)], OBJECTS, Options::NONE).costs(5),
    route("directoryObjects/*", Target::DirectoryObject, &[("GET", ReadUsers)], OBJECTS, Options::SELECT),
    route(
        "directory/deletedItems/microsoft.graph.user",
        Target::DeletedUsers,
        &[("GET", ReadUsers)],
        &[&USER],
        Options::LIST,
    ),
    route("directory/deletedItems/graph.user", Target::DeletedUsers, &[("GET", ReadUsers)], &[&USER], Options::LIST),
    route(
        "directory/deletedItems/*",
        Target::DeletedUser,
        &[("GET", ReadUsers), ("DELETE", WriteUsers)],
        &[&USER],
        Options::SELECT,
    ),
    route(
        "auditLogs/directoryAudits",
        Target::DirectoryAudits,
        &[("GET", ReadAuditLog)],
        &[&DIRECTORY_AUDIT],
        Options::FILTER.and(Options::TOP).and(Options::ORDER_BY),
    ),
    route("directory/deletedItems/*/restore", Target::Restore, &[("POST", WriteUsers)], &[&USER], Options::NONE),
];
