//! Sealed runs through the program: what is on disk, who can read it, and a machine that disappears.

use crate::{
    checkers::{self, Row},
    copy::copy,
    program::{Stage, said},
};
use age::x25519;
use secrecy::ExposeSecret;
use std::{fs, io::Read, iter, process::Output};

/// A stage with a key file, `key.txt`, as age-keygen writes it.
struct Sealed {
    stage: Stage,
    key: x25519::Identity,
    recipient: String,
}

impl Sealed {
    fn new(rows: usize, faults: &str) -> Self {
        let (stage, key) = (Stage::new(rows, faults), x25519::Identity::generate());
        let recipient = key.to_public().to_string();
        let text = format!("# public key: {recipient}\n{}\n", key.to_string().expose_secret());
        fs::write(stage.home().join("key.txt"), text).expect("a key file");
        Self { stage, key, recipient }
    }

    fn plan(&self, flags: &[&str]) -> Output {
        let flags = [&["plan", "wave.csv", "--run-dir", "run"], flags].concat();
        let planned = self.stage.connecting(&flags).output().expect("it starts");
        assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
        planned
    }

    fn run(&self, flags: &[&str]) -> Output {
        self.stage.connecting(&[&["run", "run", "--yes"], flags].concat()).output().expect("it starts")
    }

    /// `report.csv.age`, opened with the `age` program.
    fn opened(&self) -> Vec<Row> {
        self.opened_as("report.csv.age")
    }

    /// The same under another name.
    fn opened_as(&self, name: &str) -> Vec<Row> {
        let file = fs::read(self.stage.run_folder().join(name)).expect("a sealed report");
        let decryptor = age::Decryptor::new_buffered(&file[..]).expect("a file of age");
        let mut reader = decryptor.decrypt(iter::once(&self.key as _)).expect("sealed to the key");
        let mut report = Vec::new();
        reader.read_to_end(&mut report).expect("whole");
        checkers::read(&report)
    }

    /// What `passwave report --format csv --identity key.txt` prints.
    fn printed(&self) -> Vec<Row> {
        let arguments = ["report", "run", "--format", "csv", "--identity", "key.txt"];
        let printed = self.stage.program(&arguments).output().expect("it starts");
        assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
        checkers::read(&printed.stdout)
    }

    /// Checks that no file of the run folder and no output contains a password.
    fn nothing_in_the_clear(&self, passwords: &[Row], outputs: &[&Output]) {
        let files = fs::read_dir(self.stage.run_folder()).expect("a folder");
        let files = files.map(|entry| fs::read(entry.expect("an entry").path()).expect("a file"));
        let said = outputs.iter().flat_map(|output| [output.stdout.clone(), output.stderr.clone()]);
        let everything: Vec<Vec<u8>> = files.chain(said).collect();
        let canaries = passwords.iter().map(|row| &row.password).filter(|password| !password.is_empty());
        let canaries: Vec<&String> = canaries.collect();
        assert!(!canaries.is_empty());
        for canary in canaries {
            let holds = |bytes: &Vec<u8>| bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!everything.iter().any(holds), "a password is in the clear");
        }
    }
}

