//! The variables that name a proxy: every common way to write them works, and others are refused by name.

use crate::{
    proxy::{InspectingProxy, run},
    stage::{Stage, issued},
};
use std::fs;

const PASSWORD: &str = "hunter2pw";

fn stage() -> (Stage, InspectingProxy) {
    let stage = Stage::new(|_, issue| issued(&issue()));
    let opener = InspectingProxy::new(stage.served.url.replace("http://", ""));
    fs::write(stage.home().join("company.pem"), &opener.authority).expect("written");
    (stage, opener)
}

#[test]
fn unparsable_values_are_refused_by_name() {
    let (stage, opener) = stage();
    let place = opener.url.trim_start_matches("http://");
    let good = ("HTTPS_PROXY", opener.url.as_str());
    let backslash = format!(r"http://CONTOSO\svc:{PASSWORD}@{place}");
    let slash = format!("http://svc:{PASSWORD}/x@{place}");
    for (name, value, cure) in [
        ("HTTPS_PROXY", backslash.as_str(), "%5C"),
        ("https_proxy", &backslash, "%5C"),
        ("ALL_PROXY", &backslash, "%40"),
        ("all_proxy", &slash, "%2F"),
        ("HTTP_PROXY", "proxy contoso", "http://HOST:PORT"),
        ("http_proxy", "ftp://proxy:21", "http://HOST:PORT"),
        ("HTTPS_PROXY", "http://proxy:99999", "http://HOST:PORT"),
        ("NO_PROXY", "10.0.0.0/99", "10.0.0.0/8"),
        ("no_proxy", "host:https", "HOST:PORT"),
    ] {
        let variables =
            if name.to_lowercase() == "https_proxy" { vec![(name, value)] } else { vec![good, (name, value)] };
        let (code, told) = run(&stage, "refused", &["--ca-file", "company.pem"], &variables);
        assert_eq!(code, Some(2), "{name}={value}: {told}");
        // On Windows, the names of variables are the same in both cases.
        let same = |text: &str| if cfg!(windows) { text.to_uppercase() } else { text.to_owned() };
        assert!(same(&told).contains(&format!("{} ", same(name))), "{name}: {told}");
        assert!(told.contains(cure) && !told.contains(PASSWORD), "{told}");
        assert!(!stage.home().join("refused").exists(), "before the plan is made");
    }
    assert_eq!(opener.hosts(), Vec::<String>::new());
    assert_eq!(stage.served.tenant.tally().tokens_issued, 0);
}

#[test]
fn every_proxy_form_works() {
    let (stage, opener) = stage();
    let place = opener.url.trim_start_matches("http://").to_owned();
    for (nth, (value, login)) in [
        (format!(" http://{place}/ "), None),
        (format!("\"{place}\""), None),
        (format!("http://svc:p@{PASSWORD}@{place}"), Some(format!("svc:p@{PASSWORD}"))),
        (format!(r"http://CONTOSO%5Csvc:{PASSWORD}%40@{place}"), Some(format!(r"CONTOSO\svc:{PASSWORD}@"))),
        (format!("socks5h://{place}"), None),
    ]
    .into_iter()
    .enumerate()
    {
        let before = opener.hosts().len();
        let folder = format!("run{nth}");
        let (code, told) = run(&stage, &folder, &["--ca-file", "company.pem", "-v"], &[("HTTPS_PROXY", &value)]);
        assert_eq!(code, Some(0), "{value}: {told}");
        let hosts = opener.hosts();
        let all = |host: &&String| host.contains("fabrikam.invalid");
        assert!(hosts.len() >= before + 2 && hosts.iter().all(|host| all(&host)), "{value}: {hosts:?}");
        assert_eq!(opener.logins().last().filter(|_| login.is_some()), login.as_ref(), "{value}");
        let scheme = if value.starts_with("socks") { "socks5h" } else { "http" };
        let through = format!("login.fabrikam.invalid: through the proxy {scheme}://{place} (HTTPS_PROXY)");
        assert!(told.contains(&through) && !told.contains(PASSWORD), "{told}");
    }
}

#[test]
fn exceptions_work_in_every_form() {
    let (stage, opener) = stage();
    for (nth, exceptions) in [
        "*.fabrikam.invalid",
        "login.fabrikam.invalid:443; graph.fabrikam.invalid:443",
        " fabrikam.invalid ",
        ".fabrikam.invalid,10.0.0.0/8",
        "*",
    ]
    .into_iter()
    .enumerate()
    {
        let variables = [("https_proxy", opener.url.as_str()), ("no_proxy", exceptions)];
        let (code, told) = run(&stage, &format!("run{nth}"), &["--ca-file", "company.pem", "-v"], &variables);
        assert_eq!(code, Some(3), "{exceptions}: {told}");
        assert!(told.contains("login.fabrikam.invalid: without a proxy (excepted by no_proxy)"), "{told}");
    }
    assert_eq!(opener.hosts(), Vec::<String>::new());
}
