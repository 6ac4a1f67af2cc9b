//! An Entra token as the password of the database, as Azure Database for PostgreSQL takes it.

use crate::{server::shared, workers::Office};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use std::{
    fs,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    thread,
};

/// The resource for which the token must be.
const RESOURCE: &str = "https://ossrdbms-aad.database.windows.net";
/// How often the door takes the same token.
const USES: usize = 2;

/// What stands before the server: it asks for a password in the clear, and lets in who has a token for the database. After
/// some connections, it takes a token as expired.
struct Door {
    port: u16,
    /// The passwords that were shown, and whether they were taken.
    shown: Arc<Mutex<Vec<(String, bool)>>>,
}

impl Door {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shown = Arc::<Mutex<Vec<_>>>::default();
        let seen = Arc::clone(&shown);
        thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                thread::spawn(move || let_in(visitor, server, &seen));
            }
        });
        Self { port, shown }
    }

    fn shown(&self) -> Vec<(String, bool)> {
        self.shown.lock().expect("a lock").clone()
    }
}

/// A message without a type, or the rest of one with it: its length, and what it says.
fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; (u32::from_be_bytes(length) as usize).saturating_sub(4)];
    stream.read_exact(&mut body)?;
    Ok([&length[..], &body].concat())
}

fn let_in(mut visitor: TcpStream, server: u16, seen: &Mutex<Vec<(String, bool)>>) -> io::Result<()> {
    let start = message(&mut visitor)?;
    visitor.write_all(b"R\0\0\0\x08\0\0\0\x03")?;
    let mut kind = [0];
    visitor.read_exact(&mut kind)?;
    let said = message(&mut visitor)?;
    let password = String::from_utf8_lossy(said[4..].strip_suffix(b"\0").unwrap_or_default()).into_owned();
    let is_good = {
        let mut seen = seen.lock().expect("a lock");
        let uses = seen.iter().filter(|(shown, is_good)| *shown == password && *is_good).count();
        let is_good = kind == *b"p" && audience(&password).is_some_and(|audience| audience == RESOURCE) && uses < USES;
        seen.push((password.clone(), is_good));
        is_good
    };
    if !is_good {
        // Not what a server should say.
        let repeated = &password;
        let fields = format!("SFATAL\0VFATAL\0C28P01\0Mthe token {repeated} is not valid\0\0");
        visitor.write_all(&[b"E", &(fields.len() as u32 + 4).to_be_bytes()[..], fields.as_bytes()].concat())?;
        return visitor.shutdown(Shutdown::Both);
    }
    let mut inside = TcpStream::connect(("127.0.0.1", server))?;
    inside.write_all(&start)?;
    let (mut from_inside, mut to_visitor) = (inside.try_clone()?, visitor.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_inside, &mut to_visitor);
        let _ = to_visitor.shutdown(Shutdown::Both);
    });
    let _ = io::copy(&mut visitor, &mut inside);
    let _ = inside.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}

/// For which resource a token is.
fn audience(token: &str) -> Option<String> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims["aud"].as_str().map(str::to_owned)
}

#[test]
fn token_is_the_password_of_each_connection() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 6);
    let door = Door::before(postgres.port);
    let url = office.database.url_at("boss", door.port);
    let go = |words: &[&str]| {
        let output = office.command(words).arg("-vvv").env("PASSWAVE_LEDGER", &url).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
        assert!(door.shown().iter().all(|(token, _)| !said.contains(token)), "a token is in the log");
        said
    };
    let planned = go(&["plan", "pupils.csv", "--run-dir", "wave", "--clear-ledger", "--ledger-auth", "secret"]);
    assert!(planned.contains("passwave run wave --ledger-auth secret"), "{planned}");
    go(&["work", "--once", "--ledger-auth", "auto"]);
    go(&["report", "wave", "--ledger-auth", "secret"]);
    go(&["doctor", "--ledger-auth", "secret"]);
    assert_eq!(office.database.sql("SELECT count(*) FROM passwave.account WHERE state = 'reset'"), "6");
    let shown = door.shown();
    let mut tokens: Vec<&String> = shown.iter().map(|(token, _)| token).collect();
    tokens.dedup();
    assert!(tokens.len() > 4, "each command has its own, and a new one when the server no longer takes it");
    assert!(shown.iter().any(|(_, is_good)| !is_good), "the server has refused one in between");
    assert!(tokens.iter().all(|token| audience(token).as_deref() == Some(RESOURCE)), "{tokens:?}");
}

