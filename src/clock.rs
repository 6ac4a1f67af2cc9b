//! The run's clock: wall time for the records, tokio's clock for the pace.
//!
//! It reads the wall once and counts from there on tokio's clock, so times never run backwards within a process and a
//! rehearsal can live through hours of them in seconds.

use jiff::Timestamp;
use tokio::time::Instant;

/// Tells the time of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    origin: Instant,
}

impl Clock {
    /// Reads the wall clock, and counts from now on.
    #[must_use]
    pub fn start() -> Self {
        Self::at(Timestamp::now())
    }

    /// Reads no clock: it is `wall` now, as another machine has it or another time had it, and counts from now on.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        Self { wall, origin: Instant::now() }
    }

    /// The wall time, as tokio's clock counts it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall.saturating_add(self.origin.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// [`Clock::now`] in milliseconds since 1970, as the ledger keeps it.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.now().as_millisecond()
    }
}
