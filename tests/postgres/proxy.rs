//! A proxy before the server that cuts connections where a test wants it.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

/// What happens to the next statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// Nothing.
    None = 0,
    /// The connection is cut before the server gets it.
    Before = 1,
    /// The server gets it, and the connection is cut instead of its answer.
    After = 2,
}

/// A proxy on a port of its own, for as long as this process runs.
pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicU8>,
}

impl Proxy {
    /// A proxy to this port.
    pub fn to(port: u16) -> Self {
        Self::slow(port, Duration::ZERO)
    }

    /// The same to a server that is this far away, there and back.
    pub fn slow(port: u16, away: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = Self { port: listener.local_addr().expect("an address").port(), cut: Arc::default() };
        let cut = Arc::clone(&own.cut);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                pass(client, server, &cut, away);
            }
        });
        own
    }

    /// Cuts the connection at the next commit or claim.
    pub fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether the cut was made.
    pub fn is_done(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == Cut::None as u8
    }
}

fn pass(client: TcpStream, server: TcpStream, cut: &Arc<AtomicU8>, away: Duration) {
    for end in [&client, &server] {
        end.set_nodelay(true).expect("an option");
    }
    let (up, down) = (client.try_clone().expect("a copy"), server.try_clone().expect("a copy"));
    let drops_answer = Arc::new(AtomicU8::new(0));
    let (cut, dropping) = (Arc::clone(cut), Arc::clone(&drops_answer));
    thread::spawn(move || {
        copy(up, &server, |bytes| {
            thread::sleep(away);
            let has = |mark: &[u8]| bytes.windows(mark.len()).any(|part| part == mark);
            if !has(COMMIT) && !has(CLAIM) {
                return true;
            }
            match cut.swap(0, Ordering::SeqCst) {
                1 => false,
                2 => {
                    dropping.store(1, Ordering::SeqCst);
                    true
                }
                _ => true,
            }
        });
    });
    thread::spawn(move || copy(down, &client, |_| drops_answer.load(Ordering::SeqCst) == 0));
}

/// What every commit of a ledger has in its statement.
const COMMIT: &[u8] = b"SET commits = commits + 1";
/// What a process has in its statement that takes a run.
const CLAIM: &[u8] = b"epoch = taken.epoch + 1";

/// Copies until the end, or until `goes_on` says no; then both ends are cut.
fn copy(mut from: TcpStream, mut to: &TcpStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        if read == 0 || !goes_on(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
