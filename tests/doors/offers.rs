//! Which door is taken unasked, and what is said where something is missing.

use crate::{
    CLIENT, SECRET, TENANT, azure_cli,
    desk::{self, Desk},
    lookup, open, refusal,
};
use passwave::graph::client::doors::{Method, Variables};

fn offered(variables: &[(&str, &str)]) -> Result<Method, String> {
    let get = lookup(variables);
    Method::offered(&Variables::new(&get)).map_err(|error| error.to_string())
}

#[test]
fn the_first_that_is_offered_is_taken() {
    let place = tempfile::tempdir().expect("a folder");
    azure_cli::fake(place.path(), "", "");
    let path = place.path().to_str().expect("text");
    let offers: [(&[(&str, &str)], Method); 7] = [
        (&[("AZURE_CLIENT_SECRET", SECRET)], Method::Secret),
        (&[("AZURE_CLIENT_CERTIFICATE_PATH", "x.pem")], Method::Certificate),
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
        // An application that is named is not passed over for a person.
        let without_client: Vec<_> = all.iter().copied().filter(|(name, _)| *name != "AZURE_CLIENT_ID").collect();
        let all = if first == 6 { without_client } else { all };
        assert_eq!(offered(&all), Ok(offers[first].1), "{all:?}");
    }
}

#[test]
fn nothing_offered_is_nothing_taken() {
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
        assert!(told.contains("AZURE_CLIENT_SECRET") && told.contains("--auth"), "{told}");
    }
}

#[test]
fn a_door_that_is_asked_for_names_what_it_lacks() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
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
            let told = refusal(method, &desk, &rest);
            assert!(told.starts_with(&format!("{missing} is not set")) && !told.contains(SECRET), "{told}");
        }
    }
    assert!(refusal(Method::Cli, &desk, &[("PATH", "")]).contains("az login"));
    assert!(refusal(Method::DeviceCode, &desk, &[("AZURE_TENANT_ID", "a/b")]).contains("AZURE_TENANT_ID"));
    let bad = [("AZURE_TENANT_ID", "../x"), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", SECRET)];
    assert!(refusal(Method::Secret, &desk, &bad).contains("no tenant id"));
    assert!(open(Method::DeviceCode, &desk, &[]).is_ok() && desk.seen().is_empty());
}
