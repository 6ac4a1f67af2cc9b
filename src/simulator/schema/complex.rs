//! The complex types: values with members, but without an id.

use super::entity::{
    Entity,
    Kind::{Boolean, Guid, Object, Objects, Text, Texts, Time},
    property,
};

/// The complex type with this name. Of a type that is not here, there are no values.
pub(in crate::simulator) fn complex(name: &str) -> Option<&'static Entity> {
    COMPLEX.iter().find(|entity| entity.name == name)
}

const COMPLEX: &[Entity] = &[
    Entity {
        name: "auditActivityInitiator",
        properties: &[property("app", Object("appIdentity")), property("user", Object("userIdentity"))],
        navigation: &[],
    },
    Entity {
        name: "appIdentity",
        properties: &[
            property("appId", Text),
            property("displayName", Text),
            property("servicePrincipalId", Text),
            property("servicePrincipalName", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "userIdentity",
        properties: &[
            property("id", Text),
            property("displayName", Text),
            property("ipAddress", Text),
            property("userPrincipalName", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "targetResource",
        properties: &[
            property("id", Text),
            property("displayName", Text),
            property("type", Text),
            property("userPrincipalName", Text),
            property("groupType", Text),
            property("modifiedProperties", Objects("modifiedProperty")).never_null(),
        ],
        navigation: &[],
    },
    Entity {
        name: "passwordProfile",
        properties: &[
            property("forceChangePasswordNextSignIn", Boolean),
            property("forceChangePasswordNextSignInWithMfa", Boolean),
            property("password", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "signInActivity",
        properties: &[
            property("lastNonInteractiveSignInDateTime", Time),
            property("lastNonInteractiveSignInRequestId", Text),
            property("lastSignInDateTime", Time),
            property("lastSignInRequestId", Text),
            property("lastSuccessfulSignInDateTime", Time),
            property("lastSuccessfulSignInRequestId", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "objectIdentity",
        properties: &[property("issuer", Text), property("issuerAssignedId", Text), property("signInType", Text)],
        navigation: &[],
    },
    Entity {
        name: "onPremisesExtensionAttributes",
        properties: &[
            property("extensionAttribute1", Text),
            property("extensionAttribute10", Text),
            property("extensionAttribute11", Text),
            property("extensionAttribute12", Text),
            property("extensionAttribute13", Text),
            property("extensionAttribute14", Text),
            property("extensionAttribute15", Text),
            property("extensionAttribute2", Text),
            property("extensionAttribute3", Text),
            property("extensionAttribute4", Text),
            property("extensionAttribute5", Text),
            property("extensionAttribute6", Text),
            property("extensionAttribute7", Text),
            property("extensionAttribute8", Text),
            property("extensionAttribute9", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "authorizationInfo",
        properties: &[property("certificateUserIds", Texts).never_null()],
        navigation: &[],
    },
    Entity {
        name: "employeeOrgData",
        properties: &[property("costCenter", Text), property("division", Text)],
        navigation: &[],
    },
    Entity {
        name: "verifiedDomain",
        properties: &[
            property("capabilities", Text),
            property("isDefault", Boolean),
            property("isInitial", Boolean),
            property("name", Text),
            property("type", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "privacyProfile",
        properties: &[property("contactEmail", Text), property("statementUrl", Text)],
        navigation: &[],
    },
    Entity {
        name: "unifiedRolePermission",
        properties: &[
            property("allowedResourceActions", Texts).never_null(),
            property("condition", Text),
            property("excludedResourceActions", Texts).never_null(),
        ],
        navigation: &[],
    },
    Entity {
        name: "assignedLicense",
        properties: &[property("disabledPlans", Texts).never_null(), property("skuId", Guid)],
        navigation: &[],
    },
    Entity {
        name: "assignedPlan",
        properties: &[
            property("assignedDateTime", Time),
            property("capabilityStatus", Text),
            property("service", Text),
            property("servicePlanId", Guid),
        ],
        navigation: &[],
    },
    Entity {
        name: "provisionedPlan",
        properties: &[
            property("capabilityStatus", Text),
            property("provisioningStatus", Text),
            property("service", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "domainState",
        properties: &[property("lastActionDateTime", Time), property("operation", Text), property("status", Text)],
        navigation: &[],
    },
    Entity {
        name: "appRole",
        properties: &[
            property("allowedMemberTypes", Texts).never_null(),
            property("description", Text),
            property("displayName", Text),
            property("id", Guid).never_null(),
            property("isEnabled", Boolean).never_null(),
            property("origin", Text),
            property("value", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "permissionScope",
        properties: &[
            property("adminConsentDescription", Text),
            property("adminConsentDisplayName", Text),
            property("id", Guid).never_null(),
            property("isEnabled", Boolean).never_null(),
            property("origin", Text),
            property("type", Text),
            property("userConsentDescription", Text),
            property("userConsentDisplayName", Text),
            property("value", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "informationalUrl",
        properties: &[
            property("logoUrl", Text),
            property("marketingUrl", Text),
            property("privacyStatementUrl", Text),
            property("supportUrl", Text),
            property("termsOfServiceUrl", Text),
        ],
        navigation: &[],
    },
    Entity {
        name: "verifiedPublisher",
        properties: &[
            property("addedDateTime", Time),
            property("displayName", Text),
            property("verifiedPublisherId", Text),
        ],
        navigation: &[],
    },
];
