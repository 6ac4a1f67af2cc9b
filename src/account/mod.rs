//! What is known about an account without a lookup in the directory: its name, its language, its roles.

pub mod language;
pub mod roles;
pub mod tenant;
pub mod upn;
