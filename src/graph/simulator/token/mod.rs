//! The sign-in endpoints: credentials, device codes and refresh tokens in, access tokens out.
//!
//! They speak as Entra does, errors included. A client assertion (a certificate's or a federated one) is taken on trust
//! if it has the form of a token, since the simulated tenant knows no keys. Whoever signs in with a device code is the
//! administrator `admin` in the domain of the tenant's first account; with that the account exists.
//!
//! Invariant: a token opens Graph only while it lives, and only so often as the faults allow.

mod claims;
mod denial;
mod device;

use super::{
    dice::{Dice, guid_of, hash},
    faults::{Denied, TokenFaults},
    http::Answer,
    permission,
    refusal::Refusal,
    route,
    tenant::Tenant,
    visit::{Moment, Visit},
};
use crate::{graph::guid, upn::is_object_id};
use denial::Denial;
use device::{Consent, Devices};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::{collections::HashMap, time::Duration};

/// Tenants that stand for that of whoever signs in.
const ANY_TENANT: [&str; 2] = ["organizations", "common"];
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Whom the simulated tenant lets in.
#[derive(Clone)]
pub struct Credentials {
    /// The tenant's id, a GUID.
    pub tenant_id: String,
    /// The application's id, a GUID.
    pub client_id: String,
    /// Its secret. It opens nothing but this simulator.
    pub client_secret: SecretString,
}

impl Credentials {
    pub(super) fn of(seed: u64) -> Self {
        let secret = format!("sim8Q~{:016x}{:016x}", hash(seed, "secret"), hash(!seed, "secret"));
        Self {
            tenant_id: guid::text(guid_of(seed, "tenant")),
            client_id: guid::text(guid_of(seed, "client")),
            client_secret: SecretString::from(secret),
        }
    }
}

/// A token that was given out.
struct Grant {
    expires: Duration,
    served: u64,
}

/// The tokens that are about, and the rules for them.
pub(super) struct Tokens {
    pub credentials: Credentials,
    grants: HashMap<String, Grant>,
    devices: Devices,
    faults: TokenFaults,
    permissions: Vec<&'static str>,
    pub issued: u64,
}

/// Whom a token stands for.
pub(super) enum Subject<'a> {
    Application,
    /// A person, who lets an application act.
    Person {
        id: u128,
        upn: &'a str,
        client_id: &'a str,
    },
}

/// What was sent to a sign-in endpoint.
struct Form(HashMap<String, String>);

#[derive(Serialize)]
struct TokenAnswer {
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    expires_in: u32,
    ext_expires_in: u32,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// The object id of an application in the tenant.
pub(super) fn service_principal(client_id: &str) -> u128 {
    guid_of(1, client_id)
}

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(route::form(std::str::from_utf8(body).unwrap_or_default()).collect())
    }

    /// The value of a field, or nothing.
    fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn require(&self, names: &[&str]) -> Result<(), Denial> {
        let missing = names.iter().find(|name| self.field(name).is_empty());
        missing.map_or(Ok(()), |name| Err(Denial::missing(name)))
    }
}

impl Tokens {
    pub(super) fn new(seed: u64, faults: &TokenFaults, denied: Denied) -> Self {
        Self {
            credentials: Credentials::of(seed),
            grants: HashMap::new(),
            devices: Devices::default(),
            faults: faults.clone(),
            permissions: permission::granted(denied),
            issued: 0,
        }
    }

    /// Answers a `POST` to the token endpoint of `tenant`.
    pub(super) fn sign_in(
        &mut self,
        tenant: &str,
        body: &[u8],
        visit: &Visit,
        dice: &mut Dice,
        directory: &mut Tenant,
    ) -> Answer {
        let form = Form::read(body);
        let consent = match form.field("grant_type") {
            DEVICE_CODE => self
                .check_person(tenant, &form, "device_code")
                .and_then(|()| self.devices.redeem(&form, &self.faults, visit.at))
                .map(Some),
            "refresh_token" => self
                .check_person(tenant, &form, "refresh_token")
                .and_then(|()| self.devices.renew(&form, &self.faults))
                .map(Some),
            _ => self.check_application(tenant, &form).map(|()| None),
        };
        match consent {
            Ok(None) => self.let_in(&Subject::Application, None, visit.at, dice),
            Ok(Some(consent)) => {
                let held = directory.administrator();
                let client_id = consent.client_id.clone();
                let subject = Subject::Person { id: held.id, upn: &held.upn, client_id: &client_id };
                self.let_in(&subject, Some(consent), visit.at, dice)
            }
            Err(denial) => denial.answer(visit, dice),
        }
    }

