//! Handles requests to stop the process.

use crate::cli::{console::Reporter, failure::INTERRUPTED};

/// Resolves when the process is asked to stop, or its terminal is closed. On a second request, the process exits at
/// once.
pub fn interrupted(reporter: &Reporter) -> impl Future<Output = ()> + use<> {
    let (reporter, of_all) = (reporter.clone(), reporter.asked_to_stop());
    async move {
        // One of several tenants is asked together with the others.
        if let Some(of_all) = of_all {
            return of_all.await;
        }
        stop_signal().await;
        tokio::spawn(async move {
            stop_signal().await;
            reporter.exit_at_once();
            passwave::graph::client::auth::end_children();
            std::process::exit(i32::from(INTERRUPTED));
        });
    }
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
