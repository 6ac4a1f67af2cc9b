//! The loopback port to which the browser comes back (RFC 8252, section 7.3).
//!
//! It takes one answer: the first request for `/` with a state and either a code or an error. All others get a refusal
//! and do not end the wait, such as for an icon. Each connection has a limited size and time, so one that says nothing
//! holds up no other.
//!
//! Invariant: it listens on loopback alone, and on nothing once an answer has come.

use super::page;
use crate::{account::language::Language, graph::client::auth::SignInError};
use futures_util::stream::{FuturesUnordered, StreamExt};
use reqwest::Url;
use secrecy::SecretString;
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

/// Maximum size of a request's head; a code has about a thousand bytes.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Time limit for a request, and for the answer to it.
const EXCHANGE_LIMIT: Duration = Duration::from_secs(10);
/// Maximum number of connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// How many ports are tried until one is free in both versions of IP.
const PORTS_TRIED: usize = 32;
/// Time to wait if the system accepts no connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// A port, open in IPv4 and IPv6 if the machine has both.
pub(super) struct Loopback {
    four: Option<TcpListener>,
    six: Option<TcpListener>,
    pub port: u16,
}

/// A browser with an answer that waits for its page.
pub(super) struct Visitor {
    stream: TcpStream,
    language: Language,
    /// The state in the answer.
    pub state: String,
    /// The code, or the error and its description.
    pub answer: Result<SecretString, (String, String)>,
}

impl Loopback {
    /// Opens a port that the system chooses.
    pub async fn open() -> Result<Self, SignInError> {
        let deaf = |error: io::Error| SignInError::Deaf { why: error.to_string() };
        for _ in 0..PORTS_TRIED {
            let Ok(four) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await else { break };
            let port = four.local_addr().map_err(deaf)?.port();
            match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                Ok(six) => return Ok(Self { four: Some(four), six: Some(six), port }),
                // Another program must not get the answer.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => return Ok(Self { four: Some(four), six: None, port }),
            }
        }
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.map_err(deaf)?;
        let port = six.local_addr().map_err(deaf)?.port();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(deaf(error)),
            four => Ok(Self { four: four.ok(), six: Some(six), port }),
        }
    }

    /// Waits for the answer, and closes the port.
    pub async fn answer(self) -> Visitor {
        let mut visits = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(answer) = visits.next() => if let Some(visitor) = answer {
                    return visitor;
                },
                stream = self.accept(), if visits.len() < CONNECTIONS_MAX => visits.push(visit(stream)),
            }
        }
    }

    async fn accept(&self) -> TcpStream {
        tokio::select! {
            stream = accept(self.four.as_ref()) => stream,
            stream = accept(self.six.as_ref()) => stream,
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => sleep(ACCEPT_AGAIN).await,
        }
    }
}

impl Visitor {
    /// Shows the user how the sign-in has ended.
    pub async fn respond(self, failure: Option<&SignInError>) {
        let (status, text) =
            (if failure.is_some() { "400 Bad Request" } else { "200 OK" }, page::of(self.language, failure));
        write(self.stream, status, &text).await;
    }
}

/// Reads one request. Whatever is no answer gets its refusal here.
async fn visit(mut stream: TcpStream) -> Option<Visitor> {
    let head = timeout(EXCHANGE_LIMIT, read_head(&mut stream)).await.ok()??;
    let text = std::str::from_utf8(&head).unwrap_or_default();
    match Head::parse(text) {
        Some(Head { method: "GET", target, language }) => match answer_in(target) {
            Some((state, answer)) => return Some(Visitor { stream, language, state, answer }),
            None => write(stream, "404 Not Found", "").await,
        },
        Some(_) => write(stream, "405 Method Not Allowed", "").await,
        None => write(stream, "400 Bad Request", "").await,
    }
    None
}

/// The request up to its empty line; `None` if it is too long or ends before.
async fn read_head(stream: &mut TcpStream) -> Option<Zeroizing<Vec<u8>>> {
    let mut head = Zeroizing::new(Vec::with_capacity(HEAD_BYTES_MAX));
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let room = HEAD_BYTES_MAX.saturating_sub(head.len()) as u64;
        if room == 0 || stream.take(room).read_buf(&mut *head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// What matters in a request.
#[derive(Debug, PartialEq, Eq)]
struct Head<'a> {
    method: &'a str,
    target: &'a str,
    language: Language,
}

impl<'a> Head<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let is_http = version.starts_with("HTTP/1.") && words.next().is_none() && target.starts_with('/');
        let accepted = lines.filter_map(|line| line.split_once(':'));
        let accepted = accepted.filter(|(name, _)| name.eq_ignore_ascii_case("accept-language"));
        let accepted = accepted.map(|(_, value)| value).next().unwrap_or_default();
        is_http.then(|| Self { method, target, language: language(accepted) })
    }
}

/// The first language in the header that passwave knows. Browsers list them in order of preference.
fn language(accepted: &str) -> Language {
    let mut tags = accepted.split(',').map(|range| range.split(';').next().unwrap_or_default());
    tags.find_map(|tag| tag.parse().ok()).unwrap_or_default()
}

type Answer = (String, Result<SecretString, (String, String)>);

/// The state and the answer in a request's target, if it has both.
fn answer_in(target: &str) -> Option<Answer> {
    let url = Url::parse(&format!("http://localhost{target}")).ok().filter(|url| url.path() == "/")?;
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let state = value("state")?;
    let answer = match (value("error"), value("code")) {
        (Some(error), _) => Err((error, value("error_description").unwrap_or_default())),
        (None, Some(code)) => Ok(code.into()),
        (None, None) => return None,
    };
    Some((state, answer))
}

/// Answers a request, and closes the connection. A browser that is gone is no error.
async fn write(mut stream: TcpStream, status: &str, text: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    let sent = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = timeout(EXCHANGE_LIMIT, sent).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    #[test]
    fn languages_of_browsers_are_understood() {
        for (accepted, expected) in [
            ("fr-CH, fr;q=0.9, en;q=0.8", Language::Fr),
            ("pt-BR,de;q=0.7,en;q=0.5", Language::De),
            ("*", Language::En),
            ("", Language::En),
            ("ja", Language::En),
        ] {
            assert_eq!(language(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn only_answers_are_taken() {
        let (state, code) = answer_in("/?code=a%2Bb&state=s&session_state=x").expect("an answer");
        assert_eq!((state.as_str(), code.expect("a code").expose_secret()), ("s", "a+b"));
        let (_, refused) = answer_in("/?error=access_denied&error_description=No+way&state=s").expect("an answer");
        assert_eq!(refused.err(), Some(("access_denied".into(), "No way".into())));
        for other in ["/", "/favicon.ico", "/x?code=a&state=s", "/?code=a", "/?state=s", "//evil/?code=a&state=s"] {
            assert!(answer_in(other).is_none(), "{other}");
        }
    }

    #[test]
    fn request_lines_are_checked() {
        let head = Head::parse("GET /?a HTTP/1.1\r\nAccept-Language: es\r\n\r\n").expect("a request");
        assert_eq!(head, Head { method: "GET", target: "/?a", language: Language::Es });
        for bad in ["", "GET", "GET / HTTP/2", "GET http://evil/ HTTP/1.1", "GET / a HTTP/1.1", "\u{16}\u{3}\u{1}"] {
            assert_eq!(Head::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_request_is_fatal(text in any::<String>(), target in "/[ -~]{0,40}") {
            let _ = (Head::parse(&text), answer_in(&target), language(&text));
        }
    }
}
