//! Other people's clients against `passwave simulate --tls`, unmodified.
//!
//! Each script in this folder uses one client. Its first line names the packages that it needs, with their versions. It
//! prints `ok OPERATION` or `no OPERATION: reason` for each thing that it does; a `no` fails the test. The packages come
//! from PyPI and npm, into a folder below `target`. If they cannot be had, the scripts are left out, and a line says so.
#![cfg(all(unix, feature = "cli"))]

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;
use std::{
    ffi::OsStr,
    fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
/// Clients wait as long as they are told for a user who enters a code. Some accounts are special.
const FAULTS: &str = r#"{"token": {"device_interval_seconds": 1}, "accounts": {"user40@contoso.com": "admin",
    "user41@contoso.com": "admin_by_group", "user42@contoso.com": "synced", "user43@contoso.com": "guest",
    "user44@contoso.com": "disabled"}}"#;

/// A served simulator with fifty accounts.
struct Simulator {
    process: Child,
    /// Open as long as the simulator is used.
    _said: BufReader<ChildStdout>,
    line: Value,
    /// The application's certificate and key.
    certificate: PathBuf,
}

/// A certificate with its key, in PEM.
fn app_certificate() -> String {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    let certificate = CertificateParams::new(Vec::new()).expect("parameters").self_signed(&key).expect("a certificate");
    format!("{}{}", key.serialize_pem(), certificate.pem())
}

impl Simulator {
    fn start(home: &Path) -> Self {
        let (faults, certificate) = (home.join("faults.json"), home.join("app.pem"));
        fs::write(&faults, FAULTS).expect("written");
        fs::write(&certificate, app_certificate()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(["simulate", "--tls", "--accounts", "50", "--no-config", "--faults"]).arg(faults);
        command.args(["--federated-credential", "https://ci.example,repo:one", "--app-certificate"]).arg(&certificate);
        // It is killed at the end, so it cannot remove its authority's folder.
        command.env("TMPDIR", home);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut said = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        said.read_line(&mut line).expect("its line");
        let line = serde_json::from_str(&line).expect("JSON");
        Self { process, _said: said, line, certificate }
    }

    /// What a client needs to know.
    fn tell(&self, command: &mut Command) {
        for (name, field) in [
            ("SIMULATOR_URL", "url"),
            ("AZURE_TENANT_ID", "tenant_id"),
            ("AZURE_CLIENT_ID", "client_id"),
            ("AZURE_CLIENT_SECRET", "client_secret"),
            ("SSL_CERT_FILE", "ca_file"),
            ("REQUESTS_CA_BUNDLE", "ca_file"),
            ("NODE_EXTRA_CA_CERTS", "ca_file"),
        ] {
            command.env(name, self.line[field].as_str().expect(field));
        }
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command.env("NO_PROXY", "*").env("APP_CERTIFICATE", &self.certificate);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The scripts of one language, in order.
fn scripts(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut scripts: Vec<_> = entries.filter(|path| path.extension().is_some_and(|held| held == extension)).collect();
    scripts.sort();
    scripts
}

/// All packages that the scripts name in their first lines.
fn packages(scripts: &[PathBuf]) -> Vec<String> {
    let mut packages = Vec::new();
    for script in scripts {
        let text = fs::read_to_string(script).expect("a script");
        let (_, named) = text.lines().next().and_then(|line| line.split_once("packages: ")).expect("its packages");
        packages.extend(named.split(' ').map(str::to_owned));
    }
    packages.sort();
    packages.dedup();
    packages
}

/// The folder with `packages`, which `install` fills if it has not yet.
fn installed(
    language: &str,
    packages: &[String],
    install: impl Fn(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(language);
    let (done, wanted) = (place.join("installed"), packages.join("\n"));
    if fs::read_to_string(&done).is_ok_and(|held| held == wanted) {
        return Ok(place);
    }
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).map_err(|error| error.to_string())?;
    install(&place)?;
    fs::write(done, wanted).map_err(|error| error.to_string())?;
    Ok(place)
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    if output.status.code() == Some(124) {
        return Err("it took too long".into());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(said.lines().last().unwrap_or("it failed without a word").to_owned())
}

/// Says something even if the test passes.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// How many seconds a script may take. None takes more than some.
const SCRIPT: &str = "120";
/// How many seconds the packages of one language may take: it is not worth it to wait for a slow registry.
const PACKAGES: &str = "60";

/// A program that has to end within so many seconds.
fn limited(seconds: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", seconds]).arg(program);
    command
}

/// Runs each script against a simulator of its own, and prints what it could do. Fails if it could not do something.
fn run(scripts: &[PathBuf], prepare: impl Fn(&Path) -> Command) {
    let mut failed = Vec::new();
    for script in scripts {
        let name = script.file_stem().expect("a name").to_string_lossy();
        let home = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(home.path());
        let mut command = prepare(script);
        simulator.tell(&mut command);
        command.env("HOME", home.path()).current_dir(home.path()).stdin(Stdio::null());
        let Output { status, stdout, stderr } = command.output().expect("it starts");
        let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        stdout.lines().for_each(|line| tell(&format!("{name}: {line}")));
        let did = stdout.lines().filter(|line| line.starts_with("ok ")).count();
        if !status.success() || did == 0 || stdout.lines().any(|line| line.starts_with("no ")) {
            failed.push(format!("{name}: {status}\n{stdout}{stderr}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn clients_in_python() {
    let scripts = scripts("py");
    let packages = packages(&scripts);
    let place = installed("python", &packages, |place| {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(place))?;
        let pip = ["install", "--quiet", "--disable-pip-version-check", "--timeout", "10", "--retries", "1"];
        succeeds(limited(PACKAGES, place.join("bin/python")).args(["-m", "pip"]).args(pip).args(&packages))
    });
    match place {
        Ok(place) => run(&scripts, |script| {
            let mut command = limited(SCRIPT, place.join("bin/python"));
            command.arg(script);
            command
        }),
        Err(why) => tell(&format!("skipped: the clients in Python: {why}")),
    }
}

#[test]
fn clients_in_javascript() {
    let scripts = scripts("mjs");
    let packages = packages(&scripts);
    let place = installed("node", &packages, |place| {
        let quiet = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1", "--prefix"];
        succeeds(limited(PACKAGES, "npm").args(quiet).arg(place).args(&packages))
    });
    match place {
        // Node looks for packages beside the script.
        Ok(place) => run(&scripts, |script| {
            let copy = place.join(script.file_name().expect("a name"));
            fs::copy(script, &copy).expect("copied");
            let mut command = limited(SCRIPT, "node");
            command.arg(copy);
            command
        }),
        Err(why) => tell(&format!("skipped: the clients in JavaScript: {why}")),
    }
}
