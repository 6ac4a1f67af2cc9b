//! The other types with an id: groups, roles, domains, the organization and applications.

use super::entity::{
    Entity,
    Kind::{Boolean, Guid, Number, Object, Objects, Text, Texts, Time},
    Support::{Advanced, Never, Plain},
    property,
};

/// `microsoft.graph.group`.
pub(in crate::simulator) static GROUP: Entity = Entity {
    name: "group",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("deletedDateTime", Time).by_default(),
        property("classification", Text).by_default().filter(Plain, Plain, Never, Never),
        property("createdDateTime", Time).by_default().filter(Advanced, Never, Advanced, Never).sorts(Advanced),
        property("description", Text).by_default().filter(Advanced, Advanced, Never, Advanced).searched(),
        property("displayName", Text).by_default().filter(Plain, Plain, Plain, Advanced).sorts(Plain).searched(),
        property("expirationDateTime", Time).by_default().filter(Advanced, Never, Advanced, Never),
        property("groupTypes", Texts).by_default().never_null().filter(Plain, Never, Never, Never),
        property("isAssignableToRole", Boolean).by_default().filter(Plain, Never, Never, Never),
        property("mail", Text).by_default().filter(Plain, Plain, Plain, Advanced).ends_with().searched(),
        property("mailEnabled", Boolean).by_default().filter(Plain, Never, Never, Never),
        property("mailNickname", Text).by_default().filter(Plain, Plain, Plain, Advanced).searched(),
        property("membershipRule", Text).by_default().filter(Plain, Plain, Never, Never),
        property("membershipRuleProcessingState", Text).by_default().filter(Plain, Never, Never, Never),
        property("onPremisesDomainName", Text).by_default(),
        property("onPremisesLastSyncDateTime", Time).by_default().filter(Plain, Never, Plain, Never),
        property("onPremisesNetBiosName", Text).by_default(),
        property("onPremisesSamAccountName", Text).by_default().filter(Advanced, Advanced, Never, Never),
        property("onPremisesSecurityIdentifier", Text).by_default().filter(Plain, Never, Never, Advanced),
        property("onPremisesSyncEnabled", Boolean).by_default().filter(Plain, Never, Never, Advanced),
        property("preferredDataLocation", Text).by_default(),
        property("preferredLanguage", Text).by_default().filter(Advanced, Advanced, Never, Advanced),
        property("proxyAddresses", Texts).by_default().never_null().filter(Plain, Plain, Never, Never).ends_with(),
        property("renewedDateTime", Time).by_default().filter(Plain, Never, Plain, Never),
        property("resourceBehaviorOptions", Texts).by_default().never_null().filter(Plain, Never, Never, Never),
        property("resourceProvisioningOptions", Texts).by_default().never_null().filter(Plain, Never, Never, Never),
        property("securityEnabled", Boolean).by_default().filter(Plain, Never, Never, Never),
        property("securityIdentifier", Text).by_default(),
        property("theme", Text).by_default(),
        property("uniqueName", Text).by_default().filter(Plain, Plain, Never, Never),
        property("visibility", Text).by_default(),
        property("onPremisesProvisioningErrors", Objects("onPremisesProvisioningError")).by_default().never_null(),
        property("serviceProvisioningErrors", Objects("serviceProvisioningError")).by_default().never_null(),
        property("accessType", Text),
        property("allowExternalSenders", Boolean),
        property("assignedLabels", Objects("assignedLabel")).never_null(),
        property("assignedLicenses", Objects("assignedLicense")).never_null().filter(Plain, Never, Never, Never),
        property("autoSubscribeNewMembers", Boolean),
        property("hasMembersWithLicenseErrors", Boolean).filter(Plain, Never, Never, Plain),
        property("hideFromAddressLists", Boolean),
        property("hideFromOutlookClients", Boolean),
        property("infoCatalogs", Texts).never_null().filter(Plain, Plain, Never, Never),
        property("isArchived", Boolean),
        property("isFavorite", Boolean),
        property("isManagementRestricted", Boolean),
        property("isSubscribedByMail", Boolean),
        property("licenseProcessingState", Object("licenseProcessingState")),
        property("onPremisesExtensionAttributes", Object("onPremisesExtensionAttributes")),
        property("organizationId", Text),
        property("unseenConversationsCount", Number),
        property("unseenCount", Number),
        property("unseenMessagesCount", Number),
        property("welcomeMessageEnabled", Boolean),
    ],
    navigation: &["members", "transitiveMembers", "owners", "memberOf", "transitiveMemberOf", "appRoleAssignments"],
};

