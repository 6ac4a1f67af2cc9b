//! What programs read: every line of `--json` and every `summary.json` matches its schema in `schema/`, and each
//! account is reported.

#[path = "support/served.rs"]
mod served;

use boon::{Compiler, SchemaIndex, Schemas};
use passwave::graph::client::auth::Variables;
use secrecy::ExposeSecret;
use serde_json::Value;
use served::Served;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// One of our schemas, ready to validate against.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name);
        let text: Value = serde_json::from_slice(&fs::read(path).expect("a schema")).expect("JSON");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("urn:tested", text).expect("a schema");
        let index = compiler.compile("urn:tested", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| format!("{value}: {error:#}"))
    }
}

/// A folder with rosters.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/files");
        for name in ["staff.csv", "trouble.csv"] {
            fs::copy(files.join(name), home.path().join(name)).expect("a roster");
        }
        Self(home)
    }

    fn program(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_passwave"));
        command.args(args.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        for name in Variables::READ {
            command.env_remove(name);
        }
        command.env("PATH", "").env("PASSWAVE_NO_CONFIG", "true");
        command
    }

    /// The lines that the program prints, each validated against the schema, and its exit code.
    fn lines(&self, command: &mut Command) -> (Vec<Value>, Option<i32>) {
        let output = command.output().expect("it starts");
        let lines = lines(&output);
        let schema = Schema::new("events.schema.json");
        lines.iter().for_each(|line| schema.check(line).unwrap_or_else(|error| panic!("{error}")));
        assert_eq!(lines.first().map(|line| &line["event"]), Some(&"started".into()), "{output:?}");
        assert_eq!(
            lines.last().and_then(|line| line["exit_code"].as_i64()).map(|code| code as i32),
            output.status.code()
        );
        (lines, output.status.code())
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().expect("a name")).collect()
}

/// For each row, the last reported status and the number of reports.
fn accounts(lines: &[Value]) -> BTreeMap<u64, (String, usize)> {
    let mut accounts = BTreeMap::new();
    for line in lines.iter().filter(|line| line["event"] == "account") {
        let (status, times) = accounts.entry(line["row"].as_u64().expect("a row")).or_default();
        *status = line["status"].as_str().expect("a status").to_owned();
        *times += 1;
    }
    accounts
}

#[test]
fn rehearsal_reports_each_row_once() {
    let home = Home::new();
    let (lines, code) = home.lines(&mut home.program("rehearse trouble.csv --run-dir run --json --quiet"));
    assert_eq!(code, Some(1));
    let rows = accounts(&lines);
    assert_eq!(rows.len(), 7);
    assert!(rows.values().all(|(_, times)| *times == 1), "{rows:?}");
    let last = lines.last().expect("a line");
    assert_eq!(
        (&last["event"], &last["end"], &last["run_dir"]),
        (&"finished".into(), &"finished".into(), &"run".into())
    );
    for (status, number) in last["counts"].as_object().expect("counts") {
        let told = rows.values().filter(|(told, _)| told == status).count();
        assert_eq!(number.as_u64(), Some(told as u64), "{status}");
    }
    assert!(names(&lines).contains(&"planned"));
}

#[test]
fn quiet_silences_the_text() {
    let home = Home::new();
    let loud = home.program("rehearse staff.csv --run-dir loud --json").output().expect("it starts");
    assert!(!loud.stderr.is_empty() && !lines(&loud).is_empty());
    let quiet = home.program("rehearse staff.csv --run-dir quiet --json -q").output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    let silent = home.program("rehearse staff.csv --run-dir silent --quiet").output().expect("it starts");
    assert_eq!((silent.stdout.len(), silent.stderr.len()), (0, 0));
    let wrong = home.program("rehearse gone.csv -q").output().expect("it starts");
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("error: gone.csv cannot be read"), "{wrong:?}");
}

