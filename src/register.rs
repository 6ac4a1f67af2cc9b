//! The register: which real runs of this user on this machine have begun and not ended.
//!
//! It has one file for each run, in the user's state folder. A run is compared with the others before it begins, so that
//! two runs do not give the same accounts new passwords without anybody noticing. It holds no secret: the run's folder, the
//! directory that it writes to, and a salted hash for each account that is still to be written.
//!
//! Invariant: an entry that cannot be read, or whose run folder is gone, speaks against no run.

use crate::private;
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What a run folder holds as long as it is one.
const LEDGER: &str = "ledger.db";
const LOCK: &str = "register.lock";
const ENDING: &str = "run";
/// How long another process may hold the register. It needs milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(3);
/// The first line of an entry is no longer than this, in bytes.
const HEAD_MAX: u64 = 1 << 16;
/// Bytes of a hash: for two runs with a million accounts each, the chance is 1 in 18 million that any two of them are
/// taken for one account.
const HASH_BYTES: usize = 8;

/// Takes the names of an account: any of them may be the one that another run knows.
pub type Each<'a> = &'a mut dyn FnMut(&[&str]);
/// Tells each account in turn.
pub type Accounts<'a> = &'a mut dyn FnMut(Each<'_>) -> io::Result<()>;

/// A run, as the register knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id, hexadecimal digits.
    pub id: String,
    /// Its folder, as an absolute path.
    pub folder: PathBuf,
    /// The directory that it writes to: Graph's host and the tenant.
    pub directory: String,
    /// When it began, for people.
    pub begun_at: String,
}

/// Another run that has not ended and has accounts in common with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// The other run.
    pub run: Run,
    /// How many accounts are in both.
    pub accounts: u64,
}

/// The register in its folder.
pub struct Register {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    run: Run,
    salt: String,
}

impl Register {
    /// The register in `folder`, which is made when the first run begins.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The other runs that `run` meets. Those that `is_over` says are over leave the register.
    ///
    /// # Errors
    /// If the register cannot be read.
    pub fn meetings(
        &self,
        run: &Run,
        accounts: Accounts<'_>,
        is_over: &dyn Fn(&Run) -> bool,
    ) -> io::Result<Vec<Meeting>> {
        let mut meetings = Vec::new();
        for path in self.entries()? {
            let Ok((head, hashes)) = read(&path) else { continue };
            let other = head.run;
            if other.id == run.id || !other.directory.eq_ignore_ascii_case(&run.directory) {
                continue;
            }
            if !other.folder.join(LEDGER).is_file() {
                fs::remove_file(&path)?;
                continue;
            }
            let mut common = 0;
            accounts(&mut |names| {
                let is_known = |name: &&str| hashes.binary_search(&hash(&head.salt, name)).is_ok();
                common += u64::from(names.iter().any(is_known));
            })?;
            match common {
                0 => {}
                _ if is_over(&other) => fs::remove_file(&path)?,
                accounts => meetings.push(Meeting { run: other, accounts }),
            }
        }
        meetings.sort_by(|one, other| one.run.begun_at.cmp(&other.run.begun_at));
        Ok(meetings)
    }

    /// Notes that `run` begins, unless it meets others and is not meant to run `alongside` them. No two processes get past
    /// this at a time. Returns the others.
    ///
    /// # Errors
    /// If the register cannot be kept.
    pub fn begin(
        &self,
        run: &Run,
        accounts: Accounts<'_>,
        is_over: &dyn Fn(&Run) -> bool,
        alongside: bool,
    ) -> io::Result<Vec<Meeting>> {
        let _lock = self.lock()?;
        let meetings = if alongside { Vec::new() } else { self.meetings(run, accounts, is_over)? };
        if meetings.is_empty() {
            self.write(run, accounts)?;
        }
        Ok(meetings)
    }

    /// Notes which accounts of `run` are left to be written.
    ///
    /// # Errors
    /// If the register cannot be kept.
    pub fn pause(&self, run: &Run, accounts: Accounts<'_>) -> io::Result<()> {
        let _lock = self.lock()?;
        self.write(run, accounts)
    }

