//! One cell of a workbook as users see it: numbers without exponents, dates as ISO 8601, text unchanged.

use calamine::{DataRef, ExcelDateTime, Style};
use std::fmt;

/// Significant digits of a number in Excel (its specifications and limits).
const DIGITS_MAX: usize = 15;

/// A value as text, with its number format.
pub(super) struct Shown<'a> {
    pub(super) value: &'a DataRef<'a>,
    pub(super) format: &'a str,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            DataRef::Empty => Ok(()),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => f.write_str(text),
            DataRef::SharedString(text) => f.write_str(text),
            DataRef::Bool(true) => f.write_str("TRUE"),
            DataRef::Bool(false) => f.write_str("FALSE"),
            DataRef::Int(number) => write!(f, "{number}"),
            DataRef::Float(number) => f.write_str(&self.number(*number)),
            DataRef::DateTime(time) => f.write_str(&date(time)),
            DataRef::Error(error) => write!(f, "{error}"),
        }
    }
}

impl Shown<'_> {
    /// A format of only zeros keeps leading zeros, as in pupil numbers.
    fn number(&self, number: f64) -> String {
        let rounded = format!("{number:.*e}", DIGITS_MAX - 1).parse().unwrap_or(number);
        let is_padded = !self.format.is_empty() && self.format.bytes().all(|byte| byte == b'0');
        if is_padded && rounded >= 0.0 && f64::fract(rounded) == 0.0 {
            format!("{rounded:0>width$}", width = self.format.len().min(DIGITS_MAX))
        } else {
            rounded.to_string()
        }
    }
}

/// A date, a time, or both; a duration in hours.
fn date(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
        let seconds = (time.as_f64() * 86_400.0).round() as i64;
        return format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    match (time.as_f64() < 1.0, time.as_f64().fract() == 0.0) {
        (true, _) => clock,
        (false, true) => format!("{year:04}-{month:02}-{day:02}"),
        (false, false) => format!("{year:04}-{month:02}-{day:02}T{clock}"),
    }
}

/// The number format of a style; empty if it has none.
pub(super) fn format(styles: &[Style], style: usize) -> &str {
    let format = styles.get(style).and_then(|style| style.number_format.as_ref());
    format.map_or("", |format| &format.format_code)
}

/// A column's letters in Excel, from 0.
pub(super) fn letters(column: u32) -> String {
    let last = char::from(b'A' + (column % 26) as u8);
    match column / 26 {
        0 => last.to_string(),
        before => letters(before - 1) + &last.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    fn shown(value: &DataRef<'_>, format: &str) -> String {
        Shown { value, format }.to_string()
    }

    #[test]
    fn numbers_are_formatted_for_readers() {
        for (number, format, text) in [
            (42.0, "General", "42"),
            (-0.5, "", "-0.5"),
            (0.1 + 0.2, "", "0.3"),
            (4_915_112_345_678.0, "", "4915112345678"),
            (1e21, "", "1000000000000000000000"),
            (1e-7, "", "0.0000001"),
            (42.0, "00000", "00042"),
            (1_234_567.0, "000", "1234567"),
            (1.5, "000", "1.5"),
            (-3.0, "000", "-3"),
        ] {
            assert_eq!(shown(&DataRef::Float(number), format), text);
        }
    }

    #[test]
    fn dates_and_words_are_parsed() {
        let date = |value, kind| shown(&DataRef::DateTime(ExcelDateTime::new(value, kind, false)), "");
        assert_eq!(date(46_351.0, ExcelDateTimeType::DateTime), "2026-11-25");
        assert_eq!(date(46_351.75, ExcelDateTimeType::DateTime), "2026-11-25T18:00:00");
        assert_eq!(date(0.5, ExcelDateTimeType::DateTime), "12:00:00");
        assert_eq!(date(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
        assert_eq!(shown(&DataRef::Bool(true), ""), "TRUE");
        assert_eq!(shown(&DataRef::Error(CellErrorType::NA), ""), "#N/A");
        assert_eq!(shown(&DataRef::SharedString(" a "), ""), " a ");
        assert_eq!(shown(&DataRef::Empty, "000"), "");
    }

    #[test]
    fn columns_have_excels_names() {
        let names = [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")];
        names.into_iter().for_each(|(column, name)| assert_eq!(letters(column), name));
    }
}
