//! Encrypted connections to a server with a certificate of its own authority.

use crate::{
    certificates::{Folder, certificate, in_url},
    server::{Server, shared},
    workers::Office,
};
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

/// The host that the server's certificate names, and another one. Both are on this machine.
const HOST: &str = "db.example.com";
const OTHER_HOST: &str = "other.example.com";
const PASSWORD: &str = "the password of ann";
const YEARS: (i32, i32) = (2020, 2099);

/// A server that takes nothing but encrypted connections, except from its owner.
struct Secured {
    files: Folder,
    postgres: Server,
}

impl Secured {
    fn start(years: (i32, i32)) -> Option<Self> {
        let files = Folder::new();
        let authority = files.authority("authority");
        files.authority("stranger");
        let (own, key) = certificate(&authority, HOST, years);
        let (client, client_key) = certificate(&authority, "certified", YEARS);
        files.write("client.pem", &client);
        files.write("client.key", &client_key);
        let hba = "local all all trust\nhost all boss 127.0.0.1/32 trust\nhostssl all ann 127.0.0.1/32 scram-sha-256\n\
                   hostssl all certified 127.0.0.1/32 cert\n";
        let settings = [
            ("ssl_cert_file", files.write_for_the_server("server.pem", &own)),
            ("ssl_key_file", files.write_for_the_server("server.key", &key)),
            ("ssl_ca_file", files.write_for_the_server("clients.pem", &authority.pem())),
            ("hba_file", files.write_for_the_server("pg_hba.conf", hba)),
        ];
        let settings = settings.map(|(name, file)| format!("{name} = '{}'\n", file.display())).concat();
        let postgres = Server::start(&format!("ssl = on\npassword_encryption = 'scram-sha-256'\n{settings}"))?;
        Some(Self { files, postgres })
    }

    /// An office whose database these roles may use.
    fn office(&self) -> Office<'_> {
        let office = Office::new(self.postgres.database(), 6);
        office.database.sql(&format!(
            "CREATE ROLE ann LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE certified LOGIN;
             GRANT CREATE ON DATABASE {} TO ann, certified",
            office.database.name
        ));
        office
    }
}

/// The address of a database behind a host's name.
fn url(office: &Office<'_>, role: &str, host: &str, port: u16, more: &str) -> String {
    format!("postgresql://{role}@{host}:{port}/{}?hostaddr=127.0.0.1{more}", office.database.name)
}

