//! Guard rails: when to stop although the run could continue.

use crate::{ledger::Counts, outcome::Status};
use jiff::{SignedDuration, Zoned, civil::Time};
use std::{fmt, str::FromStr, time::Duration};

/// A share means nothing before this many accounts have ended.
const SHARE_FROM: u64 = 100;

/// Too many bad endings in one process: `failed=3%` of the accounts that ended, or `failed=50` of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halt {
    status: Status,
    limit: Limit,
}

impl Eq for Halt {}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Number(u64),
    Percent(f64),
}

impl Halt {
    /// Whether the changes between two counts reach it. A share is checked once a hundred accounts have ended, or all
    /// of them.
    #[must_use]
    pub fn is_reached(&self, before: &Counts, now: &Counts) -> bool {
        let bad = now.of(self.status) - before.of(self.status).min(now.of(self.status));
        let settled = now.settled().saturating_sub(before.settled());
        match self.limit {
            Limit::Number(most) => bad >= most,
            #[expect(clippy::cast_precision_loss, reason = "counts of accounts stay far below 2^52")]
            Limit::Percent(most) => {
                bad > 0 && (settled >= SHARE_FROM || now.pending() == 0) && bad as f64 * 100.0 >= most * settled as f64
            }
        }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::Number(number) => write!(f, "{}={number}", self.status.as_str()),
            Limit::Percent(percent) => write!(f, "{}={percent}%", self.status.as_str()),
        }
    }
}

/// A rule that cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write it as failed=3% or failed=50 (or in_doubt=…), above zero and at most 100%")]
pub struct HaltError;

impl FromStr for Halt {
    type Err = HaltError;

    fn from_str(text: &str) -> Result<Self, HaltError> {
        let (status, limit) = text.split_once('=').ok_or(HaltError)?;
        let status = [Status::Failed, Status::InDoubt].into_iter().find(|known| known.as_str() == status.trim());
        let limit = match limit.trim().strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.trim().parse().map_err(|_| HaltError)?;
                (percent > 0.0 && percent <= 100.0).then_some(Limit::Percent(percent))
            }
            None => limit.trim().parse().ok().filter(|number| *number > 0).map(Limit::Number),
        };
        Ok(Self { status: status.ok_or(HaltError)?, limit: limit.ok_or(HaltError)? })
    }
}

/// Hours of the day, by this machine's clock, in which anything is sent. They may span midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: Time,
    to: Time,
}

impl Window {
    /// Whether `now` is within it. The end is exclusive.
    #[must_use]
    pub fn is_open(&self, now: &Zoned) -> bool {
        let time = now.time();
        if self.from < self.to { (self.from..self.to).contains(&time) } else { time >= self.from || time < self.to }
    }

    /// How long until it opens, if it is closed at `now`.
    #[must_use]
    pub fn opens_in(&self, now: &Zoned) -> Duration {
        let today = now.with().time(self.from).build().ok();
        let opening = today.filter(|opening| opening > now).or_else(|| {
            let tomorrow = now.tomorrow().ok()?;
            tomorrow.with().time(self.from).build().ok()
        });
        let wait = opening.map_or(SignedDuration::ZERO, |opening| now.duration_until(&opening));
        Duration::try_from(wait).unwrap_or_default()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

/// Hours that cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write hours as 22:00-06:00, with two different times")]
pub struct WindowError;

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let (from, to) = text.split_once('-').ok_or(WindowError)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| WindowError);
        let window = Self { from: time(from)?, to: time(to)? };
        if window.from == window.to { Err(WindowError) } else { Ok(window) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(reset: u64, failed: u64, planned: u64) -> Counts {
        Counts { reset, failed, planned, ..Counts::default() }
    }

    #[test]
    fn halts_are_read_and_written() {
        for text in ["failed=3%", "failed=50", "in_doubt=1", "failed=0.5%"] {
            assert_eq!(text.parse::<Halt>().map(|halt| halt.to_string()).as_deref(), Ok(text));
        }
        for bad in
            ["", "failed", "failed=", "failed=0", "failed=0%", "failed=101%", "reset=3", "failed=x", "failed=NaN%"]
        {
            assert_eq!(bad.parse::<Halt>(), Err(HaltError), "{bad}");
        }
    }

    #[test]
    fn shares_need_a_hundred_accounts() {
        let (share, number): (Halt, Halt) = ("failed=3%".parse().expect("a rule"), "failed=3".parse().expect("a rule"));
        let before = counts(10, 5, 985);
        assert!(!share.is_reached(&before, &counts(20, 15, 965)), "too few have ended");
        assert!(share.is_reached(&before, &counts(107, 8, 885)));
        assert!(!share.is_reached(&before, &counts(108, 7, 885)));
        assert!(!number.is_reached(&before, &counts(10, 7, 983)));
        assert!(number.is_reached(&before, &counts(10, 8, 982)));
        assert!(share.is_reached(&counts(0, 0, 3), &counts(2, 1, 0)), "all have ended");
        assert!(!share.is_reached(&counts(0, 0, 3), &counts(3, 0, 0)));
        assert!(!share.is_reached(&before, &before), "nothing has ended, so nothing badly");
        assert!(!share.is_reached(&counts(0, 0, 0), &counts(0, 0, 0)), "nor where there is nothing");
    }

    #[test]
    fn windows_may_span_midnight() {
        let at = |text: &str| format!("2026-11-22T{text}[Europe/Berlin]").parse::<Zoned>().expect("a time");
        let night: Window = "22:00-06:00".parse().expect("hours");
        let day: Window = "08:00-16:30".parse().expect("hours");
        for (time, in_night, in_day) in [
            ("21:59:59", false, false),
            ("22:00:00", true, false),
            ("03:00:00", true, false),
            ("06:00:00", false, false),
            ("08:00:00", false, true),
            ("16:30:00", false, false),
        ] {
            assert_eq!((night.is_open(&at(time)), day.is_open(&at(time))), (in_night, in_day), "{time}");
        }
        assert_eq!(night.opens_in(&at("21:00:00")), Duration::from_secs(3_600));
        assert_eq!(day.opens_in(&at("20:00:00")), Duration::from_secs(12 * 3_600));
        assert_eq!(night.to_string(), "22:00-06:00");
        for bad in ["", "22:00", "22-6", "25:00-06:00", "06:00-06:00"] {
            assert_eq!(bad.parse::<Window>(), Err(WindowError), "{bad}");
        }
    }
}
