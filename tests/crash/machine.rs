//! A failing machine: a full disk, a read-only disk, files that cannot be opened, damaged bytes.

use crate::program::{Stage, can_trace, said, skipped, traced};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// A file system in memory over the home folder of a stage, while it lives.
struct Disk(PathBuf);

impl Disk {
    /// `None` if this machine does not permit a mount.
    fn over(stage: &Stage, size: &str) -> Option<Self> {
        let options = format!("size={size},mode=0700");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "passwave"]).arg(stage.home()).output();
        if !mounted.is_ok_and(|mounted| mounted.status.success()) {
            skipped("a file system cannot be mounted here");
            return None;
        }
        stage.write_roster();
        Some(Self(stage.home().to_owned()))
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let done = Command::new("mount").args(["-o", &options]).arg(&self.0).output().expect("mount is there");
        assert!(done.status.success(), "{}", said(&done));
    }

    /// Fills all remaining space.
    fn fill(&self) -> PathBuf {
        let filler = self.0.join("filler");
        let mut file = fs::File::create(&filler).expect("made");
        while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
        filler
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn full_disk_leaves_no_partial_run() {
    let stage = Stage::new(3_000, "{}");
    let Some(_disk) = Disk::over(&stage, "400k") else { return };
    let mut plan = stage.connecting(&["plan", "wave.csv", "--run-dir", "run"]);
    let said = stage.must_end_away(plan.spawn().expect("it starts"), &["free some space"]);
    assert!(!stage.run_folder().exists(), "{said}");
}

#[test]
fn filling_disk_stops_without_loss() {
    let stage = Stage::new(1_500, r#"{"latency_ms": 60}"#);
    let Some(disk) = Disk::over(&stage, "8m") else { return };
    stage.plan();
    let child = stage.begin(stage.running(), 100);
    let filler = disk.fill();
    stage.must_end_away(child, &["full", "free some space", "passwave run"]);
    let writes = stage.served.tenant.tally().writes;
    assert!(writes < 1_500, "nothing was sent whose intent could not be kept");
    // The report from before the run is unchanged, and has the passwords that may be in force.
    stage.check(&stage.last_report());
    let report = stage.program(&["report", "run"]).spawn().expect("it starts");
    stage.must_end_away(report, &["report.csv", "free space"]);
    assert!(!stage.run_folder().join("report.csv.draft").exists());
    stage.must_end_away(stage.running().spawn().expect("it starts"), &["free some space"]);
    stage.check(&stage.last_report());
    assert_eq!(stage.served.tenant.tally().writes, writes);
    fs::remove_file(filler).expect("removed");
    stage.check(&stage.report());
    stage.finish();
}

#[test]
fn unwritable_disk_stops_without_loss() {
    let stage = Stage::new(60, "{}");
    let Some(disk) = Disk::over(&stage, "8m") else { return };
    stage.plan();
    disk.remount("ro");
    stage.must_end_away(stage.running().spawn().expect("it starts"), &["run"]);
    let read = stage.program(&["report", "run", "--format", "csv"]).output().expect("it starts");
    assert_eq!(read.status.code(), Some(0), "{}", said(&read));
    assert_eq!(crate::checkers::read(&read.stdout).len(), 60);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let file = elsewhere.path().join("report.csv");
    let to_file = ["report", "run", "--format", "csv", "--output", file.to_str().expect("a path")];
    let written = stage.program(&to_file).output().expect("it starts");
    assert_eq!((written.status.code(), fs::read(&file).ok()), (Some(0), Some(read.stdout)), "{}", said(&written));
    let refused = stage.program(&["report", "run"]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--output FILE"), "{}", said(&refused));
    assert_eq!(stage.served.tenant.tally().patches, 0);
    disk.remount("rw");
    stage.finish();
}

/// For root nothing is read-only, so another test covers root.
#[test]
fn read_only_ledger_is_reported() {
    let stage = Stage::new(60, "{}");
    stage.plan();
    let modes = |file, folder| {
        for (path, mode) in [(stage.ledger(), file), (stage.run_folder(), folder)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
        }
    };
    modes(0o400, 0o500);
    if fs::OpenOptions::new().write(true).open(stage.ledger()).is_ok() {
        skipped("to this user nothing is read-only");
        return;
    }
    stage.must_end_away(stage.running().spawn().expect("it starts"), &["ledger"]);
    assert_eq!(stage.served.tenant.tally().patches, 0);
    modes(0o600, 0o700);
    stage.finish();
}

/// Errors that the system returns for calls on the ledger's log, and the messages for them.
#[test]
fn system_refusals_stop_without_loss() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new(1_200, r#"{"latency_ms": 20}"#);
    stage.plan();
    let folder = fs::canonicalize(stage.run_folder()).expect("there");
    let log = folder.join("ledger.db-wal");
    for (fault, words) in [
        ("pwrite64:error=EROFS:when=30+", "check the disk"),
        ("pwrite64:error=ENOSPC:when=30+", "free some space"),
        ("pwrite64:error=EIO:when=30+", "check the disk"),
        ("fsync,fdatasync:error=EIO:when=8+", "check the disk"),
    ] {
        let before = stage.served.tenant.tally().writes;
        let option = format!("inject={fault}");
        let options = ["-o", "/dev/null", "-P", log.to_str().expect("UTF-8"), "-e", &option];
        let child = traced(&stage.running(), &options).spawn().expect("it starts");
        stage.must_end_away(child, &["the ledger could not be read or written", words, "passwave run"]);
        assert!(stage.served.tenant.tally().writes > before, "{fault}: it came under way");
        stage.check(&stage.last_report());
        stage.check(&stage.report());
    }
    stage.finish();
}

#[test]
fn too_few_files_stop_without_loss() {
    let stage = Stage::new(200, "{}");
    stage.plan();
    let limited = |command: &Command, most: u32| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("ulimit -n {most} && exec \"$0\" \"$@\"")).arg(command.get_program());
        shell.args(command.get_args());
        crate::program::in_the_place_of(command, shell)
    };
    let mut refused = 0;
    for most in (4..44).chain([48, 56, 64, 80, 128]) {
        let reset = stage.connecting(&["reset", "wave.csv", "--yes", "--run-dir", &format!("never-{most}")]);
        for command in [reset, stage.running(), stage.program(&["report", "run"])] {
            let ended = limited(&command, most).output().expect("it starts");
            let said = said(&ended);
            // Below that limit, the loader cannot even start the program.
            if ended.status.code() == Some(127) {
                continue;
            }
            assert!(matches!(ended.status.code(), Some(0 | 3)) && !said.contains("panicked"), "{most}: {said}");
            assert!(ended.status.success() || said.contains("hint: "), "{most}: {said}");
            refused += u32::from(!ended.status.success());
        }
    }
    assert!(refused >= 30, "{refused}");
    let report = stage.report();
    assert!(report.iter().all(|row| row.status == "reset"), "with enough of them it went through");
}

/// A flipped bit anywhere in the ledger is detected or harmless: no account outside the roster is touched, and nothing
/// panics. Only a flipped bit within a password cannot be detected (see the README).
#[test]
fn flipped_bits_do_no_harm() {
    let stage = Stage::new(40, "{}");
    stage.plan();
    let good = fs::read(stage.ledger()).expect("a ledger");
    let mut refused = 0;
    let flips: u64 = std::env::var("PASSWAVE_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(60);
    for seed in 0..flips {
        let at = usize::try_from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16).expect("64 bits") % good.len();
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (seed % 8);
        fresh(&stage, &bytes);
        let planned = stage.program(&["report", "run"]).output().expect("it starts");
        assert!(!said(&planned).contains("panicked"), "byte {at}: {}", said(&planned));
        let ran = stage.running().output().expect("it starts");
        let words = said(&ran);
        assert!(matches!(ran.status.code(), Some(0..=3)) && !words.contains("panicked"), "byte {at}: {words}");
        if matches!(ran.status.code(), Some(2 | 3)) {
            assert!(words.contains("hint: "), "byte {at}: {words}");
            refused += 1;
            continue;
        }
        // Each flip resets the accounts again, so only their current passwords count.
        let report = stage.last_report();
        for (row, account) in report.iter().zip(&stage.accounts) {
            assert_eq!(&row.name, account, "byte {at}");
            let held = stage.served.tenant.holds(account, &row.password);
            assert!(row.status != "reset" || held, "byte {at}, row {}: {words}", row.row);
        }
        assert_eq!(report.len(), stage.accounts.len());
    }
    for stranger in &stage.strangers {
        assert!(stage.served.tenant.ever_given(stranger).is_empty(), "{stranger}");
    }
    assert!(refused > 0 && refused < flips, "{refused} of {flips}");
}

/// A run folder with only this ledger.
fn fresh(stage: &Stage, ledger: &[u8]) {
    let folder: &Path = &stage.run_folder();
    fs::remove_dir_all(folder).expect("removed");
    fs::create_dir(folder).expect("made");
    fs::write(stage.ledger(), ledger).expect("written");
}
