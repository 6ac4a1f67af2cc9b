//! The sign-in endpoints: take credentials, codes and refresh tokens, and issue access tokens.
//!
//! They speak like Entra, errors included, and sign their tokens. A user who signs in is the administrator `admin` in the
//! domain of the tenant's first account, which is created then, or the account that a browser names as `login_hint`.
//!
//! Invariant: a token is accepted only while it is valid, and only as often as the faults allow.

mod application;
mod apps;
mod assertion;
mod authorize;
mod browser;
mod claims;
mod device;
mod error;
mod form;
mod key;
mod management;
mod metadata;
mod page;
mod place;
mod refresh;
mod scopes;

use super::{
    account::AccountKind,
    context::{RequestContext, TimePoint},
    faults::{BrowserFault, Denied, TokenFaults},
    http::{Answer, Request},
    one_of_many::TenantOfMany,
    permission,
    random::{Rng, guid_of, hash},
    refusal::Refusal,
    tenant::Tenant,
};
use crate::{
    account::upn::is_object_id,
    graph::{
        client::{SignInError, auth::Method},
        guid,
    },
};
pub use assertion::CertificateError;
use assertion::Proofs;
use authorize::Codes;
use claims::{Life, Person, Telling};
use device::Devices;
use error::OAuthError;
use form::Form;
use place::Version;
pub(super) use place::{Place, place};
use refresh::RefreshTokens;
use scopes::Scopes;
use secrecy::SecretString;
use serde::Serialize;
use std::{collections::HashMap, time::Duration};

/// Tenant names that stand for the user's own tenant.
const ANY_TENANT: [&str; 2] = ["organizations", "common"];
/// The grant type of a device code: RFC 8628's name, and the short one that msal-node uses.
const DEVICE_CODE: [&str; 2] = ["urn:ietf:params:oauth:grant-type:device_code", "device_code"];

/// The credentials that the simulated tenant accepts.
#[derive(Clone)]
pub struct Credentials {
    /// The tenant's id, a GUID.
    pub tenant_id: String,
    /// The application's id, a GUID.
    pub client_id: String,
    /// Its secret. It is only valid for this simulator.
    pub client_secret: SecretString,
}

impl Credentials {
    /// Those of a tenant with this seed; of one among many, with its own id and the application of all.
    pub(super) fn of(seed: u64, tenant: Option<&TenantOfMany>) -> Self {
        let id = tenant.map_or_else(|| guid::text(guid_of(seed, "tenant")), |tenant| tenant.id.clone());
        let seed = tenant.map_or(seed, |tenant| tenant.application);
        let secret = format!("sim8Q~{:016x}{:016x}", hash(seed, "secret"), hash(!seed, "secret"));
        Self {
            tenant_id: id,
            client_id: guid::text(guid_of(seed, "client")),
            client_secret: SecretString::from(secret),
        }
    }
}

/// An issued token.
struct Grant {
    expires: Duration,
    served: u64,
    opens_graph: bool,
}

/// The valid tokens, and the rules for them.
pub(super) struct Tokens {
    pub credentials: Credentials,
    grants: HashMap<String, Grant>,
    codes: Codes,
    devices: Devices,
    refresh: RefreshTokens,
    proofs: Proofs,
    faults: TokenFaults,
    permissions: Vec<&'static str>,
    pub issued: u64,
    /// A domain of the tenant, besides those of its accounts.
    domain: Option<String>,
}

/// The subject of a token.
enum Subject<'a> {
    /// An application, and how it has proved its identity, as in the claim `appidacr`.
    Application { client_id: &'a str, proof: &'static str },
    /// A user, on whose behalf an application acts.
    Person(Person<'a>),
}

/// What a user has agreed to.
#[derive(Clone)]
struct Consent {
    /// The application that asked.
    client_id: String,
    scopes: Scopes,
    /// Ties the id token to the application's request.
    nonce: String,
    /// The object id of the user; `None` is the administrator.
    user: Option<u128>,
}

