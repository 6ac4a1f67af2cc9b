//! Which method `auto` selects, and the error if something is missing.

use crate::{
    CLIENT, SECRET, TENANT, azure_cli,
    fake_server::{self, FakeServer},
    lookup, open, refusal,
};
use passwave::graph::client::auth::{Method, Variables};

fn offered(variables: &[(&str, &str)]) -> Result<Method, String> {
    let get = lookup(variables);
    Method::offered(&Variables::new(&get)).map_err(|error| error.to_string())
}

#[test]
fn first_offered_method_is_used() {
    let place = tempfile::tempdir().expect("a folder");
    azure_cli::fake(place.path(), "", "");
    let path = place.path().to_str().expect("text");
    let offers: [(&[(&str, &str)], Method); 8] = [
        (&[("AZURE_CLIENT_SECRET", SECRET)], Method::Secret),
        (&[("AZURE_CLIENT_CERTIFICATE_PATH", "x.pem")], Method::Certificate),
        (&[("AZURE_CLIENT_CERTIFICATE_THUMBPRINT", "0a")], Method::Certificate),
        (&[("AZURE_FEDERATED_TOKEN_FILE", "token")], Method::Workload),
        (
            &[
                ("AZURE_TENANT_ID", TENANT),
                ("AZURE_CLIENT_ID", CLIENT),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x.y"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET),
            ],
            Method::Workload,
        ),
        (
            &[
                ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
                ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
                ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "c"),
                ("SYSTEM_OIDCREQUESTURI", "https://x.y"),
                ("SYSTEM_ACCESSTOKEN", SECRET),
            ],
            Method::Workload,
        ),
        (&[("IDENTITY_ENDPOINT", "http://localhost/x"), ("IDENTITY_HEADER", SECRET)], Method::Managed),
        (&[("PATH", path)], Method::Cli),
    ];
    for first in 0..offers.len() {
        let all: Vec<_> = offers[first..].iter().flat_map(|(variables, _)| variables.iter().copied()).collect();
        // If an application is named, no user's identity is used instead.
        let without_client: Vec<_> = all.iter().copied().filter(|(name, _)| *name != "AZURE_CLIENT_ID").collect();
        let all = if first == 7 { without_client } else { all };
        assert_eq!(offered(&all), Ok(offers[first].1), "{all:?}");
    }
}

#[test]
fn no_offer_means_no_method() {
    let place = tempfile::tempdir().expect("a folder");
    azure_cli::fake(place.path(), "", "");
    let path = place.path().to_str().expect("text");
    let cases: [&[(&str, &str)]; 6] = [
        &[],
        &[("AZURE_CLIENT_SECRET", " \t")],
        &[("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)],
        &[("PATH", path), ("AZURE_CLIENT_ID", CLIENT)],
        &[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x.y"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)],
        &[("IDENTITY_ENDPOINT", "http://localhost/x")],
    ];
    for variables in cases {
        let told = offered(variables).expect_err("nothing");
        assert!(told.contains("no credentials found in the environment"), "{told}");
    }
}

#[test]
fn chosen_methods_name_what_is_missing() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let application = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)];
    let proofs: [(Method, (&str, &str)); 4] = [
        (Method::Secret, ("AZURE_CLIENT_SECRET", SECRET)),
        (Method::Certificate, ("AZURE_CLIENT_CERTIFICATE_PATH", "x.pem")),
        (Method::Workload, ("AZURE_FEDERATED_TOKEN_FILE", "token")),
        (Method::Workload, ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)),
    ];
    for (method, proof) in proofs {
        let mut whole = application.to_vec();
        whole.push(proof);
        if proof.0.starts_with("ACTIONS") {
            whole.push(("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x.y"));
        }
        for missing in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", proof.0] {
            let rest: Vec<_> = whole.iter().copied().filter(|(name, _)| *name != missing).collect();
            let told = refusal(method, &server, &rest);
            assert!(told.starts_with(&format!("{missing} is not set")) && !told.contains(SECRET), "{told}");
        }
    }
    assert!(refusal(Method::Cli, &server, &[("PATH", "")]).contains("not on the PATH"));
    assert!(refusal(Method::DeviceCode, &server, &[("AZURE_TENANT_ID", "a/b")]).contains("AZURE_TENANT_ID"));
    let bad = [("AZURE_TENANT_ID", "../x"), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)];
    assert!(refusal(Method::Secret, &server, &bad).contains("not a valid tenant id"));
    assert!(open(Method::DeviceCode, &server, &[]).is_ok() && server.seen().is_empty());
}
