//! passwave resets passwords in bulk in Microsoft Entra ID.

pub mod graph;
pub mod outcome;
pub mod password;
pub mod quota;
pub mod retry_after;
pub mod upn;
