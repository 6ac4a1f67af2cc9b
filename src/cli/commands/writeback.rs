//! What `--writeback` needs: a lookup, a cloud that has it, and the sign-in of a person.

use crate::cli::failure::Failure;
use passwave::{
    graph::cloud::Cloud,
    ledger::ReadLedger,
    plan::{Lookup, Settings},
};

/// Refuses a plan whose accounts cannot be reset on premises.
pub fn must_be_possible(settings: &Settings) -> Result<(), Failure> {
    if !settings.rules.writeback {
        return Ok(());
    }
    if settings.rules.lookup == Lookup::Off {
        let said = "--writeback needs the lookup, which shows the accounts that an on-premises directory manages";
        return Err(Failure::usage(said).hint("leave --lookup off out"));
    }
    if settings.cloud == Some(Cloud::China) {
        let said = "--writeback is not possible in this cloud: its Graph has no resetPassword";
        return Err(Failure::usage(said).hint("leave --writeback out; accounts from on-premises AD are then skipped"));
    }
    Ok(())
}

/// Refuses the sign-in of an application for a run that resets accounts on premises.
pub fn must_be_a_person(ledger: &ReadLedger, is_application: bool) -> Result<(), Failure> {
    if ledger.settings().rules.writeback && is_application { Err(not_an_application()) } else { Ok(()) }
}

/// The refusal of an application's sign-in.
pub fn not_an_application() -> Failure {
    Failure::usage(
        "--writeback needs the sign-in of a person: Graph resets no password on premises for an application; nothing was \
         sent",
    )
    .hint("sign in as an Authentication Administrator, for example with --auth browser, or leave --writeback out")
}