#[test]
fn failures_end_the_stream() {
    let home = Home::new();
    for (args, code, kind) in [
        ("rehearse gone.csv --json", 2, "roster"),
        ("rehearse staff.csv --run-dir a --json --length 3", 2, "password_policy"),
        ("rehearse staff.csv --run-dir b --json --max-accounts 1", 2, "usage"),
        ("run gone --json", 2, "ledger"),
        ("reset staff.csv --json --yes", 2, "sign_in"),
        ("rehearse staff.csv --json --lenght 3", 2, "usage"),
        ("plan staff.csv --json --config gone.toml", 2, "usage"),
    ] {
        let (lines, ended) = home.lines(&mut home.program(args));
        let last = lines.last().expect("a line");
        assert_eq!((ended, &last["event"], &last["code"]), (Some(code), &"error".into(), &kind.into()), "{args}");
        assert!(!last["message"].as_str().expect("words").contains("hint:"), "{last}");
        assert!(last["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{last}");
    }
    let (lines, _) = home.lines(&mut home.program("rehearse staff.csv --json --lenght 3"));
    assert!(lines[1]["hint"].as_str().expect("a hint").contains("--length"), "{}", lines[1]);
}

#[test]
fn problems_are_logged_as_they_happen() {
    let home = Home::new();
    let faults = r#"{"items":{"throttled":0.2},"outages":[{"from_seconds":1,"seconds":40}],"denied":"sessions"}"#;
    fs::write(home.0.path().join("faults.json"), faults).expect("a file");
    let roster: String = (1..=400).map(|nth| format!("user{nth}@contoso.com\n")).collect();
    fs::write(home.0.path().join("many.csv"), roster).expect("a roster");
    let mut command =
        home.program("rehearse many.csv --run-dir run --json --faults faults.json --revoke-sessions --verify");
    let (lines, code) = home.lines(&mut command);
    assert_eq!(code, Some(0));
    let holds = |reason: &str| lines.iter().any(|line| line["event"] == "hold" && line["reason"] == reason);
    assert!(holds("asked") && holds("away"), "{:?}", names(&lines));
    assert!(names(&lines).contains(&"sessions_denied"));
    let warnings = || lines.iter().filter(|line| line["event"] == "warning");
    let asks = |line: &Value| line["hint"].as_str().is_some_and(|hint| hint.contains("User.RevokeSessions.All"));
    assert!(warnings().any(asks), "{:?}", warnings().collect::<Vec<_>>());
    let rows = accounts(&lines);
    // Once when it ends, and once when the directory shows it.
    assert!(rows.len() == 400 && rows.values().all(|told| *told == ("reset".into(), 2)), "{rows:?}");
    let verified = lines.iter().filter(|line| line["event"] == "account" && line["verified"] == "confirmed").count();
    assert_eq!(verified, 400);
}

#[test]
fn refused_tenant_takes_rows_back() {
    let home = Home::new();
    let served = Served::new(&["ann@contoso.com".into(), "bob@contoso.com".into()], r#"{"denied":"writes"}"#);
    fs::write(home.0.path().join("two.csv"), "ann@contoso.com\nbob@contoso.com\n").expect("a roster");
    let credentials = served.tenant.credentials();
    let mut command = home.program("reset two.csv --run-dir run --json --yes");
    command.args(["--graph-endpoint", &served.url, "--authority-host", &served.url]);
    command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
    command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
    let (lines, code) = home.lines(&mut command);
    assert_eq!(code, Some(3));
    let signed_in = lines.iter().find(|line| line["event"] == "signed_in").expect("a sign-in");
    assert_eq!(signed_in["tenant_id"], credentials.tenant_id);
    let last = lines.last().expect("a line");
    assert_eq!((&last["code"], &last["counts"]["pending"]), (&"all_refused".into(), &2.into()));
    assert!(accounts(&lines).values().all(|(status, _)| status == "pending"), "{lines:?}");
}

#[test]
fn edited_endings_are_in_doubt() {
    let home = Home::new();
    let served = Served::new(&["ann@contoso.com".into(), "bob@contoso.com".into()], "{}");
    fs::write(home.0.path().join("two.csv"), "ann@contoso.com\nbob@contoso.com\n").expect("a roster");
    let credentials = served.tenant.credentials();
    let program = |args: &str| {
        let mut command = home.program(args);
        command.args(["--graph-endpoint", &served.url, "--authority-host", &served.url]);
        command.env("AZURE_TENANT_ID", &credentials.tenant_id).env("AZURE_CLIENT_ID", &credentials.client_id);
        command.env("AZURE_CLIENT_SECRET", credentials.client_secret.expose_secret());
        command
    };
    assert_eq!(home.lines(&mut program("reset two.csv --run-dir run --json --yes")).1, Some(0));
    let file = home.0.path().join("run").join(passwave::ledger::FILE_NAME);
    let database = rusqlite::Connection::open(file).expect("a database");
    database.execute("UPDATE account SET password = 'Other-4711-x' WHERE row = 1", ()).expect("changed");
    drop(database);
    let (lines, _) = home.lines(&mut program("verify run --json"));
    let account = |row: u64| {
        let found = lines.iter().find(|line| line["event"] == "account" && line["row"] == row);
        found.unwrap_or_else(|| panic!("row {row}: {lines:?}"))
    };
    let changed = account(1);
    assert_eq!((&changed["status"], &changed["error_code"]), (&"in_doubt".into(), &"changed_in_ledger".into()));
    assert_eq!(changed["changed_at"], Value::Null);
    assert_eq!(account(2)["status"], "reset");
}

#[test]
fn lost_reader_does_not_stop_work() {
    let home = Home::new();
    // More than a pipe can buffer.
    let roster: String = (1..=1_000).map(|nth| format!("user{nth}@contoso.com\n")).collect();
    fs::write(home.0.path().join("many.csv"), roster).expect("a roster");
    let mut command = home.program("rehearse many.csv --run-dir run --json -q");
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(child.wait().expect("it ends").success());
    assert!(home.0.path().join("run/summary.json").exists());
}

#[test]
fn schema_has_every_failure() {
    let schema = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/events.schema.json"));
    let schema: Value = serde_json::from_str(&schema.expect("a schema")).expect("JSON");
    let known = schema["$defs"]["error"]["properties"]["code"]["enum"].as_array().expect("kinds").clone();
    let text = include_str!("../src/cli/failure.rs");
    let kinds = text.split("about(\"").chain(text.split("Error => \"")).chain(text.split("kind: \""));
    let kinds = kinds.filter_map(|rest| rest.split_once('"')).map(|(kind, _)| kind);
    let kinds: Vec<&str> = kinds.filter(|kind| kind.chars().all(|c| c.is_ascii_lowercase() || c == '_')).collect();
    assert!(kinds.len() > 15, "{kinds:?}");
    kinds.iter().for_each(|kind| assert!(known.contains(&(*kind).into()), "{kind}"));
}

#[test]
fn summaries_hold_to_their_schema() {
    let home = Home::new();
    let schema = Schema::new("summary.schema.json");
    for args in [
        "plan trouble.csv --run-dir planned --lookup off",
        "rehearse trouble.csv --run-dir rehearsed --verify --revoke-sessions",
        "rehearse staff.csv --run-dir pilot --pilot 1",
        #[cfg(feature = "seal")]
        "plan staff.csv --run-dir sealed --lookup off --seal-to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    ] {
        home.program(args).output().expect("it starts");
        let folder = args.split(' ').nth(3).expect("a folder");
        let text = fs::read(home.0.path().join(folder).join("summary.json")).expect("a summary");
        let summary: Value = serde_json::from_slice(&text).expect("JSON");
        schema.check(&summary).unwrap_or_else(|error| panic!("{args}: {error}"));
        let printed = home.program(&format!("report {folder} --format json")).output().expect("it starts");
        let mut again: Value = serde_json::from_slice(&printed.stdout).expect("JSON");
        schema.check(&again).unwrap_or_else(|error| panic!("{args}: {error}"));
        // It is written later; everything else is the same.
        again["written_at"] = summary["written_at"].clone();
        assert_eq!(again, summary, "{args}");
        let mut strange = summary.clone();
        strange["news"] = true.into();
        assert!(schema.check(&strange).is_err(), "a field that the schema does not know is found");
        let mut poor = summary;
        poor.as_object_mut().expect("an object").remove("exit_code");
        assert!(schema.check(&poor).is_err(), "a field that is missing is found");
    }
}
