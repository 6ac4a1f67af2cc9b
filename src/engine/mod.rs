//! The work: looks up accounts, writes passwords, and verifies the result.
//!
//! Callers use [`lookup`], [`run`], [`verify`], [`sweep`] and [`audit`]. Below them, [`dispatch`] handles the batches in flight, [`pace`]
//! decides when to send the next one, and [`reader`] reads accounts batch by batch. Only this layer connects the ledger
//! and Graph.

pub mod audit;
pub mod dispatch;
mod fenced;
mod listing;
pub mod lookup;
pub mod pace;
pub mod reader;
pub mod run;
#[cfg(test)]
mod sample_tests;
pub mod sign_ins;
pub mod sweep;
pub mod verify;
