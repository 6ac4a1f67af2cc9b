//! Handles requests to stop the process.

use crate::cli::{console::Reporter, failure::INTERRUPTED};
use futures_util::FutureExt;
use std::sync::{Mutex, PoisonError};

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

/// Resolves when the process is asked to stop, or if it was asked while nobody listened.
pub async fn stop_signal() {
    let Some(mut own) = Listener::new() else { return std::future::pending().await };
    if !take_unheard() {
        own.heard().await;
        take_unheard();
    }
}

/// From now on, requests to stop are heard, and none of them ends the process by itself.
#[cfg(feature = "postgres")]
pub async fn listen() {
    take_unheard();
}

/// Hears everything from the first call on: between two calls of [`stop_signal`], a process opens ledgers and writes reports.
static UNHEARD: Mutex<Option<Listener>> = Mutex::new(None);

/// Whether there was a request that nobody has taken. Now it is taken.
fn take_unheard() -> bool {
    let mut kept = UNHEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(listener) = kept.as_mut() else {
        *kept = Listener::new();
        return false;
    };
    let mut was_asked = false;
    while listener.heard().now_or_never().is_some() {
        was_asked = true;
    }
    was_asked
}

/// Hears each request to stop since it was made.
#[cfg(unix)]
struct Listener([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Listener {
    fn new() -> Option<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let [Ok(interrupt), Ok(terminate), Ok(hangup)] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal)
        else {
            return None;
        };
        Some(Self([interrupt, terminate, hangup]))
    }

    async fn heard(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Hears each request to stop since it was made.
#[cfg(windows)]
struct Listener(tokio::signal::windows::CtrlC, tokio::signal::windows::CtrlBreak, tokio::signal::windows::CtrlClose);

#[cfg(windows)]
impl Listener {
    fn new() -> Option<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
        Some(Self(ctrl_c().ok()?, ctrl_break().ok()?, ctrl_close().ok()?))
    }

    async fn heard(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
            _ = self.2.recv() => {}
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{process::Command, time::Duration};

    fn ask() {
        let id = std::process::id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("it starts").success());
    }

    #[test]
    fn request_is_heard_although_nobody_listens_at_that_time() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let soon = Duration::from_millis(50);
        runtime().block_on(async {
            assert!(tokio::time::timeout(soon, stop_signal()).await.is_err(), "nobody has asked");
        });
        ask();
        // Another part of the process works meanwhile.
        runtime().block_on(async { tokio::time::sleep(soon).await });
        runtime().block_on(async {
            let late = Duration::from_secs(60);
            tokio::time::timeout(late, stop_signal()).await.expect("it was asked");
            assert!(tokio::time::timeout(soon, stop_signal()).await.is_err(), "once");
            let both = async { tokio::join!(stop_signal(), stop_signal()) };
            let asking = async {
                tokio::time::sleep(soon).await;
                ask();
            };
            let ((), asked) = tokio::join!(asking, tokio::time::timeout(late, both));
            asked.expect("all who listen hear it");
        });
    }
}
