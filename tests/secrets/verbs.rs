//! Every command, used correctly and incorrectly.

use crate::{stage::issued, watched::Watched};
use std::{fs, process::Command};

const SECRET: &str = "Zq9~client+secret/of=ours&more";

fn watched(faults: &str) -> Watched {
    let watched = Watched::new(faults, |_, issue| issued(&issue()));
    watched.knows("the client secret", SECRET);
    watched
}

fn signed_in(watched: &Watched, arguments: &[&str]) -> Command {
    let mut command = watched.program(arguments);
    // As a job of a pipeline, which gets more output.
    command.envs(watched.stage.ids()).env("AZURE_CLIENT_SECRET", SECRET).env("TF_BUILD", "True");
    command
}

/// A command that does not connect.
fn alone(watched: &Watched, arguments: &[&str]) -> Command {
    let mut command = watched.stage.bare(arguments);
    command.arg("-vvv").env("AZURE_CLIENT_SECRET", SECRET).env("RUST_BACKTRACE", "1");
    command
}

#[test]
fn every_verb_on_one_run() {
    let faults = r#"{"complexity": {"share": 0.3, "times": 2}}"#;
    let watched = watched(faults);
    let faulty = "{% for slip in slips %}{{ (slip.password ~ '')|frobnicate }}{{ slip.password + 1 }}{% endfor %}";
    fs::write(watched.stage.home().join("input.html"), faulty).expect("written");
    for (arguments, connects, stdout_is_asked_for) in [
        (&["plan", "wave.csv", "--run-dir", "run", "--format", "json"][..], true, false),
        (&["report", "run"], false, false),
        (&["run", "run", "--expect", "no-such-fingerprint", "--yes"], true, false),
        (&["run", "run", "--yes", "--pilot", "5", "--batch-size", "2", "--concurrency", "2", "--json"], true, false),
        (&["run", "run", "--dry-run", "--json"], true, false),
        (&["run", "run", "--yes", "--verify", "--revoke-sessions", "--json"], true, false),
        (&["verify", "run", "--json"], true, false),
        (&["report", "run"], false, false),
        (&["report", "run", "--format", "json"], false, false),
        (&["report", "run", "--format", "csv"], false, true),
        (&["handouts", "run"], false, false),
        (&["handouts", "run"], false, false),
        (&["handouts", "run", "--by", "Nobody"], false, false),
        (&["handouts", "run", "--template", "input.html", "--out", "other"], false, false),
        (&["rehearse", "wave.csv", "--run-dir", "try"], false, false),
        (&["generate", "-n", "5"], false, true),
        (&["plan", "wave.csv", "--run-dir", "run"], false, false),
        (&["reset", "absent.csv", "--yes"], true, false),
        (&["run", "absent", "--yes"], true, false),
        (&["report", "."], false, false),
        (&["sweep", "run", "--json"], true, false),
        (&["evidence", "run"], false, false),
        (&["evidence", "run", "--audit"], true, false),
        (&["evidence", "--check", "run/evidence.json"], false, false),
        (&["remove", "run"], false, false),
        (&["remove", "try", "--yes"], false, false),
        (&["report", "try", "--format", "csv"], false, false),
        (&["handouts", "try"], false, false),
        (&["work", "--once"], true, false),
        (&["runs"], false, false),
        (&["runs", "--format", "json"], false, false),
        (&["run", "try", "--yes"], true, false),
        (&["reset", "wave.csv", "--yes", "--run-dir", "new", "--max-accounts", "3"], true, false),
        (&["reset", "wave.csv", "--run-dir", "new-2"], true, false),
        (&["reset", "--help"], false, false),
        (&["nothing"], false, false),
    ] {
        let command = if connects { signed_in(&watched, arguments) } else { alone(&watched, arguments) };
        let (code, said) = watched.run(command, stdout_is_asked_for);
        assert!(matches!(code, Some(0..=3)), "{arguments:?}: {code:?} {said}");
    }
    let report = watched.stage.check();
    assert!(report.iter().any(|row| row.status == "reset"));
}

