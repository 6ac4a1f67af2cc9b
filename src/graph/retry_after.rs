//! The `Retry-After` header: how long the server asks us to wait.
//!
//! Real servers send whole seconds, fractions such as `0.249`, HTTP dates, and nonsense. It never invents a wait: a
//! value that cannot be parsed gives `None`, and the throttle has its own back-off.

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use std::time::Duration;

/// Longest wait that is accepted, in seconds; Graph's longest window is five minutes, and a day would be a mistake.
pub const WAIT_SECONDS_MAX: f64 = 3_600.0;
/// The same as a time.
pub const WAIT_MAX: Duration = Duration::from_secs(3_600);
/// Longest wait that is reported as named, in seconds: a year.
const NAMED_SECONDS_MAX: f64 = 365.0 * 86_400.0;

static HTTP_DATE: DateTimeParser = DateTimeParser::new();

/// Parses the value of a `Retry-After` header; a date counts from `now`. The result is at most [`WAIT_MAX`].
#[must_use]
pub fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    Some(named(value, now)?.min(WAIT_MAX))
}

/// The wait that a `Retry-After` header names, even if it is longer than accepted; at most a year.
#[must_use]
pub fn named(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let seconds = value.parse::<f64>().ok().or_else(|| seconds_until(value, now))?;
    if !seconds.is_finite() {
        return None;
    }
    Some(Duration::from_secs_f64(seconds.clamp(0.0, NAMED_SECONDS_MAX)))
}

fn seconds_until(date: &str, now: Timestamp) -> Option<f64> {
    let then = HTTP_DATE.parse_timestamp(date).ok()?;
    Some(then.duration_since(now).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excessive_waits_are_kept_as_named() {
        let now: Timestamp = "2026-09-01T07:00:00Z".parse().expect("a time");
        for (value, seconds) in [
            ("86400", 86_400.0),
            ("10", 10.0),
            ("1e308", NAMED_SECONDS_MAX),
            ("Wed, 02 Sep 2026 07:00:00 GMT", 86_400.0),
        ] {
            assert_eq!(named(value, now), Some(Duration::from_secs_f64(seconds)), "{value}");
            assert_eq!(parse(value, now), Some(Duration::from_secs_f64(seconds).min(WAIT_MAX)), "{value}");
        }
        assert_eq!(WAIT_MAX.as_secs_f64(), WAIT_SECONDS_MAX);
    }

    #[test]
    fn parses_every_known_form() {
        let now: Timestamp = "2026-09-01T07:00:00Z".parse().expect("a time");
        for (value, seconds) in [
            ("10", Some(10.0)),
            (" 2.128 ", Some(2.128)),
            ("0.249", Some(0.249)),
            ("0", Some(0.0)),
            ("-3", Some(0.0)),
            ("99999999", Some(WAIT_SECONDS_MAX)),
            ("Tue, 01 Sep 2026 07:00:30 GMT", Some(30.0)),
            ("Tue, 01 Sep 2026 06:00:00 GMT", Some(0.0)),
            ("", None),
            ("NaN", None),
            ("inf", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now), seconds.map(Duration::from_secs_f64), "{value}");
        }
    }
}
