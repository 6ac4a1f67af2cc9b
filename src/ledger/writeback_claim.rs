//! Hands out rows whose passwords go to an on-premises directory: to send, or to look at.
//!
//! Rows are compared with the approved plan like all others, and the operation's address with its own tag.
//!
//! Invariant: a password that the service may have accepted is never handed out for sending again.

use super::{
    Ledger, LedgerError,
    approved::{Approved, changed, is_doubt_proven},
    claim::{Claimed, FROM},
    marks::{End, PLANNED_COLUMNS, Planned, planned_columns},
    state::State,
    writeback::{Errand, LOOK_AFTER_MILLIS, WritebackClaim},
};
use crate::outcome::Method;
use rusqlite::{Row, Transaction};

/// How long a row that was handed out to look at is not handed out again, in milliseconds. The answer sets its next time.
const AWAY_MILLIS: i64 = 5 * 60 * 1_000;

impl Ledger {
    /// Claims rows that are due: accepted ones first, and at most `beginning` of those never sent.
    pub(super) fn claim_writeback(
        &self,
        transaction: &Transaction<'_>,
        (most, beginning): (usize, usize),
        now: i64,
    ) -> Result<Vec<WritebackClaim>, LedgerError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        self.settings_must_stand()?;
        let approved = self.read.approved.borrow();
        let Some(approved) = &*approved else { return Ok(Vec::new()) };
        let mut claims = self.due_accepted(transaction, approved, most, now)?;
        let mut update = transaction.prepare_cached("UPDATE account SET not_before = ?2 WHERE row = ?1")?;
        for claim in &claims {
            update.execute((claim.row, now + AWAY_MILLIS))?;
        }
        let beginning = beginning.min(most - claims.len());
        let resets = self.due_writes(transaction, approved, Method::Writeback, beginning, now)?;
        if let Some((sent, _)) = resets.iter().find(|(reset, _)| reset.doubt.any()) {
            return Err(changed(sent.row, "it may have been sent before, so it must not be sent again"));
        }
        self.mark_in_flight(transaction, &resets, now)?;
        claims.extend(resets.into_iter().map(|(reset, _)| begin(reset)));
        Ok(claims)
    }

    fn due_accepted(
        &self,
        transaction: &Transaction<'_>,
        approved: &Approved,
        most: usize,
        now: i64,
    ) -> Result<Vec<WritebackClaim>, LedgerError> {
        let mut select = transaction.prepare_cached(&format!(
            "SELECT {}, nth, doubt, settled_at, proof, password, operation, accepted_at, is_accepted, polls,
                    tag, coalesce(sent_at, 0)
             {FROM} LEFT JOIN writeback USING (row)
             WHERE state = 'accepted' AND not_before <= ?1 ORDER BY not_before, account.row LIMIT ?2",
            planned_columns!()
        ))?;
        let mut rows = select.query((now, most))?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            due.push(self.accepted(row, approved)?);
        }
        Ok(due)
    }

    /// Reads an accepted row, after it was compared with its plan and its marks.
    fn accepted(&self, row: &Row<'_>, approved: &Approved) -> Result<WritebackClaim, LedgerError> {
        const AT: usize = PLANNED_COLUMNS + 5;
        let (planned, _) = Planned::read(row)?;
        approved.must_hold(&self.read.marks, &planned)?;
        let end = End {
            state: State::Accepted.as_str(),
            nth: row.get(PLANNED_COLUMNS)?,
            doubt: row.get(PLANNED_COLUMNS + 1)?,
            settled_at: row.get(PLANNED_COLUMNS + 2)?,
            password: row.get_ref(PLANNED_COLUMNS + 4)?,
        };
        let proof = row.get(PLANNED_COLUMNS + 3)?;
        let operation: Option<String> = row.get(AT)?;
        let (accepted_at, is_accepted) =
            (row.get::<_, Option<i64>>(AT + 1)?.unwrap_or_default(), row.get::<_, Option<bool>>(AT + 2)? == Some(true));
        let mark = self.read.marks.writeback_mark(planned.row, operation.as_deref(), accepted_at, is_accepted);
        let is_ours = row.get::<_, Option<i64>>(AT + 4)? == Some(mark);
        if self.method_of(&planned) != Method::Writeback
            || !is_ours
            || !is_doubt_proven(&self.read.marks, planned.row, proof, &end)
        {
            return Err(changed(planned.row, "the operation that sets its password was changed"));
        }
        let changed_before = planned.looked.as_ref().and_then(|looked| looked.password_changed_at);
        let errand = match operation {
            Some(url) => Errand::Follow(url),
            None => Errand::Look { sent_at: row.get(AT + 5)?, changed_before },
        };
        Ok(WritebackClaim {
            row: planned.row,
            object_id: planned.looked.and_then(|looked| looked.object_id.map(str::to_owned)),
            user_principal_name: planned.name.to_owned(),
            errand,
            is_accepted,
            polls: row.get::<_, Option<u32>>(AT + 3)?.unwrap_or_default(),
        })
    }

    /// Rows in flight when the last process ended may have been accepted: they are never sent again, but looked at. Accepted
    /// rows that someone was looking at are due at once.
    pub(super) fn recover_writeback(&self, now: i64) -> Result<(), LedgerError> {
        if !self.settings().rules.writeback {
            return Ok(());
        }
        let transaction = self.read.connection.write()?;
        let mut select = transaction.prepare(
            "SELECT row, nth, doubt, settled_at, proof, password, coalesce(sent_at, 0) FROM account
             WHERE state = 'in_flight' AND method = 'writeback'",
        )?;
        let is_sound = |found: &Row<'_>| {
            let (row, state, proof) = (found.get(0)?, State::InFlight.as_str(), found.get(4)?);
            let (nth, doubt, settled_at, password) = (found.get(1)?, found.get(2)?, found.get(3)?, found.get_ref(5)?);
            let end = End { state, nth, doubt, settled_at, password };
            Ok((row, is_doubt_proven(&self.read.marks, row, proof, &end), found.get(6)?))
        };
        let found = select.query_map((), is_sound)?.collect::<Result<Vec<(u64, bool, i64)>, _>>()?;
        let mut update = transaction
            .prepare("UPDATE account SET state = 'accepted', doubt = doubt | 1, not_before = ?2 WHERE row = ?1")?;
        for (row, is_sound, sent_at) in found {
            // The directory's clock may differ from ours.
            let next = sent_at.saturating_add(LOOK_AFTER_MILLIS).clamp(now, now.saturating_add(LOOK_AFTER_MILLIS));
            update.execute((row, next))?;
            if is_sound {
                self.note_accepted(&transaction, row, (None, false), now)?;
            }
        }
        transaction.execute(
            "UPDATE account SET not_before = ?1 WHERE state = 'accepted' AND not_before > ?1 + ?2",
            (now, LOOK_AFTER_MILLIS),
        )?;
        drop((select, update));
        transaction.commit()
    }
}

/// The claim of a row that was never sent.
fn begin(reset: Claimed) -> WritebackClaim {
    WritebackClaim {
        row: reset.row,
        user_principal_name: reset.user_principal_name.clone(),
        object_id: reset.object_id.clone(),
        errand: Errand::Reset(reset),
        is_accepted: false,
        polls: 0,
    }
}