#[test]
fn roster_passwords() {
    let watched = watched("{}");
    let rows = [
        ("pupil1@contoso.com", "Own-Password-4711a"),
        ("pupil2@contoso.com", "=Own-Formula-4711b"),
        ("pupil3@contoso.com", "weakpassword"),
        ("pupil4@contoso.com", "Pupil4-Own-4711dd"),
        ("not an address", "Own-Password-4711e"),
        ("pupil1@contoso.com", "Own-Password-4711f"),
        ("pupil5@contoso.com;surplus;cells", "Own-Password-4711g"),
        ("pupil6@contoso.com", "Own-Password-4711a"),
    ];
    let mut csv = "UPN;Password\n".to_owned();
    for (upn, password) in rows {
        watched.knows("a password of the roster", password);
        csv += &format!("{upn};{password}\n");
    }
    fs::write(watched.stage.home().join("input.csv"), csv).expect("written");
    let own = ["--password-column", "Password"];
    for arguments in [
        &["reset", "input.csv", "--yes", "--run-dir", "run", "--json"][..],
        &["plan", "input.csv", "--run-dir", "other", "--format", "json"],
        &["plan", "input.csv", "--run-dir", "strict", "--strict"],
        &["plan", "input.csv", "--run-dir", "column", "--upn-column", "Nobody"],
        &["rehearse", "input.csv", "--run-dir", "try"],
    ] {
        let all = [arguments, &own].concat();
        let command = if arguments[0] == "rehearse" { alone(&watched, &all) } else { signed_in(&watched, &all) };
        let (code, said) = watched.run(command, false);
        assert!(matches!(code, Some(0..=2)), "{arguments:?}: {said}");
    }
    assert!(watched.stage.served.tenant.holds("pupil1@contoso.com", "Own-Password-4711a"));
}

#[test]
fn secrets_in_addresses() {
    let watched = watched("{}");
    let hidden = "Proxy-Secret-4711";
    watched.knows("a password in a URL", hidden);
    let reset = ["reset", "wave.csv", "--yes", "--run-dir", "run", "--max-wait", "1s"];
    let url = format!("https://someone:{hidden}@127.0.0.1:1/");
    let mut commands = Vec::new();
    for graph in
        [url.as_str(), &url.replace("https", "ftp"), &url.replace("https", "http"), &url.replace("127.0.0.1:1", "")]
    {
        let mut command = watched.before(graph, &reset);
        command.envs(watched.stage.ids()).env("AZURE_CLIENT_SECRET", SECRET);
        commands.push(command);
    }
    let mut authority = signed_in(&watched, &reset);
    authority.env("AZURE_AUTHORITY_HOST", &url);
    commands.push(authority);
    for variable in ["IDENTITY_ENDPOINT", "ACTIONS_ID_TOKEN_REQUEST_URL", "SYSTEM_OIDCREQUESTURI"] {
        let mut command = watched.program(&reset);
        command.envs(watched.stage.ids()).env(variable, &url).env("IDENTITY_HEADER", SECRET);
        command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET).env("SYSTEM_ACCESSTOKEN", SECRET);
        command.env("AZURE_SERVICE_CONNECTION_ID", "11111111-2222-4333-8444-555555555555");
        commands.push(command);
    }
    let mut proxied = watched.before("https://graph.example", &reset);
    proxied.envs(watched.stage.ids()).env("AZURE_CLIENT_SECRET", SECRET);
    proxied.env("AZURE_AUTHORITY_HOST", "https://login.example").env("HTTPS_PROXY", url.replace("https", "http"));
    commands.push(proxied);
    for command in commands {
        let (code, said) = watched.run(command, false);
        assert!(matches!(code, Some(2 | 3)), "{said}");
    }
}

#[test]
fn page_of_doctor() {
    let watched = watched("{}");
    let hidden = "Proxy-Secret-4711";
    watched.knows("a password in a URL", hidden);
    let url = format!("http://someone:{hidden}@127.0.0.1:1/");
    let served = watched.stage.served.url.clone();
    let far = ["--graph-endpoint", "https://graph.example", "--authority-host", "https://login.example"];
    for (arguments, variables, expected) in [
        (&["--graph-endpoint", &served][..], &[][..], 0),
        (&["--graph-endpoint", &served, "--json"], &[], 0),
        (&["--graph-endpoint", &served, "--authority-host", &url], &[], 3),
        (&far, &[("HTTPS_PROXY", url.as_str())], 3),
        (&["--graph-endpoint", &served], &[("IDENTITY_ENDPOINT", url.as_str()), ("IDENTITY_HEADER", SECRET)], 0),
        (&["--graph-endpoint", &served, "--auth", "managed"], &[("IDENTITY_ENDPOINT", url.as_str())], 3),
        (&["--graph-endpoint", &served, "--auth", "certificate"], &[("AZURE_CLIENT_CERTIFICATE_PASSWORD", SECRET)], 3),
        (&["--graph-endpoint", &served], &[("AZURE_TENANT_ID", SECRET)], 3),
    ] {
        let mut command = alone(&watched, &[&["doctor"], arguments].concat());
        command.env("AZURE_AUTHORITY_HOST", &watched.stage.server.url).envs(watched.stage.ids());
        command.envs(variables.iter().copied());
        let (code, said) = watched.run(command, false);
        assert_eq!(code, Some(expected), "{arguments:?}: {said}");
    }
}
