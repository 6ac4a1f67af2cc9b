//! The process itself: its one thread for the network, and how it is asked to stop.

use super::next_step;
use crate::{
    events,
    failure::{Failure, INTERRUPTED},
    terminal::warn,
};
use std::{
    fmt, io,
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};
use tokio::runtime::{Builder, Runtime};

/// Files and sockets that it may want at once: ledger, report, what the network needs of the system, and the batches in
/// flight.
const HANDLES: usize = 32;
/// For good: a thread that has ended may not be had again.
const THREADS_LIVE: Duration = Duration::from_secs(365 * 86_400);

/// One thread carries the network; virtual time is for rehearsals.
///
/// What a system can refuse is asked for here, before anything is sent, since some of those who need it later would end
/// the process where they do not get it.
pub fn runtime(virtual_time: bool) -> Result<Runtime, Failure> {
    files()?;
    let refused = |error| refused("what the network needs", "raise the limits of this process (ulimit -a)", &error);
    two_threads().map_err(refused)?;
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(virtual_time).thread_keep_alive(THREADS_LIVE);
    let runtime = builder.build().map_err(refused)?;
    // Names are looked up on a thread of their own. Where there is one, further ones are waited for.
    drop(runtime.spawn_blocking(|| {}));
    Ok(runtime)
}

/// Has the system write no image of the memory, with its passwords and secrets, where this process dies. Windows writes
/// one only where its administrator had it set up to, and asks no process.
pub fn no_core_dumps() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // That it is refused is no reason not to work.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Whether there are threads to be had: two at once, since one that has ended may count for a moment longer.
fn two_threads() -> io::Result<()> {
    let (hold, held) = mpsc::channel::<()>();
    let first = thread::Builder::new().spawn(move || held.recv().is_ok())?;
    let second = thread::Builder::new().spawn(|| {});
    drop(hold);
    let _ = (first.join(), second?.join());
    Ok(())
}

/// The threads that make passwords, and the files that these are kept in.
pub fn makers() -> Result<(), Failure> {
    files()?;
    static MADE: OnceLock<Result<(), String>> = OnceLock::new();
    let made = MADE.get_or_init(|| rayon::ThreadPoolBuilder::new().build_global().map_err(|error| error.to_string()));
    let refused = |error| refused("the threads that make passwords", "raise the limit of threads (ulimit -u)", error);
    made.as_ref().map_or_else(|error| Err(refused(error)), |()| Ok(()))
}

/// Whether there are enough files and sockets to be had.
pub fn files() -> Result<(), Failure> {
    let pipes: io::Result<Vec<_>> = (0..HANDLES / 2).map(|_| io::pipe()).collect();
    let refused =
        |error| refused("the files and sockets that a run needs", "raise the limit of open files (ulimit -n)", &error);
    pipes.map(drop).map_err(refused)
}

fn refused(what: &str, hint: &str, error: &impl fmt::Display) -> Failure {
    Failure::away(format!("the system refuses {what}: {error}; nothing was sent\nhint: {hint}"))
}

/// Resolves when the process is asked to stop, or its terminal goes away. Asked once more, it leaves at once.
pub async fn interrupted() {
    stop_signal().await;
    tokio::spawn(async {
        stop_signal().await;
        warn("left at once: what was in flight is in doubt, and the next run settles it");
        next_step::repeat();
        events::note_end("left_at_once");
        events::end(INTERRUPTED);
        passwave::graph::client::doors::end_children();
        std::process::exit(i32::from(INTERRUPTED));
    });
}

/// Resolves when the process is asked to stop.
#[cfg(unix)]
pub async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Resolves when the process is asked to stop.
#[cfg(windows)]
pub async fn stop_signal() {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let (Ok(mut c), Ok(mut brk), Ok(mut close)) = (ctrl_c(), ctrl_break(), ctrl_close()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = c.recv() => {}
        _ = brk.recv() => {}
        _ = close.recv() => {}
    }
}
