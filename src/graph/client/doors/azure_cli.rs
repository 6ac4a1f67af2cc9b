//! The session of the Azure CLI: whoever has run `az login` here is who signs in.
//!
//! The program is run without a shell and with no input, for a bounded time and output.
//!
//! Invariant: no token that it prints is shown. If there is none in its output, its words are told without anything that
//! could be one.

use super::{
    Method, SignInError, Site, Variables,
    application::check_tenant,
    child::{self, Trouble},
    exchange,
};
use crate::{
    clean,
    graph::{
        client::{Token, TokenSource},
        json,
    },
};
use secrecy::SecretString;
use serde::Deserialize;
use std::{ffi::OsString, path::Path, time::Duration};
use tokio::process::Command;

/// The program's name: on Windows it is a batch file, and found only under its whole name.
pub(super) const PROGRAM: &str = if cfg!(windows) { "az.cmd" } else { "az" };
/// How long it may take; it is a large Python program, and slow to start from a cold disk.
const LIMIT: Duration = Duration::from_secs(60);

/// Places in its output at which an answer is looked for.
const BRACES_MAX: usize = 1_000;
/// Bytes of a word that may be a token: a GUID has 36.
const WORD_BYTES_MAX: usize = 40;

/// Secrets in our environment that are for us, and not for a program that we start.
const OURS: [&str; 4] = [
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_ACCESSTOKEN",
];

/// Signs in as whoever is signed in to the Azure CLI.
pub struct AzureCli {
    program: OsString,
    resource: String,
    pub(super) tenant: Option<String>,
    limit: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: SecretString,
    /// Seconds since 1970, from version 2.54 on.
    #[serde(default, rename = "expires_on", deserialize_with = "exchange::number")]
    unix: Option<u64>,
    /// Local time, in all versions.
    #[serde(default)]
    expires_on: String,
}

impl AzureCli {
    /// Asks `program` for tokens for the Graph root of `site`, in `tenant` or in the one that it is signed in to.
    ///
    /// # Errors
    /// Where the tenant is none.
    pub fn new(site: &Site, program: OsString, tenant: Option<String>) -> Result<Self, SignInError> {
        tenant.as_deref().map_or(Ok(()), check_tenant)?;
        let resource = site.graph.as_str().trim_end_matches('/').to_owned();
        Ok(Self { program, resource, tenant, limit: LIMIT })
    }

    /// The same, waiting for the program no longer than `limit`.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn open(site: &Site, variables: &Variables<'_>) -> Result<Self, SignInError> {
        if !Self::is_installed(variables) {
            return Err(absent());
        }
        Self::new(site, PROGRAM.into(), variables.get("AZURE_TENANT_ID"))
    }

    /// Whether the program is in a folder of `PATH`.
    pub(super) fn is_installed(variables: &Variables<'_>) -> bool {
        let path = variables.get("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(Path::new(PROGRAM)).is_file())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["account", "get-access-token", "--resource", &self.resource, "--output", "json"]);
        if let Some(tenant) = &self.tenant {
            command.args(["--tenant", tenant]);
        }
        for secret in OURS {
            command.env_remove(secret);
        }
        command.env("AZURE_CORE_NO_COLOR", "true");
        command
    }

    /// Why the program has said nothing.
    fn trouble(&self, trouble: &Trouble) -> SignInError {
        match trouble {
            Trouble::Io(error) if error.kind() == std::io::ErrorKind::NotFound => absent(),
            Trouble::Io(error) => SignInError::unready(
                format!("the Azure CLI (az) cannot be run: {error}"),
                "try `az account show` by hand",
            ),
            Trouble::Late => SignInError::unready(
                format!("the Azure CLI (az) did not answer within {} s and was ended", self.limit.as_secs()),
                "try `az account get-access-token` by hand",
            ),
            Trouble::Endless => SignInError::unready(
                "the Azure CLI (az) printed more than a token can hold and was ended",
                "try `az account get-access-token` by hand, and check which az comes first on the PATH",
            ),
        }
    }
}

fn absent() -> SignInError {
    SignInError::unready(
        "the Azure CLI (az) is not on the PATH",
        "install it and run `az login`, or sign in another way (--auth)",
    )
}

