//! Every sign-in method, against a sign-in service and a Graph that repeat everything they receive.

use crate::{
    canary,
    fake_server::{self, Seen},
    pair::Pair,
    stage::issued,
    watched::Watched,
};
use serde_json::{Value, json};
use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

const SECRET: &str = "Zq9~client+secret/of=ours&more";
const ASSERTION: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvdXItb3duLWpvYiJ9.c2lnbmF0dXJlLW9mLW91cnM";
const RESET: [&str; 5] = ["reset", "wave.csv", "--run-dir", "run", "--yes"];

/// Everything in the request, in every form in which a server could repeat it.
fn echo(seen: &Seen) -> String {
    let fields: Vec<String> = seen.fields().iter().map(|name| seen.field(name)).collect();
    let headers = ["authorization", "x-identity-header"].map(|name| seen.header(name));
    let plain = format!("{} {} {}", fields.join(" "), headers.join(" "), seen.body.replace('\n', " "));
    let encoded: Vec<String> =
        fields.iter().chain(&headers.map(str::to_owned)).flat_map(|text| canary::forms(text)).collect();
    format!("{plain} {}", encoded.join(" "))
}

/// The variables of each sign-in method, by its name.
fn methods(watched: &Watched) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let home = watched.stage.home();
    let pair = Pair::rsa();
    let input = |name: &str, text: &str| {
        let file = home.join(format!("input.{name}"));
        fs::write(&file, text).expect("written");
        file.to_string_lossy().into_owned()
    };
    watched.knows("the client secret", SECRET);
    watched.knows("the assertion", ASSERTION);
    for line in pair.key.serialize_pem().lines().filter(|line| !line.starts_with('-') && line.len() > 20) {
        watched.knows("the certificate's key", line);
    }
    let url = &watched.stage.server.url;
    let ids = watched.stage.ids();
    let with = |more: &[(&'static str, String)]| [&ids[..], more].concat();
    vec![
        ("secret", with(&[("AZURE_CLIENT_SECRET", SECRET.into())])),
        ("certificate", with(&[("AZURE_CLIENT_CERTIFICATE_PATH", input("pem", &pair.pem()))])),
        ("workload", with(&[("AZURE_FEDERATED_TOKEN_FILE", input("token", ASSERTION))])),
        (
            "workload",
            with(&[
                ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}/idtoken?api-version=2.0")),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET.into()),
            ]),
        ),
        ("managed", vec![("IDENTITY_ENDPOINT", format!("{url}/msi")), ("IDENTITY_HEADER", SECRET.into())]),
        ("device-code", ids.to_vec()),
    ]
}

#[test]
fn echoing_sign_in_service_is_redacted() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let watched = Watched::new("{}", |seen, _| {
        let said = echo(seen);
        if seen.path.ends_with("/devicecode") {
            let (code, interval) = (SECRET, 0);
            return (
                200,
                json!({"device_code": code, "user_code": "F2X9", "verification_uri": "x", "interval": interval}),
            );
        }
        if seen.path == "/idtoken" && ASKED.load(Ordering::Relaxed).is_multiple_of(2) {
            return (200, json!({"value": ASSERTION}));
        }
        match ASKED.fetch_add(1, Ordering::Relaxed) % 4 {
            0 => fake_server::refused(401, "invalid_client", 7_000_215, &said),
            1 => (400, json!({"error": said, "error_codes": [90_002], "message": said})),
            2 => (200, json!({"error_description": said})),
            _ => (403, Value::String(said)),
        }
    });
    for (at, (auth, variables)) in methods(&watched).into_iter().enumerate() {
        for nth in 0..4 {
            let folder = format!("{auth}-{at}-{nth}");
            let all = ["reset", "wave.csv", "--run-dir", &folder, "--yes", "--auth", auth];
            let mut command = watched.program(&all);
            command.envs(variables.clone());
            let (code, said) = watched.run(command, false);
            assert_eq!(code, Some(3), "{auth}: {said}");
        }
    }
    assert!(watched.stage.server.seen().iter().any(|seen| seen.field("client_secret") == SECRET));
}

#[test]
fn no_method_reveals_its_secret() {
    let watched = Watched::new(r#"{"items": {"conflict": 0.2}, "complexity": {"share": 0.3}}"#, |seen, issue| {
        if seen.path == "/idtoken" {
            return (200, json!({"value": ASSERTION}));
        }
        if seen.path.ends_with("/devicecode") {
            return (200, json!({"device_code": SECRET, "user_code": "F2X9", "verification_uri": "x", "interval": 0}));
        }
        let (status, mut said) = issued(&issue());
        said["refresh_token"] = json!(format!("0.{SECRET}.refresh"));
        (status, said)
    });
    for (nth, (auth, variables)) in methods(&watched).into_iter().enumerate() {
        let folder = format!("{auth}-{nth}");
        let mut command = watched.program(&["reset", "wave.csv", "--run-dir", &folder, "--yes", "--auth", auth]);
        command.envs(variables);
        let (code, said) = watched.run(command, false);
        assert!(matches!(code, Some(0 | 1)), "{auth}: {said}");
        assert!(said.contains("PATCH /users/") && said.contains("request-id "), "{auth}: {said}");
    }
}

