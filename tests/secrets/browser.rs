//! The browser's sign-in: its code, the proof for it, the refresh tokens and the tokens stay secret. A script plays the
//! browser; it needs `curl`, and without it these tests say so and are left out.
#![cfg(unix)]

use crate::{
    canary,
    fake_server::{self, FakeAnswer, Seen},
    stage::{issued, said},
    watched::Watched,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD as BASE64, Engine};
use serde_json::json;
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

const CODE: &str = "1.AXoA~code/of=ours.and+long";
const RESET: [&str; 7] = ["reset", "wave.csv", "--run-dir", "run", "--yes", "--auth", "browser"];
const ASKED_FOR: [&str; 4] = ["ledger.db", "report.csv", "report.html", "browser.sh"];

fn curl() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let found = env::split_paths(&path).map(|folder| folder.join("curl")).find(|file| file.is_file());
    if found.is_none() {
        #[expect(clippy::print_stderr, reason = "reports what is not tested")]
        {
            eprintln!("no curl on this machine: the secrets of a browser's sign-in are not tested");
        }
    }
    found
}

/// A script that asks the service for its page, and comes back with the code at once.
fn browser(home: &Path, curl: &Path) -> PathBuf {
    let script = home.join("browser.sh");
    let text = format!(
        "#!/bin/sh\ncurl() {{ '{}' -s --noproxy '*' \"$@\"; }}\ncurl -o /dev/null \"$1\"\n\
         state=${{1#*state=}}\nport=${{1#*localhost%3A}}\n\
         curl -G -o '{}/page.html' --data-urlencode 'code={CODE}' -d \"state=${{state%%&*}}\" \"http://localhost:${{port%%&*}}/\"\n",
        curl.display(),
        home.display()
    );
    fs::write(&script, text).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("executable");
    script
}

/// Runs it, and searches everything that it produced for everything secret that the service has seen or issued.
fn run(watched: &Watched, mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("it starts");
    watched.knows("the code", CODE);
    for seen in watched.stage.server.seen() {
        for name in ["code_verifier", "refresh_token"] {
            let secret = seen.field(name);
            if !secret.is_empty() {
                watched.knows(name, &secret);
            }
        }
    }
    watched.search(&output, false, &ASKED_FOR);
    (output.status.code(), said(&output))
}

fn program(watched: &Watched, curl: &Path) -> Command {
    let mut command = watched.program(&RESET);
    command.env("BROWSER", browser(watched.stage.home(), curl));
    command
}

/// A service that issues tokens for the nonce of the last page, and a new refresh token each time.
fn service(seen: &Seen, issue: &dyn Fn() -> String, nonce: &Mutex<(String, u32)>) -> FakeAnswer {
    let mut held = nonce.lock().expect("whole");
    if seen.path.ends_with("/authorize") {
        held.0 = seen.query("nonce").to_owned();
        return (200, json!({}));
    }
    held.1 += 1;
    let (status, mut told) = issued(&issue());
    told["refresh_token"] = json!(format!("0.refresh~token/of=ours.{}", held.1));
    told["id_token"] = json!(format!("e30.{}.c2ln", BASE64.encode(json!({"nonce": held.0}).to_string())));
    (status, told)
}

#[test]
fn browser_reveals_no_secret() {
    let Some(curl) = curl() else { return };
    let nonce = Mutex::default();
    let faults = r#"{"token": {"revoked_after_requests": 2}, "items": {"conflict": 0.2}}"#;
    let watched = Watched::new(faults, move |seen, issue| service(seen, issue, &nonce));
    let mut command = program(&watched, &curl);
    command.args(["--batch-size", "9", "--concurrency", "1"]);
    let (code, told) = run(&watched, command);
    assert!(matches!(code, Some(0 | 1)), "{told}");
    let grants: Vec<_> = watched.stage.server.seen().iter().map(|seen| seen.field("grant_type")).collect();
    assert!(grants.iter().filter(|grant| *grant == "refresh_token").count() > 1, "{grants:?}");
}

#[test]
fn echoing_service_gets_no_code_repeated() {
    let Some(curl) = curl() else { return };
    let watched = Watched::new("{}", |seen, _| {
        let fields: Vec<String> = seen.fields().iter().map(|name| seen.field(name)).collect();
        let forms: Vec<String> = fields.iter().flat_map(|text| canary::forms(text)).collect();
        fake_server::refused(400, "invalid_grant", 70_000, &format!("{} {}", fields.join(" "), forms.join(" ")))
    });
    let command = program(&watched, &curl);
    let (code, told) = run(&watched, command);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("AADSTS70000") && told.contains("[withheld]"), "{told}");
    assert!(watched.stage.server.seen().iter().any(|seen| seen.field("code") == CODE), "the code came through");
}
