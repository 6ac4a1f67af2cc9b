//! After a failover: the server that took over may lack commits that the one before it had confirmed.
//!
//! Passwords are decided in the plan, so they are still there. What is not known is which of them were sent meanwhile.
//! Therefore every row that seems not to have been sent is in doubt.

use super::{
    Ledger, LedgerError,
    approved::{is_doubt_proven, prove},
    marks::End,
    read::Counts,
    state::State,
};
use rusqlite::Row;

impl Ledger {
    /// Puts all planned rows in doubt: they may have been sent since they were planned.
    ///
    /// Where the time of the last change is known from the lookup, any later one counts. Otherwise the same password is sent
    /// again.
    pub(super) fn doubt_all(&mut self, now: i64) -> Result<(), LedgerError> {
        let planned_at = self.planned_at()?.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let planned_at = planned_at.map_or(now, jiff::Timestamp::as_millisecond);
        let write = self.read.connection.write()?;
        let mut select = write.prepare(
            "SELECT row, nth, doubt, settled_at, proof, password FROM account WHERE state = 'planned' AND doubt & 1 = 0",
        )?;
        let mut update = write.prepare(
            "UPDATE account SET doubt = doubt | 1, sent_at = CASE
                 WHEN EXISTS (SELECT 1 FROM looked_up WHERE looked_up.row = account.row AND password_changed_at IS NOT NULL)
                 THEN ?2 ELSE ?3 END
             WHERE row = ?1",
        )?;
        let is_sound = |found: &Row<'_>| {
            let (row, state, proof) = (found.get(0)?, State::Planned.as_str(), found.get(4)?);
            let (nth, doubt, settled_at, password) = (found.get(1)?, found.get(2)?, found.get(3)?, found.get_ref(5)?);
            let end = End { state, nth, doubt, settled_at, password };
            Ok((row, is_doubt_proven(&self.read.marks, row, proof, &end)))
        };
        let found = select.query_map((), is_sound)?.collect::<Result<Vec<(u64, bool)>, _>>()?;
        for (row, is_sound) in found {
            update.execute((row, planned_at, now))?;
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
