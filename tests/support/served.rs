//! Servers on their own threads, and the simulated tenant on one of them, for programs and clients that use HTTP.

use passwave::simulator::{Account, Faults, Simulator, SimulatorConfig, serve};
use std::{
    sync::{Arc, mpsc},
    thread,
};
use tokio::{net::TcpListener, sync::oneshot};

/// A server on its own thread and a free loopback port; it ends when it is dropped.
pub struct Server {
    /// The address at which it listens.
    pub url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Starts `serve` with its listener, and with a future that resolves when it must end.
    pub fn start<F: Future<Output = ()>>(
        serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                ready.send(listener.local_addr().expect("an address")).expect("a receiver");
                serve(listener, stopped).await;
            });
        });
        let url = format!("http://{}", address.recv().expect("it listens"));
        Self { url, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A simulated tenant that is served until it is dropped.
pub struct Served {
    /// The tenant, for inspection.
    pub tenant: Arc<Simulator>,
    /// The address at which it listens.
    pub url: String,
    _server: Server,
}

impl Served {
    /// A tenant with `accounts` that grants a hundred thousand writes a second.
    pub fn new(accounts: &[String], faults: &str) -> Self {
        let quota = "100000/1s".parse().expect("a quota");
        let faults = Faults::from_json(faults.as_bytes()).expect("good faults");
        let tenant = Arc::new(Simulator::new(SimulatorConfig::new(quota, 3).with_faults(faults)));
        accounts.iter().for_each(|name| tenant.add(Account::normal(name)));
        let served = Arc::clone(&tenant);
        let server = Server::start(|listener, stop| serve(served, listener, async { drop(stop.await) }));
        Self { tenant, url: server.url.clone(), _server: server }
    }
}
