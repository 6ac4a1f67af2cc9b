//! A quota that processes on several machines share through the database.
//!
//! There is one row for each limit of an application in a tenant: when its bucket is full again, by the server's clock. A
//! process leases a few requests ahead, and gives back what it has left in an orderly end. What a dead process had is lost,
//! never spent twice.
//!
//! Invariant: no request is leased twice. If an answer of the server is lost, so are its requests.

use super::{
    error::PostgresError,
    link::{Link, Worker, client},
    load::answered,
};
use crate::graph::quota::Quota;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

/// The part of a full bucket that is leased at once, if there is as much: of the documented write quota, five batches, which
/// is five seconds.
const AT_ONCE: u32 = 30;
/// How long to wait for the server, and until it is asked again if it does not answer.
const LIMIT: Duration = Duration::from_secs(10);
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// The shortest wait, so that a rounded one never makes the caller ask again at once.
const WAIT_MIN: Duration = Duration::from_millis(10);

/// Leases up to $4 requests. A bucket of $5 requests fills by one in $6 seconds. The row is locked first, so that two
/// processes never see the same level.
const LEASE: &str = "WITH found AS (
        SELECT full_at, clock_timestamp() AS now FROM passwave.quota
        WHERE tenant = $1 AND application = $2 AND name = $3 FOR UPDATE
    ), level AS (
        SELECT now, greatest(full_at, now) AS base,
            least($4, greatest(0, floor($5 - extract(epoch FROM greatest(full_at, now) - now)::float8 / $6))) AS units FROM found
    )
    UPDATE passwave.quota SET full_at = base + units * $6 * interval '1 second' FROM level
    WHERE tenant = $1 AND application = $2 AND name = $3
    RETURNING units, extract(epoch FROM base - now)::float8 + units * $6";

/// The tenant and the application that a quota belongs to, and which limit it is.
#[derive(Clone)]
pub(in crate::ledger) struct QuotaKey {
    pub tenant: String,
    pub application: String,
    pub name: &'static str,
}

impl QuotaKey {
    fn values(&self) -> [(&(dyn ToSql + Sync), Type); 3] {
        [(&self.tenant, Type::TEXT), (&self.application, Type::TEXT), (&self.name, Type::TEXT)]
    }
}

/// The part of this process in a shared quota.
pub(in crate::ledger) struct LeasedQuota {
    worker: Arc<Worker>,
    link: Link,
    key: QuotaKey,
    /// How many requests the full bucket has, and in how many seconds it fills by one.
    burst: f64,
    period: f64,
    /// Leased and not spent yet.
    stock: u32,
    /// Before this, there is nothing more to lease.
    not_before: Option<Instant>,
}

impl LeasedQuota {
    /// Takes part in a quota. Whoever is first finds a full bucket.
    pub(super) fn join(worker: &Arc<Worker>, link: Link, key: QuotaKey, quota: Quota) -> Result<Self, PostgresError> {
        let (job, mine, server) = (link.clone(), key.clone(), link.server().to_owned());
        let made = worker.wait(LIMIT, async move {
            let mut held = job.connected().await?;
            let sql =
                "INSERT INTO passwave.quota (tenant, application, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            client(&mut held).execute_typed(sql, &mine.values()).await
        });
        answered(made, &server)?;
        let (burst, period) = (f64::from(quota.units.get()), 1.0 / quota.per_second());
        Ok(Self { worker: Arc::clone(worker), link, key, burst, period, stock: 0, not_before: None })
    }

    /// Spends `n` requests, or returns how long to wait before asking again.
    pub(in crate::ledger) fn admit(&mut self, n: u32) -> Result<(), Duration> {
        if self.stock < n {
            self.lease(n)?;
        }
        self.stock -= n;
        Ok(())
    }

    fn lease(&mut self, n: u32) -> Result<(), Duration> {
        let now = Instant::now();
        if let Some(left) = self.not_before.and_then(|until| until.checked_duration_since(now)) {
            return Err(left.max(WAIT_MIN));
        }
        let wanted = f64::from(n).max(self.burst / f64::from(AT_ONCE)).floor() - f64::from(self.stock);
        let (link, key, burst, period) = (self.link.clone(), self.key.clone(), self.burst, self.period);
        let leased = self.worker.wait(LIMIT, async move {
            let mut held = link.connected().await?;
            let [tenant, application, name] = key.values();
            let numbers: [(&(dyn ToSql + Sync), Type); 3] =
                [(&wanted, Type::FLOAT8), (&burst, Type::FLOAT8), (&period, Type::FLOAT8)];
            let [wanted, burst, period] = numbers;
            let row =
                client(&mut held).query_typed_one(LEASE, &[tenant, application, name, wanted, burst, period]).await?;
            read(&row)
        });
        // Without an answer, the requests are lost; the next commit reports a server that is gone.
        let Some(Ok((units, until_full))) = leased else { return Err(ASK_AGAIN) };
        self.stock += units;
        if self.stock >= n {
            return Ok(());
        }
        let missing = f64::from(n - self.stock) * self.period + until_full - self.burst * self.period;
        let wait = Duration::try_from_secs_f64(missing).unwrap_or_default().max(WAIT_MIN);
        self.not_before = Some(now + wait);
        Err(wait)
    }

    /// Counts what refills in `debt` from now on as spent, for all who share the quota, and what is in stock, too.
    pub(in crate::ledger) fn owe(&mut self, debt: Duration) {
        self.stock = 0;
        let (link, key, debt) = (self.link.clone(), self.key.clone(), debt.as_secs_f64());
        let sql = "UPDATE passwave.quota SET full_at = greatest(full_at, clock_timestamp() + $4 * interval '1 second')
                   WHERE tenant = $1 AND application = $2 AND name = $3";
        // If that fails, this process still waits, and the others find out from Graph.
        let _ = self.worker.wait(LIMIT, change(link, key, sql, debt));
    }
}

impl Drop for LeasedQuota {
    fn drop(&mut self) {
        if self.stock == 0 {
            return;
        }
        let unspent = f64::from(self.stock) * self.period;
        let sql = "UPDATE passwave.quota SET full_at = full_at - $4 * interval '1 second'
                   WHERE tenant = $1 AND application = $2 AND name = $3";
        let _ = self.worker.wait(ASK_AGAIN, change(self.link.clone(), self.key.clone(), sql, unspent));
    }
}

async fn change(link: Link, key: QuotaKey, sql: &'static str, seconds: f64) -> Result<u64, tokio_postgres::Error> {
    let mut held = link.connected().await?;
    let [tenant, application, name] = key.values();
    client(&mut held).execute_typed(sql, &[tenant, application, name, (&seconds, Type::FLOAT8)]).await
}

/// How many requests were leased, and in how many seconds the bucket is full.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most as many as were asked for")]
fn read(row: &Row) -> Result<(u32, f64), tokio_postgres::Error> {
    Ok((row.try_get::<_, f64>(0)?.max(0.0) as u32, row.try_get(1)?))
}
