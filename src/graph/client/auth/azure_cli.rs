//! The session of the Azure CLI: signs in as the user of `az login`.
//!
//! The program runs without a shell and without input, with limits on time and output.
//!
//! Invariant: a token in its output is never shown. If it prints no token, its message is shown without anything that
//! could be one.

use super::{
    Endpoints, Method, SignInError, Variables,
    application::check_tenant,
    child::{self, ChildError},
    exchange,
};
use crate::{
    graph::{
        client::{Token, TokenSource},
        json,
    },
    util::sanitize,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::{ffi::OsString, path::PathBuf, time::Duration};
use tokio::process::Command;

/// The program's names, in the order in which a folder is searched. Windows finds them only under their full names: an
/// `.exe` (conda, some wrappers), a batch file of `pip`, or the one of Microsoft's installer.
const PROGRAMS: &[&str] = if cfg!(windows) { &WINDOWS_PROGRAMS } else { &["az"] };
const WINDOWS_PROGRAMS: [&str; 3] = ["az.exe", "az.bat", "az.cmd"];
/// Time limit. It is a large Python program that starts slowly from a cold disk.
const LIMIT: Duration = Duration::from_secs(60);

/// How many positions in its output are tried as the start of an answer.
const BRACES_MAX: usize = 1_000;
/// Maximum length of a word that is shown, because longer ones may be a token; a GUID has 36 bytes.
const WORD_BYTES_MAX: usize = 40;

/// Secrets in our environment that a child process must not get.
const OURS: [&str; 5] = [
    "PGPASSWORD",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_ACCESSTOKEN",
];

/// Signs in as the Azure CLI's user.
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
    /// Seconds since 1970; only since version 2.54.
    #[serde(default, rename = "expires_on", deserialize_with = "exchange::number")]
    unix: Option<u64>,
    /// Local time; in all versions.
    #[serde(default)]
    expires_on: String,
}

impl AzureCli {
    /// Uses `program` to get tokens for the Graph root of `endpoints`, in `tenant` or in the tenant of its session.
    ///
    /// # Errors
    /// Fails if the tenant is not valid.
    pub fn new(endpoints: &Endpoints, program: OsString, tenant: Option<String>) -> Result<Self, SignInError> {
        tenant.as_deref().map_or(Ok(()), check_tenant)?;
        let resource = endpoints.graph.as_str().trim_end_matches('/').to_owned();
        Ok(Self { program, resource, tenant, limit: LIMIT })
    }

    /// The same with another time limit.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn open(endpoints: &Endpoints, variables: &Variables<'_>) -> Result<Self, SignInError> {
        let program = program(variables).ok_or_else(absent)?;
        Self::new(endpoints, program.into(), variables.get("AZURE_TENANT_ID"))
    }

    /// Whether the program is in a folder of `PATH`.
    pub(super) fn is_installed(variables: &Variables<'_>) -> bool {
        program(variables).is_some()
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

    /// Why there is no output.
    fn trouble(&self, trouble: &ChildError) -> SignInError {
        match trouble {
            ChildError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => absent(),
            ChildError::Io(error) => SignInError::unready(
                format!("the Azure CLI (az) cannot be run: {error}"),
                "try `az account show` by hand",
            ),
            ChildError::Late => SignInError::unready(
                format!("the Azure CLI (az) did not answer within {} s and was ended", self.limit.as_secs()),
                "try `az account get-access-token` by hand",
            ),
            ChildError::Endless => SignInError::unready(
                "the Azure CLI (az) printed more than a token can hold and was ended",
                "try `az account get-access-token` by hand, and check which az comes first on the PATH",
            ),
        }
    }
}

fn program(variables: &Variables<'_>) -> Option<PathBuf> {
    first_of(PROGRAMS, &variables.get("PATH").unwrap_or_default())
}

/// The first file with one of these names in the folders of `path`. Relative folders are not searched, because what is in
/// the current folder may come from anybody.
fn first_of(names: &[&str], path: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let mut files = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    files.find(|file| file.is_file())
}

fn absent() -> SignInError {
    SignInError::NoAzureCli
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
                format!("the Azure CLI (az) did not return a token{words}"),
                "try `az account get-access-token` by hand, and update it with `az upgrade`",
            )
        })
    }
}