/// The exit code, and what a command prints on standard error.
fn said(office: &Office<'_>, url: &str, words: &[&str]) -> (Option<i32>, String) {
    let mut command = office.command(words);
    let output = command.env("PASSWAVE_LEDGER", url).env("PGPASSWORD", PASSWORD).output().expect("it starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn must_be_refused(office: &Office<'_>, url: &str, code: i32, words: &[&str]) {
    let (found, said) = said(office, url, &["runs"]);
    assert_eq!(found, Some(code), "{url}: {said}");
    assert!(words.iter().all(|word| said.contains(word)), "{url}: {said}");
}

#[test]
fn run_works_over_tls_with_channel_binding() {
    let Some(secured) = Secured::start(YEARS) else { return };
    let office = secured.office();
    let authority = secured.files.file("authority.pem");
    let port = secured.postgres.port;
    let bound = "&channel_binding=require";
    let with_option = url(&office, "ann", HOST, port, &format!("{bound}&sslrootcert={}", in_url(&authority)));
    let with_flag = url(&office, "ann", HOST, port, bound);
    let flag = ["--ca-file", authority.to_str().expect("a path")];
    for (url, words) in [
        (&with_option, &["plan", "pupils.csv", "--run-dir", "wave", "--clear-ledger"][..]),
        (&with_flag, &[&["run", "wave", "--yes"][..], &flag].concat()),
        (&with_flag, &[&["report", "wave"][..], &flag].concat()),
        (&with_flag, &[&["runs"][..], &flag].concat()),
        (&with_flag, &[&["handouts", "wave"][..], &flag].concat()),
        (&with_flag, &[&["remove", "wave", "--yes"][..], &flag].concat()),
        (&with_option, &["doctor"]),
    ] {
        let (code, said) = said(&office, url, words);
        assert_eq!(code, Some(0), "{words:?}: {said}");
    }
    let planned = said(
        &office,
        &with_flag,
        &[&["plan", "pupils.csv", "--run-dir", "next", "--clear-ledger"][..], &flag].concat(),
    );
    let repeats = format!("passwave run next --ca-file {}", authority.display());
    assert!(planned.1.contains(&repeats), "the next command trusts the same authority: {}", planned.1);
    assert_eq!(office.database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'"), "6");
}

#[test]
fn servers_that_cannot_be_trusted_are_refused() {
    let Some(secured) = Secured::start(YEARS) else { return };
    let office = secured.office();
    let port = secured.postgres.port;
    let roots = |name: &str| format!("&sslrootcert={}", in_url(&secured.files.file(name)));
    let unknown =
        ["no authority that is trusted here has signed its certificate", "--ca-file FILE", "sslrootcert=FILE"];
    must_be_refused(&office, &url(&office, "ann", HOST, port, ""), 3, &unknown);
    must_be_refused(&office, &url(&office, "ann", HOST, port, &roots("stranger.pem")), 3, &unknown);
    must_be_refused(&office, &url(&office, "ann", HOST, port, "&sslmode=prefer"), 3, &unknown);
    let other = url(&office, "ann", OTHER_HOST, port, &roots("authority.pem"));
    must_be_refused(&office, &other, 3, &["its certificate is for another host", "as the certificate names it"]);
    let missing = url(&office, "ann", HOST, port, &roots("missing.pem"));
    must_be_refused(&office, &missing, 2, &["missing.pem cannot be used", "nothing was sent"]);
    must_be_refused(&office, &url(&office, "ann", HOST, port, "&sslmode=disable"), 2, &["would not be encrypted"]);
    assert!(!secured.postgres.log().contains("ann"), "nothing was sent to any of them");
}

#[test]
fn expired_certificate_is_refused() {
    let Some(secured) = Secured::start((2020, 2021)) else { return };
    let office = secured.office();
    let roots = format!("&sslrootcert={}", in_url(&secured.files.file("authority.pem")));
    let url = url(&office, "ann", HOST, secured.postgres.port, &roots);
    must_be_refused(&office, &url, 3, &["its certificate is not valid now", "renew the certificate"]);
}

#[test]
fn server_without_tls_is_refused_unless_it_is_here() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 2);
    for mode in ["", "&sslmode=prefer", "&sslmode=require"] {
        let url = url(&office, "boss", HOST, postgres.port, mode);
        must_be_refused(&office, &url, 3, &["the server does not offer TLS", "ssl = on"]);
    }
    must_be_refused(
        &office,
        &format!("{}?sslmode=require", office.database.url()),
        3,
        &["the server does not offer TLS"],
    );
    let (code, said) = said(&office, &office.database.url(), &["runs"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn client_can_sign_in_with_a_certificate() {
    let Some(secured) = Secured::start(YEARS) else { return };
    let office = secured.office();
    let file = |name: &str| in_url(&secured.files.file(name));
    let roots = format!("&sslrootcert={}", file("authority.pem"));
    let port = secured.postgres.port;
    let key: PathBuf = secured.files.file("client.key");
    let client = format!("{roots}&sslcert={}&sslkey={}", file("client.pem"), in_url(&key));
    let own = url(&office, "certified", HOST, port, &client);
    let (code, text) = said(&office, &own, &["plan", "pupils.csv", "--run-dir", "wave", "--clear-ledger"]);
    assert_eq!(code, Some(0), "{text}");
    let without = url(&office, "certified", HOST, port, &roots);
    must_be_refused(&office, &without, 3, &["valid client certificate", "sslcert and sslkey"]);
    let another = url(&office, "ann2", HOST, port, &client);
    must_be_refused(&office, &another, 3, &["SQLSTATE 28"]);
    let half = url(&office, "certified", HOST, port, &format!("{roots}&sslcert={}", file("client.pem")));
    must_be_refused(&office, &half, 2, &["sslcert and sslkey are needed together"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("set");
    must_be_refused(&office, &own, 2, &["client.key cannot be used", "0600"]);
}
