//! What stands where, and which of it holds.

use super::{Environment, Said, Unread, read, variables::variable_of};
use crate::cli::{Cli, PlanArgs, Verb};
use clap::{Command, CommandFactory};
use std::{collections::BTreeMap, ffi::OsString, fs};

/// A person's configuration folder with this file in it.
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

    fn read(&self, args: &str, variables: &[(&str, &str)]) -> Result<Said, Unread> {
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

fn words(unread: Unread) -> String {
    match unread {
        Unread::Line(error) => error.to_string(),
        Unread::Rest(failure) => failure.to_string(),
    }
}

#[test]
fn the_nearer_beats_the_farther() {
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
fn what_contradicts_something_nearer_does_not_hold() {
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
fn what_is_repeatable_is_listed_and_replaced_as_a_whole() {
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
fn a_wrong_value_is_blamed_on_the_place_where_it_stands() {
    let home = Home::new("# Ours\nbatch-size = 21\n");
    let error = home.refused("plan r.csv", &[]);
    assert!(error.contains("config.toml, line 2: ") && error.contains("21 is not in 1..=20"), "{error}");
    let error = home.refused("plan r.csv", &[("PASSWAVE_LOOKUP", "of"), ("PASSWAVE_BATCH_SIZE", "20")]);
    assert!(error.starts_with("PASSWAVE_LOOKUP: ") && error.contains("off"), "{error}");
    let error = home.refused("plan r.csv", &[("PASSWAVE_STRICT", "hunter2")]);
    assert!(error.contains("true or false") && !error.contains("hunter2"), "{error}");
}

#[test]
fn what_is_no_flag_or_a_secret_is_refused_with_its_line() {
    for (config, words) in [
        ("\nmax-acounts = 3", &["line 2: max-acounts is no flag", "did you mean max-accounts?"][..]),
        ("[pln]\nlength = 3", &["line 1: pln is no command", "did you mean [plan]?"]),
        ("[plan]\n\nexpect = \"x\"", &["line 3: expect is no flag of plan"]),
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
fn the_file_is_where_it_was_said_to_be_or_in_the_platform_s_folder() {
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
fn a_file_that_everybody_may_change_is_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new("length = 17");
    let file = home.0.path().join("open.toml");
    fs::write(&file, "length = 30").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("its owner may");
    let error = home.refused(&format!("plan r.csv --config {}", file.display()), &[]);
    assert!(error.contains("everybody may write"), "{error}");
}

#[test]
fn a_variable_that_looks_like_ours_is_told_and_never_shown() {
    let home = Home::new("");
    let strange =
        [("PASSWAVE_MAX_ACOUNTS", "3"), ("PASSWAVE_PASSPHRASE", "hunter2"), ("PASSWAVE_SEAL_PASSPHRASE", "x")];
    let said = home.read("plan r.csv", &strange).map_err(words).expect("read");
    let [misspelt, passphrase] = said.warnings.as_slice() else { panic!("{:?}", said.warnings) };
    assert!(misspelt.contains("did you mean PASSWAVE_MAX_ACCOUNTS?"), "{misspelt}");
    assert!(passphrase.contains("PASSWAVE_SEAL_PASSPHRASE") && !passphrase.contains("hunter2"), "{passphrase}");
}

#[cfg(feature = "seal")]
#[test]
fn a_passphrase_in_its_variable_turns_no_flag_on() {
    let home = Home::new("");
    let variables = [("PASSWAVE_SEAL_PASSPHRASE", "correct horse battery staple")];
    assert!(!home.plan("plan r.csv", &variables).seal.seal_passphrase);
    let asked = [variables[0], ("PASSWAVE_SEAL_WITH_PASSPHRASE", "1")];
    assert!(home.plan("plan r.csv", &asked).seal.seal_passphrase);
}

#[test]
fn who_answered_the_question_is_told() {
    let home = Home::new("");
    let said = home.read("reset r.csv", &[("PASSWAVE_YES", "1")]).map_err(words).expect("read");
    assert_eq!(said.notices, ["PASSWAVE_YES is set, so nothing is asked."]);
    assert!(home.read("reset r.csv -y", &[("PASSWAVE_YES", "1")]).map_err(words).expect("read").notices.is_empty());
}

#[test]
fn azure_s_own_variable_counts_where_ours_is_not_set() {
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
fn help_and_complaints_do_not_depend_on_what_stands_elsewhere() {
    let home = Home::new("no flag at all");
    assert!(home.refused("plan --help", &[("PASSWAVE_LENGTH", "99")]).contains("[default: 16]"));
    assert!(home.refused("plan --lengt 3 r.csv", &[]).contains("'--length'"));
    assert!(home.refused("run", &[]).contains("<RUN>"));
}

#[test]
fn every_flag_has_a_variable_of_its_own_meaning() {
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
