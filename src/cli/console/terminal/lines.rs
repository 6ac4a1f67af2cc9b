//! Lines on stderr, filtered by the user's verbosity.

use crate::cli::console::{stdio, verbosity::Verbosity};

/// Prints lines at this verbosity.
#[derive(Clone, Copy)]
pub(super) struct Lines(pub(super) Verbosity);

impl Lines {
    /// Prints a line, unless `--quiet` is set.
    pub(super) fn say(self, text: &str) {
        if !self.is_quiet() {
            stdio::line(text);
        }
    }

    /// Prints a line with the time. The caller has already checked the level of detail.
    pub(super) fn detail(self, text: &str) {
        self.say(&format!("{}  {text}", jiff::Zoned::now().strftime("%H:%M:%S%.3f")));
    }

    /// Whether details are printed.
    pub(super) const fn is_detailed(self) -> bool {
        self.0.detail > 0
    }

    /// Whether only problems are printed.
    pub(super) const fn is_quiet(self) -> bool {
        self.0.is_quiet
    }
}
