//! `--ledger-auth`: an Entra token is the password of the database, as Azure Database for PostgreSQL takes it.
//!
//! The sign-in methods are those for Graph. Invariant: the token goes only to the database, over an encrypted connection or
//! inside this machine.

use super::connect::show;
use crate::cli::{args::Auth, context::Context, failure::Failure};
use clap::ValueEnum;
use passwave::{
    graph::{
        client::{
            self, SignInError, Token, Web,
            auth::{Credential, Endpoints, Method, Needs, PersonOptions, TokenCache, Variables},
        },
        cloud::Cloud,
    },
    ledger::postgres::{Password, PasswordSource},
};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// Azure's open source databases as a resource of Entra.
const RESOURCE: &str = "https://ossrdbms-aad.database.windows.net";
/// The same in the other clouds, by the host of their sign-in service.
const RESOURCES: [(&str, &str); 3] = [
    ("login.microsoftonline.us", "https://ossrdbms-aad.database.usgovcloudapi.net"),
    ("login.partner.microsoftonline.cn", "https://ossrdbms-aad.database.chinacloudapi.cn"),
    ("login.chinacloudapi.cn", "https://ossrdbms-aad.database.chinacloudapi.cn"),
];

/// Gets a token for each connection; one that is still valid is used again.
pub struct TokenPasswords {
    cache: TokenCache<Credential>,
    last: Mutex<Option<Token>>,
    failure: Mutex<Option<SignInError>>,
}

impl TokenPasswords {
    /// The tokens of this call; `None` if the password is an ordinary one. Nothing is sent.
    pub fn of_call(context: &Context) -> Result<Option<Arc<Self>>, Failure> {
        let Some(how) = method(context, "ledger_auth") else { return Ok(None) };
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let variables = Variables::new(&variable);
        let method = how.method().or_else(|| method(context, "auth")?.method());
        let method = method.map_or_else(|| Method::offered(&variables), Ok)?;
        let cloud = text(context, "cloud").and_then(|name| name.parse::<Cloud>().ok()).unwrap_or_default();
        let authority = text(context, "authority_host").or_else(|| variable("AZURE_AUTHORITY_HOST"));
        let authority = client::endpoint(authority.as_deref().unwrap_or(cloud.authority()))?;
        let resource = RESOURCES.into_iter().find(|(host, _)| *host == authority.host());
        let graph = client::endpoint(resource.map_or(RESOURCE, |(_, resource)| resource))?;
        let web = Web::new(text(context, "ca_file").as_deref().map(Path::new))?;
        let client_id = text(context, "client_id").or_else(|| variable("AZURE_CLIENT_ID"));
        let login_hint = text(context, "login_hint");
        let person = PersonOptions {
            client_id,
            login_hint,
            needs: Needs::DEFAULT,
            ..PersonOptions::new(show(&context.reporter))
        };
        let credential = Credential::open(method, &Endpoints { web, authority, graph }, &variables, person)?;
        context.reporter.detail(1, || format!("database: signing in with {credential}"));
        let cache = TokenCache::new(credential);
        Ok(Some(Arc::new(Self { cache, last: Mutex::default(), failure: Mutex::default() })))
    }

    /// Why there was no token, if that was so.
    pub fn failure(&self) -> Option<SignInError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl PasswordSource for TokenPasswords {
    fn password(&self) -> Password<'_> {
        Box::pin(async {
            let token = self.cache.token().await;
            let failure = token.as_ref().err().cloned();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
            let token = token.map_err(|error| error.to_string())?;
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
            Ok(token.secret())
        })
    }

    fn refuse(&self) {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        last.iter().for_each(|token| self.cache.refuse(token));
    }
}

fn text(context: &Context, id: &str) -> Option<String> {
    let flag = context.call.flag(id)?;
    flag.values.first().map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// The way to sign in that a flag names.
fn method(context: &Context, id: &str) -> Option<Auth> {
    Auth::from_str(&text(context, id)?, true).ok()
}
