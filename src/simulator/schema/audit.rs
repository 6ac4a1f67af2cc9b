//! The type of the records in the audit log.

use super::entity::{
    Entity,
    Kind::{Object, Objects, Text, Time},
    Support::{Never, Plain},
    property,
};

/// `microsoft.graph.directoryAudit`.
pub(in crate::simulator) static DIRECTORY_AUDIT: Entity = Entity {
    name: "directoryAudit",
    properties: &[
        property("id", Text).by_default().never_null().filter(Plain, Never, Never, Never),
        property("category", Text).by_default().filter(Plain, Never, Never, Never),
        property("correlationId", Text).by_default().filter(Plain, Never, Never, Never),
        property("result", Text).by_default(),
        property("resultReason", Text).by_default(),
        property("activityDisplayName", Text).by_default().filter(Plain, Plain, Never, Never),
        property("activityDateTime", Time).by_default().never_null().filter(Plain, Never, Plain, Never).sorts(Plain),
        property("loggedByService", Text).by_default().filter(Plain, Never, Never, Never),
        property("operationType", Text).by_default(),
        property("initiatedBy", Object("auditActivityInitiator")).by_default().filter(Plain, Plain, Never, Never),
        property("targetResources", Objects("targetResource")).by_default().never_null(),
        property("additionalDetails", Objects("keyValue")).by_default().never_null(),
    ],
    navigation: &[],
};
