//! `--tenants FILE`: for which tenants another application signs in, and which variables hold its secret or certificate.
//!
//! ```toml
//! ["fabrikam.com"]
//! client_id = "b7f2..."
//! secret_in = "FABRIKAM_SECRET"
//! ```
//!
//! Invariant: the file contains no secret, only the names of variables. What looks like a secret is refused, and never
//! repeated.

use crate::cli::failure::Failure;
use passwave::{
    account::{tenant::TenantName, upn::is_object_id},
    plan::NamedTenant,
    roster::text_file,
    util::{sanitize, suggest::nearest},
};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Maximum size of the file.
const BYTES_MAX: u64 = 1 << 20;
/// The keys of a tenant.
const KEYS: [&str; 4] = ["client_id", "secret_in", "certificate_in", "certificate_password_in"];
/// The variables that sign an application in. Those of the usual one are not used for a tenant with its own.
const OWN: [(&str, &str); 3] = [
    ("AZURE_CLIENT_SECRET", "secret_in"),
    ("AZURE_CLIENT_CERTIFICATE_PATH", "certificate_in"),
    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "certificate_password_in"),
];

/// The applications of single tenants.
#[derive(Debug, Default)]
pub struct Applications(Vec<(TenantName, Application)>);

/// The application of one tenant.
#[derive(Debug)]
pub struct Application {
    client_id: String,
    /// The keys that name a variable, and the variable.
    variables: Vec<(&'static str, String)>,
}

impl Applications {
    /// Reads the file, if one is given.
    pub fn open(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(Self::default()) };
        let shown = sanitize::sentence(&file.display().to_string());
        let about = |why: String| Failure::usage(format!("--tenants {shown}: {why}; nothing was sent"));
        let bytes = text_file::read(file, BYTES_MAX).map_err(|error| about(error.to_string()))?;
        let text = text_file::decode_plain(bytes).map_err(|error| about(error.to_string()))?;
        Self::parse(&text).map_err(|(why, hint)| hint.into_iter().fold(about(why), Failure::hint))
    }

    fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
            (format!("it is not TOML (line {line})"), None)
        })?;
        let mut all = Vec::new();
        for (name, value) in table.get_ref() {
            let shown = sanitize::for_terminal(name.get_ref());
            let DeValue::Table(own) = value.get_ref() else {
                let hint = "write [\"contoso.com\"] on a line of its own, and its keys below".to_owned();
                return Err((format!("{shown} is not a tenant with keys below it"), Some(hint)));
            };
            let tenant = TenantName::parse(name.get_ref()).map_err(|error| (format!("[{shown}]: {error}"), None))?;
            all.push((tenant, application(&shown, own)?));
        }
        Ok(Self(all))
    }

    /// The application for a tenant, if it has its own.
    pub fn of(&self, tenant: &NamedTenant) -> Result<Option<&Application>, Failure> {
        let is_it = |name: &TenantName| {
            let mut own = [&tenant.id, &tenant.name].into_iter().chain(&tenant.names);
            own.any(|own| own.eq_ignore_ascii_case(name.as_str()))
        };
        let Some((name, found)) = self.0.iter().find(|(name, _)| is_it(name)) else { return Ok(None) };
        let is_set = |variable: &String| std::env::var(variable).is_ok_and(|value| !value.trim().is_empty());
        match found.variables.iter().find(|(_, variable)| !is_set(variable)) {
            None => Ok(Some(found)),
            Some((key, variable)) => Err(Failure::usage(format!(
                "the variable {variable} is not set ({key} of {name} in the file of --tenants); nothing was sent"
            ))
            .hint("set it, or correct its name in the file")
            .about("sign_in")),
        }
    }

    /// The tenants in the file that are none of these.
    pub fn others<'a>(&'a self, tenants: &[NamedTenant]) -> impl Iterator<Item = &'a str> {
        let is_one = |name: &str| {
            tenants
                .iter()
                .any(|tenant| tenant.id == name || tenant.name == name || tenant.names.iter().any(|own| own == name))
        };
        self.0.iter().map(|(name, _)| name.as_str()).filter(move |name| !is_one(name))
    }
}

