//! A simulated tenant over loopback, served on a thread of its own, for programs and clients that speak HTTP.

use passwave::graph::simulator::{Account, Faults, Simulator, SimulatorConfig, serve};
use std::{sync::Arc, thread};
use tokio::{net::TcpListener, sync::oneshot};

/// Serves until it is dropped.
pub struct Served {
    /// The tenant, to be looked at.
    pub tenant: Arc<Simulator>,
    /// Where it listens.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    /// A tenant with `accounts` that grants a hundred thousand writes a second.
    pub fn new(accounts: &[String], faults: &str) -> Self {
        let quota = "100000/1s".parse().expect("a quota");
        let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
        let tenant = Arc::new(Simulator::new(SimulatorConfig { faults, ..SimulatorConfig::new(quota, 3) }));
        accounts.iter().for_each(|name| tenant.add(Account::normal(name)));
        let (stop, stopped) = oneshot::channel::<()>();
        let (listens, told) = std::sync::mpsc::channel();
        let served = Arc::clone(&tenant);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                listens.send(listener.local_addr().expect("an address")).expect("somebody waits");
                serve(served, listener, async { drop(stopped.await) }).await;
            });
        });
        let url = format!("http://{}", told.recv().expect("it listens"));
        Self { tenant, url, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
