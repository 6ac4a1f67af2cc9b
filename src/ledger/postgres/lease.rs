//! The lease on a run: a row with an epoch, by the server's clock.
//!
//! A process takes a run with one statement that raises its epoch, if nobody holds it or the holder's lease is over. Every
//! later change must find that epoch. The lease is renewed at a third of its length, and given back in an orderly end.
//! A holder is a random id, never a name of a machine, which a restarted machine would have again.
//!
//! Invariant: nothing about the lease lives in a session of the server, so a lost connection neither keeps nor frees it.

use super::{
    error::PostgresError,
    link::{Link, Worker, client},
    load::answered,
    server::ServerIdentity,
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

/// How long the end of a process may wait for the server to take the lease back.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);
/// How long the server may take for a change of the run itself.
const CHANGE_LIMIT: Duration = Duration::from_secs(60);
/// How often a claim is tried if the connection is lost meanwhile.
const CLAIMS: u32 = 3;

/// Who takes a run.
#[derive(Clone)]
pub(super) struct Holder {
    pub id: String,
    pub name: String,
}

impl Holder {
    pub(super) fn new(name: String) -> Self {
        Self { id: format!("{:032x}", rand::random::<u128>()), name }
    }
}

/// A run that was taken, and how it was found.
#[derive(Clone)]
pub(in crate::ledger) struct Claim {
    pub run: i64,
    pub epoch: i64,
    pub commits: i64,
    /// The version of its ledger's tables.
    pub ledger: i32,
    /// Whether the holder before did not give it back: it may still be sending.
    pub is_takeover: bool,
    /// The server that confirmed the last commit.
    pub confirmed_by: Option<ServerIdentity>,
}

const CLAIM: &str = "WITH found AS (
         SELECT run, holder, system_id, timeline FROM passwave.run WHERE name = $1 FOR UPDATE
     )
     UPDATE passwave.run AS taken
     SET holder = $2, holder_name = $3, stopped_by = NULL, epoch = taken.epoch + 1, until = clock_timestamp() + $4 * interval '1 millisecond'
     FROM found
     WHERE taken.run = found.run
       AND (taken.holder IS NULL OR taken.holder = $2 OR taken.until <= clock_timestamp())
     RETURNING taken.run, taken.epoch, taken.commits, taken.ledger, found.holder IS NOT NULL AND found.holder <> $2,
         found.system_id, found.timeline";

/// Takes a run, unless another process holds it.
pub(super) async fn claim(link: &Link, name: &str, holder: &Holder, lease: Duration) -> Result<Claim, PostgresError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match try_claim(link, name, holder, lease).await {
            Ok(Some(row)) => {
                let claim = read(&row).map_err(|error| link.failed(&error))?;
                // An earlier try may have taken the run without an answer, and so have hidden the holder before it.
                return Ok(Claim { is_takeover: claim.is_takeover || tries > 1, ..claim });
            }
            Ok(None) => return Err(why_not(link, name).await),
            Err(error) if super::error::is_passing(&error) && tries < CLAIMS => {}
            Err(error) => return Err(link.failed(&error)),
        }
    }
}

async fn try_claim(
    link: &Link,
    name: &str,
    holder: &Holder,
    lease: Duration,
) -> Result<Option<Row>, tokio_postgres::Error> {
    let mut held = link.connected().await?;
    let millis = millis(lease);
    client(&mut held)
        .query_typed_opt(
            CLAIM,
            &[(&name, Type::TEXT), (&holder.id, Type::TEXT), (&holder.name, Type::TEXT), (&millis, Type::FLOAT8)],
        )
        .await
}

