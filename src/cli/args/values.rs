//! The values that flags take.

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use passwave::{
    graph::{client::auth::Method, cloud::Cloud},
    password::Profile,
};
use std::time::Duration;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StyleName {
    Random,
    Words,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LookupName {
    Auto,
    Required,
    Off,
}

/// What to do with hidden rows.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HiddenRowsName {
    /// Refuse the roster and list them
    Refuse,
    /// Reset them like all others
    Include,
    /// Leave them out of the run
    Skip,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// The report, with all readable passwords
    Csv,
    /// The HTML page, with all readable passwords
    Html,
    /// The contents of summary.json
    Json,
    /// The report as an Excel workbook, with all readable passwords
    Xlsx,
    /// The accounts as JUnit XML test cases for pipelines, without passwords
    Junit,
}

/// Where `--show` may print passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Show {
    /// Only on a terminal
    Terminal,
    /// On any standard output
    Always,
}

/// Ways to sign in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    Auto,
    Secret,
    Certificate,
    Workload,
    Managed,
    Cli,
    Browser,
    DeviceCode,
}

impl Auth {
    /// Whether a user signs in through a public client.
    pub const fn is_person(self) -> bool {
        matches!(self, Self::Browser | Self::DeviceCode)
    }

    /// The sign-in method that it names; `None` if the environment decides.
    pub const fn method(self) -> Option<Method> {
        match self {
            Self::Auto => None,
            Self::Secret => Some(Method::Secret),
            Self::Certificate => Some(Method::Certificate),
            Self::Workload => Some(Method::Workload),
            Self::Managed => Some(Method::Managed),
            Self::Cli => Some(Method::Cli),
            Self::Browser => Some(Method::Browser),
            Self::DeviceCode => Some(Method::DeviceCode),
        }
    }
}

/// Parses a cloud, in any case.
pub fn cloud() -> impl TypedValueParser<Value = Cloud> {
    PossibleValuesParser::new(Cloud::ALL.map(Cloud::as_str)).try_map(|name| name.parse::<Cloud>())
}

/// Parses a profile, in any case.
pub fn profile() -> impl TypedValueParser<Value = Profile> {
    PossibleValuesParser::new(Profile::ALL.map(Profile::as_str)).try_map(|name| name.parse::<Profile>())
}

/// Parses a time such as `90s`, `15m` or `1h 30m`, or a number of seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().map(Duration::from_secs).ok();
    let friendly = || text.parse::<jiff::SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    seconds.or_else(friendly).ok_or_else(|| "write a time as 90s, 15m or 1h 30m".into())
}

/// Parses a time that may be days or weeks, such as `7d`.
pub fn age(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 24 * 60 * 60;
    let text = text.trim();
    let long = [("d", DAY), ("w", 7 * DAY)].into_iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
        number.checked_mul(seconds).map(Duration::from_secs)
    });
    long.map_or_else(|| duration(text).map_err(|_| "write a time as 7d, 2w or 12h".into()), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_time_forms_are_parsed() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("15m", 900), ("1h 30m", 5_400), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for (text, seconds) in [("7d", 604_800), ("2w", 1_209_600), ("12h", 43_200), ("0d", 0)] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(age("a week").is_err() && age("-1d").is_err() && age("99999999999999999999d").is_err());
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }
}
