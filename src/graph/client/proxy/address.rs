//! A proxy's address, in the forms that users write into a variable.
//!
//! A URL parser would take a backslash for a slash and cut a password at a `#`, and so change the address. So the parts
//! are found here, and ambiguous ones are refused.

use hyper::Uri;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;
use std::fmt;

/// The supported kinds of proxies, and their default ports.
const SCHEMES: [(&str, u16); 6] =
    [("http", 80), ("https", 443), ("socks5h", 1080), ("socks5", 1080), ("socks4a", 1080), ("socks4", 1080)];

/// A proxy's address, with its user name and password.
#[derive(Clone)]
pub(super) struct Address {
    url: Url,
    /// Without user name and password.
    shown: String,
}

impl Address {
    /// Parses the value of a variable.
    ///
    /// # Errors
    /// Says what is wrong with it, without repeating any of it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("it holds a space");
        }
        if text.contains('\\') {
            return Err("it holds a backslash");
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_ascii_lowercase();
        let known = SCHEMES.iter().find(|(name, _)| *name == scheme);
        let (scheme, usual) = known.ok_or("its scheme must be http, https, socks5, socks5h, socks4 or socks4a")?;
        // The last @ ends the password, because no host contains one.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(Login::read(login)?), place),
            None => (None, rest),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        if place.contains(['/', '?', '#']) {
            return Err("it contains more than a host and a port");
        }
        let (host, port) = host_and_port(place, *usual)?;
        if login.is_some() && scheme.starts_with("socks4") {
            return Err("socks4 does not support passwords");
        }
        let shown = format!("{scheme}://{host}:{port}");
        let login = login.map_or_else(String::new, |login| login.encoded());
        let url = format!("{scheme}://{login}{host}:{port}/");
        // If the HTTP client could not parse the proxy's address, it would bypass the proxy.
        let can_be_read = url.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some());
        let url = Url::parse(&url).ok().filter(|url| can_be_read && url.has_host());
        Ok(Self { url: url.ok_or("it cannot be read as a URL")?, shown })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// User name and password, decoded.
struct Login {
    name: String,
    password: Option<String>,
}

impl Login {
    fn read(text: &str) -> Result<Self, &'static str> {
        if text.contains(['/', '?', '#']) {
            return Err("its user name or password holds a slash, a question mark or a #");
        }
        let (name, password) = match text.split_once(':') {
            Some((name, password)) => (name, Some(password)),
            None => (text, None),
        };
        Ok(Self { name: decoded(name)?, password: password.map(decoded).transpose()? })
    }

    fn encoded(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        match &self.password {
            Some(password) => format!("{}:{}@", encode(&self.name), encode(password)),
            None => format!("{}@", encode(&self.name)),
        }
    }
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_escape) {
        return Err("its user name or password holds a percent sign that does not begin an escape");
    }
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "its user name or password is not UTF-8")?;
    Ok(text.into_owned())
}

fn host_and_port(place: &str, usual: u16) -> Result<(String, u16), &'static str> {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (place, ""),
    };
    let port = match port {
        "" => usual,
        port => port.parse().ok().filter(|port| *port > 0).ok_or("its port is not a number from 1 to 65535")?,
    };
    let url = Url::parse(&format!("http://{host}/")).map_err(|_| "its host cannot be read")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it has no host")?;
    if !host.chars().all(fits) {
        return Err("its host cannot be read");
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// User name and password as the proxy gets them, and the address.
    fn read(text: &str) -> (String, Option<String>, String) {
        let address = Address::read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let decode = |text: &str| percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
        (decode(address.url.username()), address.url.password().map(decode), address.to_string())
    }

    #[test]
    fn names_and_passwords_arrive_whole() {
        for (text, name, password) in [
            ("http://svc:pw@127.0.0.1:3128", "svc", Some("pw")),
            ("http://CONTOSO%5Csvc:pw@127.0.0.1:3128/", r"CONTOSO\svc", Some("pw")),
            ("http://svc:p@w@127.0.0.1:3128", "svc", Some("p@w")),
            ("svc@contoso.com:p:w%40@127.0.0.1:3128", "svc@contoso.com", Some("p:w@")),
            ("HTTP://svc:%2F%3f%23%25pä+&=@127.0.0.1:3128", "svc", Some("/?#%pä+&=")),
            ("http://svc@127.0.0.1:3128", "svc", None),
            ("http://127.0.0.1:3128", "", None),
        ] {
            let expected = (name.to_owned(), password.map(str::to_owned), "http://127.0.0.1:3128".to_owned());
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn schemes_have_their_ports() {
        for (text, shown) in [
            ("proxy", "http://proxy:80"),
            ("proxy:8080", "http://proxy:8080"),
            ("http://proxy:80", "http://proxy:80"),
            ("https://proxy", "https://proxy:443"),
            ("https://proxy:80", "https://proxy:80"),
            ("socks5://proxy", "socks5://proxy:1080"),
            ("SOCKS5H://u:p@proxy:9050", "socks5h://proxy:9050"),
            ("[fd00::1]:3128", "http://[fd00::1]:3128"),
            ("http://[fd00::1]", "http://[fd00::1]:80"),
            ("http://PROXY.contoso.com:3128/", "http://proxy.contoso.com:3128"),
        ] {
            assert_eq!(read(text).2, shown, "{text}");
        }
    }

    #[test]
    fn ambiguous_addresses_are_refused() {
        for text in [
            r"http://CONTOSO\svc:pw@127.0.0.1:3128",
            "proxy contoso",
            "http://svc:p w@proxy:1",
            "http://svc:p/w@proxy:3128",
            "http://svc:p#w@proxy:3128",
            "http://svc:p?w@proxy:3128",
            "http://svc:p%w@proxy:3128",
            "http://svc:p%4@proxy:3128",
            "http://svc:%ff@proxy:3128",
            "http://proxy:3128/proxy.pac",
            "http:/proxy:3128",
            "http://",
            "http://:3128",
            "http://svc:pw@",
            "http://proxy:0",
            "http://proxy:65536",
            "http://proxy:port",
            "http://fd00::1:3128",
            "ftp://proxy:21",
            "socks://proxy",
            "socks4://svc:pw@proxy",
            "pac+http://proxy/x",
            "http=proxy:80;https=proxy:443",
            "http://a,b:80",
            "<local>",
        ] {
            let why = Address::read(text).err().unwrap_or_else(|| panic!("{text} was taken"));
            assert!(!why.contains("svc") && !why.contains("pw"), "{why}");
        }
    }
}
