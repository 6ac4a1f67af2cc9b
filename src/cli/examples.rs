//! The examples below each command's `--help` and in its page of the manual. A test parses every line of them.

pub const RESET: &str = "\
Examples:
  Ask, then reset every account of the file:
      passwave reset pupils.csv
  In a job, the first twenty first, and not beyond what was meant:
      passwave reset pupils.csv --yes --max-accounts 30000 --pilot 20 --halt-on failed=3%
  Only see what would be done:
      passwave reset pupils.csv --dry-run
  With no password on this disk that anybody but the key's holder reads:
      passwave reset pupils.csv --run-dir semester --seal-to-file recipients.txt
  Only one class; then those that failed, once more; and one pupil alone:
      passwave reset pupils.csv --where Form=7A --run-dir seven
      passwave reset seven --where status=failed
      passwave reset --user ann@contoso.com --show
  Every night, with skips that are known:
      passwave reset pupils.csv --yes --accept synced,admin
  Passwords of words, and a sign-in without a secret:
      passwave reset staff.csv --style words --words 4 --auth workload";

pub const PLAN: &str = "\
Examples:
  Plan now, and have it approved:
      passwave plan pupils.csv --run-dir semester
  For a program that takes the fingerprint:
      passwave plan pupils.csv --run-dir semester --format json > plan.json
  Leave break-glass accounts alone, and refuse a file with wrong rows:
      passwave plan pupils.csv --exclude break-glass.txt --strict
  Only some rows, by what stands in two columns:
      passwave plan pupils.csv --where Form=7A,7B --where \"Left school=\"
  By a column that is called otherwise:
      passwave plan export.csv --upn-column \"Login name\"";

pub const RUN: &str = "\
Examples:
  Start a plan, or go on after whatever stopped it:
      passwave run semester
  The plan that was approved and no other, in a job:
      passwave run semester --expect 0f3c… --yes
  What it would do:
      passwave run semester --dry-run
  By night, told to a program as it happens:
      passwave run semester --yes --window 22:00-06:00 --json --quiet > events.ndjson
  With the key of a sealed run, so that the same passwords are sent again:
      passwave run semester --identity head.key";

pub const VERIFY: &str = "\
Examples:
  Did every change arrive?
      passwave verify semester
  The accounts whose change does not show, for a program:
      passwave verify semester --json --quiet > verified.ndjson";

pub const REPORT: &str = "\
Examples:
  The files again, after a crash or beside a run:
      passwave report semester
  The numbers for a pipeline:
      passwave report semester --format json > summary.json
  The passwords of a sealed run:
      passwave report semester --format csv --identity head.key > passwords.csv";

pub const HANDOUTS: &str = "\
Examples:
  A sheet of slips for each class, by name:
      passwave handouts semester --by Class --order name
  Of a sealed run, each sheet for its own teacher's key:
      passwave handouts semester --by Class --identity head.key --seal-map teachers.csv";

pub const REHEARSE: &str = "\
Examples:
  How long will it take, and which rows are wrong?
      passwave rehearse pupils.csv
  How would those fare that failed last time?
      passwave rehearse semester --where status=failed,in_doubt
  On a bad day, and the same one each time:
      passwave rehearse pupils.csv --faults faults.json --seed 7
  With the quota of a tenant that other jobs use, too:
      passwave rehearse pupils.csv --write-quota 1500/150s";

pub const SIMULATE: &str = "\
Examples:
  A tenant with the accounts of a file:
      passwave simulate --roster pupils.csv --port 8080
  A large one with a small quota, for other tools' tests:
      passwave simulate --accounts 100000 --write-quota 300/15s --faults faults.json";

pub const GENERATE: &str = "\
Examples:
  Twenty passwords:
      passwave generate -n 20
  For children who read, in French; and some for everybody:
      passwave generate -n 20 --profile junior --language fr
      passwave generate --samples
  Of four words each:
      passwave generate -n 20 --style words --words 4
  Longer ones, with other symbols:
      passwave generate --length 24 --symbols \"#%+\"";

pub const COMPLETIONS: &str = "\
Examples:
      passwave completions bash > ~/.local/share/bash-completion/completions/passwave
      passwave completions zsh > ~/.zfunc/_passwave
      passwave completions fish > ~/.config/fish/completions/passwave.fish
      passwave completions powershell >> $PROFILE";

pub const MAN: &str = "\
Examples:
      passwave man > passwave.1
      passwave man run > passwave-run.1";

#[cfg(test)]
mod tests {
    use crate::cli::Cli;
    use clap::CommandFactory;

    /// What a shell makes of the words before the first `>`.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(" > ").next().and_then(|line| line.split(" >> ").next()).unwrap_or_default();
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(|(nth, part)| match nth % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect()
    }

    #[test]
    fn every_command_has_examples_and_they_are_understood() {
        let mut command = Cli::command();
        command.build();
        let mut seen = 0;
        for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
            let text = verb.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("passwave ")).collect();
            assert!(!lines.is_empty(), "{} has no example", verb.get_name());
            for line in lines {
                let said =
                    Cli::command().try_get_matches_from(words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
                assert_eq!(said.subcommand_name(), Some(verb.get_name()), "{line}");
                seen += 1;
            }
        }
        assert!(seen > 25, "{seen}");
    }
}
