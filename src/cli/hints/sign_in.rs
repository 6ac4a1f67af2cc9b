//! What to do about a sign-in that failed, and about an endpoint that cannot be used.

use super::{
    entra,
    system::{self, Limit},
};
use passwave::graph::client::{
    EndpointError, ProbeError,
    auth::{Method, Service, SignInError},
};

/// What to do next, if that is known.
pub fn hint(error: &SignInError) -> Option<String> {
    let hint = match error {
        SignInError::BadId { variable: "client_id", .. } => {
            "--client-id takes the application (client) id; copy it from the application's overview page in the Entra admin \
             center"
                .into()
        }
        SignInError::BadId { .. } => "copy it from the application's overview page in the Entra admin center".into(),
        SignInError::Unready { advice, .. } => advice.clone(),
        SignInError::Missing { method, .. } => {
            format!("{}, or try `passwave rehearse`, which needs no credentials", needs(*method))
        }
        SignInError::NothingOffered => {
            "sign in yourself with --auth browser; for a job, set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
             AZURE_CLIENT_SECRET, or choose another way with --auth; `passwave rehearse` needs none"
                .into()
        }
        SignInError::NoAzureCli => "install it and run `az login`, or sign in another way (--auth)".into(),
        SignInError::Away { service, .. } => format!("check {}, then run this again", check(*service)),
        SignInError::Untrusted { .. } => {
            "if a company proxy inspects TLS, give the certificate of its authority with --ca-file; if not, find out \
             who answers"
                .into()
        }
        SignInError::Refused { method, code, error, .. } => entra::hint(*method, *code, error).into(),
        SignInError::OtherTenant { .. } => {
            "check AZURE_TENANT_ID, --authority-host and who answers there, then continue with `passwave run`".into()
        }
        SignInError::OtherPerson { .. } => {
            "continue with `passwave run`, and stay with one account until it ends (--login-hint names it)".into()
        }
        SignInError::Foreign { .. } => {
            "close old pages of this sign-in in the browser, and try again; if it happens again, find out who answers".into()
        }
        SignInError::Deaf { .. } => {
            "let passwave listen on 127.0.0.1 or ::1, or sign in another way (--auth)".into()
        }
        SignInError::Interrupted => "sign in again, and continue with `passwave run`".into(),
        SignInError::Unreadable { service, .. } => {
            format!("check {}, and whether a proxy answers instead", check(*service))
        }
        _ => return None,
    };
    Some(hint)
}

/// What a method needs in the environment.
const fn needs(method: Method) -> &'static str {
    match method {
        Method::Secret => "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
        Method::Certificate => {
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH, or on Windows \
             AZURE_CLIENT_CERTIFICATE_THUMBPRINT"
        }
        Method::Workload => {
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE, or give the job its identity \
             (GitHub: permissions: id-token: write; Azure Pipelines: map SYSTEM_ACCESSTOKEN and the service connection's id)"
        }
        Method::Managed => "IDENTITY_ENDPOINT and IDENTITY_HEADER are set by Azure; unset both on a virtual machine",
        Method::Cli => "run `az login`",
        Method::Browser | Method::DeviceCode => "set AZURE_TENANT_ID",
    }
}

const fn check(service: Service) -> &'static str {
    match service {
        Service::SignIn => "the network, the proxy and --authority-host",
        Service::GitHub => "whether the job may ask for its identity (permissions: id-token: write)",
        Service::AzurePipelines => "SYSTEM_ACCESSTOKEN and the service connection's id",
        Service::AppService => "whether the app has a managed identity",
        Service::Metadata => "whether this is an Azure machine with a managed identity",
    }
}

/// What to do about an endpoint that does not answer.
pub fn of_probe(error: &ProbeError) -> Option<String> {
    let hint = match error {
        ProbeError::Untrusted { .. } => {
            "if a company proxy inspects TLS, give the certificate of its authority with --ca-file; if not, find out \
             who answers"
        }
        ProbeError::Away { .. } => {
            "check the network, the firewall and the proxy (HTTPS_PROXY, NO_PROXY), then try again"
        }
        _ => return None,
    };
    Some(hint.into())
}

/// What to do about an endpoint, if that is known.
pub fn of_endpoint(error: &EndpointError) -> Option<String> {
    let hint = match error {
        EndpointError::Unusable { .. } => "give https://HOST, or http:// for loopback only",
        EndpointError::NotTheRoot { root, .. } => return Some(format!("give {root}")),
        EndpointError::CaFile { .. } => {
            "--ca-file takes a PEM file with one or more -----BEGIN CERTIFICATE----- blocks"
        }
        EndpointError::Proxy { .. } => {
            "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT; in a user name or password write %5C for a backslash, \
             %40 for an @, %2F for a slash, %25 for a percent sign; or unset the variable"
        }
        EndpointError::ProxyExceptions { .. } => {
            "write host names, *.DOMAIN, HOST:PORT, IP addresses or networks such as 10.0.0.0/8, with commas between them; \
             or unset the variable"
        }
        EndpointError::Setup(_) => system::of(Limit::Certificates),
        _ => return None,
    };
    Some(hint.into())
}