#[test]
fn only_the_key_opens_anything() {
    let sealed = Sealed::new(300, r#"{"complexity": {"share": 0.1}}"#);
    let planned = sealed.plan(&["--seal-to", &sealed.recipient]);
    assert!(said(&planned).contains("sealed to 1 recipient"), "{}", said(&planned));
    assert!(sealed.stage.report().iter().all(|row| row.password.is_empty()));
    let before = sealed.opened();
    assert!(before.iter().all(|row| row.status == "pending" && !row.password.is_empty()));
    let ended = sealed.run(&[]);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    assert!(said(&ended).contains("300 passwords were sealed by an earlier process"), "{}", said(&ended));
    let verified = sealed.stage.connecting(&["verify", "run"]).output().expect("it starts");
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    let (key, length) = (&sealed.recipient, sealed.recipient.len());
    let named = format!("sealed to 1 recipient: {}…{}", &key[..10], &key[length - 6..]);
    for told in [&planned, &ended, &verified] {
        assert!(said(told).contains(&named), "{}", said(told));
    }
    let report = sealed.opened();
    sealed.stage.check(&report);
    checkers::check_ended(&report).expect("the end");
    assert!(sealed.printed().iter().zip(&report).all(|(one, two)| one.password == two.password));
    sealed.nothing_in_the_clear(&before, &[&planned, &ended]);
    sealed.nothing_in_the_clear(&report, &[&planned, &ended]);
    let wrong = x25519::Identity::generate().to_string();
    fs::write(sealed.stage.home().join("key.txt"), wrong.expose_secret()).expect("another key");
    let refused = sealed.stage.program(&["report", "run", "--identity", "key.txt"]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("does not open the passwords of this run"), "{}", said(&refused));
    assert!(!said(&refused).contains("AGE-SECRET-KEY"), "{}", said(&refused));
}

#[test]
fn a_held_sealed_report_gets_a_neighbour() {
    let sealed = Sealed::new(20, "{}");
    sealed.plan(&["--seal-to", &sealed.recipient]);
    let held = sealed.stage.run_folder().join("report.csv.age");
    fs::remove_file(&held).expect("removed");
    fs::create_dir(&held).expect("nobody can replace it");
    let ended = sealed.run(&[]);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let report = sealed.opened_as("report-1.csv.age");
    sealed.stage.check(&report);
    checkers::check_ended(&report).expect("the end");
    let read_with = said(&ended).lines().any(|line| line.contains("age -d -i") && line.contains("report-1.csv.age"));
    assert!(read_with && said(&ended).contains("report.csv.age could not be replaced"), "{}", said(&ended));
}

#[test]
fn file_and_passphrase_both_seal() {
    let sealed = Sealed::new(40, "{}");
    fs::write(sealed.stage.home().join("to.txt"), format!("# the head\n\n{}\n", sealed.recipient)).expect("a file");
    let flags = ["plan", "wave.csv", "--run-dir", "run", "--seal-to-file", "to.txt", "--seal-passphrase"];
    let asked = sealed.stage.connecting(&flags).output().expect("it starts");
    assert_eq!(asked.status.code(), Some(2));
    assert!(said(&asked).contains("PASSWAVE_SEAL_PASSPHRASE"), "{}", said(&asked));
    let mut command = sealed.stage.connecting(&flags);
    let planned = command.env("PASSWAVE_SEAL_PASSPHRASE", "canary words of the head").output().expect("it starts");
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    // Later processes seal without the passphrase.
    let ended = sealed.run(&[]);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let report = sealed.opened();
    sealed.stage.check(&report);
    for way in [&["--passphrase"][..], &["--identity", "run/identity.age"]] {
        let open = |passphrase: &str| {
            let mut command = sealed.stage.program(&[&["report", "run", "--format", "csv"], way].concat());
            command.env("PASSWAVE_SEAL_PASSPHRASE", passphrase).output().expect("it starts")
        };
        let printed = open("canary words of the head");
        assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
        let printed = checkers::read(&printed.stdout);
        assert!(printed.iter().zip(&report).all(|(one, two)| one.password == two.password));
        let refused = open("other words");
        assert_eq!((refused.status.code(), refused.stdout.len()), (Some(2), 0), "{}", said(&refused));
    }
    sealed.nothing_in_the_clear(&report, &[&planned, &ended]);
}

#[test]
fn bad_recipients_are_refused_unrepeated() {
    let sealed = Sealed::new(1, "{}");
    let secret = sealed.key.to_string();
    for (recipient, expected) in [("ssh-ed25519 AAAA", "age1"), (secret.expose_secret(), "secret key")] {
        let arguments = ["plan", "wave.csv", "--run-dir", "run", "--seal-to", recipient];
        let refused = sealed.stage.connecting(&arguments).output().expect("it starts");
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused).contains(expected) && !said(&refused).contains(recipient), "{}", said(&refused));
        assert!(!sealed.stage.run_folder().exists());
    }
}

#[test]
fn artifact_replaces_a_lost_machine() {
    let sealed = Sealed::new(1_200, r#"{"latency_ms": 20}"#);
    sealed.plan(&["--seal-to", &sealed.recipient]);
    let (folder, artifact) = (sealed.stage.run_folder(), sealed.stage.home().join("artifact"));
    copy(&folder, &artifact);
    for _ in 0..2 {
        let mut child = sealed.stage.connecting(&["run", "run", "--yes"]).spawn().expect("it starts");
        let enough = sealed.stage.served.tenant.tally().writes + 150;
        let ended = || child.try_wait().expect("a child").is_some();
        sealed.stage.wait_for(|tenant| tenant.tally().writes >= enough, ended);
        child.kill().expect("it is killed");
        child.wait().expect("it has ended");
        // The machine is gone with everything it had written, but what it sent has taken effect.
        sealed.stage.wait_for(|tenant| tenant.tally().in_flight == 0, || false);
        copy(&artifact, &folder);
    }
    let ended = sealed.run(&[]);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let report = sealed.opened();
    // What only the lost machines knew is gone; every account has the password that the key reads.
    let tenant = &sealed.stage.served.tenant;
    let holds = |(row, account): (&Row, &String)| row.status == "reset" && tenant.holds(account, &row.password);
    assert!(report.len() == 1_200 && report.iter().zip(&sealed.stage.accounts).all(holds));
    sealed.nothing_in_the_clear(&report, &[&ended]);
}

#[test]
fn killed_run_continues_without_key() {
    let sealed = Sealed::new(1_000, r#"{"latency_ms": 20, "latency_jitter_ms": 10}"#);
    let arguments = ["reset", "wave.csv", "--run-dir", "run", "--yes", "--seal-to", &sealed.recipient];
    let mut child = sealed.stage.connecting(&arguments).spawn().expect("it starts");
    let ended = || child.try_wait().expect("a child").is_some();
    sealed.stage.wait_for(|tenant| tenant.tally().writes >= 300, ended);
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let first = sealed.opened();
    sealed.stage.check(&sealed.printed());
    // With the key, the run can continue at once.
    let ended = sealed.run(&["--identity", "key.txt"]);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let report = sealed.opened();
    sealed.stage.check(&report);
    assert!(report.iter().zip(&first).all(|(now, then)| now.password == then.password && now.status == "reset"));
    let reported = sealed.stage.program(&["report", "run"]).output().expect("it starts");
    assert_eq!(reported.status.code(), Some(0), "{}", said(&reported));
    assert_eq!(sealed.opened().len(), 1_000);
    assert!(
        sealed.opened().iter().all(|row| !row.password.is_empty()),
        "a process without the key does not overwrite it"
    );
}
