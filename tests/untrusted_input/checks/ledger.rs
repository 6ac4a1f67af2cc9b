//! A ledger file that anyone may have changed: it is opened or refused, read to its end or not, and nothing worse
//! happens.
//!
//! The bytes say what is changed: values in a sound database, or bytes of the file or of its write-ahead log.

use passwave::{
    ledger::{
        FILE_NAME, Fact, Facts, Ledger, LedgerError, Pause, PauseReason, ReadLedger, Session, ToVerify,
        state::{Doubt, Event},
    },
    password::{BannedWords, Generator, Password, PasswordPolicy, Style},
    plan::{Plan, Settings},
    report::{self, Summary},
    roster::{Roster, RosterOptions},
};
use rusqlite::Connection;
use std::{fs, io, path::Path};
use tempfile::TempDir;

const LOG_NAME: &str = "ledger.db-wal";
const ROWS: u64 = 12;
/// Far more than the report of so few rows needs.
const REPORT_BYTES_MAX: usize = 16 << 20;
/// What can be changed in a sound database.
const PLACES: [&str; 27] = [
    "account SET not_before",
    "account SET doubt",
    "account SET attempts",
    "account SET troubles",
    "account SET sent_at",
    "account SET settled_at",
    "account SET password",
    "account SET error_code",
    "account SET error_message",
    "account SET sessions",
    "account SET verdict",
    "account SET verified_at",
    "account SET state",
    "account SET row",
    "roster SET cells",
    "roster SET user_principal_name",
    "roster SET line",
    "session SET first_write",
    "session SET last_write",
    "session SET began_at",
    "session SET writes",
    "session SET write_quota",
    "moment SET at",
    "moment SET millis",
    "moment SET throttled",
    "run SET value",
    "replaced SET doubt",
];
/// Values that passwave would never write.
const VALUES: [&str; 20] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "256",
    "9223372036854775807",
    "-9223372036854775807 - 1",
    "9223372036854775806",
    "18446744073709551615",
    "1e300",
    "NULL",
    "''",
    "'x'",
    "'-1'",
    "'18446744073709551615'",
    "'999999999999'",
    "'[]'",
    "'planned'",
    "'in_flight'",
];

/// A sound run folder: its files, and the same files while a process works on it.
struct Sound {
    file: Vec<u8>,
    open_file: Vec<u8>,
    open_log: Vec<u8>,
    home: TempDir,
}

thread_local! {
    static SOUND: Sound = Sound::new().expect("a ledger");
}

/// The first byte selects what is changed, and each five bytes after it say how.
pub fn check(bytes: &[u8]) {
    let Some((&kind, changes)) = bytes.split_first() else { return };
    SOUND.with(|sound| {
        let folder = sound.home.path().join("run");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        sound.write(&folder, kind, changes).expect("its files");
        let read = Ledger::open_to_read(&folder).map_err(|error| check_message(&error.to_string()));
        read.iter().for_each(read_all);
        drop(read);
        match Ledger::open(&folder) {
            Ok(mut ledger) => {
                work(&mut ledger).unwrap_or_else(|error| check_message(&error.to_string()));
                let _ = ledger.next_due().is_ok();
                read_all(&ledger);
            }
            Err(error) => check_message(&error.to_string()),
        }
    });
}

impl Sound {
    fn new() -> Result<Self, LedgerError> {
        // In memory if possible: with a disk, every commit would take time.
        let memory = Path::new("/dev/shm");
        let home = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a folder");
        let folder = home.path().join("run");
        let mut ledger = plan(&folder)?;
        let claimed = ledger.turn(&Facts::default(), 6, 1_000)?.writes;
        let lost = Event::Again { not_before: 5_000, maybe_written: true, trouble: true };
        let replaced = Event::Replaced(Password::new("Another-1-Password".into()));
        let events = [Event::Confirmed, Event::Refused, lost, replaced, Event::Unsent];
        let facts = claimed.iter().zip(events).map(|(claimed, event)| fact(claimed.row, claimed.doubt, event));
        ledger.turn(&Facts { writes: facts.collect(), ..Facts::default() }, 2, 2_000)?;
        ledger.add_session(&Session { first_write: Some(1), last_write: Some(9), ..Session::default() })?;
        ledger.add_pauses(&[Pause { at: 3, hold: PauseReason::Asked, millis: 4, throttled: 5 }])?;
        ledger.revoke_sessions()?;
        let read = |name: &str| fs::read(folder.join(name)).expect("there");
        let (open_file, open_log) = (read(FILE_NAME), read(LOG_NAME));
        drop(ledger);
        Ok(Self { file: read(FILE_NAME), open_file, open_log, home })
    }