fn application(tenant: &str, own: &DeTable<'_>) -> Result<Application, (String, Option<String>)> {
    let (mut client_id, mut variables) = (None, Vec::new());
    for (key, value) in own {
        let key = key.get_ref().as_ref();
        let shown = sanitize::for_terminal(key);
        let Some(known) = KEYS.into_iter().find(|known| *known == key) else {
            let looks_secret = ["secret", "password", "key"].iter().any(|word| key.to_lowercase().contains(word));
            let hint = match nearest(key, KEYS) {
                _ if looks_secret => {
                    "secrets do not belong into a file: put it into a variable, and name that with secret_in".to_owned()
                }
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("the keys are {}", KEYS.join(", ")),
            };
            return Err((format!("[{tenant}] has no key {shown}"), Some(hint)));
        };
        let DeValue::String(value) = value.get_ref() else {
            return Err((format!("[{tenant}]: {known} takes a text"), None));
        };
        if known == "client_id" {
            if !is_object_id(value) {
                return Err((format!("[{tenant}]: client_id is not an application (client) id, a GUID"), None));
            }
            client_id = Some(value.to_string());
        } else if is_variable(value) {
            variables.push((known, value.to_string()));
        } else {
            let hint = format!("{known} takes the name of a variable, never the secret itself");
            return Err((format!("[{tenant}]: {known} does not name a variable"), Some(hint)));
        }
    }
    let has = |key: &str| variables.iter().any(|(known, _)| *known == key);
    match client_id {
        None => Err((format!("[{tenant}] has no client_id"), None)),
        Some(_) if has("secret_in") == has("certificate_in") => {
            Err((format!("[{tenant}] needs either secret_in or certificate_in"), None))
        }
        Some(client_id) => Ok(Application { client_id, variables }),
    }
}

/// Capital letters, digits and underscores: no secret of Entra looks like this, because it has small letters.
fn is_variable(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=128).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// A variable for the sign-in: of the environment, but with the tenant of the run, and with the tenant's own application.
pub fn variable(tenant: Option<&NamedTenant>, application: Option<&Application>, name: &str) -> Option<String> {
    let usual = |name: &str| std::env::var(name).ok();
    match (tenant, application, name) {
        (Some(tenant), _, "AZURE_TENANT_ID") => Some(tenant.id.clone()),
        (_, None, _) => usual(name),
        (_, Some(own), "AZURE_CLIENT_ID") => Some(own.client_id.clone()),
        (_, Some(own), name) => {
            let key = OWN.into_iter().find(|(usual, _)| *usual == name).map(|(_, key)| key)?;
            own.variables.iter().find(|(known, _)| *known == key).and_then(|(_, variable)| usual(variable))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

    #[test]
    fn secrets_are_named_and_never_repeated() {
        let secret = "abc8Q~VerySecretValue";
        for (keys, words) in [
            (format!("client_id = \"{ID}\"\nclient_secret = \"{secret}\""), "has no key client_secret"),
            (format!("client_id = \"{ID}\"\nsecret_in = \"{secret}\""), "secret_in does not name a variable"),
            (format!("client_id = \"{secret}\"\nsecret_in = \"X\""), "client_id is not an application"),
            (format!("client_id = \"{ID}\""), "needs either"),
            ("secret_in = \"X\"".to_owned(), "has no client_id"),
            (format!("client_id = {secret}"), "not TOML (line 2)"),
        ] {
            let (why, cure) = Applications::parse(&format!("[\"contoso.com\"]\n{keys}\n")).expect_err(words);
            assert!(why.contains(words), "{why}");
            assert!(!format!("{why}{cure:?}").contains(secret), "{why}");
        }
    }

    #[test]
    fn tenants_have_their_own_application() {
        let text = format!("[\"contoso.com\"]\nclient_id = \"{ID}\"\nsecret_in = \"PATH\"\n");
        let all = Applications::parse(&text).expect("good");
        let tenant = |name: &str| NamedTenant { id: "x".into(), name: name.into(), names: Vec::new() };
        assert!(all.of(&tenant("fabrikam.com")).expect("fine").is_none());
        let (contoso, own) = (tenant("contoso.com"), all.of(&tenant("contoso.com")).expect("fine"));
        let get = |name| variable(Some(&contoso), own, name);
        assert_eq!(get("AZURE_TENANT_ID").as_deref(), Some("x"));
        assert_eq!(get("AZURE_CLIENT_ID").as_deref(), Some(ID));
        assert_eq!(get("AZURE_CLIENT_SECRET"), std::env::var("PATH").ok());
        assert_eq!(get("AZURE_FEDERATED_TOKEN_FILE"), None, "the usual application's are not used");
    }
}
