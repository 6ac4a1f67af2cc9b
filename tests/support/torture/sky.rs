//! The time of day, which the clocks of the tenant and of this machine show more or less well, and which can jump.

use jiff::{SignedDuration, Timestamp};
use passwave::clock::Clock;
use std::cell::RefCell;
use tokio::time::Instant;

/// The directory's clock: the simulator's, and what it has jumped since.
pub struct Sky {
    epoch: Timestamp,
    began: Instant,
    /// When it jumped, by the simulator's clock, and how far.
    jumps: RefCell<Vec<(Timestamp, SignedDuration)>>,
}

impl Sky {
    /// A clock that shows `epoch` now.
    pub fn new(epoch: Timestamp) -> Self {
        Self { epoch, began: Instant::now(), jumps: RefCell::default() }
    }

    /// Jumps now: this machine slept meanwhile, or somebody set a clock.
    pub fn jump(&self, seconds: i64) {
        self.jumps.borrow_mut().push((self.simulated(), SignedDuration::from_secs(seconds)));
    }

    /// What the directory's clock shows where the simulator says `time`.
    pub fn seen(&self, time: Timestamp) -> Timestamp {
        let jumps = self.jumps.borrow();
        let far = jumps.iter().filter(|(at, _)| time >= *at).map(|(_, far)| *far);
        time + far.fold(SignedDuration::ZERO, |all, far| all + far)
    }

    /// The clock of a process that begins now on a machine whose clock is `seconds` ahead of the directory's.
    pub fn clock(&self, seconds: i64) -> Clock {
        Clock::at(self.seen(self.simulated()) + SignedDuration::from_secs(seconds))
    }

    fn simulated(&self) -> Timestamp {
        self.epoch + self.began.elapsed()
    }
}
