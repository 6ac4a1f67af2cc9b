//! A program that is run for its answer: how much it may print and how long it may take are bounded, and when it is over,
//! so are the programs that it has started.
//!
//! On Unix the program leads a process group of its own, and the group is ended as one. Windows has no such groups for
//! safe code; there, `taskkill /T` ends the program and what it has started, as far as they still know each other.
//!
//! Invariant: what is kept of its output is bounded, whatever it prints.

use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::{Instant, sleep_until, timeout},
};
use zeroize::Zeroizing;

/// Most bytes of standard output; a token has some thousands.
const STDOUT_BYTES_MAX: usize = 1 << 20;
/// Bytes of standard error that are kept: the last ones, as a crash tells its cause at the end.
const STDERR_BYTES_KEPT: usize = 64 << 10;
/// Most bytes of standard error, after which nobody would read on.
const STDERR_BYTES_MAX: usize = 16 << 20;
/// Bytes of output for which there is room from the start, so that a token is not copied about.
const STDOUT_BYTES_USUAL: usize = 64 << 10;
/// How long output is awaited after the program has ended: another one may hold its pipe.
const GRACE: Duration = Duration::from_secs(1);

/// Programs that are running now, so that a process that leaves at once can end them.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// What a program has said.
pub(super) struct Said {
    pub status: ExitStatus,
    pub stdout: Zeroizing<Vec<u8>>,
    pub stderr: Vec<u8>,
}

/// Why a program has said nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It could not be started or waited for.
    Io(io::Error),
    /// It took too long.
    Late,
    /// It printed more than any answer has.
    Endless,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs `command` without input, for `limit` at most.
pub(super) async fn run(mut command: Command, limit: Duration) -> Result<Said, Trouble> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let mut family = Family::of(&child);
    let said = listen(&mut child, Instant::now() + limit, &mut family).await;
    if said.is_err() {
        family.end();
        // So that it does not stay as a zombie.
        drop(timeout(GRACE, child.wait()).await);
    }
    said
}

async fn listen(child: &mut Child, end: Instant, family: &mut Family) -> Result<Said, Trouble> {
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut stdout = Zeroizing::new(Vec::with_capacity(STDOUT_BYTES_USUAL));
    let mut stderr = Vec::new();
    let status = {
        let mut reading = std::pin::pin!(async {
            tokio::try_join!(read_all(out, &mut stdout), read_end(err, &mut stderr)).map(drop)
        });
        tokio::select! {
            biased;
            read = &mut reading => {
                read?;
                tokio::select! {
                    biased;
                    status = child.wait() => status?,
                    () = sleep_until(end) => return Err(Trouble::Late),
                }
            }
            status = child.wait() => {
                if let Ok(read) = timeout(GRACE, reading).await {
                    read?;
                } else {
                    // Something that it has started still holds its pipes.
                    family.end();
                }
                status?
            }
            () = sleep_until(end) => return Err(Trouble::Late),
        }
    };
    family.is_over();
    Ok(Said { status, stdout, stderr })
}

async fn read_all(pipe: Option<impl AsyncRead + Unpin>, text: &mut Vec<u8>) -> Result<(), Trouble> {
    let (Some(mut pipe), mut chunk) = (pipe, Zeroizing::new([0; 8 << 10])) else { return Ok(()) };
    loop {
        match pipe.read(&mut *chunk).await? {
            0 => return Ok(()),
            read if text.len() + read > STDOUT_BYTES_MAX => return Err(Trouble::Endless),
            read => text.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Reads to the end, and keeps the end.
async fn read_end(pipe: Option<impl AsyncRead + Unpin>, text: &mut Vec<u8>) -> Result<(), Trouble> {
    let (Some(mut pipe), mut chunk, mut total) = (pipe, [0; 8 << 10], 0) else { return Ok(()) };
    loop {
        let read = pipe.read(&mut chunk).await?;
        total += read;
        if read == 0 {
            return Ok(());
        }
        if total > STDERR_BYTES_MAX {
            return Err(Trouble::Endless);
        }
        text.extend_from_slice(&chunk[..read]);
        if text.len() > STDERR_BYTES_KEPT {
            text.drain(..text.len() - STDERR_BYTES_KEPT);
        }
    }
}

/// Ends all programs that are running now, for a process that leaves at once.
pub fn end_children() {
    let running = std::mem::take(&mut *running());
    running.into_iter().for_each(end_family);
}

fn running() -> std::sync::MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program and those that it has started; ended when this is dropped.
struct Family(Option<u32>);

impl Family {
    fn of(child: &Child) -> Self {
        running().extend(child.id());
        Self(child.id())
    }

    /// It has ended by itself.
    fn is_over(&mut self) {
        if let Some(leader) = self.0.take() {
            running().retain(|running| *running != leader);
        }
    }

    fn end(&mut self) {
        if let Some(leader) = self.0.take() {
            running().retain(|running| *running != leader);
            end_family(leader);
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(unix)]
fn end_family(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // Where it is gone already, all is well.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(windows)]
fn end_family(leader: u32) {
    let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let taskkill = std::path::Path::new(&system).join(r"System32\taskkill.exe");
    let mut command = std::process::Command::new(taskkill);
    command.args(["/T", "/F", "/PID", &leader.to_string()]);
    // Where it cannot be run, the program itself is ended all the same, as its handle is dropped.
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
