//! Tests the sources of flags and their priority.

use super::{Environment, ParseError, ParsedArgs, read, variables::variable_of};
use crate::cli::args::{Cli, PlanArgs, Verb};
use clap::{Command, CommandFactory};
use std::{collections::BTreeMap, ffi::OsString, fs};

/// A user's configuration folder with this file.
struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder =
            ["Library/Application Support", ".config", ""].map(|folder| home.path().join(folder).join("passwave"));
        for folder in folder {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("config.toml"), config).expect("a file");
        }
        Self(home)
    }

    fn read(&self, args: &str, variables: &[(&str, &str)]) -> Result<ParsedArgs, ParseError> {
        let home = self.0.path().to_str().expect("UTF-8");
        let places = [("HOME", home), ("APPDATA", home)];
        let all = places.iter().chain(variables).map(|(name, value)| ((*name).into(), (*value).into()));
        let environment: Environment = all.collect();
        let args: Vec<OsString> = format!("passwave {args}").split(' ').map(OsString::from).collect();
        read(&args, &environment)
    }

    fn plan(&self, args: &str, variables: &[(&str, &str)]) -> PlanArgs {
        match self.read(args, variables).map_err(words).expect("it is read").cli.verb {
            Verb::Plan { job } | Verb::Reset { job } | Verb::Rehearse { job, .. } => job.plan,
            _ => panic!("no plan"),
        }
    }

    fn refused(&self, args: &str, variables: &[(&str, &str)]) -> String {
        self.read(args, variables).map(|_| ()).map_err(words).expect_err("it is refused")
    }
}

fn words(unread: ParseError) -> String {
    match unread {
        ParseError::Line(error) => error.to_string(),
        ParseError::Rest(failure) => failure.to_string(),
    }
}

#[test]
fn higher_priority_wins() {
    let home = Home::new("length = 17\nsymbols = \"-\"\nno-force-change = true\n[plan]\nlength = 18\n");
    let plan = |args: &str, variables: &[_]| home.plan(args, variables).policy.length;
    assert_eq!(plan("rehearse r.csv", &[]), 17, "the file");
    assert_eq!(plan("plan r.csv", &[]), 18, "its table for the command");
    assert_eq!(plan("plan r.csv", &[("PASSWAVE_LENGTH", "19")]), 19, "the variable");
    assert_eq!(plan("plan r.csv --length 20", &[("PASSWAVE_LENGTH", "19")]), 20, "the command line");
    assert_eq!(plan("plan r.csv --no-config", &[("PASSWAVE_LENGTH", "")]), 16, "what is built in");
    assert_eq!(plan("plan r.csv", &[("PASSWAVE_NO_CONFIG", "1")]), 16);
    assert_eq!(home.plan("plan r.csv", &[]).policy.symbols.as_deref(), Some("-"));
    assert!(!home.plan("plan r.csv", &[("PASSWAVE_NO_FORCE_CHANGE", "off")]).no_force_change, "a switch is put off");
}

#[test]
fn conflicting_lower_priority_is_dropped() {
    let home = Home::new("no-force-change = true\n");
    let plan = home.plan("plan r.csv --force-change-with-mfa", &[]);
    assert!(plan.force_change_with_mfa && !plan.no_force_change, "the command line over the file");
    let plan = home.plan("plan r.csv", &[("PASSWAVE_FORCE_CHANGE_WITH_MFA", "true")]);
    assert!(plan.force_change_with_mfa && !plan.no_force_change, "the variable over the file");
    let both = [("PASSWAVE_FORCE_CHANGE_WITH_MFA", "true"), ("PASSWAVE_NO_FORCE_CHANGE", "yes")];
    let error = home.refused("plan r.csv", &both);
    assert!(error.contains("PASSWAVE_NO_FORCE_CHANGE") && error.contains("cannot be used with"), "{error}");
    assert!(home.plan("plan r.csv --no-force-change", &both[..1]).no_force_change);
}

