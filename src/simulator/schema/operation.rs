//! The type of operations that go on after their request was accepted.

use super::entity::{
    Entity,
    Kind::{Text, Time},
    property,
};

/// `microsoft.graph.longRunningOperation`.
pub(in crate::simulator) static OPERATION: Entity = Entity {
    name: "longRunningOperation",
    properties: &[
        property("id", Text).by_default().never_null(),
        property("createdDateTime", Time).by_default(),
        property("lastActionDateTime", Time).by_default(),
        property("resourceLocation", Text).by_default(),
        property("status", Text).by_default(),
        property("statusDetail", Text).by_default(),
    ],
    navigation: &[],
};
