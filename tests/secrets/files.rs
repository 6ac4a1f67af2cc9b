//! Who may read the files from their first byte on, and where links lead.

use crate::{stage::issued, watched::Watched};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

const REHEARSE: [&str; 4] = ["rehearse", "wave.csv", "--run-dir", "run"];

fn watched() -> Watched {
    Watched::new("{}", |_, issue| issued(&issue()))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

/// The same command without masking, and run by `runner` if that is not empty.
fn unmasked(command: &Command, runner: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("umask 000 && exec {runner} \"$0\" \"$@\"")]).arg(command.get_program());
    shell.args(command.get_args()).current_dir(command.get_current_dir().expect("one"));
    shell.env("PATH", "/usr/bin:/bin").env("TMPDIR", command.get_current_dir().expect("one"));
    shell
}

#[test]
fn any_umask_keeps_files_private() {
    let watched = watched();
    let ended = unmasked(&watched.stage.bare(&REHEARSE), "").output().expect("it starts");
    assert!(ended.status.success(), "{}", crate::stage::said(&ended));
    let run = watched.stage.home().join("run");
    assert_eq!(mode(&run), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&run).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 4, "{files}");
}

/// As the system sees it: no file is created and then restricted, and none is created elsewhere.
#[test]
fn files_are_private_when_created() {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return;
    }
    let watched = watched();
    let log = watched.stage.home().join("trace");
    let runner =
        format!("strace -f -o '{}' -e trace=open,openat,creat,mkdir,mkdirat,chmod,fchmod,fchmodat", log.display());
    let ended = unmasked(&watched.stage.bare(&REHEARSE), &runner).output().expect("it starts");
    assert!(ended.status.success(), "{}", crate::stage::said(&ended));
    let trace = fs::read_to_string(log).expect("a trace");
    let made: Vec<&str> = trace.lines().filter(|line| line.contains("O_CREAT") && !line.contains("/dev/")).collect();
    for line in &made {
        assert!(line.contains(", 0600)") && line.contains("run/"), "{line}");
    }
    for name in [
        "ledger.db\"",
        "ledger.db-wal",
        "ledger.db-shm",
        "run.lock",
        "report.csv.draft",
        "report.html.draft",
        "summary.json.draft",
    ] {
        assert!(made.iter().any(|line| line.contains(name)), "{name}: {made:?}");
    }
    assert!(trace.lines().filter(|line| line.contains("mkdir")).all(|line| line.contains(", 0700)")), "{trace}");
}

#[test]
fn links_lead_nowhere() {
    let watched = watched();
    let home = watched.stage.home();
    let victim = home.join("victim");
    fs::write(&victim, "somebody's own").expect("written");
    // A run folder is never created through a link, whether or not its target exists.
    for target in [home.join("elsewhere"), home.join("bin-nowhere")] {
        symlink(&target, home.join("run")).expect("linked");
        let refused = watched.stage.bare(&REHEARSE).output().expect("it starts");
        assert_eq!(refused.status.code(), Some(2), "{}", crate::stage::said(&refused));
        assert!(!target.exists());
        fs::remove_file(home.join("run")).expect("removed");
    }
    let made = watched.stage.bare(&REHEARSE).output().expect("it starts");
    assert!(made.status.success(), "{}", crate::stage::said(&made));
    // Reports replace a link and do not follow it; a ledger that is a link is not opened.
    for name in ["report.csv", "report.csv.draft", "report.html", "summary.json"] {
        let file = home.join("run").join(name);
        let _ = fs::remove_file(&file);
        symlink(&victim, &file).expect("linked");
    }
    let reported = watched.stage.bare(&["report", "run"]).output().expect("it starts");
    assert!(reported.status.success(), "{}", crate::stage::said(&reported));
    assert!(fs::symlink_metadata(home.join("run/report.csv")).expect("there").is_file());
    for name in ["ledger.db", "run.lock"] {
        let file = home.join("run").join(name);
        fs::rename(&file, home.join("aside")).expect("moved");
        symlink(home.join("aside"), &file).expect("linked");
        let refused = watched.stage.bare(&["run", "run", "--yes"]).output().expect("it starts");
        assert_eq!(refused.status.code(), Some(2), "{name}: {}", crate::stage::said(&refused));
        assert!(crate::stage::said(&refused).contains("is a link"), "{name}: {}", crate::stage::said(&refused));
        fs::remove_file(&file).expect("removed");
        fs::rename(home.join("aside"), &file).expect("moved");
    }
    assert_eq!(fs::read_to_string(&victim).expect("there"), "somebody's own");
}

#[test]
fn shared_places_keep_folders_private() {
    let watched = watched();
    let open = watched.stage.home().join("open");
    fs::create_dir(&open).expect("made");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).expect("ours");
    let made = watched.stage.bare(&["rehearse", "wave.csv", "--run-dir", "open/run"]).output().expect("it starts");
    assert!(made.status.success(), "{}", crate::stage::said(&made));
    assert_eq!((mode(&open.join("run")), mode(&open.join("run/report.csv"))), (0o700, 0o600));
    // A folder that someone else has created there is not used.
    fs::create_dir(open.join("mine")).expect("made");
    let refused = watched.stage.bare(&["rehearse", "wave.csv", "--run-dir", "open/mine"]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(2), "{}", crate::stage::said(&refused));
}

/// Neither the program nor its child processes write a core dump.
#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_is_written() {
    let watched = watched();
    let mut child = watched.stage.bare(&["simulate"]).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("it listens");
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("readable");
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the limit");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}
