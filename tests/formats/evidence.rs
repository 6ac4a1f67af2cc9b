//! The evidence: what is in it, what is not, and its signature.

use crate::{finished, passwords};
use passwave::report::evidence::{self, EVIDENCE_NAME};
use serde_json::Value;
use std::fs;

#[test]
fn evidence_has_every_row_and_no_password() {
    let (_home, ledger) = finished();
    let written = evidence::write(&ledger).expect("written");
    let text = fs::read_to_string(&written.file).expect("a file");
    let page = fs::read_to_string(written.page.expect("a page")).expect("a file");
    for password in passwords(&ledger) {
        assert!(!text.contains(&password) && !page.contains(&password), "a password");
    }
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let rows = value["rows"].as_array().expect("rows");
    assert_eq!((rows.len() as u64, written.rows), (ledger.counts().rows(), ledger.counts().rows()));
    assert!(rows.iter().zip(1..).all(|(row, number)| row["row"] == number));
    assert_eq!(value["final_chain"], written.final_chain.as_str());
    let statuses: std::collections::BTreeSet<_> = rows.iter().filter_map(|row| row["status"].as_str()).collect();
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), ["failed", "in_doubt", "pending", "reset", "skipped"]);
    assert_eq!(evidence::check(&written.file).expect("it holds").final_chain, written.final_chain);
}

#[test]
fn evidence_holds_to_its_schema() {
    let (_home, ledger) = finished();
    let written = evidence::write(&ledger).expect("written");
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/evidence.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(file).expect("a schema")).expect("JSON");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("urn:tested", schema).expect("a schema");
    let index = compiler.compile("urn:tested", &mut schemas).expect("a schema");
    let value: Value = serde_json::from_slice(&fs::read(written.file).expect("a file")).expect("JSON");
    schemas.validate(&value, index).unwrap_or_else(|error| panic!("{error:#}"));
    let mut strange = value;
    strange["rows"][0]["password"] = "x".into();
    assert!(schemas.validate(&strange, index).is_err(), "a field that the schema does not know is found");
}

#[cfg(feature = "sign")]
mod signed {
    use super::*;
    use passwave::report::evidence::{KeyFault, KeyFile, SignatureFault, signature_of, verify};
    use secrecy::SecretString;
    use std::{
        path::Path,
        process::{Command, Stdio},
    };

    /// Makes a key with OpenSSH; `None` if that is not installed.
    fn key(folder: &Path, name: &str, kind: &str, passphrase: &str) -> Option<std::path::PathBuf> {
        let file = folder.join(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", passphrase, "-C", "admin@contoso.com", "-f"]).arg(&file);
        match command.status() {
            Err(_) => {
                eprintln!("left out: ssh-keygen is not installed");
                None
            }
            Ok(status) => {
                assert!(status.success());
                Some(file)
            }
        }
    }

    #[test]
    fn openssh_accepts_the_signature() {
        let (home, ledger) = finished();
        let Some(file) = key(home.path(), "key", "ed25519", "") else { return };
        let written = evidence::write(&ledger).expect("written");
        assert_eq!(verify(&written.file).expect("readable"), None);
        let Ok(KeyFile::Open(signer)) = KeyFile::read(&file) else { panic!("it has no passphrase") };
        let signed = signer.sign(&written.file).expect("signed");
        assert_eq!(verify(&written.file).expect("it holds"), Some(signed.clone()));
        let allowed = home.path().join("allowed");
        fs::write(&allowed, format!("admin@contoso.com {}\n", signed.public_key)).expect("written");
        let holds = || {
            let mut command = Command::new("ssh-keygen");
            command.args(["-Y", "verify", "-n", "passwave-evidence", "-I", "admin@contoso.com", "-f"]).arg(&allowed);
            command.arg("-s").arg(signature_of(&written.file)).stdin(fs::File::open(&written.file).expect("a file"));
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it starts").success()
        };
        assert!(holds());
        let mut bytes = fs::read(&written.file).expect("a file");
        bytes[40] ^= 1;
        fs::write(&written.file, bytes).expect("written");
        assert!(!holds());
        assert!(matches!(verify(&written.file), Err(SignatureFault::Broken)));
    }

    #[test]
    fn signature_of_openssh_is_accepted() {
        let (home, ledger) = finished();
        let Some(file) = key(home.path(), "key", "ed25519", "") else { return };
        let written = evidence::write(&ledger).expect("written");
        let sign = |purpose: &str| {
            let _ = fs::remove_file(signature_of(&written.file));
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-Y", "sign", "-n", purpose, "-f"]).arg(&file).arg(&written.file);
            assert!(command.stderr(Stdio::null()).status().expect("it starts").success());
        };
        sign("passwave-evidence");
        assert!(verify(&written.file).expect("it holds").expect("a signature").fingerprint.starts_with("SHA256:"));
        sign("file");
        assert!(matches!(verify(&written.file), Err(SignatureFault::NotASignature)), "it is for something else");
    }

    #[test]
    fn keys_that_cannot_sign_are_refused() {
        let home = tempfile::tempdir().expect("a folder");
        let Some(locked) = key(home.path(), "locked", "ed25519", "correct horse") else { return };
        let Ok(KeyFile::Locked(key_file)) = KeyFile::read(&locked) else { panic!("it has a passphrase") };
        assert!(matches!(key_file.unlock(&SecretString::from("wrong")), Err(KeyFault::WrongPassphrase)));
        assert!(key_file.unlock(&SecretString::from("correct horse")).is_ok());
        let Some(rsa) = key(home.path(), "rsa", "rsa", "") else { return };
        assert!(matches!(KeyFile::read(&rsa), Err(KeyFault::OtherKind(_))));
        assert!(matches!(KeyFile::read(&locked.with_extension("pub")), Err(KeyFault::NotAKey)));
        assert!(matches!(KeyFile::read(&home.path().join(EVIDENCE_NAME)), Err(KeyFault::Unreadable(_))));
    }
}
