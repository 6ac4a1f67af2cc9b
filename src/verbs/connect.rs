//! The way in: from flags and environment to a signed-in client, before anything is sent.

use super::{
    destination::Destination,
    process::{files, interrupted},
    told::ToldDoor,
};
use crate::{
    cli::{Auth, ConnectArgs},
    events::{self, Event},
    failure::Failure,
    terminal::{detail, insist, say, short},
};
use passwave::{
    clean,
    graph::{
        Graph,
        client::{
            self, GraphClient, SignInError, TokenSource, Web,
            doors::{self, DevicePrompt, Method, Site, Variables},
        },
    },
    ledger::Ledger,
    upn,
};
use std::{fmt, time::Duration};

/// Waits between the first attempts to sign in.
const SIGN_IN_WAITS: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// From this detail on (`-v`), the proxy is told.
const PROXY: u8 = 1;
/// Notes of the ledger: where the run has begun, and as whom.
const TENANT: &str = "tenant_id";
const CLIENT: &str = "client_id";

/// What it takes to sign in, read from flags and environment before anything else is done.
pub struct Door {
    site: Site,
    door: doors::Door,
}

/// Who has signed in, and where.
pub struct Arrival {
    tenant: String,
    client_id: String,
    /// The person, where it is one.
    person: Option<String>,
    host: String,
    /// Graph's port, if it is not the usual one.
    port: Option<u16>,
}

impl Door {
    /// Reads what the flags and the environment say of the way to `destination`. Nothing is sent.
    pub fn open(connect: &ConnectArgs, destination: &Destination) -> Result<Self, Failure> {
        files()?;
        if connect.client_id.is_some() && connect.auth != Auth::DeviceCode {
            return Err(Failure::usage(
                "--client-id is for --auth device-code\nhint: AZURE_CLIENT_ID names the application otherwise",
            ));
        }
        let site = Site {
            authority: client::endpoint(&destination.authority)?,
            graph: client::graph_endpoint(&destination.graph)?,
            web: Web::new(connect.ca_file.as_deref())?,
        };
        for end in [&site.authority, &site.graph] {
            detail(PROXY, || format!("{}: {}", end.host_str().unwrap_or_default(), site.web.route(end)));
        }
        let variables = Variables::new(&|name| std::env::var(name).ok());
        let method = connect.auth.method().map_or_else(|| Method::offered(&variables), Ok)?;
        let client_id = connect.client_id.as_deref();
        let door = doors::Door::open(method, &site, &variables, client_id, Box::new(show))?;
        Ok(Self { site, door })
    }

    /// Whether a way in was chosen, or the environment offers one.
    pub fn is_offered(connect: &ConnectArgs) -> bool {
        connect.auth != Auth::Auto || Method::offered(&Variables::new(&|name| std::env::var(name).ok())).is_ok()
    }

    /// A client that has not signed in yet.
    pub fn client(&self) -> GraphClient<ToldDoor<'_>> {
        let http = self.site.web.client(&self.site.graph).clone();
        GraphClient::new(http, &self.site.graph, ToldDoor(&self.door)).of_tenant(self.door.tenant())
    }

    /// Where two ids of tenants differ, that is known before anybody signs in.
    pub fn must_be_the_same(&self, ledger: &Ledger) -> Result<(), Failure> {
        match (ledger.note(TENANT)?, self.door.tenant()) {
            (Some(begun), Some(tenant)) if upn::is_object_id(&begun) && upn::is_object_id(tenant) => {
                same_tenant(&begun, &[tenant])
            }
            _ => Ok(()),
        }
    }

    /// Signs in, and checks that a run that has begun in one tenant goes on in no other.
    pub async fn enter(&self, graph: &GraphClient<impl TokenSource>, ledger: &Ledger) -> Result<Arrival, Failure> {
        // Whatever is wrong now, the plan is there and goes on later.
        tokio::select! {
            biased;
            signed_in = sign_in(graph) => signed_in.map_err(|error| Failure::away(error).about("sign_in"))?,
            () = interrupted() => return Err(Failure::interrupted("interrupted while signing in; nothing was sent")),
        }
        let claims = graph.claims().await.map_err(Failure::away)?.unwrap_or_default();
        let named = self.door.tenant().map(str::to_owned);
        if let Some(begun) = ledger.note(TENANT)? {
            let known: Vec<&str> = claims.tenant_id.iter().chain(&named).map(String::as_str).collect();
            same_tenant(&begun, &known)?;
        }
        let client_id = claims.client_id.or_else(|| self.door.client_id().map(str::to_owned));
        Ok(Arrival {
            tenant: claims.tenant_id.or(named).unwrap_or_default(),
            client_id: client_id.unwrap_or_default(),
            person: claims.user_principal_name.filter(|_| !claims.is_application),
            host: self.site.graph.host_str().unwrap_or_default().to_owned(),
            port: self.site.graph.port(),
        })
    }
}

/// What it signs in with, and where to.
impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.door.fmt(f)?;
        self.door.tenant().map_or(Ok(()), |tenant| write!(f, ", to tenant {tenant}"))
    }
}

/// All `names` that can be compared with the tenant of the run must be its own, and one of them must be. An id and a domain
/// name cannot be compared. If nobody names a tenant, nothing is known against it.
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
        "this run was begun in tenant {}, and this sign-in is to {}; nothing was sent\n\
         hint: sign in to the tenant of the run (AZURE_TENANT_ID)",
        clean::for_terminal(begun),
        clean::for_terminal(now)
    )))
}

/// Signs in. A hiccup is forgiven a few times; once the run has begun, `--max-wait` decides.
async fn sign_in(graph: &GraphClient<impl TokenSource>) -> Result<(), SignInError> {
    for wait in SIGN_IN_WAITS {
        match graph.sign_in().await {
            Err(error) if error.is_passing() => tokio::time::sleep(wait).await,
            other => return other,
        }
    }
    graph.sign_in().await
}

/// Shows a device code; page and code stand alone on their lines, so that they can be copied.
fn show(prompt: &DevicePrompt) {
    let DevicePrompt { url, code, life } = prompt;
    insist(&format!(
        "To sign in, open this page in a browser, on any machine:\n\n    {url}\n\nand enter this code within {}:\n\n    {code}\n",
        short(*life)
    ));
}

impl Arrival {
    /// Tells who has signed in where.
    pub fn tell(&self) {
        let known = |text: &'_ str| (!text.is_empty()).then(|| clean::line(text));
        let (tenant, client) = (known(&self.tenant), known(&self.client_id));
        events::tell(&Event::SignedIn {
            tenant_id: tenant.as_deref(),
            client_id: client.as_deref(),
            user_principal_name: self.person.as_deref().map(clean::line),
            graph: &self.host,
        });
        say(&self.to_string());
    }

    /// The directory that accounts are written to, by the host that writes and the tenant.
    pub fn directory(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}/{}", self.host, self.tenant)
    }

    /// Notes where the run has begun.
    pub fn note_in(&self, ledger: &Ledger) -> Result<(), Failure> {
        for (name, value) in [(TENANT, &self.tenant), (CLIENT, &self.client_id)] {
            if !value.is_empty() {
                ledger.set_note(name, value)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |text: &str| if text.is_empty() { "unknown".to_owned() } else { clean::for_terminal(text) };
        write!(f, "Tenant {}, application {}", known(&self.tenant), known(&self.client_id))?;
        if let Some(person) = &self.person {
            write!(f, ", as {}", clean::for_terminal(person))?;
        }
        write!(f, ", {}", self.host)
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