    /// The run with this id has ended, and leaves the register.
    ///
    /// # Errors
    /// If the register cannot be kept.
    pub fn end(&self, id: &str) -> io::Result<()> {
        match fs::remove_file(self.entry(id)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn entry(&self, id: &str) -> io::Result<PathBuf> {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(io::Error::other("the run has no id"));
        }
        Ok(self.folder.join(format!("{id}.{ENDING}")))
    }

    fn entries(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        Ok(paths.filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect())
    }

    fn write(&self, run: &Run, accounts: Accounts<'_>) -> io::Result<()> {
        let head = Head { run: run.clone(), salt: format!("{:032x}", rand::random::<u128>()) };
        let mut hashes = Vec::new();
        accounts(&mut |names| hashes.extend(names.iter().map(|name| hash(&head.salt, name))))?;
        hashes.sort_unstable();
        hashes.dedup();
        private::replace(&self.entry(&run.id)?, |file| {
            serde_json::to_writer(&mut *file, &head)?;
            file.write_all(b"\n")?;
            hashes.iter().try_for_each(|hash| file.write_all(&hash.to_be_bytes()))
        })
    }

    /// Waits for other processes, and keeps them out for as long as the file lives.
    fn lock(&self) -> io::Result<File> {
        make(&self.folder)?;
        let path = self.folder.join(LOCK);
        let file = match private::create_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                OpenOptions::new().read(true).write(true).open(&path)?
            }
            other => other?,
        };
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::Error(error)) => return Err(error),
                Err(fs::TryLockError::WouldBlock) if began.elapsed() >= LOCK_WAIT => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the register"));
                }
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

/// Makes a folder with all above it, for its owner alone.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn read(path: &Path) -> io::Result<(Head, Vec<u64>)> {
    let mut file = BufReader::new(File::open(path)?);
    let mut head = Vec::new();
    file.by_ref().take(HEAD_MAX).read_until(b'\n', &mut head)?;
    let head = serde_json::from_slice(&head)?;
    let mut hashes = Vec::new();
    file.read_to_end(&mut hashes)?;
    let hash = |bytes: &[u8]| bytes.iter().fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    Ok((head, hashes.chunks_exact(HASH_BYTES).map(hash).collect()))
}

