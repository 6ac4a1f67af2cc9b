//! The program as the system sees it: what is on disk when a batch is sent, and kills at chosen system calls.
//!
//! From the trace of all writes and syncs, the files are rebuilt as a power failure would leave them: only with what
//! was synced before.

use crate::program::{Stage, can_trace, said, traced};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// System calls that change the ledger, sync it, or send.
const CALLS: &str = "trace=pwrite64,ftruncate,fsync,fdatasync,write,writev,sendto";

/// One call as `strace -xx -y` prints it.
enum Call {
    Write { file: String, at: usize, bytes: Vec<u8> },
    Truncate { file: String, length: usize },
    Sync { file: String },
    Send { bytes: Vec<u8> },
}

/// The content of a file, and the part that survives a power failure.
#[derive(Clone, Default)]
struct Image {
    written: Vec<u8>,
    synced: Vec<u8>,
}

/// The strings of a line, decoded: `"\x70\x61…"`.
fn strings(line: &str) -> Vec<u8> {
    let quoted = line.split('"').skip(1).step_by(2);
    quoted.flat_map(hex).collect()
}

fn hex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(&byte[..2], 16).expect("two digits")).collect()
}

fn read(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let result: i64 = line.rsplit_once(" = ")?.1.split_whitespace().next()?.parse().ok()?;
    let fd = &rest[rest.find('<')? + 1..rest.find('>')?];
    let file = String::from_utf8(hex(fd)).ok().filter(|name| !name.is_empty()).unwrap_or_else(|| fd.to_owned());
    let length = usize::try_from(result).expect("it succeeded");
    let last = || rest.rsplit_once(')')?.0.rsplit(", ").next()?.parse::<usize>().ok();
    Some(match name {
        "pwrite64" => Call::Write { file, at: last()?, bytes: strings(rest)[..length].to_vec() },
        "ftruncate" => Call::Truncate { file, length: last()? },
        "fsync" | "fdatasync" => Call::Sync { file },
        _ if file.starts_with("socket:") || file.starts_with("TCP:") => {
            Call::Send { bytes: strings(rest)[..length].to_vec() }
        }
        _ => return None,
    })
}

impl Image {
    fn of(file: &Path) -> Self {
        let bytes = fs::read(file).unwrap_or_default();
        Self { written: bytes.clone(), synced: bytes }
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        self.written.resize(self.written.len().max(end), 0);
        self.written[at..end].copy_from_slice(bytes);
    }
}

/// The rows of a batch with their passwords; empty if it writes none.
fn passwords(request: &[u8]) -> Vec<(u64, String)> {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n").filter(|(head, _)| head.contains("/v1.0/$batch")) else {
        return Vec::new();
    };
    let batch: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {head}"));
    let items = batch["requests"].as_array().expect("requests");
    let written = items.iter().filter_map(|item| {
        let password = item["body"]["passwordProfile"]["password"].as_str()?;
        Some((item["id"].as_str()?.parse().ok()?, password.to_owned()))
    });
    written.collect()
}

/// Checks that the ledger after a power failure at this point would have the intents, each with its password.
fn must_hold(images: &HashMap<String, Image>, folder: &str, rows: &[(u64, String)]) {
    let left = tempfile::tempdir().expect("a folder");
    for name in ["ledger.db", "ledger.db-wal"] {
        fs::write(left.path().join(name), &images[&format!("{folder}/{name}")].synced).expect("written");
    }
    let ledger = rusqlite::Connection::open(left.path().join("ledger.db")).expect("a ledger");
    let sql = "SELECT state, password FROM account WHERE row = ?1";
    for (row, password) in rows {
        let kept: (String, String) =
            ledger.query_row(sql, [row], |row| Ok((row.get(0)?, row.get(1)?))).expect("the row");
        assert_eq!(kept.0, "in_flight", "row {row} was sent before its intent was on disk");
        assert!(kept.1 == *password, "row {row} was sent with a password that was not on disk");
    }
}

#[test]
fn plan_and_folders_are_synced() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new(50, "{}");
    let log = stage.home().join("trace");
    let options = ["-xx", "-y", "-s", "1000000", "-e", CALLS, "-o", log.to_str().expect("UTF-8")];
    let ended = traced(&stage.planning(), &options).output().expect("it starts");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let folder = fs::canonicalize(stage.run_folder()).expect("there");
    let mut synced = HashSet::new();
    for call in fs::read_to_string(&log).expect("a trace").lines().filter_map(read) {
        if let Call::Sync { file } = call {
            synced.insert(PathBuf::from(file));
        }
    }
    for path in [folder.join("ledger.db").as_path(), &folder, folder.parent().expect("a parent")] {
        assert!(synced.contains(path), "a power failure may take {}", path.display());
    }
}

#[test]
fn intents_are_synced_before_sending() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new(900, r#"{"complexity": {"share": 0.1}, "latency_ms": 2}"#);
    stage.plan();
    let folder = fs::canonicalize(stage.run_folder()).expect("there").to_string_lossy().into_owned();
    let names = ["ledger.db", "ledger.db-wal"].map(|name| format!("{folder}/{name}"));
    let mut images: HashMap<String, Image> =
        names.iter().map(|name| (name.clone(), Image::of(Path::new(name)))).collect();
    let log = stage.home().join("trace");
    let mut run = stage.running();
    run.args(["--batch-size", "5"]);
    let options = ["-xx", "-y", "-s", "1000000", "-e", CALLS, "-o", log.to_str().expect("UTF-8")];
    let ended = traced(&run, &options).output().expect("it starts");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let (mut batches, mut rows, mut checkpoints) = (0, 0, 0);
    for call in fs::read_to_string(&log).expect("a trace").lines().filter_map(read) {
        match call {
            Call::Write { file, at, bytes } => {
                if let Some(image) = images.get_mut(&file) {
                    image.write(at, &bytes);
                }
            }
            Call::Truncate { file, length } => {
                images.get_mut(&file).into_iter().for_each(|image| image.written.resize(length, 0));
            }
            Call::Sync { file } => {
                checkpoints += u64::from(file == names[0]);
                images.get_mut(&file).into_iter().for_each(|image| image.synced.clone_from(&image.written));
            }
            Call::Send { bytes } => {
                let sent = passwords(&bytes);
                must_hold(&images, &folder, &sent);
                (batches, rows) = (batches + u64::from(!sent.is_empty()), rows + sent.len() as u64);
            }
        }
    }
    assert_eq!(rows, stage.served.tenant.tally().patches, "every write was seen");
    assert!(rows > 900 && batches >= 190, "{rows} rows in {batches} batches: some passwords were refused and replaced");
    assert!(checkpoints > 0, "the log has come home to the ledger under way");
    stage.finish();
}

#[test]
fn cut_at_any_call_continues() {
    if !can_trace() {
        return;
    }
    let stage = Stage::new(800, r#"{"latency_ms": 3, "complexity": {"share": 0.1}}"#);
    stage.plan();
    let mut cuts = 0;
    for calls in ["pwrite64", "fsync,fdatasync", "writev,sendto", "rename,renameat,renameat2"] {
        for nth in [1, 2, 3, 4, 5, 7, 11, 16] {
            let option = format!("inject={calls}:signal=KILL:when={nth}");
            let cut = traced(&stage.running(), &["-o", "/dev/null", "-e", &option]).output().expect("it starts");
            cuts += u64::from(cut.status.code().is_none());
            stage.check(&stage.report());
        }
    }
    assert!(cuts >= 20, "{cuts}");
    stage.finish();
}
