//! A sweep: which users have chosen a password of their own since the reset?
//!
//! It reads `lastPasswordChangeDateTime` of every account that was reset and whose user must choose a new password, and
//! compares it with the times of our own writes, as [`verify`](super::verify) does. Who changed the password is not in
//! it: another administrator counts as the user. It changes no account, and no row's result.
//!
//! Invariant: a row is claimed only if none of this run's own attempts explains the time of the change.

use crate::{
    account::upn::Upn,
    engine::{
        dispatch::Pace,
        reader::{self, Found, ReadEnd, ReadError, ReadEvent, Reading},
        verify::is_changed_since,
    },
    graph::{Graph, user::User},
    ledger::{ClaimCounts, ClaimState, InDoubtRow, Ledger, LedgerError, ToSweep},
    password::{ForceChange, Profile},
    util::clock::{Clock, Offset},
};
use futures_util::FutureExt;
use std::{collections::HashMap, time::Duration};

/// How a sweep ended. It is exhaustive on purpose, as [`RunEnd`](crate::engine::run::RunEnd) is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepEnd {
    /// Every account was read; what is known now about all of them.
    Finished(ClaimCounts),
    /// The caller asked it to stop.
    Interrupted,
    /// The application may not read accounts; the text says why.
    Denied(String),
}

/// Sweeps the accounts that were reset at least `age` ago, and stores what was found. Rows that are claimed already are
/// not read again.
///
/// # Errors
/// Says why it cannot continue; what was found so far is kept.
pub async fn sweep<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    pace: &Pace,
    age: Duration,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(ReadEvent),
) -> Result<SweepEnd, ReadError> {
    let mut stop = std::pin::pin!(stop.fuse());
    let until = pace.clock.millis().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let mut resets = Resets { ledger, clock: pace.clock, until, after: 0, away: HashMap::new() };
    match reader::read(graph, pace, &mut resets, &mut stop, emit).await? {
        ReadEnd::Finished => {}
        ReadEnd::Interrupted => return Ok(SweepEnd::Interrupted),
        ReadEnd::Denied(said) => return Ok(SweepEnd::Denied(said)),
    }
    let at = resets.clock.millis();
    Ok(SweepEnd::Finished(resets.ledger.end_sweep(at)?))
}

struct Resets<'a> {
    ledger: &'a mut Ledger,
    clock: Clock,
    /// Rows that were reset later are left out.
    until: i64,
    after: u64,
    away: HashMap<u64, InDoubtRow>,
}

impl Reading for Resets<'_> {
    fn ledger(&self) -> &Ledger {
        self.ledger
    }

    fn next(&mut self, most: usize) -> Result<Vec<(u64, Upn)>, LedgerError> {
        let mut next = Vec::new();
        while next.is_empty() {
            let found = self.ledger.to_sweep(self.until, self.after, most)?;
            let Some(last) = found.last() else { break };
            self.after = last.reset.row;
            for ToSweep { reset, profile } in found {
                if is_asked(self.ledger, profile.as_deref()) {
                    let key = reset.object_id.as_deref().unwrap_or(&reset.user_principal_name);
                    next.push((reset.row, Upn::parse(key).map_err(|_| LedgerError::BadAddress(reset.row))?));
                    self.away.insert(reset.row, reset);
                }
            }
        }
        Ok(next)
    }

    fn keep(&mut self, found: Vec<(u64, Found)>, offset: Option<Offset>) -> Result<(), LedgerError> {
        let mut claims = Vec::with_capacity(found.len());
        for (row, found) in found {
            let Some(reset) = self.away.remove(&row) else { continue };
            let (state, at) = match found {
                Found::User(user) => claimed(&reset, &user, self.ledger, offset),
                Found::Missing | Found::Unread(_) | Found::Unclear(_) => (ClaimState::Unread, None),
            };
            claims.push((row, state, at));
        }
        self.ledger.keep_claims(&claims)
    }
}

/// Whether the user must choose a new password at the next sign-in.
fn is_asked(ledger: &Ledger, profile: Option<&str>) -> bool {
    let profile: Option<Profile> = profile.and_then(|word| word.parse().ok());
    ledger.settings().force_change_of(profile) != ForceChange::No
}

fn claimed(reset: &InDoubtRow, user: &User, ledger: &Ledger, offset: Option<Offset>) -> (ClaimState, Option<i64>) {
    match user.password_changed {
        None => (ClaimState::Unread, None),
        Some(at) if is_changed_since(reset, user, ledger, offset) => (ClaimState::Yes, Some(at.as_millisecond())),
        Some(_) => (ClaimState::No, None),
    }
}
