//! Every command that takes a run takes one of a database.

use crate::{
    server::{Server, shared},
    steps::{calm, create},
    workers::Office,
};
use secrecy::ExposeSecret;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn said(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_passwave")).args(words).output().expect("it starts");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_command_with_a_run_takes_a_database() {
    let help = said(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(verbs.contains(&"remove") && verbs.contains(&"doctor"), "{verbs:?}");
    for verb in verbs {
        let help = said(&["help", verb]);
        let takes_a_run = help.contains("<RUN>") || help.contains("[RUN]") || verb == "doctor";
        assert!(!takes_a_run || help.contains("--ledger <URL>"), "{verb}");
    }
}

/// A command, its exit code, and what it prints.
type Step = (&'static [&'static str], i32, &'static str);

/// The life of a run in a database, from its plan to the removal of its passwords.
const LIFE: [Step; 16] = [
    (&["doctor"], 0, "not made yet"),
    (&["plan", "pupils.csv", "--run-dir", "semester", "--clear-ledger"], 0, "semester, in the database"),
    (&["runs"], 0, "12 pending, passwords: readable"),
    (&["run", "semester", "--dry-run"], 0, "Nothing was sent"),
    (&["remove", "semester", "--yes"], 2, "has not ended"),
    (&["run", "semester", "--yes"], 0, "semester, in the database"),
    (&["resume", "semester", "--yes"], 0, "semester, in the database"),
    (&["verify", "semester"], 0, "semester/report.csv"),
    (&["report", "semester"], 0, "semester/report.csv"),
    (&["report", "semester", "--format", "csv"], 0, "user12@contoso.com,reset"),
    (&["handouts", "semester"], 0, "semester/handouts"),
    (&["sweep", "semester"], 1, "0 of 12 accounts"),
    (&["evidence", "semester"], 0, "semester/evidence.json"),
    (&["evidence", "semester", "--audit"], 0, "found 12 of 12"),
    (&["doctor"], 0, "in place, as this release needs them"),
    (&["runs", "--format", "json"], 0, "\"pending\": 0"),
];

/// What happens to it afterwards.
const END: [Step; 10] = [
    (&["remove", "semester", "--yes"], 0, "semester: 12 passwords removed"),
    (&["remove", "semester", "--yes"], 0, "were removed before"),
    (&["runs"], 0, "finished, passwords: none"),
    (&["handouts", "semester"], 2, "were removed ("),
    (&["report", "semester", "--out", "elsewhere"], 0, "elsewhere/report.csv"),
    (&["reset", "semester", "--where", "status=reset", "--run-dir", "second", "--clear-ledger", "--yes"], 0, "second"),
    (&["rehearse", "second", "--run-dir", "trial"], 0, "trial/report.csv"),
    (&["work", "--once"], 0, ""),
    (&["remove", "--older-than", "7d", "--yes"], 0, "Nothing was removed"),
    (&["remove", "--older-than", "0d", "--yes"], 0, "second: 12 passwords removed"),
];

fn go(office: &Office<'_>, steps: &[Step]) {
    for (words, code, expected) in steps {
        let output = office.command(words).output().expect("it starts");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(*code), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

/// All passwords that accounts were given so far.
fn given(office: &Office<'_>) -> Vec<String> {
    let names = (1..=12).map(|n| format!("user{n}@contoso.com"));
    let given = names.flat_map(|name| office.served.tenant.ever_given(&name));
    given.map(|password| password.expose_secret().to_owned()).collect()
}

fn has(content: &[u8], passwords: &[String]) -> bool {
    passwords.iter().any(|password| content.windows(password.len()).any(|window| window == password.as_bytes()))
}

/// All files in a folder and below it.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}

/// Where a password is found.
fn places(office: &Office<'_>, passwords: &[String], folder: &str) -> Vec<String> {
    let mut places = Vec::new();
    if has(&office.database.dump(), passwords) {
        places.push("the tables".to_owned());
    }
    if office.database.files().iter().any(|file| has(file, passwords)) {
        places.push("the files of the server".to_owned());
    }
    if has(office.database.sql("SELECT * FROM pg_stats WHERE schemaname = 'passwave'").as_bytes(), passwords) {
        places.push("the statistics of the server".to_owned());
    }
    let with_passwords = files_in(&office.home.path().join(folder)).into_iter();
    let with_passwords = with_passwords.filter(|file| has(&fs::read(file).expect("readable"), passwords));
    places.extend(with_passwords.map(|file| file.display().to_string()));
    places
}

#[test]
fn run_lives_in_a_database_until_its_passwords_are_removed() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 12);
    go(&office, &LIFE);
    let first = given(&office);
    assert_eq!(first.len(), 12);
    office.database.sql("ANALYZE");
    let before = places(&office, &first, "semester");
    assert!(
        ["the tables", "the files of the server"].iter().all(|place| before.contains(&(*place).into())),
        "{before:?}"
    );
    assert!(before.len() > 3 && !before.contains(&"the statistics of the server".into()), "{before:?}");
    let (first_end, rest) = END.split_at(1);
    go(&office, first_end);
    assert_eq!(places(&office, &first, "semester"), Vec::<String>::new());
    go(&office, rest);
    assert_eq!(places(&office, &given(&office), "second"), Vec::<String>::new());
    assert!(!office.home.path().join("semester/handouts").exists());
}

#[test]
fn remove_says_what_the_server_may_still_have() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 12);
    for name in ["one", "two", "three", "four", "five"] {
        for words in
            [&["plan", "pupils.csv", "--run-dir", name, "--clear-ledger"][..], &["run", name, "--yes", "--alongside"]]
        {
            let (code, said) = office.run(words);
            assert_eq!(code, Some(0), "{said}");
        }
    }
    let database = &office.database;
    let role = format!("remover_{}", database.name);
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA passwave TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA passwave TO {role};"
    ));
    let remove = |name, url: &str| {
        let output = office.command(&["remove", name, "--yes", "--ledger", url]).output().expect("it starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let as_runner = remove("one", &database.url_of(&role));
    assert!(as_runner.contains("only the owner of the database may rewrite its tables"), "{as_runner}");
    let (hint, sql) = as_runner.split_once("let the owner of the database run:  ").expect("a statement");
    database.sql(sql.lines().next().unwrap_or(hint));
    let rewrites = |said: &str| said.contains("12 passwords removed") && !said.contains("may still have the passwords");
    if let Some(pooled) = database.pooled() {
        let through_the_pooler = remove("three", &pooled);
        assert!(rewrites(&through_the_pooler), "{through_the_pooler}");
    }
    let held = create(&calm(&database.url()), "held", 2).expect("made");
    let while_held = remove("two", &database.url());
    assert!(while_held.contains("other processes still work with its tables"), "{while_held}");
    assert!(while_held.contains("write-ahead log, backups and standbys"), "{while_held}");
    drop(held);
    for (name, sql) in [("four", "SELECT 1"), ("five", "SELECT count(*) FROM passwave.account")] {
        let session = database.reader(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {sql};"));
        let while_read = remove(name, &database.url());
        assert!(while_read.contains("other processes still work with its tables"), "{sql}: {while_read}");
        session.end();
    }
    let _held = create(&calm(&database.url()), "held again", 2).expect("made");
    let output = office.command(&["verify", "held again"]).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("another process works on held again") && said.contains("wait until it ends;"), "{said}");
}

#[test]
fn doctor_says_what_is_wrong_with_a_database() {
    let Some(postgres) = shared() else { return };
    let office = Office::new(postgres.database(), 2);
    let database = &office.database;
    let role = format!("patient_{}", database.name);
    database.sql(&format!("CREATE ROLE {role} LOGIN; REVOKE CREATE ON DATABASE {} FROM PUBLIC", database.name));
    let url = database.url_of(&role);
    let nowhere = database.url_at(&role, 1);
    let must_say = |url: &str, expected: &[&str]| {
        let output = office.command(&["doctor", "--ledger", url]).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(expected.iter().all(|words| said.contains(words)), "{expected:?}: {said}");
    };
    must_say(&nowhere, &["problem   database ", "cannot be reached"]);
    must_say("postgresql://ann:secret1@db/p", &["problem   database ", "contains a password"]);
    must_say(&url, &["not encrypted: it is on this machine", "has no tables for ledgers", "skipped   rights"]);
    drop(calm(&database.url()));
    must_say(&url, &["the role may not use the schema passwave"]);
    database.sql(&format!(
        "GRANT USAGE ON SCHEMA passwave TO {role};
         GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA passwave TO {role};"
    ));
    must_say(&url, &["the role lacks DELETE on account;", "grant the role SELECT, INSERT, UPDATE and DELETE"]);
    database.sql(&format!("ALTER DATABASE {} SET synchronous_commit = off", database.name));
    must_say(&url, &["problem   commits ", "synchronous_commit = off"]);
    database.sql("UPDATE passwave.migration SET hash = 'another'");
    must_say(&url, &["problem   tables ", "step 1 is another one here"]);
}

#[test]
fn doctor_says_whether_standbys_confirm_commits() {
    let Some(postgres) = Server::start("") else { return };
    let office = Office::new(postgres.database(), 2);
    let doctor = |url: &str, code: i32, words: &[&str]| {
        let output = office.command(&["doctor", "--ledger", url]).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{words:?}: {said}");
    };
    let (url, set) = (office.database.url(), |names: &str| {
        office.database.sql(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        office.database.sql("SELECT pg_reload_conf()");
        office.database.wait_for(&format!("SELECT current_setting('synchronous_standby_names') = '{names}'"));
    });
    doctor(&url, 0, &["ok        standby ", "none follows"]);
    let standby = postgres.standby();
    office.database.wait_for("SELECT count(*) > 0 FROM pg_stat_replication");
    doctor(&url, 0, &["warning   standby ", "1 standby follows, but commits do not wait for it"]);
    set("*");
    doctor(&url, 0, &["ok        standby ", "1 standby follows, and commits wait for it"]);
    let there = office.database.url_at("boss", standby.port);
    doctor(&there, 3, &["problem   standby ", "it only reads", "name the primary server"]);
    drop(standby);
    office.database.wait_for("SELECT count(*) = 0 FROM pg_stat_replication");
    doctor(&url, 0, &["warning   standby ", "commits may wait for ever"]);
}