    fn write(&self, folder: &Path, kind: u8, changes: &[u8]) -> io::Result<()> {
        let (file, log) = (folder.join(FILE_NAME), folder.join(LOG_NAME));
        match kind % 4 {
            0 => fs::write(file, changed(&self.file, changes)),
            1 => fs::write(file, &self.open_file).and(fs::write(log, changed(&self.open_log, changes))),
            2 => fs::write(file, changed(&self.open_file, changes)).and(fs::write(log, &self.open_log)),
            _ => {
                fs::write(&file, &self.file)?;
                set_values(&file, changes);
                Ok(())
            }
        }
    }
}

fn plan(folder: &Path) -> Result<Ledger, LedgerError> {
    let names: String = (1..=ROWS).map(|n| format!("user{n}@contoso.com,Year 7\n")).collect();
    let csv = format!("UPN,class\n{names}user1@contoso.com,again\n");
    let roster = Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    let mut settings = Settings::new(&roster, policy.clone());
    settings.rehearsal = true;
    Ok(Ledger::create(folder, settings, plan)?.ledger)
}

fn fact(row: u64, doubt: Doubt, event: Event) -> Fact {
    Fact { row, doubt, event, cause: None, code: "Code".into(), message: "a message".into(), request_id: "r".into() }
}

fn changed(sound: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for change in changes.chunks_exact(5) {
        let place = usize::from(change[0]) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
        if bytes.is_empty() {
            break;
        }
        let (at, value) = (place % bytes.len(), change[4]);
        let end = (at + 64).min(bytes.len());
        let room = bytes.len() - (end - at);
        match change[3] % 8 {
            0..=2 => bytes[at] = value,
            3 => bytes[at] ^= 1 << (value % 8),
            4 => bytes[at] = bytes[at].wrapping_add(value),
            5 => bytes[at..end].fill(value),
            6 => bytes.copy_within(at..end, usize::from(value) * room / 255),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// If the database refuses a change, it stays as it was.
fn set_values(file: &Path, changes: &[u8]) {
    let ledger = Connection::open(file).expect("a database");
    for change in changes.chunks_exact(5) {
        let (place, value) =
            (PLACES[usize::from(change[0]) % PLACES.len()], VALUES[usize::from(change[1]) % VALUES.len()]);
        let sql = format!("UPDATE {place} = {value} WHERE rowid % {} = 0", change[2] % 5 + 1);
        let noted = format!("UPDATE {place} = {value} WHERE length(name) % {} = 0", change[2] % 9 + 1);
        let _ = ledger.execute(if place.starts_with("run ") { &noted } else { &sql }, ());
    }
}

fn read_all(ledger: &ReadLedger) {
    let mut out = Limited(0);
    if let Err(error) = report::print_csv(ledger, &mut out) {
        check_message(&error.to_string());
    }
    if let Err(error) = report::print_page(ledger, &mut Limited(0)) {
        check_message(&error.to_string());
    }
    assert!(out.0 <= REPORT_BYTES_MAX, "a report without end");
    let _ = (Summary::of(ledger).is_ok(), ledger.fingerprint_now().is_ok(), ledger.verdicts().is_ok());
    let _ = (ledger.kinds().is_ok(), ledger.renamed().is_ok(), ledger.doubtful(0, 9).is_ok());
    let _ = (ledger.to_verify(ToVerify::All, 0, 9).is_ok(), ledger.exclusions().is_ok());
}

/// Runs as far as possible.
fn work(ledger: &mut Ledger) -> Result<(), LedgerError> {
    let mut facts = Facts::default();
    for now in 1..20 {
        ledger.due(now * 1_000_000, 5)?;
        let claims = ledger.turn(&facts, 5, now * 1_000_000)?;
        let confirm = |claimed: passwave::ledger::Claimed| fact(claimed.row, claimed.doubt, Event::Confirmed);
        facts = Facts { writes: claims.writes.into_iter().map(confirm).collect(), ..Facts::default() };
    }
    Ok(())
}

/// Messages are safe to display; SQLite quotes text from the file.
fn check_message(message: &str) {
    assert!(
        !message.is_empty() && message.chars().count() < 4_000,
        "a message of {} characters",
        message.chars().count()
    );
}

/// Accepts as many bytes as a report may have, and fails after that.
struct Limited(usize);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > REPORT_BYTES_MAX { Err(io::Error::other("too much")) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
