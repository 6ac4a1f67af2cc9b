//! The Azure CLI, played by a script of this test's own.

use crate::{
    SECRET, TENANT,
    desk::{self, Desk},
    site,
};
use passwave::graph::client::{TokenSource, doors::AzureCli};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Writes a program named as the Azure CLI is; it keeps its arguments in the file `arguments`, puts out the file `output`,
/// complains with the file `complaint`, and fails where there is one.
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

/// What `az account get-access-token` puts out.
pub fn output(token: &str) -> String {
    let end = jiff::Timestamp::now().as_second() + 3_600;
    format!(
        r#"{{"accessToken": "{token}", "expiresOn": "2026-01-01 00:00:00.000000", "expires_on": {end}, "tokenType": "Bearer"}}"#
    )
}

#[tokio::test]
async fn it_is_asked_for_a_token_of_graph() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    for (tenant, expected) in [
        (None, format!("account get-access-token --resource {} --output json", desk.url)),
        (Some(TENANT), format!("account get-access-token --resource {} --output json --tenant {TENANT}", desk.url)),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let program = fake(place.path(), &output("a.b.c"), "");
        let door = AzureCli::new(&site(&desk), program.into(), tenant.map(str::to_owned)).expect("a door");
        assert_eq!(door.fetch().await.expect("a token").header(), "Bearer a.b.c");
        let arguments = fs::read_to_string(place.path().join("arguments")).expect("its arguments");
        // Windows shows them with the quotes that they travel in.
        assert_eq!(arguments.trim().replace('"', ""), expected);
    }
}

#[tokio::test]
async fn what_it_cannot_do_is_told_with_a_cure() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    let broken = format!("{{\"accessToken\": \"{SECRET}\",");
    for (output, complaint, expected) in [
        ("", "ERROR: Please run 'az login' to setup account.", "run `az login`"),
        ("", "ERROR: AADSTS50076: Due to a configuration change made by your administrator", "AADSTS50076"),
        (broken.as_str(), "", "no token"),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let program = fake(place.path(), output, complaint);
        let error =
            AzureCli::new(&site(&desk), program.into(), None).expect("a door").fetch().await.err().expect("refused");
        let told = format!("{error} {error:?}");
        assert!(told.contains(expected) && !told.contains(SECRET) && !error.is_passing(), "{told}");
    }
    let absent = AzureCli::new(&site(&desk), "no-such-program-anywhere".into(), None).expect("a door");
    assert!(absent.fetch().await.err().expect("refused").to_string().contains("not on the PATH"));
    assert!(AzureCli::new(&site(&desk), "az".into(), Some("a & b".into())).is_err());
}

#[tokio::test]
async fn it_is_not_waited_for_without_end() {
    let desk = Desk::new(|_| desk::token("a.b.c"));
    let place = tempfile::tempdir().expect("a folder");
    let program = fake(place.path(), "", "");
    let endless = if cfg!(windows) { ":on\r\ngoto on\r\n" } else { "#!/bin/sh\nwhile :; do :; done\n" };
    fs::write(&program, endless).expect("written");
    let door = AzureCli::new(&site(&desk), program.into(), None).expect("a door").within(Duration::from_millis(1));
    assert!(door.fetch().await.err().expect("refused").to_string().contains("did not answer"));
}
