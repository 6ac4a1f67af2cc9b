//! Formats numbers and times for people, on the terminal and in the HTML page.

use std::time::Duration;

/// A number in groups of three digits.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// The count behind a number of bits of entropy: two significant figures, in words.
#[must_use]
pub fn power_of_two(bits: f64) -> String {
    let number = bits.exp2();
    for (unit, name) in [(1e12, "trillion"), (1e9, "billion"), (1e6, "million")] {
        if number >= 1_000.0 * unit {
            return format!("more than a thousand {name}");
        }
        if number >= unit {
            let count = number / unit;
            return if count < 10.0 { format!("{count:.1} {name}") } else { format!("{count:.0} {name}") };
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from one to a million")]
    grouped(number.round().max(1.0) as u64)
}

/// A duration in one or two units.
#[must_use]
pub fn short(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil().min(1e9);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a billion")]
    let seconds = seconds as u64;
    // Beyond ten minutes, seconds do not matter.
    let seconds = if seconds < 600 { seconds } else { (seconds + 30) / 60 * 60 };
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// How long a run took, in the words of the reports.
#[must_use]
pub fn lasting(seconds: f64) -> String {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    if time < Duration::from_secs(1) { "under a second".into() } else { short(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1_000, 1_234_567].map(grouped).each_ref().map(String::as_str)
        );
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (125, "2 min 5 s"),
            (1_000, "17 min"),
            (3_600, "1 h"),
            (4_850, "1 h 21 min"),
            (3_599, "1 h"),
        ] {
            assert_eq!(short(Duration::from_secs(seconds)), text);
        }
        assert_eq!([0.0, 0.9, 1.0, 61.0].map(lasting), ["under a second", "under a second", "1 s", "1 min 1 s"]);
        assert_eq!(counted(1, "row", "rows"), "1 row");
        for (bits, text) in [
            (0.0, "1"),
            (10.0, "1,024"),
            (23.0, "8.4 million"),
            (35.9, "64 billion"),
            (45.3, "43 trillion"),
            (57.0, "more than a thousand trillion"),
        ] {
            assert_eq!(power_of_two(bits), text);
        }
    }
}