fn read(row: &Row) -> Result<Claim, tokio_postgres::Error> {
    let (system_id, timeline): (Option<String>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
    Ok(Claim {
        run: row.try_get(0)?,
        epoch: row.try_get(1)?,
        commits: row.try_get(2)?,
        ledger: row.try_get(3)?,
        is_takeover: row.try_get(4)?,
        confirmed_by: system_id.zip(timeline).map(|(system_id, timeline)| ServerIdentity { system_id, timeline }),
    })
}

/// The length of a lease as the server takes it.
pub(super) fn millis(lease: Duration) -> f64 {
    lease.as_secs_f64() * 1_000.0
}

/// Why a run was not taken.
async fn why_not(link: &Link, name: &str) -> PostgresError {
    let sql = "SELECT coalesce(holder_name, ''), coalesce(to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')
               FROM passwave.run WHERE name = $1";
    let ask = async {
        let mut held = link.connected().await?;
        client(&mut held).query_typed_opt(sql, &[(&name, Type::TEXT)]).await
    };
    match ask.await {
        Ok(Some(row)) => PostgresError::Held {
            name: name.to_owned(),
            holder: row.try_get(0).unwrap_or_default(),
            until: row.try_get(1).unwrap_or_default(),
        },
        Ok(None) => PostgresError::NoRun { name: name.to_owned(), server: link.server().to_owned() },
        Err(error) => link.failed(&error),
    }
}

/// A moment by both clocks of this machine. One stands still while the machine sleeps, and the other one may be set.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    running: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { running: Instant::now(), wall: SystemTime::now() }
    }

    fn after(self, time: Duration) -> Self {
        Self { running: self.running + time, wall: self.wall + time }
    }

    /// Whether it is certainly still to come.
    fn is_ahead_of(self, now: Self) -> bool {
        now.running < self.running && now.wall < self.wall
    }
}

/// What this process knows about its lease.
pub(in crate::ledger) struct LeaseState {
    /// When it ends by our clocks, which is never later than by the server's.
    until: Mutex<Moment>,
    is_lost: AtomicBool,
}

impl LeaseState {
    pub(super) fn new(asked: Moment, lease: Duration) -> Arc<Self> {
        Arc::new(Self { until: Mutex::new(asked.after(lease)), is_lost: AtomicBool::new(false) })
    }

    /// The server has renewed it after it was asked at this time.
    pub(super) fn renewed(&self, asked: Moment, lease: Duration) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let next = asked.after(lease);
        // The last answer may be that to an earlier question.
        if next.running > until.running {
            *until = next;
        }
    }

    pub(super) fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
    }

    /// Whether another process has taken the run.
    pub(in crate::ledger) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// Whether no other process can have taken the run by now.
    pub(in crate::ledger) fn holds(&self) -> bool {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        !self.is_lost.load(Ordering::SeqCst) && until.is_ahead_of(Moment::now())
    }
}

/// A lease that is being renewed.
pub(super) struct Lease {
    pub run: i64,
    pub epoch: i64,
    pub length: Duration,
    pub state: Arc<LeaseState>,
}

impl Lease {
    /// Keeps renewing the lease with a connection of its own, which no long transaction delays.
    pub(super) fn keep(&self, worker: &Worker, link: Link) {
        let (run, epoch, length, state) = (self.run, self.epoch, self.length, Arc::clone(&self.state));
        worker.spawn(async move {
            loop {
                tokio::time::sleep(length / 3).await;
                let asked = Moment::now();
                // A server that does not answer must not delay the next try until the lease is over.
                let renewed = tokio::time::timeout(length / 3, renew(&link, run, epoch, length)).await;
                match renewed {
                    Ok(Ok(true)) => state.renewed(asked, length),
                    Ok(Ok(false)) => return state.lose(),
                    Ok(Err(_)) | Err(_) => link.drop_connection().await,
                }
            }
        });
    }

    /// Notes which server confirms commits from now on.
    pub(super) fn note_server(
        &self,
        worker: &Worker,
        link: Link,
        identity: ServerIdentity,
    ) -> Result<(), PostgresError> {
        let (run, epoch, server) = (self.run, self.epoch, link.server().to_owned());
        let noted = worker.wait(CHANGE_LIMIT, async move {
            let mut held = link.connected().await?;
            let sql = "UPDATE passwave.run SET system_id = $3, timeline = $4 WHERE run = $1 AND epoch = $2";
            let values: [(&(dyn ToSql + Sync), Type); 4] = [
                (&run, Type::INT8),
                (&epoch, Type::INT8),
                (&identity.system_id, Type::TEXT),
                (&identity.timeline, Type::INT8),
            ];
            client(&mut held).execute_typed(sql, &values).await
        });
        answered(noted, &server).map(|_| ())
    }