#[test]
fn repeatable_flags_are_replaced_whole() {
    let home = Home::new("[reset]\nhalt-on = [\"failed=3\", \"in_doubt=1%\"]\n");
    let halts = |args: &str, variables: &[_]| match home.read(args, variables).map_err(words).expect("read").cli.verb {
        Verb::Reset { job } => job.run.halt_on.len(),
        _ => panic!("no reset"),
    };
    assert_eq!(halts("reset r.csv", &[]), 2);
    assert_eq!(halts("reset r.csv", &[("PASSWAVE_HALT_ON", "failed=1, failed=2% ,in_doubt=1")]), 3);
    assert_eq!(halts("reset r.csv --halt-on failed=9", &[]), 1);
}

#[test]
fn wrong_values_name_their_source() {
    let home = Home::new("# Ours\nbatch-size = 21\n");
    let error = home.refused("plan r.csv", &[]);
    assert!(error.contains("config.toml, line 2: ") && error.contains("21 is not in 1..=20"), "{error}");
    let error = home.refused("plan r.csv", &[("PASSWAVE_LOOKUP", "of"), ("PASSWAVE_BATCH_SIZE", "20")]);
    assert!(error.starts_with("PASSWAVE_LOOKUP: ") && error.contains("off"), "{error}");
    let error = home.refused("plan r.csv", &[("PASSWAVE_STRICT", "hunter2")]);
    assert!(error.contains("true or false") && !error.contains("hunter2"), "{error}");
}

