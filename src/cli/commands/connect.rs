//! Signs in: from flags and environment to a signed-in client, before anything is sent.

use super::{
    applications::{Applications, variable},
    browser,
    destination::Destination,
    logging::LoggingTokenSource,
    signals::interrupted,
    system::files,
    wanted, writeback,
};
use crate::cli::{
    args::{Auth, ConnectArgs, JobArgs, LookupName},
    console::{Event, Reporter, SignedIn},
    failure::Failure,
    hints,
};
use passwave::{
    account::upn,
    graph::{
        Graph,
        claims::Claims,
        client::{
            self, GraphClient, SignInError, TokenSource, Web,
            auth::{self, Endpoints, Method, Needs, PersonOptions, Prompt, Variables},
        },
    },
    ledger::{Ledger, ReadLedger, SignedInAs},
    plan::NamedTenant,
    util::sanitize,
};
use std::{fmt, time::Duration};

/// Waits between the first attempts to sign in.
const SIGN_IN_WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// From this level of detail on (`-v`), the proxy is printed.
const PROXY: u8 = 1;

/// The endpoints at `destination`, and how to reach them. Nothing is sent.
pub fn endpoints(connect: &ConnectArgs, destination: &Destination) -> Result<Endpoints, Failure> {
    Ok(Endpoints {
        authority: client::endpoint(&destination.authority)?,
        graph: client::graph_endpoint(&destination.graph)?,
        web: Web::new(connect.ca_file.as_deref())?,
    })
}

/// Everything needed to sign in, read from flags and environment first.
pub struct SignIn {
    endpoints: Endpoints,
    credential: auth::Credential,
    /// The tenant of the run, if the plan names it.
    tenant: Option<NamedTenant>,
}

/// Who has signed in, and Graph's port if it is not the default.
pub struct SignInInfo {
    who: SignedIn,
    port: Option<u16>,
}

impl SignIn {
    /// Reads the flags and the environment for the sign-in at `destination`. Nothing is sent.
    pub fn open(
        reporter: &Reporter,
        connect: &ConnectArgs,
        destination: &Destination,
        needs: Needs,
    ) -> Result<Self, Failure> {
        files()?;
        let endpoints = endpoints(connect, destination)?;
        let applications = Applications::open(connect.tenants.as_deref())?;
        Self::at(reporter, connect, (endpoints, destination.tenant.as_ref()), &applications, needs)
    }

    /// The same at endpoints that several runs share, and in the run's own tenant if it names one.
    pub fn at(
        reporter: &Reporter,
        connect: &ConnectArgs,
        (endpoints, tenant): (Endpoints, Option<&NamedTenant>),
        applications: &Applications,
        needs: Needs,
    ) -> Result<Self, Failure> {
        must_fit_the_method(connect)?;
        for end in [&endpoints.authority, &endpoints.graph] {
            reporter.detail(PROXY, || format!("{}: {}", end.host(), endpoints.web.route(end)));
        }
        let application = tenant.map(|tenant| applications.of(tenant)).transpose()?.flatten();
        let get = |name: &str| variable(tenant, application, name);
        let variables = Variables::new(&get);
        let method = connect.auth.method().map_or_else(|| Method::offered(&variables), Ok)?;
        let (client_id, login_hint) = (connect.client_id.clone(), connect.login_hint.clone());
        let person = PersonOptions { client_id, login_hint, needs, ..PersonOptions::new(show(reporter)) };
        let credential = auth::Credential::open(method, &endpoints, &variables, person)?;
        Ok(Self { endpoints, credential, tenant: tenant.cloned() })
    }

    /// The same for a run that `resets` accounts on premises: with the permission for that, and refused to an application.
    pub fn for_writeback(self, resets: bool) -> Result<Self, Failure> {
        if !resets {
            return Ok(self);
        }
        let credential = self.credential.for_writeback().ok_or_else(writeback::not_an_application)?;
        Ok(Self { credential, ..self })
    }

    /// The same for a new job.
    pub fn of_job(reporter: &Reporter, job: &JobArgs) -> Result<Self, Failure> {
        let looks = job.plan.rules.lookup != LookupName::Off;
        let needs = wanted::needs(&wanted::of(&job.run), looks);
        let sign_in = Self::open(reporter, &job.connect, &Destination::new(&job.connect), needs)?;
        sign_in.for_writeback(job.plan.rules.writeback)
    }

