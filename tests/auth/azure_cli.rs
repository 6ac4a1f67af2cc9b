//! The Azure CLI, replaced by a script.

use crate::{
    SECRET, TENANT, endpoints,
    fake_server::{self, FakeServer},
};
use passwave::graph::client::{TokenSource, auth::AzureCli};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Writes a program with the name of the Azure CLI. It saves its arguments in the file `arguments`, prints the file
/// `output`, prints the file `complaint` on stderr, and fails if there is a complaint.
pub fn fake(folder: &Path, output: &str, complaint: &str) -> PathBuf {
    fs::write(folder.join("output"), output).expect("written");
    fs::write(folder.join("complaint"), complaint).expect("written");
    let [arguments, output, words] = ["arguments", "output", "complaint"].map(|name| folder.join(name));
    let (arguments, output, words) = (arguments.display(), output.display(), words.display());
    let code = i32::from(!complaint.is_empty());
    let (name, script) = if cfg!(windows) {
        (
            "az.cmd",
            format!(
                "@echo off\r\necho %*> \"{arguments}\"\r\ntype \"{output}\"\r\ntype \"{words}\" 1>&2\r\nexit /b {code}\r\n"
            ),
        )
    } else {
        let cat = "while IFS= read -r line || [ -n \"$line\" ]; do printf '%s\\n' \"$line\"; done";
        let script =
            format!("#!/bin/sh\necho \"$@\" > '{arguments}'\n{cat} < '{output}'\n{cat} < '{words}' >&2\nexit {code}\n");
        ("az", script)
    };
    let program = folder.join(name);
    fs::write(&program, script).expect("written");
    #[cfg(unix)]
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    program
}

/// What `az account get-access-token` prints.
pub fn output(token: &str) -> String {
    let end = jiff::Timestamp::now().as_second() + 3_600;
    format!(
        r#"{{"accessToken": "{token}", "expiresOn": "2026-01-01 00:00:00.000000", "expires_on": {end}, "tokenType": "Bearer"}}"#
    )
}

#[tokio::test]
async fn requests_a_graph_token() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    for (tenant, expected) in [
        (None, format!("account get-access-token --resource {} --output json", server.url)),
        (Some(TENANT), format!("account get-access-token --resource {} --output json --tenant {TENANT}", server.url)),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let program = fake(place.path(), &output("a.b.c"), "");
        let credential =
            AzureCli::new(&endpoints(&server), program.into(), tenant.map(str::to_owned)).expect("a credential");
        assert_eq!(credential.fetch().await.expect("a token").authorization().expose_secret(), "Bearer a.b.c");
        let arguments = fs::read_to_string(place.path().join("arguments")).expect("its arguments");
        // Windows keeps the quotation marks of the command line.
        assert_eq!(arguments.trim().replace('"', ""), expected);
    }
}

#[tokio::test]
async fn failures_are_told_without_secrets() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let broken = format!("{{\"accessToken\": \"{SECRET}\",");
    for (output, complaint, expected) in [
        ("", "ERROR: Please run 'az login' to setup account.", "Please run 'az login'"),
        ("", "ERROR: AADSTS50076: Due to a configuration change made by your administrator", "AADSTS50076"),
        (broken.as_str(), "", "did not return a token"),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let program = fake(place.path(), output, complaint);
        let error = AzureCli::new(&endpoints(&server), program.into(), None)
            .expect("a credential")
            .fetch()
            .await
            .err()
            .expect("refused");
        let told = format!("{error} {error:?}");
        assert!(told.contains(expected) && !told.contains(SECRET) && !error.is_passing(), "{told}");
    }
    let absent = AzureCli::new(&endpoints(&server), "no-such-program-anywhere".into(), None).expect("a credential");
    assert!(absent.fetch().await.err().expect("refused").to_string().contains("not on the PATH"));
    assert!(AzureCli::new(&endpoints(&server), "az".into(), Some("a & b".into())).is_err());
}

#[tokio::test]
async fn child_wait_is_limited() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let program = fake(place.path(), "", "");
    let endless = if cfg!(windows) { ":on\r\ngoto on\r\n" } else { "#!/bin/sh\nwhile :; do :; done\n" };
    fs::write(&program, endless).expect("written");
    let credential = AzureCli::new(&endpoints(&server), program.into(), None)
        .expect("a credential")
        .within(Duration::from_millis(1));
    assert!(credential.fetch().await.err().expect("refused").to_string().contains("did not answer"));
}

