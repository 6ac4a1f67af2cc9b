//! The disk of the server gets full, and is freed again. Only root may mount the small disk that this needs.

use crate::{
    server::{Server, USER, is_root},
    stage::Stage,
};
use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::Command,
};
use tempfile::TempDir;

/// A small disk in memory.
struct SmallDisk {
    place: TempDir,
}

impl SmallDisk {
    /// A disk with this many MiB; `None`, with a word, where none can be mounted.
    fn mount(mib: u32) -> Option<Self> {
        let place = tempfile::tempdir().expect("a folder");
        let own = Self { place };
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode=0700"), "none"]).arg(own.place.path());
        if !is_root() || !mount.output().is_ok_and(|output| output.status.success()) {
            eprintln!("left out: no small disk can be mounted here");
            return None;
        }
        // Only then can the server's user reach it.
        for (program, argument, path) in [("chmod", "0711", own.place.path().to_owned()), ("chown", USER, own.folder())]
        {
            if argument == USER {
                fs::create_dir(&path).expect("made");
            }
            assert!(Command::new(program).arg(argument).arg(path).status().expect("it starts").success());
        }
        Some(own)
    }

    /// Where the server may write.
    fn folder(&self) -> PathBuf {
        self.place.path().join("server")
    }

    /// Uses all that is left of it.
    fn fill(&self) {
        let mut file = File::create(self.place.path().join("filling")).expect("made");
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.place.path().join("filling")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.place.path()).status();
    }
}

const RUN: [&str; 7] = ["run", "wave", "--yes", "--standby", "--lease", "3s", "--batch-size"];

/// The disk is full while a process works on the run: it must stop, and say what to do. Then it goes on.
fn must_stop_and_go_on(stage: &Stage<'_>, disk: &SmallDisk, words: &[&str]) {
    let process = stage.start("first", &[&RUN[..], &["5", "--write-quota", "100/5s"]].concat());
    stage.wait_for_more_than(0);
    disk.fill();
    let output = process.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
    disk.free();
    stage.database.sql("UPDATE passwave.account SET not_before = 0");
    let key = stage.key_file();
    let quick = ["20", "--write-quota", "100000/1s", "--identity", key.to_str().expect("a path")];
    let next = stage.start("next", &[&RUN[..], &quick].concat()).wait_with_output().expect("it ends");
    assert_eq!(next.status.code(), Some(0), "{}", String::from_utf8_lossy(&next.stderr));
    assert_eq!(stage.must_hold().1, 0, "nobody is lost");
    stage.must_be_written_by_holders();
}

#[test]
fn run_stops_when_the_tables_have_no_space_and_goes_on_when_they_have() {
    let Some(disk) = SmallDisk::mount(32) else { return };
    let Some(postgres) = Server::start("") else { return };
    let small = postgres.database();
    small.sql(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.folder().display()));
    let stage = Stage::new(postgres.database_with("TABLESPACE small"), 1_500);
    let words =
        ["could not extend file", "SQLSTATE 53100", "free some space on the server's disk, then continue the run"];
    must_stop_and_go_on(&stage, &disk, &words);
    drop(stage);
    drop(postgres);
}
