//! The examples in each command's `--help` and man page. A test parses every line of them.

pub const RESET: &str = "\
Examples:
  Ask, then reset every account of the file:
      passwave reset pupils.csv
  In a job: start with 20 accounts, and stop if the roster is larger or the failures more than expected:
      passwave reset pupils.csv --yes --max-accounts 30000 --pilot 20 --halt-on failed=3%
  Only show what would be done:
      passwave reset pupils.csv --dry-run
  Encrypt the passwords, so that only the holder of the key can read them:
      passwave reset pupils.csv --run-dir semester --seal-to-file recipients.txt
  Reset one class; then retry the accounts that failed; then reset a single account:
      passwave reset pupils.csv --where Form=7A --run-dir seven
      passwave reset seven --where status=failed
      passwave reset --user ann@contoso.com --show
  Reset the accounts of many tenants, with the column that names each row's tenant:
      passwave reset trust.csv --tenant-column School --run-dir autumn
  Every night, with expected skips:
      passwave reset pupils.csv --yes --accept synced,admin
  Passwords made of words, and a sign-in without a secret:
      passwave reset staff.csv --style words --words 4 --auth workload";

pub const PLAN: &str = "\
Examples:
  Plan now, and get it approved:
      passwave plan pupils.csv --run-dir semester
  Write the plan as JSON, with its fingerprint, for a program:
      passwave plan pupils.csv --run-dir semester --format json > plan.json
  Leave out break-glass accounts, and refuse a file with wrong rows:
      passwave plan pupils.csv --exclude break-glass.txt --strict
  Select rows by the values of two columns:
      passwave plan pupils.csv --where Form=7A,7B --where \"Left school=\"
  Name the column with the accounts:
      passwave plan export.csv --upn-column \"Login name\"";

pub const RUN: &str = "\
Examples:
  Start a planned run, or continue it after any interruption:
      passwave run semester
  In a job, run only the plan that was approved:
      passwave run semester --expect 0f3c… --yes
  Show what it would do:
      passwave run semester --dry-run
  Run at night, with events for a program:
      passwave run semester --yes --window 22:00-06:00 --json --quiet > events.ndjson
  Continue a sealed run with its key, so that retries send the same passwords:
      passwave run semester --identity head.key";

pub const VERIFY: &str = "\
Examples:
  Check that every change arrived:
      passwave verify semester
  Write the result for a program:
      passwave verify semester --json --quiet > verified.ndjson";

pub const REPORT: &str = "\
Examples:
  Write the files again, after a crash or during a run:
      passwave report semester
  Print the figures for a pipeline:
      passwave report semester --format json --output summary.json
  Print the passwords of a sealed run:
      passwave report semester --format csv --identity head.key --output passwords.csv";

pub const HANDOUTS: &str = "\
Examples:
  One sheet of slips per class, sorted by name:
      passwave handouts semester --by Class --order name
  For a sealed run, encrypt each sheet to its teacher's key:
      passwave handouts semester --by Class --identity head.key --seal-map teachers.csv";

#[cfg(feature = "postgres")]
pub const WORK: &str = "\
Examples:
  On each of three machines, with the database in PASSWAVE_LEDGER:
      passwave work --out /srv/reports
  In a job: do what is there, and end:
      passwave work --once --ledger postgresql://passwave@db.contoso.com/passwave";

pub const DOCTOR: &str = "\
Examples:
  Before the first run, or when something does not work:
      passwave doctor
  In the cloud and behind the proxy of the job that fails:
      passwave doctor --cloud usgov --ca-file proxy.pem --auth certificate
  Is that folder a good place?
      passwave doctor --run-dir semester
  Is the database ready for the night?
      passwave doctor --ledger postgresql://runner@db.example.com/passwave
  For a program:
      passwave doctor --json > doctor.ndjson";

pub const REHEARSE: &str = "\
Examples:
  See how long it will take and which rows are wrong:
      passwave rehearse pupils.csv
  Rehearse the accounts that failed last time:
      passwave rehearse semester --where status=failed,in_doubt
  Inject the same faults every time:
      passwave rehearse pupils.csv --faults faults.json --seed 7
  Use a smaller quota, as when other jobs share the tenant:
      passwave rehearse pupils.csv --write-quota 1500/150s";

pub const SIMULATE: &str = "\
Examples:
  A tenant with the accounts of a roster:
      passwave simulate --roster pupils.csv --port 8080
  A large tenant with a small quota, for tests of other tools:
      passwave simulate --accounts 100000 --write-quota 300/15s --faults faults.json
  HTTPS, for clients that take nothing else, such as Microsoft's own:
      passwave simulate --tls --port 8443";

#[cfg(feature = "sign")]
pub const EVIDENCE: &str = "\
Examples:
  Write it, and sign it with a key of OpenSSH:
      passwave evidence semester
      passwave evidence semester --sign ~/.ssh/id_ed25519
  With the records of the tenant's audit log:
      passwave evidence semester --audit
  Does it still hold?
      passwave evidence --check semester/evidence.json";
#[cfg(not(feature = "sign"))]
pub const EVIDENCE: &str = "\
Examples:
      passwave evidence semester
  Does it still hold?
      passwave evidence --check semester/evidence.json";

pub const SWEEP: &str = "\
Examples:
  Who has not signed in yet, by class?
      passwave sweep semester --by Form
  Only those who had a week, as a job:
      passwave sweep semester --older-than 7d --json > sweep.ndjson";

pub const REMOVE: &str = "\
Examples:
  The slips are handed out, so nobody needs the passwords any more:
      passwave remove semester
  As a job, from all runs that ended a month ago, except those that are sealed:
      passwave remove /srv/waves --older-than 30d --keep-sealed --yes
  The same for all runs of a database:
      passwave remove --older-than 30d --yes --ledger postgresql://runner@db.example.com/passwave";

pub const RUNS: &str = "\
Examples:
  Which runs are here, and which still have readable passwords?
      passwave runs
      passwave runs /srv/waves
  For a program:
      passwave runs /srv/waves --format json";

pub const GENERATE: &str = "\
Examples:
  Twenty passwords:
      passwave generate -n 20
  Easy words in French; then samples of every profile:
      passwave generate -n 20 --profile junior --language fr
      passwave generate --samples
  Four words each:
      passwave generate -n 20 --style words --words 4
  Longer passwords with other symbols:
      passwave generate --length 24 --symbols \"#%+\"";

pub const COMPLETIONS: &str = "\
Examples:
      passwave completions bash > ~/.local/share/bash-completion/completions/passwave
      passwave completions zsh > ~/.zfunc/_passwave
      passwave completions fish > ~/.config/fish/completions/passwave.fish
      passwave completions powershell | Out-String | Invoke-Expression";

pub const MAN: &str = "\
Examples:
      passwave man > passwave.1
      passwave man run > passwave-run.1";

#[cfg(test)]
mod tests {
    use crate::cli::args::Cli;
    use clap::CommandFactory;

    /// The words that a shell would pass, up to the first `>` or `|`.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(" > ").next().and_then(|line| line.split(" | ").next()).unwrap_or_default();
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(|(nth, part)| match nth % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect()
    }

    #[test]
    fn every_command_has_valid_examples() {
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