/// What stands for an account: nobody can read its name out of it, though whoever has a name can try it.
fn hash(salt: &str, name: &str) -> u64 {
    let mut context = Context::new(&SHA256);
    context.update(salt.as_bytes());
    context.update(name.to_ascii_lowercase().as_bytes());
    let digest = context.finish();
    digest.as_ref().iter().take(HASH_BYTES).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const NOBODY: &dyn Fn(&Run) -> bool = &|_| false;

    /// A run folder, and the run in it.
    fn run(home: &TempDir, id: &str, directory: &str) -> Run {
        let folder = home.path().join(format!("folder-{id}"));
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join(LEDGER), "a ledger").expect("written");
        Run { id: id.into(), folder, directory: directory.into(), begun_at: "2026-11-26T16:00:00Z".into() }
    }

    fn of(names: &'static [&'static str]) -> impl FnMut(Each<'_>) -> io::Result<()> {
        move |each| {
            names.iter().for_each(|name| each(&[*name]));
            Ok(())
        }
    }

    fn begin(register: &Register, run: &Run, names: &'static [&'static str], alongside: bool) -> Vec<u64> {
        let meetings = register.begin(run, &mut of(names), NOBODY, alongside).expect("a register");
        meetings.into_iter().map(|meeting| meeting.accounts).collect()
    }

    #[test]
    fn runs_meet_over_accounts_of_one_directory() {
        let home = tempfile::tempdir().expect("a folder");
        let register = Register::at(home.path().join("state/passwave/runs"));
        let (first, second) = (run(&home, "a1", "graph/tenant"), run(&home, "b2", "GRAPH/tenant"));
        let elsewhere = run(&home, "c3", "graph/another");
        let names = &["ann@contoso.com", "bob@contoso.com", "cy@contoso.com"];
        assert!(begin(&register, &first, names, false).is_empty());
        assert!(begin(&register, &first, names, false).is_empty(), "it goes on");
        assert!(begin(&register, &elsewhere, names, false).is_empty());
        assert!(begin(&register, &second, &["dee@contoso.com"], false).is_empty());
        assert_eq!(begin(&register, &second, &["BOB@contoso.com", "ann@contoso.com"], false), [2]);
        assert!(begin(&register, &second, &["bob@contoso.com"], true).is_empty(), "both are meant");
        assert_eq!(begin(&register, &first, names, false), [1], "and each meets the other");
        register.pause(&second, &mut of(&["dee@contoso.com"])).expect("kept");
        assert!(begin(&register, &first, names, false).is_empty(), "what was written is left");
    }

    #[test]
    fn a_run_that_is_over_speaks_against_none() {
        let home = tempfile::tempdir().expect("a folder");
        let register = Register::at(home.path().join("runs"));
        let (first, second) = (run(&home, "a1", "d"), run(&home, "b2", "d"));
        let names = &["ann@contoso.com"];
        begin(&register, &first, names, false);
        register.end("a1").expect("ended");
        register.end("a1").expect("nothing is left to be done");
        assert!(begin(&register, &second, names, false).is_empty());
        // Its folder is gone.
        fs::remove_dir_all(&second.folder).expect("removed");
        assert!(begin(&register, &first, names, false).is_empty());
        assert_eq!(register.entries().expect("entries").len(), 1);
        // Its ledger says so.
        let second = run(&home, "b2", "d");
        let meetings = register.meetings(&second, &mut of(names), &|other| other.id == "a1").expect("a register");
        assert!(meetings.is_empty() && register.entries().expect("entries").is_empty());
    }

    #[test]
    fn a_damaged_entry_is_passed_over() {
        let home = tempfile::tempdir().expect("a folder");
        let register = Register::at(home.path().join("runs"));
        let (first, second) = (run(&home, "a1", "d"), run(&home, "b2", "d"));
        begin(&register, &first, &["ann@contoso.com"], false);
        for damage in [&b""[..], b"{", b"{}\n12345678", &[0xff; 4_096]] {
            fs::write(register.entry("a1").expect("a path"), damage).expect("written");
            assert!(begin(&register, &second, &["ann@contoso.com"], false).is_empty(), "{damage:?}");
        }
        let nowhere = Register::at(home.path().join("folder-a1/ledger.db/runs"));
        assert!(nowhere.begin(&first, &mut of(&[]), NOBODY, false).is_err());
        assert!(register.entry("../../x").is_err(), "an id names no other file");
    }

    #[test]
    fn of_two_that_begin_at_once_one_is_refused() {
        let home = tempfile::tempdir().expect("a folder");
        for round in 0..20 {
            let register = Register::at(home.path().join(format!("runs-{round}")));
            let runs = ["a1", "b2", "c3"].map(|id| run(&home, id, "d"));
            let begun = std::thread::scope(|threads| {
                let register = &register;
                let go = |run| threads.spawn(move || begin(register, run, &["ann@contoso.com"], false).is_empty());
                let going: Vec<_> = runs.iter().map(go).collect();
                going.into_iter().map(|one| one.join().expect("no panic")).filter(|begun| *begun).count()
            });
            assert_eq!(begun, 1, "round {round}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it_and_no_name_is_in_it() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("a folder");
        let register = Register::at(home.path().join("state/passwave/runs"));
        let first = run(&home, "a1", "d");
        begin(&register, &first, &["ann@contoso.com"], false);
        let entry = register.entry("a1").expect("a path");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&register.folder), mode(&entry)), (0o700, 0o600));
        assert!(!String::from_utf8_lossy(&fs::read(entry).expect("read")).contains("ann"));
    }
}