#[test]
fn sign_in_that_fails_is_no_fault_of_the_database() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 2);
    let door = Door::before(postgres.port);
    let mut command = office.command(&["runs", "--ledger-auth", "secret"]);
    command.env("PASSWAVE_LEDGER", office.database.url_at("boss", door.port)).env("AZURE_CLIENT_SECRET", "wrong");
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("AADSTS7000215") && said.contains("hint:"), "{said}");
    assert_eq!(door.shown(), [], "nothing was sent to the database");
    let mut command = office.command(&["runs", "--ledger-auth", "secret"]);
    let output = command.env_remove("AZURE_CLIENT_SECRET").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("AZURE_CLIENT_SECRET"), "{said}");
}

/// A token for a resource that nobody has signed.
fn unsigned(resource: &str) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.x", part("{}"), part(&format!("{{\"aud\":\"{resource}\"}}")))
}

/// Answers one request, and returns its first line.
fn identity_endpoint(resource: &'static str) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let answering = thread::spawn(move || {
        let (mut visitor, _) = listener.accept().expect("a visitor");
        let (mut asked, mut byte) = (Vec::new(), [0]);
        while !asked.ends_with(b"\r\n\r\n") {
            visitor.read_exact(&mut byte).expect("a request");
            asked.extend(byte);
        }
        let body = format!("{{\"access_token\":\"{}\",\"expires_in\":\"3600\"}}", unsigned(resource));
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        visitor.write_all(answer.as_bytes()).expect("an answer");
        String::from_utf8_lossy(&asked).lines().next().unwrap_or_default().to_owned()
    });
    (port, answering)
}

#[test]
fn every_way_to_sign_in_asks_for_the_database() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 2);
    let door = Door::before(postgres.port);
    let run = |how: &str, variables: &[(&str, &str)]| {
        let mut command = office.command(&["runs", "--ledger-auth", how]);
        command.env("PASSWAVE_LEDGER", office.database.url_at("boss", door.port)).env_remove("AZURE_CLIENT_ID");
        command.envs(variables.iter().copied());
        let output = command.output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{how}: {said}");
        assert!(door.shown().last().is_some_and(|(_, is_good)| *is_good), "{how}: {said}");
        said
    };
    let (port, asked) = identity_endpoint(RESOURCE);
    run("managed", &[("IDENTITY_ENDPOINT", &format!("http://127.0.0.1:{port}/msi")), ("IDENTITY_HEADER", "x")]);
    let asked = asked.join().expect("a request");
    assert!(asked.contains("resource=https%3A%2F%2Fossrdbms-aad.database.windows.net"), "{asked}");

    let program = office.home.path().join("az");
    let script = format!(
        "#!/bin/sh\necho \"$@ $PGPASSWORD\" >\"$0.asked\"\necho '{{\"accessToken\":\"{}x\",\"expires_on\":4000000000}}'\n",
        unsigned(RESOURCE)
    );
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("set");
    let path = format!("{}:/usr/bin:/bin", office.home.path().display());
    run("cli", &[("PATH", &path), ("PGPASSWORD", "another secret")]);
    let asked = fs::read_to_string(program.with_extension("asked")).expect("it was called");
    assert!(asked.contains(&format!("--resource {RESOURCE}")) && !asked.contains("another secret"), "{asked}");

    let said = run("device-code", &[]);
    assert!(said.contains("devicelogin") || said.contains("code"), "{said}");
}

#[test]
fn token_that_the_server_repeats_is_withheld() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 2);
    let door = Door::before(postgres.port);
    let (port, _answering) = identity_endpoint("https://graph.microsoft.com");
    let mut command = office.command(&["runs", "--ledger-auth", "managed", "-vvv"]);
    command.env("PASSWAVE_LEDGER", office.database.url_at("boss", door.port)).env_remove("AZURE_CLIENT_ID");
    command.env("IDENTITY_ENDPOINT", format!("http://127.0.0.1:{port}/msi")).env("IDENTITY_HEADER", "x");
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let shown = door.shown();
    assert!(shown.iter().all(|(token, is_good)| !is_good && !said.contains(token)) && !shown.is_empty(), "{said}");
    let output = office
        .command(&["runs"])
        .env("PASSWAVE_LEDGER", office.database.url_at("boss", door.port))
        .env("PGPASSWORD", "a secret that is no token")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the server refused the sign-in: [withheld]") && !said.contains("no token"), "{said}");
}
