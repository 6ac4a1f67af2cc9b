//! Reports a complete plan.

use crate::cli::{
    console::{Accounts, Event, Planned, Reporter},
    failure::Failure,
};
use passwave::{graph::quota::Quota, ledger::ReadLedger, outcome::Status, plan::wanted::Wanted};

/// How much of a plan to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Whole,
    /// Everything except its accounts, which an earlier process has reported.
    WithoutAccounts,
}

/// Reports what will be done with the quota, of which this much is `left`; observers of single accounts also get each
/// skipped row.
pub fn tell(
    reporter: &Reporter,
    ledger: &ReadLedger,
    (quota, left): (Quota, f64),
    wanted: &Wanted,
    scope: Scope,
) -> Result<(), Failure> {
    let (fingerprint, is_looked_up) = (ledger.fingerprint()?, ledger.is_looked_up()?);
    let accounts = match scope {
        Scope::Whole => Some(accounts(ledger, is_looked_up)?),
        Scope::WithoutAccounts => None,
    };
    let on_premises = ledger.writeback_counts()?.pending();
    reporter.tell(&Event::Planned(&Planned {
        ledger,
        quota,
        left,
        wanted,
        fingerprint,
        is_looked_up,
        accounts,
        on_premises,
    }));
    if !reporter.follows_accounts() {
        return Ok(());
    }
    ledger.for_each_standing(Some(Status::Skipped), |standing| {
        reporter.tell(&Event::Account(&standing));
        Ok(())
    })
}

fn accounts(ledger: &ReadLedger, is_looked_up: bool) -> Result<Accounts, Failure> {
    let (kinds, renamed) = if is_looked_up { (ledger.kinds()?, ledger.renamed()?) } else { Default::default() };
    let forms = ledger.forms()?;
    Ok(Accounts { kinds, renamed, entropy_bits: ledger.entropy_bits_of(&forms), forms })
}
