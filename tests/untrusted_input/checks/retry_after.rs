//! `Retry-After`, and the other headers of an answer: never a wait that was not requested, and never one that is too
//! long.

use jiff::{Timestamp, fmt::rfc2822};
use passwave::graph::{retry_after, wire::Envelope};
use std::time::Duration;

/// The first eight bytes are the current time, the others the header.
pub fn check(bytes: &[u8]) {
    let Some((clock, value)) = bytes.split_at_checked(8) else { return };
    let clock = i64::from_le_bytes(clock.try_into().expect("eight bytes"));
    // From the year 1 to 9998, so that there can be dates before and after it.
    let now = Timestamp::from_second(clock.rem_euclid(300_000_000_000) - 60_000_000_000).expect("a time");
    let text = String::from_utf8_lossy(value);
    let wait = retry_after::parse(&text, now);
    assert!(wait.is_none_or(|wait| wait <= longest()), "{text:?}: {wait:?}");
    assert_eq!(retry_after::parse(&format!(" \t{text} "), now), wait, "white space around {text:?}");
    let digits = text.trim();
    if !digits.is_empty() && digits.len() < 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let asked = Duration::from_secs(digits.parse().expect("digits"));
        assert_eq!(wait, Some(asked.min(longest())), "{text:?}");
    }
    check_dates(now, value);
    check_headers(&text);
}

fn longest() -> Duration {
    Duration::from_secs_f64(retry_after::WAIT_SECONDS_MAX)
}

/// A date means the same as the seconds until then.
fn check_dates(now: Timestamp, value: &[u8]) {
    let Some(Ok(ahead)) = value.get(..4).map(<[u8; 4]>::try_from) else { return };
    let ahead = i64::from(i32::from_le_bytes(ahead));
    let Ok(then) = Timestamp::from_second(now.as_second() + ahead) else { return };
    let Ok(date) = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then) else { return };
    let asked = Duration::from_secs(u64::try_from(ahead).unwrap_or(0));
    assert_eq!(retry_after::parse(&date, now), Some(asked.min(longest())), "{date} at {now}");
}

fn check_headers(text: &str) {
    let envelope = Envelope::read(429, |_| Some(text));
    assert!(envelope.retry_after.is_none_or(|wait| wait <= longest()));
    assert!(envelope.request_id.chars().count() <= 64 && text.starts_with(&envelope.request_id));
    assert_eq!(envelope.status, 429);
}
