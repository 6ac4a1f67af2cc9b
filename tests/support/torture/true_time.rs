//! The true time, which the clocks of the tenant and of this machine show more or less exactly, and which can jump.

use jiff::{SignedDuration, Timestamp};
use passwave::util::clock::Clock;
use std::cell::RefCell;
use tokio::time::Instant;

/// The directory's clock: the simulator's, plus its jumps.
pub struct TrueTime {
    epoch: Timestamp,
    began: Instant,
    /// The time of each jump, by the simulator's clock, and its length.
    jumps: RefCell<Vec<(Timestamp, SignedDuration)>>,
}

impl TrueTime {
    /// A clock that shows `epoch` now.
    pub fn new(epoch: Timestamp) -> Self {
        Self { epoch, began: Instant::now(), jumps: RefCell::default() }
    }

    /// Jumps now: this machine slept, or someone set a clock.
    pub fn jump(&self, seconds: i64) {
        self.jumps.borrow_mut().push((self.simulated(), SignedDuration::from_secs(seconds)));
    }

    /// The directory's clock when the simulator's shows `time`.
    pub fn seen(&self, time: Timestamp) -> Timestamp {
        let jumps = self.jumps.borrow();
        let far = jumps.iter().filter(|(at, _)| time >= *at).map(|(_, far)| *far);
        time + far.fold(SignedDuration::ZERO, |all, far| all + far)
    }

    /// The clock of a process that starts now on a machine whose clock is `seconds` ahead of the directory's.
    pub fn clock(&self, seconds: i64) -> Clock {
        Clock::at(self.seen(self.simulated()) + SignedDuration::from_secs(seconds))
    }

    fn simulated(&self) -> Timestamp {
        self.epoch + self.began.elapsed()
    }
}
