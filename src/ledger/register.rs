//! The register of real runs: those of this user on this machine that have started and not ended.
//!
//! It has one file per run in the user's state folder. A run is compared with the others before it starts, so two runs
//! cannot silently give the same accounts new passwords. It contains no secret: only the run's folder, the directory
//! that it writes to, and a salted hash for each account that is still to be written.
//!
//! Invariant: an entry that cannot be read, or whose run folder is gone, blocks no run.

use crate::util::{lock_file, replace::replace};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The file that makes a folder a run folder.
const LEDGER: &str = "ledger.db";
const LOCK: &str = "register.lock";
const ENDING: &str = "run";
/// How long another process may hold the register; it needs only milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(3);
/// Maximum length of an entry's first line in bytes.
const HEAD_MAX: u64 = 1 << 16;
/// Length of a hash in bytes. For two runs with a million accounts each, the chance that any two accounts collide is 1
/// in 18 million.
const HASH_BYTES: usize = 8;

/// Receives the names of an account. Another run may know it by any of them.
pub type Each<'a> = &'a mut dyn FnMut(&[&str]);
/// Passes each account in turn.
pub type Accounts<'a> = &'a mut dyn FnMut(Each<'_>) -> io::Result<()>;

/// A run in the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id in hexadecimal digits.
    pub id: String,
    /// Its folder, as an absolute path.
    pub folder: PathBuf,
    /// The directory that it writes to: Graph's host and the tenant.
    pub directory: String,
    /// When it started, for display.
    pub begun_at: String,
}

/// Another unfinished run that has accounts in common with this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
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
    /// The register in `folder`, which is created when the first run starts.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The other runs with accounts in common with `run`. Those for which `is_over` is true are removed from the
    /// register.
    ///
    /// # Errors
    /// Fails if the register cannot be read.
    pub fn overlaps(
        &self,
        run: &Run,
        accounts: Accounts<'_>,
        is_over: &dyn Fn(&Run) -> bool,
    ) -> io::Result<Vec<Overlap>> {
        let mut overlaps = Vec::new();
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
                accounts => overlaps.push(Overlap { run: other, accounts }),
            }
        }
        overlaps.sort_by(|one, other| one.run.begun_at.cmp(&other.run.begun_at));
        Ok(overlaps)
    }

    /// The other runs that write to the same directory as `run`.
    ///
    /// # Errors
    /// Fails if the register cannot be read.
    pub fn others(&self, run: &Run) -> io::Result<Vec<Run>> {
        let runs = self.entries()?.into_iter().filter_map(|path| Some(read(&path).ok()?.0.run));
        Ok(runs.filter(|other| other.id != run.id && other.directory.eq_ignore_ascii_case(&run.directory)).collect())
    }

    /// Notes that `run` starts, unless it overlaps with others and may not run `alongside` them. Only one process at a
    /// time gets past this. Returns the others.
    ///
    /// # Errors
    /// Fails if the register cannot be written.
    pub fn begin(
        &self,
        run: &Run,
        accounts: Accounts<'_>,
        is_over: &dyn Fn(&Run) -> bool,
        alongside: bool,
    ) -> io::Result<Vec<Overlap>> {
        let _lock = self.lock()?;
        let overlaps = if alongside { Vec::new() } else { self.overlaps(run, accounts, is_over)? };
        if overlaps.is_empty() {
            self.write(run, accounts)?;
        }
        Ok(overlaps)
    }

    /// Notes which accounts of `run` are still to be written.
    ///
    /// # Errors
    /// Fails if the register cannot be written.
    pub fn pause(&self, run: &Run, accounts: Accounts<'_>) -> io::Result<()> {
        let _lock = self.lock()?;
        self.write(run, accounts)
    }

    /// Removes the run with this id, because it has ended.
    ///
    /// # Errors
    /// Fails if the register cannot be written.
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
        replace(&self.entry(&run.id)?, |file| {
            serde_json::to_writer(&mut *file, &head)?;
            file.write_all(b"\n")?;
            hashes.iter().try_for_each(|hash| file.write_all(&hash.to_be_bytes()))
        })
    }

    /// Waits for other processes, and locks them out while the file is open.
    fn lock(&self) -> io::Result<File> {
        make(&self.folder)?;
        let path = self.folder.join(LOCK);
        let file = match lock_file::create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => lock_file::open(&path)?,
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

/// Creates a folder and its parents for their owner alone.
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

/// The hash of an account: nobody can read the name from it, but someone who has a name can test it.
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

    /// A run folder with its run.
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
        let overlaps = register.begin(run, &mut of(names), NOBODY, alongside).expect("a register");
        overlaps.into_iter().map(|overlap| overlap.accounts).collect()
    }

    #[test]
    fn runs_overlap_within_one_directory() {
        let home = tempfile::tempdir().expect("a folder");
        let register = Register::at(home.path().join("state/passwave/runs"));
        let (first, second) = (run(&home, "a1", "graph/tenant"), run(&home, "b2", "GRAPH/tenant"));
        let elsewhere = run(&home, "c3", "graph/another");
        let names = &["ann@contoso.com", "bob@contoso.com", "cy@contoso.com"];
        assert!(begin(&register, &first, names, false).is_empty());
        assert!(begin(&register, &first, names, false).is_empty(), "it continues");
        assert!(begin(&register, &elsewhere, names, false).is_empty());
        assert!(begin(&register, &second, &["dee@contoso.com"], false).is_empty());
        assert_eq!(begin(&register, &second, &["BOB@contoso.com", "ann@contoso.com"], false), [2]);
        assert!(begin(&register, &second, &["bob@contoso.com"], true).is_empty(), "both are meant");
        assert_eq!(begin(&register, &first, names, false), [1], "and each meets the other");
        assert_eq!(register.others(&first).expect("a register"), std::slice::from_ref(&second));
        register.pause(&second, &mut of(&["dee@contoso.com"])).expect("kept");
        assert!(begin(&register, &first, names, false).is_empty(), "what was written is left");
    }

    #[test]
    fn ended_runs_block_nothing() {
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
        let overlaps = register.overlaps(&second, &mut of(names), &|other| other.id == "a1").expect("a register");
        assert!(overlaps.is_empty() && register.entries().expect("entries").is_empty());
    }

    #[test]
    fn damaged_entries_are_ignored() {
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
    fn simultaneous_start_refuses_one() {
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
    fn entries_are_private_and_nameless() {
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