/// The result of the sign-in if the program prints `output`, and fails with `complaint` if there is one.
async fn asked(output: &str, complaint: &str) -> Result<String, String> {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let program = fake(place.path(), output, complaint);
    let token = AzureCli::new(&endpoints(&server), program.into(), None).expect("a credential").fetch().await;
    let header = token.map(|token| token.authorization().expose_secret().to_owned());
    header.map_err(|error| error.to_string())
}

#[tokio::test]
async fn answer_is_found_among_noise() {
    let answer = output("a.b.c");
    for noise in [
        format!("\u{FEFF}{answer}"),
        format!("WARNING: a plug-in is out of date {{see the log}}\n{answer}"),
        format!("{answer}\nA new version is available.\n"),
        format!("{{}}\n[1]\n{answer}\n{{\"telemetry\": true}}"),
        answer.replace(", ", ",\n  "),
    ] {
        assert_eq!(asked(&noise, "").await.as_deref(), Ok("Bearer a.b.c"), "{noise}");
    }
    let two = format!("{answer}\n{}", output("d.e.f"));
    assert!(asked(&two, "").await.expect_err("which one?").contains("did not return a token"));
}

#[tokio::test]
async fn output_without_a_token_is_shown() {
    let told =
        asked(&format!("Your session is broken: eyJ{SECRET}{SECRET}\u{1b}[2J\n"), "").await.expect_err("no token");
    assert!(told.contains("did not return a token: Your session is broken: [withheld]"), "{told}");
    assert!(!told.contains(SECRET) && !told.contains('\u{1b}'), "{told}");
    let long = "x".repeat(60);
    let told = asked(&format!("\n{long} is no token\n"), "").await.expect_err("no token");
    assert!(told.contains("[withheld] is no token") && !told.contains(&long), "{told}");
}

#[tokio::test]
async fn crashes_report_their_last_line() {
    let crash = "Traceback (most recent call last):\n  File \"/opt/az/main.py\", line 3, in <module>\n    run()\n\nModuleNotFoundError: No module named 'azure'\n";
    let told = asked("", crash).await.expect_err("a crash");
    assert!(told.contains("ModuleNotFoundError: No module named 'azure'") && !told.contains("Traceback"), "{told}");
    let told = asked("", &format!("WARNING: old\nERROR: eyJ{SECRET}\n")).await.expect_err("refused");
    assert!(!told.contains(SECRET), "{told}");
}

#[cfg(unix)]
async fn scripted(script: &str) -> Result<String, String> {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let program = fake(place.path(), "", "");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
    let token = AzureCli::new(&endpoints(&server), program.into(), None).expect("a credential").fetch().await;
    token.map(|_| "a token".to_owned()).map_err(|error| error.to_string())
}

#[cfg(unix)]
#[tokio::test]
async fn output_without_end_is_cut_off() {
    let line = "a".repeat(4_000);
    for pipe in ["", " >&2"] {
        let told = scripted(&format!("while :; do echo {line}{pipe}; done")).await.expect_err("no token");
        assert!(told.contains("more than a token can hold") && !told.contains("aaaa"), "{told}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn orphaned_children_are_not_awaited() {
    let told = scripted(&format!("sleep 300 &\necho '{}'", output("a.b.c"))).await;
    assert_eq!(told.as_deref(), Ok("a token"));
}

/// The program and its child hold a pipe open as long as one of them lives.
#[cfg(unix)]
#[tokio::test]
async fn child_processes_are_ended() {
    let server = FakeServer::new(|_| fake_server::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let life = place.path().join("life");
    let made = std::process::Command::new("mkfifo").arg(&life).status().expect("mkfifo");
    assert!(made.success());
    let program = fake(place.path(), "", "");
    let script = format!("#!/bin/sh\nexec 3> '{}'\n(sleep 300) &\nsleep 300\n", life.display());
    fs::write(&program, script).expect("written");
    let (opened, is_open) = tokio::sync::oneshot::channel();
    let reader = std::thread::spawn(move || {
        let mut pipe = fs::File::open(&life).expect("the program has opened it");
        opened.send(()).expect("a receiver");
        std::io::Read::read_to_end(&mut pipe, &mut Vec::new()).expect("its end");
    });
    let credential = AzureCli::new(&endpoints(&server), program.into(), None).expect("a credential");
    tokio::select! {
        _ = credential.fetch() => panic!("it answered"),
        opened = is_open => opened.expect("it runs"),
    }
    // Both processes are gone. Otherwise this would wait for five minutes.
    tokio::task::spawn_blocking(move || reader.join().expect("read")).await.expect("its end");
}
