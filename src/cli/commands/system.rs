//! System resources, requested before anything is sent: threads, files, and no core dumps.

use crate::cli::{
    failure::Failure,
    hints::system::{self, Limit},
};
use std::{fmt, io, sync::mpsc, thread, time::Duration};
use tokio::runtime::{Builder, Runtime};

/// Maximum number of open files and sockets: ledger, report, the system's network needs, and the batches in flight.
const HANDLES: usize = 32;
/// Forever: a thread that has ended may not be replaceable.
const THREADS_LIVE: Duration = Duration::from_secs(365 * 86_400);

/// The clock of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Real,
    /// Jumps ahead whenever everything waits.
    Virtual,
}

/// One thread for the network.
///
/// Resources that the system may refuse are requested here, before anything is sent, because some later failures would
/// end the process.
pub fn runtime(clock: Clock) -> Result<Runtime, Failure> {
    files()?;
    let refused = |error| refused("what the network needs", Limit::Any, &error);
    two_threads().map_err(refused)?;
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(clock == Clock::Virtual).thread_keep_alive(THREADS_LIVE);
    let runtime = builder.build().map_err(refused)?;
    // Names are resolved on a separate thread. If there is one, others wait for it.
    drop(runtime.spawn_blocking(|| {}));
    Ok(runtime)
}

/// Disables core dumps, which would contain passwords and secrets. Windows writes them only if its administrator has
/// set that up, and does not ask the process.
pub fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // A refusal is no reason to stop.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Whether two threads are available; a thread that has ended may still count for a moment.
fn two_threads() -> io::Result<()> {
    let (hold, held) = mpsc::channel::<()>();
    let first = thread::Builder::new().spawn(move || held.recv().is_ok())?;
    let second = thread::Builder::new().spawn(|| {});
    drop(hold);
    let _ = (first.join(), second?.join());
    Ok(())
}

/// Whether enough files and sockets are available.
pub fn files() -> Result<(), Failure> {
    let pipes: io::Result<Vec<_>> = (0..HANDLES / 2).map(|_| io::pipe()).collect();
    let refused = |error| refused("the files and sockets that a run needs", Limit::Files, &error);
    pipes.map(drop).map_err(refused)
}

fn refused(what: &str, limit: Limit, error: &impl fmt::Display) -> Failure {
    Failure::away(format!("the system refuses {what}: {error}; nothing was sent")).hint(system::of(limit))
}
