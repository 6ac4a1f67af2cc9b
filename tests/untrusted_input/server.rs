//! A server that sends exactly the given bytes, and counts how many were accepted.

use passwave::graph::client::{ClientSecret, GraphClient, ProxyUse, endpoint, http_client_within};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

pub const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"aaa.bbb.ccc"}"#;
pub const SECRET: &str = "canary~secret~of~the~application";
/// "Without end" means this many bytes here: far beyond any limit.
const ENDLESS_BYTES: usize = 1 << 30;

/// A part of an answer.
#[derive(Clone)]
pub enum Say {
    /// These bytes.
    Once(Vec<u8>),
    /// These bytes again and again, a gigabyte of them.
    Forever(Vec<u8>),
    /// These bytes, one per millisecond, without end.
    Drip(Vec<u8>),
    /// Nothing more, until the other side closes the connection.
    Nothing,
}

/// What happened in an exchange.
#[derive(Debug)]
pub struct Heard {
    pub head: String,
    /// Bytes of the answer that the system accepted.
    pub sent: usize,
}

pub struct Server {
    pub url: String,
    pub connections: Arc<AtomicUsize>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

/// A complete answer with its length.
pub fn plain(status: u16, body: &[u8]) -> Vec<Say> {
    vec![Say::Once([head(status, &format!("Content-Length: {}\r\n", body.len())).as_slice(), body].concat())]
}

pub fn head(status: u16, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\n{fields}\r\n").into_bytes()
}

impl Server {
    /// Answers sign-ins with `token` and everything else with `other`, one request per connection.
    pub async fn new(token: Vec<Say>, other: Vec<Say>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (tell, heard) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (script, counter) = (Arc::new((token, other)), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(converse(socket, Arc::clone(&script), tell.clone()));
            }
        });
        Self { url, connections, heard }
    }

    /// A client of this server whose exchanges take at most `most`.
    pub fn client(&self, most: Duration) -> GraphClient<ClientSecret> {
        let url = endpoint(&self.url).expect("a URL");
        let http = http_client_within(ProxyUse::Never, most).expect("a client");
        let credential = ClientSecret::new(http.clone(), &url, &url, "contoso.com", "app", SECRET.to_owned().into());
        GraphClient::new(http, &url, credential.expect("good ids"))
    }

    /// The next exchange that has ended.
    pub async fn heard(&mut self) -> Heard {
        self.heard.recv().await.expect("a conversation")
    }
}

async fn converse(socket: TcpStream, script: Arc<(Vec<Say>, Vec<Say>)>, tell: mpsc::UnboundedSender<Heard>) {
    let mut socket = BufReader::new(socket);
    let mut heard = Heard { head: String::new(), sent: 0 };
    while !heard.head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut heard.head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let lower = heard.head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    if socket.read_exact(&mut vec![0; length.unwrap_or(0)]).await.is_ok() {
        let answer = if heard.head.contains("/oauth2/v2.0/token") { &script.0 } else { &script.1 };
        for say in answer {
            if speak(&mut socket, say, &mut heard.sent).await.is_err() {
                break;
            }
        }
        drop(socket.shutdown().await);
    }
    drop(tell.send(heard));
}

async fn speak(socket: &mut BufReader<TcpStream>, say: &Say, sent: &mut usize) -> std::io::Result<()> {
    match say {
        Say::Once(bytes) => {
            socket.write_all(bytes).await?;
            *sent += bytes.len();
        }
        Say::Forever(bytes) => {
            let block = bytes.repeat((1 << 16) / bytes.len() + 1);
            while *sent < ENDLESS_BYTES {
                socket.write_all(&block).await?;
                *sent += block.len();
            }
        }
        Say::Drip(bytes) => {
            for byte in bytes.iter().cycle() {
                tokio::time::sleep(Duration::from_millis(1)).await;
                socket.write_all(&[*byte]).await?;
                *sent += 1;
            }
        }
        Say::Nothing => drop(socket.read(&mut [0]).await?),
    }
    Ok(())
}