/// `microsoft.graph.directoryRole`.
pub(in crate::simulator) static DIRECTORY_ROLE: Entity = Entity {
    name: "directoryRole",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("deletedDateTime", Time).by_default(),
        property("description", Text).by_default().filter(Advanced, Advanced, Never, Advanced),
        property("displayName", Text).by_default().filter(Plain, Advanced, Never, Advanced),
        property("roleTemplateId", Text).by_default().filter(Plain, Never, Never, Never),
    ],
    navigation: &["members"],
};

/// `microsoft.graph.organization`.
pub(in crate::simulator) static ORGANIZATION: Entity = Entity {
    name: "organization",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("deletedDateTime", Time).by_default(),
        property("assignedPlans", Objects("assignedPlan")).by_default().never_null(),
        property("businessPhones", Texts).by_default().never_null(),
        property("city", Text).by_default(),
        property("country", Text).by_default(),
        property("countryLetterCode", Text).by_default(),
        property("createdDateTime", Time).by_default(),
        property("defaultUsageLocation", Text).by_default(),
        property("displayName", Text).by_default(),
        property("marketingNotificationEmails", Texts).by_default().never_null(),
        property("mobileDeviceManagementAuthority", Text).by_default().never_null(),
        property("onPremisesLastSyncDateTime", Time).by_default(),
        property("onPremisesSyncEnabled", Boolean).by_default(),
        property("partnerTenantType", Text).by_default(),
        property("postalCode", Text).by_default(),
        property("preferredLanguage", Text).by_default(),
        property("privacyProfile", Object("privacyProfile")).by_default(),
        property("provisionedPlans", Objects("provisionedPlan")).by_default().never_null(),
        property("securityComplianceNotificationMails", Texts).by_default().never_null(),
        property("securityComplianceNotificationPhones", Texts).by_default().never_null(),
        property("state", Text).by_default(),
        property("street", Text).by_default(),
        property("technicalNotificationMails", Texts).by_default().never_null(),
        property("tenantType", Text).by_default(),
        property("verifiedDomains", Objects("verifiedDomain")).by_default().never_null(),
    ],
    navigation: &[],
};

/// `microsoft.graph.domain`.
pub(in crate::simulator) static DOMAIN: Entity = Entity {
    name: "domain",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("authenticationType", Text).by_default().never_null(),
        property("availabilityStatus", Text).by_default(),
        property("isAdminManaged", Boolean).by_default().never_null(),
        property("isDefault", Boolean).by_default().never_null(),
        property("isInitial", Boolean).by_default().never_null(),
        property("isRoot", Boolean).by_default().never_null(),
        property("isVerified", Boolean).by_default().never_null(),
        property("manufacturer", Text).by_default(),
        property("model", Text).by_default(),
        property("passwordNotificationWindowInDays", Number).by_default(),
        property("passwordValidityPeriodInDays", Number).by_default(),
        property("state", Object("domainState")).by_default(),
        property("supportedServices", Texts).by_default().never_null(),
    ],
    navigation: &[],
};

/// `microsoft.graph.unifiedRoleDefinition`.
pub(in crate::simulator) static ROLE_DEFINITION: Entity = Entity {
    name: "unifiedRoleDefinition",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("description", Text).by_default(),
        property("displayName", Text).by_default().filter(Plain, Plain, Never, Never),
        property("isBuiltIn", Boolean).by_default().filter(Plain, Never, Never, Never),
        property("isEnabled", Boolean).by_default().filter(Plain, Never, Never, Never),
        property("resourceScopes", Texts).by_default().never_null(),
        property("templateId", Text).by_default().filter(Plain, Never, Never, Never),
        property("version", Text).by_default(),
        property("rolePermissions", Objects("unifiedRolePermission")).by_default().never_null(),
    ],
    navigation: &[],
};