impl Answer {
    /// The answer in the program's output, which may also have warnings from extensions and wrappers; `None` unless
    /// there is exactly one.
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
            // An object inside an answer is part of it.
            let Some(Ok(answer)) = values.next().filter(|_| at >= end) else { continue };
            end = at + values.byte_offset();
            if found.replace(answer).is_some() {
                return None;
            }
        }
        found
    }

    /// When the token expires, in seconds since 1970.
    fn end(&self) -> Option<u64> {
        let local = || {
            let time = self.expires_on.replacen(' ', "T", 1).parse::<jiff::civil::DateTime>().ok()?;
            let time = time.to_zoned(jiff::tz::TimeZone::system()).ok()?;
            u64::try_from(time.timestamp().as_second()).ok()
        };
        self.unix.or_else(local)
    }
}

/// The message on standard error: the first meaningful line of a refusal, or the last line of a crash.
fn refusal(stderr: &str) -> SignInError {
    let lines = stderr.lines().map(|line| line.trim().trim_start_matches("ERROR:").trim());
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("WARNING"));
    let said = match lines.clone().find(|line| line.contains("AADSTS")) {
        None if stderr.contains("Traceback (most recent call last)") => lines.next_back(),
        None => lines.next(),
        found => found,
    };
    let said = said.map_or_else(|| "it failed without a message".to_owned(), redacted);
    exchange::refusal_of(Method::Cli, &format!("Azure CLI: {said}"), None, "")
}

/// The first line of `printed` that is text and not part of an answer.
fn words(printed: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(json::unmarked(printed)).into_owned();
    let is_words = |line: &&str| !line.is_empty() && !line.contains(['{', '}', '"']);
    text.lines().map(str::trim).find(is_words).map(|line| sanitize::sentence(&redacted(line)))
}

/// The line without words that are as long as a token or part of one.
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
    fn every_kind_of_program_is_found() {
        let place = tempfile::tempdir().expect("a folder");
        let [one, two] = ["one", "two"].map(|name| place.path().join(name));
        [&one, &two].into_iter().for_each(|folder| std::fs::create_dir(folder).expect("made"));
        let path = std::env::join_paths([&one, &two]).expect("a path").into_string().expect("text");
        let found = || first_of(&WINDOWS_PROGRAMS, &path);
        assert_eq!(found(), None);
        for name in WINDOWS_PROGRAMS.into_iter().rev() {
            std::fs::write(two.join(name), "").expect("written");
            assert_eq!(found(), Some(two.join(name)));
        }
        std::fs::write(one.join("az.cmd"), "").expect("written");
        assert_eq!(found(), Some(one.join("az.cmd")), "the folders' order decides");
    }

    #[test]
    fn reads_both_forms_of_expiry() {
        let answer = |json: &str| serde_json::from_str::<Answer>(json).expect("JSON").end();
        assert_eq!(answer(r#"{"accessToken":"a","expires_on":1700000000,"expiresOn":"x"}"#), Some(1_700_000_000));
        assert_eq!(answer(r#"{"accessToken":"a","expiresOn":"soon"}"#), None);
        let local = answer(r#"{"accessToken":"a","expiresOn":"2023-11-14 22:13:20.000000"}"#).expect("a time");
        assert!(local.abs_diff(1_700_000_000) <= 14 * 3_600, "within the time zones: {local}");
    }

    #[test]
    fn stderr_is_in_the_error() {
        for (stderr, said, code) in [
            ("ERROR: Please run 'az login' to setup account.\n", "Please run 'az login'", None),
            (
                "WARNING: x\nERROR: AADSTS700082: The refresh token has expired.\nInteractive authentication is needed.",
                "AADSTS700082: The refresh token has expired",
                Some(700_082),
            ),
            ("ERROR: AADSTS65001: no consent\x1b[2J", "AADSTS65001: no consent", Some(65_001)),
            ("", "without a message", None),
        ] {
            let error = refusal(stderr);
            let told = error.to_string();
            assert!(told.contains(said) && !told.contains('\x1b'), "{told}");
            let SignInError::Refused { method: Method::Cli, code: found, .. } = error else { panic!("{told}") };
            assert_eq!(found, code);
        }
    }
}
