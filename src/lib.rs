//! passwave resets passwords in bulk in Microsoft Entra ID.

pub mod clean;
pub mod clock;
pub mod graph;
pub mod ledger;
pub mod outcome;
pub mod password;
pub mod plan;
pub mod private;
pub mod quota;
pub mod report;
pub mod retry_after;
pub mod roster;
pub mod run;
pub mod throttle;
pub mod upn;
