//! Where the database is, and how to sign in to it.
//!
//! The password comes from `PGPASSWORD` or a password file, as with PostgreSQL's own programs; never from the address.
//!
//! Invariant: a connection that leaves this machine is encrypted, and the server's certificate is checked.

use super::{error::PostgresError, password::PasswordSource};
use crate::util::sanitize;
use secrecy::{ExposeSecret, SecretString};
use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After this silence, the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The address of a database with ledgers.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
    /// Gives the password of each connection, if it is not always the same.
    pub(super) passwords: Option<Arc<dyn PasswordSource>>,
    shown: String,
}

/// What each side of the connection proves with certificates. All files are PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trust {
    /// The only authorities that are trusted, if the address names a file of them.
    pub roots: Option<PathBuf>,
    /// Authorities that are trusted besides those of the system.
    pub more: Option<PathBuf>,
    /// The client's certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// A variable of the environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Address {
    /// Reads an address like `postgresql://user@host/database`, and the password for it from the environment.
    ///
    /// # Errors
    /// Fails if the address cannot be parsed, has a password, or would send anything unencrypted to another machine.
    pub fn parse(url: &str) -> Result<Self, PostgresError> {
        Self::parse_with(url, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn parse_with(url: &str, variable: Variable<'_>) -> Result<Self, PostgresError> {
        let Parts { base, options, mode, files } = Parts::of(url)?;
        let whole = if options.is_empty() { base } else { format!("{base}?{}", options.join("&")) };
        // The parser repeats parts of what it cannot parse, which may be a password.
        let mut config: Config = whole
            .parse()
            .map_err(|_| PostgresError::Address("it is not of the form postgresql://USER@HOST/DATABASE".into()))?;
        if config.get_password().is_some() {
            return Err(PostgresError::PasswordInAddress);
        }
        if config.get_hosts().is_empty() {
            return Err(PostgresError::Address("it names no host".into()));
        }
        if let Some(user) = variable("PGUSER").filter(|_| config.get_user().is_none()) {
            config.user(user);
        }
        let mode = mode.or_else(|| variable("PGSSLMODE"));
        set_mode(&mut config, mode.as_deref())?;
        config.application_name("passwave").connect_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(KEEPALIVE).tcp_user_timeout(2 * KEEPALIVE);
        if config.get_target_session_attrs() == TargetSessionAttrs::Any && config.get_hosts().len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if let Some(password) = password(&config, variable)? {
            config.password(password.expose_secret());
        }
        let (trust, shown) = (trust(&files, variable)?, shown(&config));
        Ok(Self { config, trust, passwords: None, shown })
    }

    /// Trusts the authorities in this file, too, unless the address names a file of its own.
    #[must_use]
    pub fn trusting(mut self, file: Option<PathBuf>) -> Self {
        self.trust.more = file;
        self
    }

    /// Takes the password of each connection from `passwords`.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Arc<dyn PasswordSource>) -> Self {
        self.passwords = Some(passwords);
        self
    }

    /// The server and the database, for messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Disable
    }
}

/// An address without the options that the driver does not know.
struct Parts {
    base: String,
    options: Vec<String>,
    mode: Option<String>,
    /// Options that name files, with their values.
    files: Vec<(String, String)>,
}

/// The options that name files, and the variables that stand in for them.
const FILES: [(&str, &str); 3] = [("sslrootcert", "PGSSLROOTCERT"), ("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY")];

impl Parts {
    fn of(url: &str) -> Result<Self, PostgresError> {
        if !url.starts_with("postgresql://") && !url.starts_with("postgres://") {
            return Err(PostgresError::Address("it does not begin with postgresql://".into()));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut parts = Self { base: base.to_owned(), options: Vec::new(), mode: None, files: Vec::new() };
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let decoded = || percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => parts.mode = Some(decoded()),
                _ if FILES.iter().any(|(known, _)| *known == name) => parts.files.push((name.to_owned(), decoded())),
                _ => parts.options.push(option.to_owned()),
            }
        }
        Ok(parts)
    }
}

