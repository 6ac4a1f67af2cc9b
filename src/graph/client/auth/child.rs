//! Runs a program for its output, with limits on output and time. When it is done, the programs that it started are
//! ended, too.
//!
//! On Unix the program leads its own process group, which is ended as a whole. Windows has no process groups for safe
//! code; there, `taskkill /T` ends the program and its known children.
//!
//! Invariant: whatever the program prints, only a limited part is kept.

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

/// Maximum size of standard output; a token has a few thousand bytes.
const STDOUT_BYTES_MAX: usize = 1 << 20;
/// How much of standard error is kept: the last bytes, because a crash reports its cause at the end.
const STDERR_BYTES_KEPT: usize = 64 << 10;
/// Maximum size of standard error.
const STDERR_BYTES_MAX: usize = 16 << 20;
/// Initial capacity for output, so that a token is not copied when the buffer grows.
const STDOUT_BYTES_USUAL: usize = 64 << 10;
/// How long to wait for output after the program has ended: another process may hold its pipe.
const GRACE: Duration = Duration::from_secs(1);

/// The running programs, so a process that exits at once can end them.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// The output of a program.
pub(super) struct ChildOutput {
    pub status: ExitStatus,
    pub stdout: Zeroizing<Vec<u8>>,
    pub stderr: Vec<u8>,
}

/// Why there is no output.
#[derive(Debug)]
pub(super) enum ChildError {
    /// It could not be started or waited for.
    Io(io::Error),
    /// It took too long.
    Late,
    /// It printed more than any answer needs.
    Endless,
}

impl From<io::Error> for ChildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs `command` without input, for at most `limit`.
pub(super) async fn run(mut command: Command, limit: Duration) -> Result<ChildOutput, ChildError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let mut family = Family::of(&child);
    let said = listen(&mut child, Instant::now() + limit, &mut family).await;
    if said.is_err() {
        family.end();
        // Reaps the process, so that it does not stay a zombie.
        drop(timeout(GRACE, child.wait()).await);
    }
    said
}

async fn listen(child: &mut Child, end: Instant, family: &mut Family) -> Result<ChildOutput, ChildError> {
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
                    () = sleep_until(end) => return Err(ChildError::Late),
                }
            }
            status = child.wait() => {
                if let Ok(read) = timeout(GRACE, reading).await {
                    read?;
                } else {
                    // A program that it started still holds its pipes.
                    family.end();
                }
                status?
            }
            () = sleep_until(end) => return Err(ChildError::Late),
        }
    };
    family.is_over();
    Ok(ChildOutput { status, stdout, stderr })
}

async fn read_all(pipe: Option<impl AsyncRead + Unpin>, text: &mut Vec<u8>) -> Result<(), ChildError> {
    let (Some(mut pipe), mut chunk) = (pipe, Zeroizing::new([0; 8 << 10])) else { return Ok(()) };
    loop {
        match pipe.read(&mut *chunk).await? {
            0 => return Ok(()),
            read if text.len() + read > STDOUT_BYTES_MAX => return Err(ChildError::Endless),
            read => text.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Reads to the end, and keeps the last part.
async fn read_end(pipe: Option<impl AsyncRead + Unpin>, text: &mut Vec<u8>) -> Result<(), ChildError> {
    let (Some(mut pipe), mut chunk, mut total) = (pipe, [0; 8 << 10], 0) else { return Ok(()) };
    loop {
        let read = pipe.read(&mut chunk).await?;
        total += read;
        if read == 0 {
            return Ok(());
        }
        if total > STDERR_BYTES_MAX {
            return Err(ChildError::Endless);
        }
        text.extend_from_slice(&chunk[..read]);
        if text.len() > STDERR_BYTES_KEPT {
            text.drain(..text.len() - STDERR_BYTES_KEPT);
        }
    }
}

/// Ends all running programs, for a process that exits at once.
pub fn end_children() {
    let running = std::mem::take(&mut *running());
    running.into_iter().for_each(end_family);
}

fn running() -> std::sync::MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program and the programs that it started; all are ended on drop.
struct Family(Option<u32>);

impl Family {
    fn of(child: &Child) -> Self {
        running().extend(child.id());
        Self(child.id())
    }

    /// It ended by itself.
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
        // If it is already gone, that is fine.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(windows)]
fn end_family(leader: u32) {
    let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    let taskkill = std::path::Path::new(&system).join(r"System32\taskkill.exe");
    let mut command = std::process::Command::new(taskkill);
    command.args(["/T", "/F", "/PID", &leader.to_string()]);
    // If `taskkill` cannot run, dropping the handle still ends the program itself.
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}