    /// Answers a `POST` to the device code endpoint of `tenant`.
    pub(super) fn invite(&mut self, tenant: &str, body: &[u8], visit: &Visit, dice: &mut Dice) -> Answer {
        let form = Form::read(body);
        match self.check_person(tenant, &form, "scope") {
            Ok(()) => Answer::json(200, &self.devices.invite(&form, &self.faults, visit.at, dice)),
            Err(denial) => denial.answer(visit, dice),
        }
    }

    fn let_in(&mut self, subject: &Subject<'_>, consent: Option<Consent>, at: Moment, dice: &mut Dice) -> Answer {
        let scopes = self.permissions.iter().map(|name| format!("https://graph.microsoft.com/{name}"));
        let scope = consent.is_some().then(|| scopes.collect::<Vec<_>>().join(" "));
        let access_token = self.issue(subject, at, dice);
        let refresh_token = consent.and_then(|consent| self.devices.refresh_token(consent, dice));
        let (token_type, seconds) = ("Bearer", self.faults.seconds);
        let (expires_in, ext_expires_in) = (seconds, seconds);
        Answer::json(200, &TokenAnswer { token_type, scope, expires_in, ext_expires_in, access_token, refresh_token })
    }

    /// A new token, for whoever has shown what it takes.
    pub(super) fn issue(&mut self, subject: &Subject<'_>, at: Moment, dice: &mut Dice) -> String {
        self.grants.retain(|_, grant| grant.expires > at.elapsed);
        self.issued += 1;
        let life = (at, self.faults.seconds);
        let token = claims::token(&self.credentials, subject, &self.permissions, life, dice.guid());
        let expires = at.elapsed + self.life();
        self.grants.insert(token.clone(), Grant { expires, served: 0 });
        token
    }

    /// How long a token lives.
    pub(super) fn life(&self) -> Duration {
        Duration::from_secs(self.faults.seconds.into())
    }

    /// Lets a request to Graph in by its `Authorization` header.
    pub(super) fn admit(&mut self, authorization: Option<&str>, at: Moment) -> Result<(), Refusal> {
        let (scheme, token) = authorization.unwrap_or_default().split_once(' ').unwrap_or_default();
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Refusal::TOKEN_EMPTY);
        }
        let grant = self.grants.get_mut(token).ok_or(Refusal::TOKEN_UNKNOWN)?;
        if grant.expires <= at.elapsed {
            return Err(Refusal::TOKEN_EXPIRED);
        }
        grant.served += 1;
        let most = self.faults.revoked_after_requests;
        if most > 0 && grant.served > most { Err(Refusal::TOKEN_REVOKED) } else { Ok(()) }
    }

    /// People sign in over any application, which is a public client, and need not know their tenant.
    fn check_person(&self, tenant: &str, form: &Form, proof: &str) -> Result<(), Denial> {
        let own = tenant.eq_ignore_ascii_case(&self.credentials.tenant_id);
        if !own && !ANY_TENANT.iter().any(|any| tenant.eq_ignore_ascii_case(any)) {
            return Err(Denial::tenant(tenant));
        }
        form.require(&["client_id", proof])?;
        let client = form.field("client_id");
        if is_object_id(client) { Ok(()) } else { Err(Denial::client(client, tenant)) }
    }

    fn check_application(&self, tenant: &str, form: &Form) -> Result<(), Denial> {
        let Credentials { tenant_id, client_id, .. } = &self.credentials;
        if !tenant.eq_ignore_ascii_case(tenant_id) {
            return Err(Denial::tenant(tenant));
        }
        form.require(&["grant_type", "client_id", "scope"])?;
        if form.field("grant_type") != "client_credentials" {
            let said = "The app requested an unsupported grant type.".to_owned();
            return Err(Denial(400, "unsupported_grant_type", 70_003, said));
        }
        if !form.field("client_id").eq_ignore_ascii_case(client_id) {
            return Err(Denial::client(form.field("client_id"), tenant));
        }
        self.check_proof(form.field("client_secret"), form.field("client_assertion"))?;
        let scope = form.field("scope");
        if scope.ends_with("/.default") { Ok(()) } else { Err(Denial::scope(scope)) }
    }

    fn check_proof(&self, secret: &str, assertion: &str) -> Result<(), Denial> {
        let denial = |number, said: String| Err(Denial(401, "invalid_client", number, said));
        if secret.is_empty() && assertion.is_empty() {
            let said = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return denial(7_000_218, said.to_owned());
        }
        if secret.is_empty() {
            let parts = assertion.split('.').filter(|part| !part.is_empty()).count();
            let said = "Client assertion failed signature validation.".to_owned();
            return if parts == 3 { Ok(()) } else { denial(700_027, said) };
        }
        if secret == self.credentials.client_secret.expose_secret() {
            return Ok(());
        }
        let said = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{}'.",
            self.credentials.client_id
        );
        denial(7_000_215, said)
    }
}