#[test]
fn non_flags_and_secrets_are_refused() {
    for (config, words) in [
        ("\nmax-acounts = 3", &["line 2: passwave has no flag max-acounts", "did you mean max-accounts?"][..]),
        ("[pln]\nlength = 3", &["line 1: passwave has no command pln", "did you mean [plan]?"]),
        ("[plan]\n\nexpect = \"x\"", &["line 3: plan has no flag expect"]),
        ("length = 17\nlength = 18", &["line 2", "duplicate key"]),
        ("length = ", &["line 1"]),
        ("length = 2020-01-01", &["line 1: length takes"]),
        ("yes = true", &["the question"]),
        ("[reset]\nyes = true", &["line 2", "the question"]),
        ("config = \"a\"", &["it names this file"]),
        ("client_secret = \"hunter2\"", &["client_secret looks like a secret", "AZURE_CLIENT_SECRET"]),
        ("AZURE_CLIENT_SECRET = \"hunter2\"", &["looks like a secret"]),
        ("seal_passphrase_text = \"hunter2\"", &["looks like a secret"]),
        ("seal-passphrase = \"hunter2\"", &["--seal-passphrase takes true or false"]),
        ("identity = \"AGE-SECRET-KEY-1hunter2\"", &["identity looks like a secret"]),
        ("apiToken = \"hunter2\"", &["looks like a secret"]),
    ] {
        let error = Home::new(config).refused("reset r.csv", &[]);
        assert!(words.iter().all(|word| error.contains(word)), "{config}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn windows_paths_in_double_quotes_are_explained() {
    for config in [r#"identity = "C:\Users\ann\key.txt""#, r#"ca-file = "C:\new\temp.pem""#] {
        let error = Home::new(config).refused("reset r.csv", &[]);
        assert!(error.contains("line 1") && error.contains("in single quotes"), "{config}: {error}");
    }
    let home = Home::new(r"exclude = 'C:\new\temp.csv'");
    let exclude = home.plan("plan r.csv", &[]).rules.exclude.expect("given");
    assert_eq!(exclude.to_str(), Some(r"C:\new\temp.csv"));
}

#[test]
fn finds_the_configuration_file() {
    let home = Home::new("length = 17");
    let other = home.0.path().join("other.toml");
    fs::write(&other, "length = 30").expect("a file");
    let other = other.to_str().expect("UTF-8");
    assert_eq!(home.plan(&format!("--config {other} plan r.csv"), &[]).policy.length, 30);
    assert_eq!(home.plan(&format!("plan r.csv --config {other}"), &[]).policy.length, 30);
    assert_eq!(home.plan("plan r.csv", &[("PASSWAVE_CONFIG", other)]).policy.length, 30);
    assert_eq!(home.plan("plan r.csv --no-config", &[("PASSWAVE_CONFIG", other)]).policy.length, 16);
    let error = home.refused("plan r.csv --config gone.toml", &[]);
    assert!(error.contains("gone.toml cannot be used") && error.contains("--no-config"), "{error}");
    let said = home.read("plan r.csv", &[]).map_err(words).expect("read");
    assert!(said.details.iter().any(|detail| detail.contains("settings: ")), "{:?}", said.details);
}

#[cfg(unix)]
#[test]
fn world_writable_files_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new("length = 17");
    let file = home.0.path().join("open.toml");
    fs::write(&file, "length = 30").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("its owner may");
    let error = home.refused(&format!("plan r.csv --config {}", file.display()), &[]);
    assert!(error.contains("everyone can write"), "{error}");
}

#[test]
fn unknown_variables_warn_without_values() {
    let home = Home::new("");
    let strange =
        [("PASSWAVE_MAX_ACOUNTS", "3"), ("PASSWAVE_PASSPHRASE", "hunter2"), ("PASSWAVE_SIGN_PASSPHRASE", "x")];
    let said = home.read("plan r.csv", &strange).map_err(words).expect("read");
    let [misspelt, passphrase] = said.warnings.as_slice() else { panic!("{:?}", said.warnings) };
    assert!(misspelt.contains("did you mean PASSWAVE_MAX_ACCOUNTS?"), "{misspelt}");
    assert!(passphrase.contains("PASSWAVE_SEAL_PASSPHRASE") && !passphrase.contains("hunter2"), "{passphrase}");
}

#[cfg(feature = "seal")]
#[test]
fn passphrase_variable_sets_no_flag() {
    let home = Home::new("");
    let variables = [("PASSWAVE_SEAL_PASSPHRASE", "correct horse battery staple")];
    assert!(!home.plan("plan r.csv", &variables).seal.seal_passphrase);
    let asked = [variables[0], ("PASSWAVE_SEAL_WITH_PASSPHRASE", "1")];
    assert!(home.plan("plan r.csv", &asked).seal.seal_passphrase);
}

#[test]
fn yes_variable_is_announced() {
    let home = Home::new("");
    let said = home.read("reset r.csv", &[("PASSWAVE_YES", "1")]).map_err(words).expect("read");
    assert_eq!(said.notices, ["PASSWAVE_YES is set, so nothing is asked."]);
    assert!(home.read("reset r.csv -y", &[("PASSWAVE_YES", "1")]).map_err(words).expect("read").notices.is_empty());
}

#[test]
fn azure_variable_is_the_fallback() {
    let home = Home::new("authority-host = \"https://c\"");
    let host = |variables: &[_]| match home.read("verify run", variables).map_err(words).expect("read").cli.verb {
        Verb::Verify { connect, .. } => connect.authority_host.unwrap_or_default(),
        _ => panic!("no verify"),
    };
    let azure = ("AZURE_AUTHORITY_HOST", "https://b");
    assert_eq!(host(&[("PASSWAVE_AUTHORITY_HOST", "https://a"), azure]), "https://a");
    assert_eq!(host(&[azure]), "https://b");
    assert_eq!(host(&[]), "https://c");
}

#[test]
fn help_ignores_other_settings() {
    let home = Home::new("no flag at all");
    assert!(home.refused("plan --help", &[("PASSWAVE_LENGTH", "99")]).contains("[default: 16]"));
    assert!(home.refused("plan --lengt 3 r.csv", &[]).contains("'--length'"));
    assert!(home.refused("run", &[]).contains("<RUN>"));
}

#[test]
fn every_flag_has_its_own_variable() {
    let command = Cli::command();
    let mut meanings: BTreeMap<String, &str> = BTreeMap::new();
    for arg in command.get_subcommands().chain([&command]).flat_map(Command::get_arguments) {
        let Some(long) = arg.get_long() else { continue };
        let variable = variable_of(arg).expect("a variable");
        assert_ne!(variable, "PASSWAVE_SEAL_PASSPHRASE", "that holds a passphrase");
        assert_eq!(*meanings.entry(variable.clone()).or_insert(long), long, "{variable} is two flags'");
    }
    assert_eq!(meanings.get("PASSWAVE_MAX_ACCOUNTS"), Some(&"max-accounts"));
}