    /// Whether a sign-in method was chosen, or the environment offers one.
    pub fn is_offered(connect: &ConnectArgs) -> bool {
        connect.auth != Auth::Auto || Method::offered(&Variables::new(&|name| std::env::var(name).ok())).is_ok()
    }

    /// A client that has not signed in yet.
    pub fn client<'a>(&'a self, reporter: &'a Reporter) -> GraphClient<LoggingTokenSource<'a>> {
        let http = self.endpoints.web.client(&self.endpoints.graph).clone();
        GraphClient::new(http, &self.endpoints.graph, LoggingTokenSource::new(&self.credential, reporter))
            .of_tenant(self.tenant())
    }

    /// The tenant that tokens are for, if it is known before the sign-in.
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.id.as_str()).or_else(|| self.credential.tenant())
    }

    /// The application, if it is known before the sign-in.
    pub fn client_id(&self) -> Option<&str> {
        self.credential.client_id()
    }

    /// Where an administrator of the tenant can consent to the application, if both are known.
    pub fn consent_address(&self) -> Option<String> {
        let authority = self.endpoints.authority.as_str().trim_end_matches('/');
        Some(format!("{authority}/{}/adminconsent?client_id={}", self.tenant()?, self.client_id()?))
    }

    /// Who has signed in, by the token's claims, and by the credential where they are silent.
    pub fn who(&self, claims: Claims) -> SignedIn {
        let known = |claimed: Option<String>, own: Option<&str>| claimed.or_else(|| own.map(str::to_owned));
        SignedIn {
            tenant: known(claims.tenant_id, self.tenant()).unwrap_or_default(),
            client_id: known(claims.client_id, self.credential.client_id()).unwrap_or_default(),
            person: claims.user_principal_name.filter(|_| !claims.is_application),
            host: self.endpoints.graph.host().to_owned(),
        }
    }

    /// If two tenant ids differ, that can be seen before the sign-in.
    pub fn must_be_the_same(&self, ledger: &ReadLedger) -> Result<(), Failure> {
        match (ledger.signed_in()?.tenant_id, self.tenant()) {
            (Some(begun), Some(tenant)) if upn::is_object_id(&begun) && upn::is_object_id(tenant) => {
                same_tenant(&begun, &[tenant])
            }
            _ => Ok(()),
        }
    }

    /// Whatever is wrong, the plan is kept, and the run can begin later. In one of several tenants, a refusal may concern
    /// this one alone, and has its own cure.
    fn not_signed_in(&self, error: SignInError) -> Failure {
        let consent = self.consent_address();
        let own = self.tenant.as_ref().and_then(|_| hints::fleet::of_tenant(&error, consent.as_deref()));
        let hint = own.or_else(|| hints::sign_in::hint(&error));
        Failure::away(error).or_hint(hint).about("sign_in")
    }

    /// Signs in, reports it, and checks that a run that started in one tenant does not continue in another.
    pub async fn complete(
        &self,
        reporter: &Reporter,
        graph: &GraphClient<impl TokenSource>,
        ledger: &ReadLedger,
    ) -> Result<SignInInfo, Failure> {
        // Whatever goes wrong now, the plan is stored and can continue later.
        tokio::select! {
            biased;
            signed_in = sign_in(graph) => signed_in.map_err(|error| self.not_signed_in(error))?,
            () = interrupted(reporter) => return Err(Failure::interrupted("interrupted during the sign-in; nothing was \
                sent")),
        }
        let claims = graph.claims().await.map_err(Failure::away)?.unwrap_or_default();
        if let Some(planned) = &ledger.settings().tenant {
            // The sign-in may answer with a token of another tenant; a token that names none is of the one it was asked of.
            let known: Vec<&str> = claims.tenant_id.iter().map(String::as_str).chain(self.tenant()).collect();
            same_tenant(&planned.id, &known)?;
        }
        if let Some(begun) = ledger.signed_in()?.tenant_id {
            let named = self.tenant();
            let known: Vec<&str> = claims.tenant_id.iter().map(String::as_str).chain(named).collect();
            same_tenant(&begun, &known)?;
        }
        writeback::must_be_a_person(ledger, claims.is_application)?;
        let who = self.who(claims);
        reporter.tell(&Event::SignedIn(&who));
        Ok(SignInInfo { who, port: self.endpoints.graph.port() })
    }
}

