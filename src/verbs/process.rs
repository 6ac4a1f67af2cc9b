//! The process itself: its one thread for the network, and how it is asked to stop.

use crate::{
    failure::{Failure, INTERRUPTED},
    terminal::say,
};

/// One thread carries the network; virtual time is for rehearsals.
pub fn runtime(virtual_time: bool) -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(virtual_time)
        .build()
        .map_err(|error| Failure::away(format!("the system refuses what the network needs: {error}")))
}

/// Resolves when the process is asked to stop, or its terminal goes away; asked once more, it leaves at once.
pub async fn interrupted() {
    stop_signal().await;
    tokio::spawn(async {
        stop_signal().await;
        say("Left at once. What was in flight is in doubt, and `passwave run` settles it.");
        std::process::exit(i32::from(INTERRUPTED));
    });
}

#[cfg(unix)]
async fn stop_signal() {
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

#[cfg(windows)]
async fn stop_signal() {
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