/// The certificates that the address or the environment names.
fn trust(files: &[(String, String)], variable: Variable<'_>) -> Result<Trust, PostgresError> {
    let [roots, certificate, key] = FILES.map(|(name, other)| {
        let given = files.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.clone());
        given.or_else(|| variable(other)).map(PathBuf::from)
    });
    // PostgreSQL's own word for the certificates of the system.
    let roots = roots.filter(|file| file.as_os_str() != "system");
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            must_be_private(&key)?;
            Some((certificate, key))
        }
        (None, None) => None,
        _ => return Err(PostgresError::Address("sslcert and sslkey are needed together".into())),
    };
    Ok(Trust { roots, more: None, client })
}

/// Decides about TLS: required except on this machine. The certificate is always checked in full.
fn set_mode(config: &mut Config, mode: Option<&str>) -> Result<(), PostgresError> {
    let is_here = config.get_hosts().iter().all(is_local) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    let mode = match mode {
        None | Some("prefer" | "allow") if is_here => SslMode::Disable,
        Some("disable") if is_here => SslMode::Disable,
        Some("disable") => return Err(PostgresError::Unencrypted(shown(config))),
        None | Some("prefer" | "allow" | "require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(_) => return Err(PostgresError::Address("its sslmode is not known".into())),
    };
    config.ssl_mode(mode);
    Ok(())
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn name_of(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

fn port_of(config: &Config, nth: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(nth).or(ports.first()).copied().unwrap_or(5432)
}

fn database_of(config: &Config) -> &str {
    config.get_dbname().or(config.get_user()).unwrap_or_default()
}

fn shown(config: &Config) -> String {
    let host = config.get_hosts().first().map(name_of).unwrap_or_default();
    let text = format!("{host}:{}/{}", port_of(config, 0), database_of(config));
    sanitize::for_terminal(&text)
}

/// The password of the environment, or of the password file.
fn password(config: &Config, variable: Variable<'_>) -> Result<Option<SecretString>, PostgresError> {
    if let Some(password) = variable("PGPASSWORD") {
        return Ok(Some(password.into()));
    }
    let (file, is_named) = match variable("PGPASSFILE") {
        Some(file) => (PathBuf::from(file), true),
        None => match usual_file(variable) {
            Some(file) => (file, false),
            None => return Ok(None),
        },
    };
    let text = match fs::read_to_string(&file) {
        Ok(text) => SecretString::from(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => return Ok(None),
        Err(error) => return Err(PostgresError::File { file, why: error.to_string() }),
    };
    must_be_private(&file)?;
    let hosts = config.get_hosts().iter().enumerate();
    let user = config.get_user().unwrap_or_default();
    let found = hosts.filter_map(|(nth, host)| {
        let wanted = [name_of(host), port_of(config, nth).to_string(), database_of(config).into(), user.into()];
        text.expose_secret().lines().find_map(|line| in_line(line, &wanted))
    });
    Ok(found.map(SecretString::from).next())
}

#[cfg(windows)]
fn usual_file(variable: Variable<'_>) -> Option<PathBuf> {
    Some(Path::new(&variable("APPDATA")?).join("postgresql/pgpass.conf"))
}

#[cfg(not(windows))]
fn usual_file(variable: Variable<'_>) -> Option<PathBuf> {
    Some(Path::new(&variable("HOME")?).join(".pgpass"))
}

/// A password file that others can read is refused.
fn must_be_private(file: &Path) -> Result<(), PostgresError> {
    #[cfg(unix)]
    if let Ok(found) = fs::metadata(file)
        && std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0
    {
        return Err(PostgresError::File {
            file: file.into(),
            why: "other users can read it (its mode must be 0600)".into(),
        });
    }
    let _ = file;
    Ok(())
}

/// The password in a line `host:port:database:user:password` that matches; `*` matches all, and a backslash escapes.
fn in_line(line: &str, wanted: &[String; 4]) -> Option<String> {
    let (mut fields, mut field, mut chars) = (Vec::new(), String::new(), line.chars());
    if line.starts_with('#') {
        return None;
    }
    while let Some(c) = chars.next() {
        match c {
            '\\' => field.extend(chars.next()),
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    let is_match =
        fields.len() == 4 && fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
    is_match.then_some(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str, variables: &[(&str, &str)]) -> Result<Address, PostgresError> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Address::parse_with(url, &|name| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn password_in_the_address_is_refused_and_not_repeated() {
        for url in ["postgresql://ann:secret1@db/p", "postgresql://ann@db/p?password=secret1"] {
            let error = parsed(url, &[]).err().expect("a refusal");
            assert!(matches!(error, PostgresError::PasswordInAddress), "{error}");
        }
        let error = parsed("postgresql://ann:secret1@db:x/p", &[]).err().expect("a refusal").to_string();
        assert!(!error.contains("secret1"), "{error}");
    }

    #[test]
    fn connections_to_other_machines_are_encrypted() {
        for (url, is_encrypted) in [
            ("postgresql://ann@db.example.com/p", true),
            ("postgresql://ann@db.example.com/p?sslmode=prefer", true),
            ("postgresql://ann@db.example.com/p?sslmode=verify-full&sslrootcert=ca.pem", true),
            ("postgresql://ann@localhost/p", false),
            ("postgresql://ann@127.0.0.1:6000/p?sslmode=disable", false),
            ("postgresql://ann@localhost/p?sslmode=require", true),
            ("postgresql://ann@localhost,db/p", true),
        ] {
            let address = parsed(url, &[]).expect("an address");
            assert_eq!(address.is_encrypted(), is_encrypted, "{url}");
        }
        for url in
            ["postgresql://ann@db/p?sslmode=disable", "postgresql://ann@localhost/p?hostaddr=192.0.2.1&sslmode=disable"]
        {
            assert!(matches!(parsed(url, &[]).err(), Some(PostgresError::Unencrypted(_))), "{url}");
        }
        let mode = [("PGSSLMODE", "disable")];
        let from_variable = parsed("postgresql://ann@db/p", &mode).err();
        assert!(matches!(from_variable, Some(PostgresError::Unencrypted(_))), "PostgreSQL's own variable counts");
        assert!(parsed("postgresql://ann@db/p?sslmode=require", &mode).is_ok(), "the address comes first");
        let named = parsed("postgresql://ann@db/p?sslrootcert=%2Ftmp%2Fca.pem", &[]).expect("an address");
        assert_eq!(named.trust.roots.as_deref(), Some(Path::new("/tmp/ca.pem")));
        let variables = [("PGSSLROOTCERT", "other.pem"), ("PGSSLCERT", "client.pem"), ("PGSSLKEY", "/no/client.key")];
        let from_variables = parsed("postgresql://ann@db/p?sslrootcert=system", &variables).expect("an address").trust;
        let client = Some(("client.pem".into(), "/no/client.key".into()));
        assert_eq!(from_variables, Trust { roots: None, more: None, client });
        assert!(parsed("postgresql://ann@db/p?sslcert=client.pem", &[]).is_err(), "a certificate without a key");
    }

    #[test]
    fn password_files_are_read_like_postgresql_reads_them() {
        let wanted = ["db", "5432", "p", "ann"].map(String::from);
        for (line, found) in [
            ("db:5432:p:ann:one", Some("one")),
            ("*:*:*:ann:t:w:o", Some("t:w:o")),
            (r"db:5432:p:ann:a\:b\\c", Some(r"a:b\c")),
            ("db:5433:p:ann:one", None),
            ("#db:5432:p:ann:one", None),
            ("db:5432:p", None),
        ] {
            assert_eq!(in_line(line, &wanted).as_deref(), found, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn password_file_must_be_private() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(&file, "*:*:*:*:hidden\n").expect("written");
        let name = file.path().to_str().expect("a path");
        let address = parsed("postgresql://ann@db/p", &[("PGPASSFILE", name)]).expect("an address");
        assert_eq!(address.config.get_password(), Some(&b"hidden"[..]));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(matches!(
            parsed("postgresql://ann@db/p", &[("PGPASSFILE", name)]).err(),
            Some(PostgresError::File { .. })
        ));
    }
}
