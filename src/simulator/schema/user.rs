//! The type `user`.

use super::entity::{
    Entity,
    Kind::{Boolean, Number, Object, Objects, Text, Texts, Time},
    Support::{Advanced, Never, Plain},
    property,
};

/// `microsoft.graph.user`.
pub(in crate::simulator) static USER: Entity = Entity {
    name: "user",
    properties: &[
        property("businessPhones", Texts)
            .by_default()
            .never_null()
            .filter(Advanced, Advanced, Never, Never)
            .sensitive(),
        property("displayName", Text)
            .by_default()
            .filter(Plain, Plain, Plain, Advanced)
            .sorts(Plain)
            .searched()
            .writable(),
        property("givenName", Text).by_default().filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("jobTitle", Text).by_default().filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("mail", Text).by_default().filter(Plain, Plain, Plain, Advanced).ends_with().searched().writable(),
        property("mobilePhone", Text)
            .by_default()
            .filter(Advanced, Advanced, Advanced, Advanced)
            .searched()
            .sensitive(),
        property("officeLocation", Text)
            .by_default()
            .filter(Advanced, Advanced, Advanced, Advanced)
            .searched()
            .writable(),
        property("preferredLanguage", Text)
            .by_default()
            .filter(Advanced, Advanced, Advanced, Advanced)
            .searched()
            .writable(),
        property("surname", Text).by_default().filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("userPrincipalName", Text)
            .by_default()
            .filter(Plain, Plain, Plain, Never)
            .ends_with()
            .sorts(Plain)
            .searched()
            .sensitive(),
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("deletedDateTime", Time).filter(Plain, Never, Plain, Never).sorts(Advanced),
        property("aboutMe", Text).writable(),
        property("accountEnabled", Boolean).filter(Plain, Never, Never, Never).sensitive(),
        property("ageGroup", Text).filter(Plain, Never, Never, Never).writable(),
        property("assignedLicenses", Objects("assignedLicense")).never_null().filter(Plain, Never, Never, Never),
        property("assignedPlans", Objects("assignedPlan")).never_null().filter(Advanced, Never, Never, Never),
        property("authorizationInfo", Object("authorizationInfo")).filter(Advanced, Never, Never, Never).writable(),
        property("birthday", Time).never_null().writable(),
        property("city", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("companyName", Text).filter(Advanced, Advanced, Advanced, Advanced).searched().writable(),
        property("consentProvidedForMinor", Text).filter(Plain, Never, Never, Never).writable(),
        property("country", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("createdDateTime", Time).filter(Plain, Never, Plain, Advanced).sorts(Advanced),
        property("creationType", Text).filter(Plain, Never, Never, Never),
        property("customSecurityAttributes", Object("customSecurityAttributeValue")),
        property("department", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("deviceEnrollmentLimit", Number).never_null(),
        property("employeeHireDate", Time).filter(Advanced, Never, Advanced, Never).writable(),
        property("employeeId", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("employeeLeaveDateTime", Time).filter(Advanced, Never, Advanced, Never).writable(),
        property("employeeOrgData", Object("employeeOrgData")).filter(Advanced, Never, Never, Never).writable(),
        property("employeeType", Text).filter(Advanced, Advanced, Advanced, Never).searched().writable(),
        property("externalUserState", Text).filter(Plain, Never, Never, Never).writable(),
        property("externalUserStateChangeDateTime", Time).filter(Plain, Never, Never, Never),
        property("faxNumber", Text).filter(Advanced, Advanced, Advanced, Advanced).searched().writable(),
        property("hireDate", Time).never_null().writable(),
        property("identities", Objects("objectIdentity")).never_null().filter(Plain, Never, Never, Never).writable(),
        property("identityParentId", Text),
        property("imAddresses", Texts).never_null().filter(Plain, Plain, Plain, Never),
        property("interests", Texts).never_null().writable(),
        property("isManagementRestricted", Boolean),
        property("isResourceAccount", Boolean).filter(Plain, Never, Never, Never).writable(),
        property("lastPasswordChangeDateTime", Time),
        property("legalAgeGroupClassification", Text),
        property("licenseAssignmentStates", Objects("licenseAssignmentState")).never_null(),
        property("mailboxSettings", Object("mailboxSettings")),
        property("mailNickname", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("mySite", Text).writable(),
        property("onPremisesDistinguishedName", Text),
        property("onPremisesDomainName", Text),
        property("onPremisesExtensionAttributes", Object("onPremisesExtensionAttributes"))
            .filter(Advanced, Never, Never, Advanced)
            .writable(),
        property("onPremisesImmutableId", Text).filter(Plain, Never, Plain, Never).sensitive(),
        property("onPremisesLastSyncDateTime", Time).filter(Plain, Never, Plain, Never),
        property("onPremisesProvisioningErrors", Objects("onPremisesProvisioningError"))
            .never_null()
            .filter(Plain, Never, Never, Never),
        property("onPremisesSamAccountName", Text).filter(Advanced, Advanced, Advanced, Never).searched(),
        property("onPremisesSecurityIdentifier", Text).filter(Plain, Never, Never, Advanced),
        property("onPremisesSyncEnabled", Boolean).filter(Plain, Never, Never, Advanced),
        property("onPremisesUserPrincipalName", Text).filter(Plain, Plain, Plain, Never).searched(),
        property("otherMails", Texts).never_null().filter(Plain, Plain, Plain, Advanced).ends_with().sensitive(),
        property("passwordPolicies", Text).filter(Never, Never, Never, Advanced).writable(),
        property("passwordProfile", Object("passwordProfile")).filter(Advanced, Never, Never, Advanced).sensitive(),
        property("pastProjects", Texts).never_null().writable(),
        property("postalCode", Text).filter(Advanced, Advanced, Advanced, Advanced).searched().writable(),
        property("preferredDataLocation", Text).writable(),
        property("preferredName", Text).writable(),
        property("print", Object("userPrint")),
        property("provisionedPlans", Objects("provisionedPlan")).never_null().filter(Advanced, Never, Never, Never),
        property("proxyAddresses", Texts).never_null().filter(Plain, Plain, Plain, Never).ends_with(),
        property("responsibilities", Texts).never_null().writable(),
        property("schools", Texts).never_null().writable(),
        property("securityIdentifier", Text).filter(Plain, Never, Never, Never),
        property("serviceProvisioningErrors", Objects("serviceProvisioningError"))
            .never_null()
            .filter(Plain, Never, Never, Never),
        property("showInAddressList", Boolean).filter(Advanced, Never, Never, Never).writable(),
        property("signInActivity", Object("signInActivity")),
        property("signInSessionsValidFromDateTime", Time),
        property("skills", Texts).never_null().writable(),
        property("state", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("streetAddress", Text).filter(Advanced, Advanced, Advanced, Advanced).searched().writable(),
        property("usageLocation", Text).filter(Plain, Plain, Plain, Advanced).searched().writable(),
        property("userType", Text).filter(Plain, Never, Never, Advanced).writable(),
    ],
    navigation: &[
        "memberOf",
        "transitiveMemberOf",
        "manager",
        "directReports",
        "ownedObjects",
        "ownedDevices",
        "registeredDevices",
        "createdObjects",
        "appRoleAssignments",
    ],
};