impl TokenSource for AzureCli {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let said = child::run(self.command(), self.limit).await.map_err(|trouble| self.trouble(&trouble))?;
        if !said.status.success() {
            return Err(refusal(&String::from_utf8_lossy(&said.stderr)));
        }
        let answer = Answer::find(&said.stdout);
        answer.and_then(|answer| exchange::token_until(answer.end(), answer.access_token)).ok_or_else(|| {
            let words = [&said.stdout[..], &said.stderr].into_iter().find_map(words);
            let words = words.map_or_else(String::new, |words| format!(": {words}"));
            SignInError::unready(
                format!("the Azure CLI (az) answered with something that is no token{words}"),
                "try `az account get-access-token` by hand, and update it with `az upgrade`",
            )
        })
    }
}

impl Answer {
    /// The answer in what the program has printed, which may stand among warnings of plug-ins and wrappers; none if there
    /// is not exactly one.
    fn find(printed: &[u8]) -> Option<Self> {
        let printed = json::unmarked(printed);
        if let Ok(whole) = serde_json::from_slice(printed) {
            return Some(whole);
        }
        let braces = printed.iter().enumerate().filter(|(_, byte)| **byte == b'{').map(|(at, _)| at);
        let mut found = None;
        let mut end = 0;
        for at in braces.take(BRACES_MAX) {
            let mut values = serde_json::Deserializer::from_slice(&printed[at..]).into_iter::<Self>();
            // What stands within an answer is part of it.
            let Some(Ok(answer)) = values.next().filter(|_| at >= end) else { continue };
            end = at + values.byte_offset();
            if found.replace(answer).is_some() {
                return None;
            }
        }
        found
    }

    /// When the token ends, in seconds since 1970.
    fn end(&self) -> Option<u64> {
        let local = || {
            let time = self.expires_on.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>().ok()?;
            let time = time.to_zoned(jiff::tz::TimeZone::system()).ok()?;
            u64::try_from(time.timestamp().as_second()).ok()
        };
        self.unix.or_else(local)
    }
}

/// What it says on standard error: of a refusal the first line that says something, of a crash the last one.
fn refusal(stderr: &str) -> SignInError {
    let lines = stderr.lines().map(|line| line.trim().trim_start_matches("ERROR:").trim());
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("WARNING"));
    let said = match lines.clone().find(|line| line.contains("AADSTS")) {
        None if stderr.contains("Traceback (most recent call last)") => lines.next_back(),
        None => lines.next(),
        found => found,
    };
    let said = said.map_or_else(|| "it failed without a word".to_owned(), redacted);
    exchange::refusal_of(Method::Cli, &format!("Azure CLI: {said}"), None, "")
}

/// The first line of `printed` that is words and no piece of an answer.
fn words(printed: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(json::unmarked(printed)).into_owned();
    let is_words = |line: &&str| !line.is_empty() && !line.contains(['{', '}', '"']);
    text.lines().map(str::trim).find(is_words).map(|line| clean::sentence(&redacted(line)))
}

/// Without what is as long as a token or a piece of one.
fn redacted(line: &str) -> String {
    let shown = |word: &'_ str| {
        let is_secret = word.len() >= WORD_BYTES_MAX && !word.contains("://") && !word.contains(['\\', ':']);
        if is_secret || word.contains("eyJ") { "[withheld]".to_owned() } else { word.to_owned() }
    };
    line.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_in_both_ways() {
        let answer = |json: &str| serde_json::from_str::<Answer>(json).expect("JSON").end();
        assert_eq!(answer(r#"{"accessToken":"a","expires_on":1700000000,"expiresOn":"x"}"#), Some(1_700_000_000));
        assert_eq!(answer(r#"{"accessToken":"a","expiresOn":"soon"}"#), None);
        let local = answer(r#"{"accessToken":"a","expiresOn":"2023-11-14 22:13:20.000000"}"#).expect("a time");
        assert!(local.abs_diff(1_700_000_000) <= 14 * 3_600, "within the time zones: {local}");
    }

    #[test]
    fn its_words_are_told_with_a_cure() {
        for (stderr, said, cure) in [
            ("ERROR: Please run 'az login' to setup account.\n", "Please run 'az login'", "`az login`"),
            (
                "WARNING: x\nERROR: AADSTS700082: The refresh token has expired.\nInteractive authentication is needed.",
                "AADSTS700082: The refresh token has expired",
                "`az login` again",
            ),
            ("ERROR: AADSTS65001: no consent\x1b[2J", "AADSTS65001: no consent", "--auth device-code"),
            ("", "without a word", "`az login`"),
        ] {
            let told = refusal(stderr).to_string();
            assert!(told.contains(said) && told.contains(cure) && !told.contains('\x1b'), "{told}");
        }
    }
}