/// A request to a sign-in endpoint, and what it may use of the tenant.
pub(super) struct Visit<'a> {
    pub request: &'a Request<'a>,
    pub query: &'a str,
    pub context: &'a RequestContext,
    pub rng: &'a mut Rng,
    pub directory: &'a mut Tenant,
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<String>,
}

impl TokenAnswer {
    /// An access token alone.
    const fn of(access_token: String, seconds: u32) -> Self {
        Self {
            token_type: "Bearer",
            scope: None,
            expires_in: seconds,
            ext_expires_in: seconds,
            access_token,
            refresh_token: None,
            id_token: None,
            client_info: None,
        }
    }
}

/// The object id of an application in the tenant.
pub(super) fn service_principal(client_id: &str) -> u128 {
    guid_of(1, client_id)
}

impl Tokens {
    pub(super) fn new(seed: u64, faults: &TokenFaults, denied: Denied, tenant: Option<&TenantOfMany>) -> Self {
        Self {
            credentials: Credentials::of(seed, tenant),
            domain: tenant.and_then(|tenant| tenant.domain.clone()),
            grants: HashMap::new(),
            codes: Codes::default(),
            devices: Devices::default(),
            refresh: RefreshTokens::default(),
            proofs: Proofs::default(),
            faults: faults.clone(),
            permissions: permission::granted(denied),
            issued: 0,
        }
    }

    /// Answers a request to the sign-in service.
    pub(super) fn answer(&mut self, place: &Place<'_>, visit: &mut Visit<'_>) -> Answer {
        let answer = match (visit.request.method, place) {
            ("GET" | "POST", Place::Authorize { tenant }) => Ok(self.authorize(tenant, visit)),
            ("POST", Place::Token { tenant, version: _ }) => self.sign_in(tenant, visit),
            ("POST", Place::DeviceCode { tenant }) => self.start_device_code(tenant, visit),
            ("GET", Place::Configuration { tenant, version }) => self.configuration(tenant, *version, visit),
            ("GET", Place::Keys { tenant }) => self
                .tenant_id(tenant, visit.directory)
                .map(|_| metadata::keys(&self.credentials.tenant_id, visit.context)),
            ("GET", Place::InstanceDiscovery) => {
                Ok(metadata::instance_discovery(&self.credentials.tenant_id, visit.context))
            }
            ("GET", Place::Cloud) => Ok(management::cloud(visit.context)),
            ("GET", Place::Tenants | Place::Subscriptions) => Ok(self.manage(place, visit)),
            ("GET", Place::DevicePage) => Ok(page::device()),
            _ => Ok(Answer::new(405, "text/plain", Vec::new())),
        };
        answer.unwrap_or_else(|denial| denial.answer(visit.context, visit.rng))
    }

