//! After a failover: the server that took over may lack commits that the one before it had confirmed.
//!
//! What was planned is still there. What is not known is which passwords were sent meanwhile, and whether some of them were
//! made then, because Graph had refused the planned one, or because it was sealed. Therefore every row that seems not to have
//! been sent is in doubt, also for a password that the ledger does not have, and is sent again: whatever the account has got
//! meanwhile, its password is then the one in the ledger. The time of a change cannot settle such a row.

use super::{
    Ledger, LedgerError,
    approved::{is_doubt_proven, prove},
    marks::End,
    read::Counts,
    state::{Doubt, State},
};
use rusqlite::Row;

impl Ledger {
    /// Puts all planned rows in doubt: they may have been sent since they were planned.
    pub(super) fn doubt_all(&mut self, now: i64) -> Result<(), LedgerError> {
        let write = self.read.connection.write()?;
        let mut select = write.prepare(
            "SELECT row, nth, doubt, settled_at, proof, password FROM account WHERE state = 'planned' AND doubt < ?1",
        )?;
        let mut update = write.prepare("UPDATE account SET doubt = ?3, sent_at = ?2 WHERE row = ?1")?;
        let doubt = Doubt { current: true, earlier: true }.to_bits();
        let is_sound = |found: &Row<'_>| {
            let (row, state, proof) = (found.get(0)?, State::Planned.as_str(), found.get(4)?);
            let (nth, doubt, settled_at, password) = (found.get(1)?, found.get(2)?, found.get(3)?, found.get_ref(5)?);
            let end = End { state, nth, doubt, settled_at, password };
            Ok((row, is_doubt_proven(&self.read.marks, row, proof, &end)))
        };
        let found = select.query_map([doubt], is_sound)?.collect::<Result<Vec<(u64, bool)>, _>>()?;
        for (row, is_sound) in found {
            update.execute((row, now, doubt))?;
            if is_sound {
                prove(&write, &self.read.marks, row)?;
            }
        }
        drop((select, update));
        write.commit()?;
        self.read.counts = Counts::read(&self.read.connection)?;
        Ok(())
    }
}