#[test]
fn echoing_graph_is_redacted() {
    static ROUND: AtomicUsize = AtomicUsize::new(0);
    let watched = Watched::new("{}", |seen, issue| {
        if seen.path.ends_with("/token") {
            return issued(&issue());
        }
        let error =
            |said: String| json!({"error": {"code": said, "message": said, "innerError": {"request-id": said}}});
        let whole = format!("{} {}", seen.header("authorization"), seen.body);
        let Ok(batch) = serde_json::from_str::<Value>(&seen.body) else { return (403, error(whole)) };
        let items = batch["requests"].as_array().cloned().unwrap_or_default();
        let answer = |item: &Value| {
            let password = item["body"]["passwordProfile"]["password"].as_str().unwrap_or_default();
            let said = format!("no: {} {}", canary::forms(password).join(" "), seen.header("authorization"));
            json!({"id": item["id"], "status": 400, "body": error(said)})
        };
        match ROUND.load(Ordering::Relaxed) {
            0 => (200, json!({"responses": items.iter().map(answer).collect::<Vec<_>>()})),
            1 => (403, error(whole)),
            2 => (401, error(whole)),
            3 => (200, Value::String(whole)),
            _ => (500, error(whole)),
        }
    });
    let url = watched.stage.server.url.clone();
    let (_, secret) = methods(&watched).remove(0);
    for round in 0..5 {
        for lookup in ["off", "auto"] {
            ROUND.store(round, Ordering::Relaxed);
            let folder = format!("run-{round}-{lookup}");
            // Each of these runs stays unfinished, with the same accounts.
            let all = [
                "reset",
                "wave.csv",
                "--run-dir",
                &folder,
                "--yes",
                "--alongside",
                "--lookup",
                lookup,
                "--max-wait",
                "1s",
            ];
            let mut command = watched.before(&url, &all);
            command.envs(secret.clone());
            let (code, said) = watched.run(command, false);
            assert!(matches!(code, Some(1 | 3)), "{round}: {said}");
            assert!(lookup == "auto" || round > 1 || said.contains("[withheld]"), "{round}: {said}");
        }
    }
}

#[test]
fn renewal_hides_the_previous_token() {
    static ISSUED: AtomicUsize = AtomicUsize::new(0);
    let last = std::sync::Mutex::new(String::new());
    let watched = Watched::new(r#"{"token": {"revoked_after_requests": 2}}"#, move |_, issue| {
        let mut last = last.lock().expect("whole");
        if ISSUED.fetch_add(1, Ordering::Relaxed) > 0 {
            return fake_server::refused(401, "invalid_grant", 70_008, &format!("expired: {last} {last}"));
        }
        *last = issue();
        issued(&last)
    });
    let (_, secret) = methods(&watched).remove(0);
    let mut command = watched.program(&RESET);
    command.args(["--lookup", "off"]).envs(secret);
    let (code, said) = watched.run(command, false);
    assert_eq!(code, Some(3), "{said}");
}

/// The script saves its environment and its arguments.
#[cfg(unix)]
#[test]
fn azure_cli_gets_no_secrets() {
    use std::os::unix::fs::PermissionsExt;
    let watched = Watched::new("{}", |_, issue| issued(&issue()));
    let home = watched.stage.home();
    let bin = home.join("bin");
    fs::create_dir(&bin).expect("made");
    let token = watched.stage.token();
    watched.knows("the Azure CLI's token", &token);
    let script = format!(
        "#!/bin/sh\n{{ /usr/bin/env; echo \"$@\"; }} > '{}'\necho '{{\"accessToken\": \"{token}\", \"expires_on\": 4102444800}}'\n",
        home.join("environment").display()
    );
    fs::write(bin.join("az"), script).expect("written");
    fs::set_permissions(bin.join("az"), fs::Permissions::from_mode(0o755)).expect("executable");
    watched.knows("a secret of ours", SECRET);
    let mut command = watched.program(&RESET);
    command.args(["--auth", "cli"]);
    for name in [
        "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "SYSTEM_ACCESSTOKEN",
    ] {
        command.env(name, SECRET);
    }
    let (code, said) = watched.run(command, false);
    assert_eq!(code, Some(0), "{said}");
    let given = fs::read_to_string(home.join("environment")).expect("it was run, and searched");
    assert!(given.contains("PATH=") && given.contains("get-access-token"), "{given}");
}

#[test]
fn unusable_key_is_not_shown() {
    let watched = Watched::new("{}", |_, issue| issued(&issue()));
    let all = methods(&watched);
    let pem = fs::read_to_string(&all[1].1[2].1).expect("a key");
    watched.knows("the password of a key", SECRET);
    let broken =
        [pem.replace("BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY"), pem[..700].to_owned(), pem.replace('M', "*")];
    for (nth, text) in broken.iter().enumerate() {
        let file = watched.stage.home().join(format!("input.{nth}.{}", if nth == 2 { "pfx" } else { "pem" }));
        fs::write(&file, text).expect("written");
        let mut command = watched.program(&RESET);
        command.envs(watched.stage.ids()).env("AZURE_CLIENT_CERTIFICATE_PATH", &file);
        command.env("AZURE_CLIENT_CERTIFICATE_PASSWORD", SECRET);
        let (code, said) = watched.run(command, false);
        assert_eq!(code, Some(2), "{said}");
    }
}
