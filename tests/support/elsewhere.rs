//! A run whose ledger is not in a folder. What includes this decides whether there is one: it has a function `elsewhere`.

use jiff::Timestamp;
use passwave::{
    ledger::{Created, Ledger, LedgerError, ReadLedger},
    plan::{Plan, Settings},
};

/// A run that is kept somewhere else, as the stories need it.
pub trait Elsewhere {
    /// Stores the plan.
    ///
    /// # Errors
    /// Fails like the ledger.
    fn create(&self, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError>;

    /// Another process opens it.
    ///
    /// # Errors
    /// Fails like the ledger.
    fn open(&self, now: Timestamp) -> Result<Ledger, LedgerError>;

    /// A reader opens it.
    ///
    /// # Errors
    /// Fails like the ledger.
    fn read(&self) -> Result<ReadLedger, LedgerError>;

    /// What is stored of a row: its password, if that is in the clear, and the number of its attempt, if it is in flight.
    fn stored(&self, row: u64) -> Option<(Option<String>, Option<u64>)>;

    /// Replaced passwords that are stored in the clear, by row.
    fn superseded(&self) -> Vec<(u64, String)>;

    /// Changes with each change.
    fn version(&self) -> String;

    /// Whether this error says that another process works on the run.
    fn is_held(&self, error: &LedgerError) -> bool;

    /// Whether it says that nothing can be stored.
    fn is_full(&self, error: &LedgerError) -> bool;

    /// Makes the `nth` write of a row from now on fail, or the commit after it, and all after that.
    fn fail(&self, is_commit: bool, nth: u32);

    /// Nothing fails any more.
    fn mend(&self);

    /// The last process has died: it gave nothing back.
    fn die(&self);

    /// Adds what breaks an engine.
    fn sabotage(&self, sql: &str);
}