/// `microsoft.graph.unifiedRoleAssignment`.
pub(in crate::simulator) static ROLE_ASSIGNMENT: Entity = Entity {
    name: "unifiedRoleAssignment",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("principalId", Text).by_default().filter(Plain, Never, Never, Never),
        property("roleDefinitionId", Text).by_default().filter(Plain, Never, Never, Never),
        property("directoryScopeId", Text).by_default().filter(Plain, Never, Never, Never),
        property("appScopeId", Text),
        property("condition", Text),
        property("principalOrganizationId", Text),
    ],
    navigation: &["principal", "roleDefinition", "directoryScope"],
};

/// `microsoft.graph.servicePrincipal`.
pub(in crate::simulator) static SERVICE_PRINCIPAL: Entity = Entity {
    name: "servicePrincipal",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("deletedDateTime", Time).by_default(),
        property("accountEnabled", Boolean).by_default().filter(Plain, Never, Never, Never),
        property("addIns", Objects("addIn")).by_default().never_null(),
        property("alternativeNames", Texts).by_default().never_null(),
        property("appDescription", Text).by_default(),
        property("appDisplayName", Text).by_default(),
        property("appId", Text).by_default().filter(Plain, Never, Never, Never),
        property("applicationTemplateId", Text).by_default(),
        property("appOwnerOrganizationId", Guid).by_default().filter(Plain, Never, Never, Never),
        property("appRoleAssignmentRequired", Boolean).by_default().never_null(),
        property("appRoles", Objects("appRole")).by_default().never_null(),
        property("createdByAppId", Text).by_default(),
        property("customSecurityAttributes", Object("customSecurityAttributeValue")).by_default(),
        property("description", Text).by_default(),
        property("disabledByMicrosoftStatus", Text).by_default(),
        property("displayName", Text).by_default().filter(Plain, Plain, Plain, Advanced).sorts(Advanced).searched(),
        property("homepage", Text).by_default(),
        property("info", Object("informationalUrl")).by_default(),
        property("isDisabled", Boolean).by_default(),
        property("keyCredentials", Objects("keyCredential")).by_default().never_null(),
        property("loginUrl", Text).by_default(),
        property("logoutUrl", Text).by_default(),
        property("notes", Text).by_default(),
        property("notificationEmailAddresses", Texts).by_default().never_null(),
        property("oauth2PermissionScopes", Objects("permissionScope")).by_default().never_null(),
        property("passwordCredentials", Objects("passwordCredential")).by_default().never_null(),
        property("preferredSingleSignOnMode", Text).by_default(),
        property("preferredTokenSigningKeyThumbprint", Text).by_default(),
        property("replyUrls", Texts).by_default().never_null(),
        property("resourceSpecificApplicationPermissions", Objects("resourceSpecificPermission"))
            .by_default()
            .never_null(),
        property("samlSingleSignOnSettings", Object("samlSingleSignOnSettings")).by_default(),
        property("servicePrincipalNames", Texts).by_default().never_null().filter(Plain, Plain, Never, Never),
        property("servicePrincipalType", Text).by_default().filter(Plain, Never, Never, Never),
        property("signInAudience", Text).by_default(),
        property("tags", Texts).by_default().never_null().filter(Plain, Plain, Never, Never),
        property("tokenEncryptionKeyId", Guid).by_default(),
        property("verifiedPublisher", Object("verifiedPublisher")).by_default(),
    ],
    navigation: &["memberOf", "transitiveMemberOf", "appRoleAssignments", "ownedObjects", "owners"],
};

/// `microsoft.graph.directoryObject`.
pub(in crate::simulator) static DIRECTORY_OBJECT: Entity = Entity {
    name: "directoryObject",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("deletedDateTime", Time).by_default(),
    ],
    navigation: &[],
};