    /// Notes why the run stopped, so that no worker continues it before a person has looked at it.
    pub(super) fn note_stop(&self, worker: &Worker, link: Link, why: &str) -> Result<(), PostgresError> {
        let (run, epoch, why, server) = (self.run, self.epoch, why.to_owned(), link.server().to_owned());
        let noted = worker.wait(CHANGE_LIMIT, async move {
            let mut held = link.connected().await?;
            let sql = "UPDATE passwave.run SET stopped_by = $3 WHERE run = $1 AND epoch = $2";
            let values: [(&(dyn ToSql + Sync), Type); 3] =
                [(&run, Type::INT8), (&epoch, Type::INT8), (&why, Type::TEXT)];
            client(&mut held).execute_typed(sql, &values).await
        });
        answered(noted, &server).map(|_| ())
    }

    /// Removes the run, if it is still held.
    pub(super) fn discard(&self, worker: &Worker, link: Link) -> Result<(), PostgresError> {
        let (run, epoch, server) = (self.run, self.epoch, link.server().to_owned());
        let removed = worker.wait(CHANGE_LIMIT, async move {
            let mut held = link.connected().await?;
            let sql = "DELETE FROM passwave.run WHERE run = $1 AND epoch = $2";
            client(&mut held).execute_typed(sql, &[(&run, Type::INT8), (&epoch, Type::INT8)]).await
        });
        answered(removed, &server).map(|_| ())
    }

    /// Gives the run back, so that another process can take it at once.
    pub(super) fn release(&self, worker: &Worker, link: Link, is_finished: bool) {
        let (run, epoch) = (self.run, self.epoch);
        let job = async move {
            let mut held = link.connected().await?;
            let sql = "UPDATE passwave.run SET holder = NULL, holder_name = NULL, until = NULL, is_finished = $3
                       WHERE run = $1 AND epoch = $2";
            let values: [(&(dyn ToSql + Sync), Type); 3] =
                [(&run, Type::INT8), (&epoch, Type::INT8), (&is_finished, Type::BOOL)];
            client(&mut held).execute_typed(sql, &values).await
        };
        // If that fails, the lease ends by itself.
        let _ = worker.wait(RELEASE_LIMIT, job);
    }
}

async fn renew(link: &Link, run: i64, epoch: i64, lease: Duration) -> Result<bool, tokio_postgres::Error> {
    let mut held = link.connected().await?;
    let sql = "UPDATE passwave.run SET until = clock_timestamp() + $3 * interval '1 millisecond' WHERE run = $1 AND epoch = $2";
    let millis = millis(lease);
    let changed = client(&mut held)
        .execute_typed(sql, &[(&run, Type::INT8), (&epoch, Type::INT8), (&millis, Type::FLOAT8)])
        .await?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(30);

    #[test]
    fn machine_that_slept_does_not_trust_its_lease() {
        let asked = Moment::now();
        let asleep = |time: u64| Moment { wall: asked.wall + Duration::from_secs(time), ..asked };
        let until = asked.after(LEASE);
        assert!(until.is_ahead_of(asleep(29)) && !until.is_ahead_of(asleep(31)));
    }

    #[test]
    fn clock_that_is_set_back_does_not_make_a_lease_longer() {
        let asked = Moment::now();
        let later = Moment { running: asked.running + 2 * LEASE, wall: asked.wall - LEASE };
        assert!(!asked.after(LEASE).is_ahead_of(later));
    }

    #[test]
    fn late_answer_does_not_make_a_lease_shorter() {
        let asked = Moment::now();
        let state = LeaseState::new(asked, 2 * LEASE);
        state.renewed(asked, Duration::ZERO);
        assert!(state.holds());
        state.lose();
        assert!(!state.holds());
    }
}
