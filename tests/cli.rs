//! What a person sees at the terminal: each file in `tests/cmd` is one behaviour, with its command, its words and its exit
//! code. `TRYCMD=overwrite cargo test --test cli` writes the words anew; what varies is then to be masked with `[..]`.

use trycmd::TestCases;

/// Cases on which `credentials` are the way into a tenant, whatever the machine's own environment says.
fn cases(credentials: [&str; 3]) -> TestCases {
    let cases = TestCases::new();
    for (name, value) in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"].into_iter().zip(credentials) {
        cases.env(name, value);
    }
    for name in [
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "SYSTEM_OIDCREQUESTURI",
        "IDENTITY_ENDPOINT",
        // Nor is it told to the pipeline that runs these tests.
        "GITHUB_ACTIONS",
        "TF_BUILD",
    ] {
        cases.env(name, "");
    }
    // Only the program itself is found by its name: the Azure CLI of the machine is out of reach.
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_passwave"));
    cases.env("PATH", program.parent().and_then(std::path::Path::to_str).expect("a folder"));
    // Help is wrapped to the terminal's width.
    cases.env("AZURE_AUTHORITY_HOST", "").env("COLUMNS", "100");
    // Nor does what the person who runs the tests has set for their own runs lead them elsewhere.
    cases.env("PASSWAVE_NO_CONFIG", "true");
    cases
}

#[test]
fn without_credentials() {
    cases([""; 3]).case("tests/cmd/*.toml").case("tests/cmd/*.trycmd");
}

#[test]
fn with_credentials() {
    cases(["contoso.onmicrosoft.com", "11111111-2222-4333-8444-555555555555", "example-secret"])
        .case("tests/cmd/with_credentials/*.toml");
}

/// A reader that has seen enough, as `head` has, is no error.
#[test]
fn a_reader_that_goes_away_ends_the_printing_quietly() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_passwave"))
        .args(["generate", "-n", "1000000000"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    std::io::BufRead::read_line(&mut reader, &mut line).expect("a line");
    drop(reader);
    assert_eq!(line.trim_end().len(), 16);
    assert!(child.wait().expect("it ends").success());
}

/// What a command says on stderr, with these variables.
fn complaint(args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_passwave"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(name);
    }
    let output = command.args(args).envs(variables.iter().copied()).env("PASSWAVE_NO_CONFIG", "true").output();
    String::from_utf8(output.expect("it starts and ends").stderr).expect("UTF-8")
}

#[test]
fn colours_are_where_they_belong_and_say_nothing_alone() {
    let args = ["report", "no-such-run"];
    let plain = complaint(&args, &[]);
    assert!(plain.starts_with("error: ") && plain.contains("\nhint: ") && !plain.contains('\u{1b}'), "{plain}");
    let forced = complaint(&args, &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.starts_with("\u{1b}[31merror:\u{1b}[0m ") && forced.contains("\n\u{1b}[36mhint:"), "{forced:?}");
    assert_eq!(complaint(&args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}

#[test]
fn what_is_mistyped_finds_what_was_meant() {
    for (args, meant) in [
        (&["rest", "r.csv"][..], "'reset'"),
        (&["reset", "r.csv", "--max-acounts", "3"], "'--max-accounts'"),
        (&["plan", "r.csv", "--lookup", "requird"], "'required'"),
        (&["man", "verfy"], "did you mean verify?"),
    ] {
        let said = complaint(args, &[]);
        assert!(said.contains(meant), "{args:?}: {said}");
    }
}

const VERBS: [&str; 9] = ["reset", "plan", "run", "verify", "report", "handouts", "rehearse", "simulate", "generate"];

fn said(args: &[&str]) -> (bool, String) {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_passwave")).args(args).output().expect("it starts and ends");
    (output.status.success(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn each_shell_learns_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (went_well, script) = said(&["completions", shell]);
        assert!(went_well && script.contains("seal-to-file"), "{shell}");
        VERBS.into_iter().for_each(|verb| assert!(script.contains(verb), "{shell} does not know {verb}"));
    }
}

#[test]
fn each_command_has_its_page_in_the_manual() {
    let (went_well, page) = said(&["man"]);
    assert!(went_well && page.contains(".TH passwave 1") && page.contains("Exit codes:"), "{page}");
    for verb in VERBS {
        let (went_well, page) = said(&["man", verb]);
        assert!(went_well && page.contains(&format!(".TH passwave-{verb} 1")), "{verb}: {page}");
        assert!(page.contains("Examples:") && page.contains(&format!("passwave {verb}")), "{verb}: {page}");
    }
    assert!(!said(&["man", "rest"]).0);
}