/// Flags of one method are refused with another, where they would have no effect.
fn must_fit_the_method(connect: &ConnectArgs) -> Result<(), Failure> {
    if connect.client_id.is_some() && !connect.auth.is_person() {
        return Err(Failure::usage("--client-id is for --auth browser and --auth device-code")
            .hint("for other methods, AZURE_CLIENT_ID names the application"));
    }
    if connect.login_hint.is_some() && connect.auth != Auth::Browser {
        return Err(
            Failure::usage("--login-hint is for --auth browser").hint("add --auth browser, or leave --login-hint out")
        );
    }
    Ok(())
}

/// Shows the user what to do, and opens the browser if they need one here.
pub fn show(reporter: &Reporter) -> auth::Show {
    let reporter = reporter.clone();
    Box::new(move |prompt| {
        reporter.tell(&Event::SignInPrompt(prompt));
        if let Prompt::Browser { url, .. } = prompt {
            browser::open(&reporter, url.clone());
        }
    })
}

/// The sign-in method and its address.
impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credential.fmt(f)?;
        self.tenant().map_or(Ok(()), |tenant| write!(f, ", to tenant {tenant}"))
    }
}

/// All `names` that can be compared with the run's tenant must match it, and at least one must be comparable. An id and
/// a domain name cannot be compared. If nobody names a tenant, there is nothing to check.
fn same_tenant(begun: &str, names: &[&str]) -> Result<(), Failure> {
    let is_comparable = |name: &&&str| upn::is_object_id(name) == upn::is_object_id(begun);
    let differs = |name: &&&str| !name.eq_ignore_ascii_case(begun);
    let mut comparable = names.iter().filter(is_comparable);
    let wrong = match comparable.clone().next() {
        Some(_) => comparable.find(differs),
        None => names.first(),
    };
    let Some(now) = wrong else { return Ok(()) };
    Err(Failure::usage(format!(
        "this run was started in tenant {}, but this sign-in is to {}; nothing was sent",
        sanitize::for_terminal(begun),
        sanitize::for_terminal(now)
    ))
    .hint("sign in to the tenant of the run (AZURE_TENANT_ID)"))
}

/// Signs in, with a few retries. Once the run has started, `--max-wait` decides.
async fn sign_in(graph: &GraphClient<impl TokenSource>) -> Result<(), SignInError> {
    for wait in SIGN_IN_WAITS {
        match graph.sign_in().await {
            Err(error) if error.is_passing() => tokio::time::sleep(wait).await,
            other => return other,
        }
    }
    graph.sign_in().await
}

impl SignInInfo {
    /// The directory that the run writes to: Graph's host and the tenant.
    pub fn directory(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}/{}", self.who.host, self.who.tenant)
    }

    /// Notes the tenant in which the run started.
    pub fn note_in(&self, ledger: &Ledger) -> Result<(), Failure> {
        Ok(ledger.set_signed_in(&self.identity())?)
    }

    /// The tenant, the application and the person, as a ledger has them.
    pub fn identity(&self) -> SignedInAs {
        let known = |text: &String| Some(text).filter(|text| !text.is_empty()).cloned();
        let (tenant_id, client_id) = (known(&self.who.tenant), known(&self.who.client_id));
        SignedInAs { tenant_id, client_id, person: self.who.person.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_must_match() {
        let (own, other) = ("aaaaaaaa-0000-4000-8000-00000000000a", "bbbbbbbb-0000-4000-8000-00000000000b");
        let upper = own.to_uppercase();
        for (begun, names, same) in [
            (own, &[][..], true),
            (own, &[own], true),
            (own, &[upper.as_str(), own], true),
            (own, &[own, "contoso.com"], true),
            (own, &[other], false),
            (own, &[other, own], false),
            (own, &[own, other], false),
            (own, &["contoso.com"], false),
            ("contoso.com", &["Contoso.com"], true),
            ("contoso.com", &[own, "contoso.com"], true),
            ("contoso.com", &["fabrikam.com"], false),
            ("contoso.com", &[own], false),
        ] {
            assert_eq!(same_tenant(begun, names).is_ok(), same, "{begun} {names:?}");
        }
    }
}