    /// The id of the tenant with this name: its own id or one of its domains; `None` if the name stands for any tenant.
    fn tenant_id(&self, name: &str, directory: &Tenant) -> Result<Option<&str>, OAuthError> {
        let id = self.credentials.tenant_id.as_str();
        let domain = |upn: &str| upn.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(name));
        if ANY_TENANT.iter().any(|any| name.eq_ignore_ascii_case(any)) {
            Ok(None)
        } else if name.eq_ignore_ascii_case(id)
            || self.domain.as_deref().is_some_and(|own| name.eq_ignore_ascii_case(own))
            || directory.accounts.iter().any(|held| domain(&held.upn))
        {
            Ok(Some(id))
        } else {
            Err(OAuthError::tenant(name))
        }
    }

    /// Why every sign-in is refused, if that is so.
    fn refusal(&self, tenant: &str) -> Option<OAuthError> {
        let (number, client) = (self.faults.refused, &self.credentials.client_id);
        (number > 0).then(|| OAuthError::numbered(number, client, tenant))
    }

    /// The same for the simulator's own client.
    pub(super) fn refused(&self) -> Option<SignInError> {
        let OAuthError(_, error, number, said) = self.refusal(&self.credentials.tenant_id)?;
        let (method, code, error) = (Method::Secret, Some(number.into()), error.to_owned());
        Some(SignInError::Refused { method, code, error, said })
    }

    /// The tenant whose token is issued in place of this one's, if the faults say so.
    pub(super) fn issues_for(&self) -> Option<&str> {
        Some(self.faults.of_tenant.as_str()).filter(|name| !name.is_empty())
    }

    fn configuration(&self, name: &str, version: Version, visit: &Visit<'_>) -> Result<Answer, OAuthError> {
        let id = self.tenant_id(name, visit.directory)?;
        Ok(metadata::configuration(name, id, version, visit.context))
    }

    /// Answers a `POST` to the token endpoint of `tenant`.
    fn sign_in(&mut self, tenant: &str, visit: &mut Visit<'_>) -> Result<Answer, OAuthError> {
        self.refusal(tenant).map_or(Ok(()), Err)?;
        let form = Form::read(visit.request.body);
        let grant_type = form.field("grant_type");
        let consent = if DEVICE_CODE.contains(&grant_type) {
            self.check_person(tenant, &form, "device_code", visit)?;
            self.devices.redeem(&form, &self.faults, visit.context.at)?
        } else if grant_type == "authorization_code" {
            self.check_person(tenant, &form, "code", visit)?;
            self.codes.redeem(&form, &self.faults, visit.context.at)?
        } else if grant_type == "refresh_token" {
            self.check_person(tenant, &form, "refresh_token", visit)?;
            self.refresh.renew(&form, &self.faults)?
        } else {
            return self.sign_in_application(tenant, &form, visit);
        };
        if self.faults.browser == BrowserFault::ConsentMissing {
            return Err(OAuthError::consent(&consent.client_id, apps::display_name(&consent.client_id)));
        }
        let scope = form.scope();
        let scopes = match scope.is_empty() {
            true => consent.scopes.clone(),
            false => Scopes::read(&scope, &visit.context.base)?,
        };
        Ok(self.grant_to_person(consent, &scopes, !form.field("client_info").is_empty(), visit))
    }

    /// Answers a `POST` to the device code endpoint of `tenant`.
    fn start_device_code(&mut self, tenant: &str, visit: &mut Visit<'_>) -> Result<Answer, OAuthError> {
        let form = Form::read(visit.request.body);
        self.check_person(tenant, &form, "scope", visit)?;
        let scopes = Scopes::read(form.field("scope"), &visit.context.base)?;
        let client_id = form.field("client_id").to_ascii_lowercase();
        let consent = Consent { client_id, scopes, nonce: String::new(), user: None };
        Ok(Answer::json(200, &self.devices.start(consent, &self.faults, visit.context, visit.rng)))
    }

    /// A token for a user; the refresh token, if there is one, is for the same consent.
    fn grant_to_person(&mut self, consent: Consent, scopes: &Scopes, info: bool, visit: &mut Visit<'_>) -> Answer {
        let user = consent.user.unwrap_or_else(|| visit.directory.administrator().id);
        let life = self.new_life(visit);
        let held = visit.directory.find(&guid::text(user));
        let (upn, kind) = held.map_or(("", AccountKind::Missing), |held| (&*held.upn, held.kind));
        let person = Person {
            id: user,
            upn,
            is_administrator: kind == AccountKind::Admin,
            client_id: &consent.client_id,
            scp: &scopes.claimed(&self.permissions),
        };
        let tenant = &self.credentials.tenant_id;
        let id_token = scopes.has("openid").then(|| {
            let (email, profile) = (scopes.has("email"), scopes.has("profile"));
            let telling = Telling { base: &visit.context.base, nonce: &consent.nonce, email, profile };
            key::sign(&claims::id(tenant, &person, &telling, &life))
        });
        let subject = Subject::Person(person);
        let access_token = key::sign(&claims::access(tenant, &subject, &scopes.audience, &self.permissions, &life));
        let client_info = info.then(|| claims::client_info(tenant, user));
        self.remember(&access_token, visit.context.at, scopes.opens_graph);
        let scope = Some(scopes.answered(&self.permissions));
        let offline = consent.scopes.has("offline_access");
        let consent = Consent { user: Some(user), ..consent };
        let refresh_token = offline.then(|| self.refresh.issue(consent, visit.rng));
        let plain = TokenAnswer::of(access_token, self.faults.seconds);
        Answer::json(200, &TokenAnswer { scope, refresh_token, id_token, client_info, ..plain })
    }

    fn new_life(&self, visit: &mut Visit<'_>) -> Life {
        Life { at: visit.context.at, seconds: self.faults.seconds, uti: visit.rng.guid() }
    }

    /// An unsigned token for the simulator's own client, which compares it as a whole: of this person, or else of the
    /// application.
    pub(super) fn issue_own(&mut self, person: Option<(u128, &str)>, at: TimePoint, rng: &mut Rng) -> String {
        let life = Life { at, seconds: self.faults.seconds, uti: rng.guid() };
        let Credentials { tenant_id, client_id, .. } = &self.credentials;
        let scp = self.permissions.join(" ");
        let subject = match person {
            Some((id, upn)) => Subject::Person(Person { id, upn, is_administrator: true, client_id, scp: &scp }),
            None => Subject::Application { client_id, proof: "1" },
        };
        let claims = claims::access(tenant_id, &subject, "https://graph.microsoft.com", &self.permissions, &life);
        let token = claims::unsigned(&claims);
        drop(claims);
        self.remember(&token, at, true);
        token
    }

    fn remember(&mut self, token: &str, at: TimePoint, opens_graph: bool) {
        self.grants.retain(|_, grant| grant.expires > at.elapsed);
        self.issued += 1;
        let expires = at.elapsed + self.life();
        self.grants.insert(token.to_owned(), Grant { expires, served: 0, opens_graph });
    }

    /// The lifetime of a token.
    pub(super) fn life(&self) -> Duration {
        Duration::from_secs(self.faults.seconds.into())
    }

    /// Accepts or refuses a request to Graph by its `Authorization` header.
    pub(super) fn admit(&mut self, authorization: Option<&str>, at: TimePoint) -> Result<(), Refusal> {
        let (scheme, token) = authorization.unwrap_or_default().split_once(' ').unwrap_or_default();
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Refusal::TOKEN_EMPTY);
        }
        let grant = self.grants.get_mut(token).ok_or(Refusal::TOKEN_UNKNOWN)?;
        if grant.expires <= at.elapsed {
            return Err(Refusal::TOKEN_EXPIRED);
        }
        if !grant.opens_graph {
            return Err(Refusal::TOKEN_AUDIENCE);
        }
        grant.served += 1;
        let most = self.faults.revoked_after_requests;
        if most > 0 && grant.served > most { Err(Refusal::TOKEN_REVOKED) } else { Ok(()) }
    }

    /// Users sign in through any application, which is a public client, and need not know their tenant.
    fn check_person(&self, tenant: &str, form: &Form, proof: &str, visit: &Visit<'_>) -> Result<(), OAuthError> {
        self.tenant_id(tenant, visit.directory)?;
        form.require(&["client_id", proof])?;
        let client = form.field("client_id");
        if !is_object_id(client) {
            return Err(OAuthError::client(client, tenant));
        }
        if ["client_secret", "client_assertion"].iter().all(|name| form.field(name).is_empty()) {
            return Ok(());
        }
        if client.eq_ignore_ascii_case(&self.credentials.client_id) {
            return self.check_proof(tenant, form, visit.context);
        }
        Err(OAuthError::public_client())
    }

    /// Registers certificates with which the tenant's own application may prove its identity.
    pub(super) fn add_certificates(&mut self, pem: &[u8]) -> Result<(), CertificateError> {
        self.proofs.add_certificates(pem)
    }

    /// Lets the tenant's own application prove its identity with the tokens of another service.
    pub(super) fn add_federation(&mut self, issuer: String, subject: String) {
        self.proofs.add_federation(issuer, subject);
    }
}
