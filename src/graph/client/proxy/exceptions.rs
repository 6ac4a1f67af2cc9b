//! `NO_PROXY`: the hosts that are reached without the proxy.
//!
//! It follows curl's rules, and also accepts what else users write: `*.contoso.com`, `host:443`, semicolons, `10.*`,
//! `<local>`. An entry that cannot be parsed is refused, so nobody relies on an exception that has no effect.

use reqwest::Url;
use std::net::IpAddr;

/// The hosts and networks that are reached directly.
#[derive(Clone, Default)]
pub(super) struct Exceptions(Vec<Entry>);

#[derive(Clone)]
struct Entry {
    rule: Rule,
    /// Only this port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// Everything.
    All,
    /// Names without a dot.
    Local,
    /// A name and all its subdomains.
    Domain(String),
    /// Names that match a pattern with `*`.
    Pattern(String),
    /// Addresses that share this many leading bits with this one.
    Network(IpAddr, u8),
}

impl Exceptions {
    /// Parses a list.
    ///
    /// # Errors
    /// The entry that cannot be parsed.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let entries = text.split(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
        let entries = entries.map(|entry| entry.trim_matches(['"', '\''])).filter(|entry| !entry.is_empty());
        let read = |entry: &str| Entry::read(&entry.to_lowercase()).ok_or_else(|| shown(entry));
        Ok(Self(entries.map(read).collect::<Result<_, _>>()?))
    }

    /// Parses a list, and leaves out what cannot be parsed: those hosts are reached through the proxy.
    pub(super) fn read_leniently(text: &str) -> Self {
        let entries = text.split([',', ';']).map(|entry| entry.trim().to_lowercase());
        Self(entries.filter_map(|entry| Entry::read(&entry)).collect())
    }

    /// Whether `url` is reached directly.
    pub(super) fn cover(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host = host.trim_matches(['[', ']']).trim_end_matches('.');
        let port = url.port_or_known_default();
        self.0.iter().any(|entry| entry.rule.covers(host) && (entry.port.is_none() || entry.port == port))
    }
}

/// An entry for a message. It may have been meant for another variable, and contain a password.
fn shown(entry: &str) -> String {
    let entry = entry.rsplit_once('@').map_or(entry, |(_, place)| place);
    crate::util::sanitize::for_terminal(entry)
}

impl Entry {
    fn read(entry: &str) -> Option<Self> {
        let whole = |rule| Some(Self { rule, port: None });
        match entry {
            "*" => return whole(Rule::All),
            "<local>" => return whole(Rule::Local),
            _ => {}
        }
        let plain = entry.strip_prefix("https://").or_else(|| entry.strip_prefix("http://")).unwrap_or(entry);
        let plain = plain.strip_suffix('/').unwrap_or(plain);
        if let Some((address, bits)) = plain.split_once('/') {
            let address = unbracketed(address).parse::<IpAddr>().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return whole(Rule::Network(address, bits));
        }
        if let Ok(address) = unbracketed(plain).parse::<IpAddr>() {
            return whole(Rule::Network(address, width(address)));
        }
        let (host, port) = match plain.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (plain, None),
        };
        Some(Self { rule: Rule::of_host(host)?, port })
    }
}

impl Rule {
    fn of_host(host: &str) -> Option<Self> {
        if let Ok(address) = unbracketed(host).parse::<IpAddr>() {
            return Some(Self::Network(address, width(address)));
        }
        let host = host.trim_end_matches('.');
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '*');
        if host.is_empty() || !host.chars().all(fits) {
            return None;
        }
        // As in curl, a leading dot changes nothing.
        Some(match host.contains('*') {
            true => Self::Pattern(host.to_owned()),
            false => Self::Domain(host.trim_start_matches('.').to_owned()),
        })
    }

    fn covers(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Local => !host.contains(['.', ':']),
            Self::Domain(name) => {
                host.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Self::Pattern(pattern) => fits(pattern.as_bytes(), host.as_bytes()),
            Self::Network(network, bits) => host.parse().is_ok_and(|host| is_in(host, *network, *bits)),
        }
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_in(host: IpAddr, network: IpAddr, bits: u8) -> bool {
    let first = |address: u128, width: u8| address.checked_shr(u32::from(width - bits)).unwrap_or_default();
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => {
            let of = |address: std::net::Ipv4Addr| first(u128::from(u32::from(address)), 32);
            of(host) == of(network)
        }
        (IpAddr::V6(host), IpAddr::V6(network)) => first(host.into(), 128) == first(network.into(), 128),
        _ => false,
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for anything. It backtracks only to the last star, so the time
/// is at most the product of both lengths.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut next, mut star) = (0, 0, None);
    while next < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, next));
                at += 1;
            }
            Some(byte) if *byte == text[next] => (at, next) = (at + 1, next + 1),
            _ => {
                let Some((place, from)) = star else { return false };
                star = Some((place, from + 1));
                (at, next) = (place + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(list: &str, url: &str) -> bool {
        let exceptions = Exceptions::read(list).unwrap_or_else(|entry| panic!("{list}: {entry}"));
        exceptions.cover(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn every_notation_is_parsed() {
        let login = "https://login.microsoftonline.com/x";
        for list in [
            "*",
            "login.microsoftonline.com",
            "LOGIN.MicrosoftOnline.com",
            "microsoftonline.com",
            ".microsoftonline.com",
            "*.microsoftonline.com",
            "*.microsoftonline.com.",
            "login.*",
            "*online*",
            "login.microsoftonline.com:443",
            "*.microsoftonline.com:443",
            "https://login.microsoftonline.com/",
            "localhost;*.microsoftonline.com",
            "localhost , 10.0.0.0/8 login.microsoftonline.com",
            "\"login.microsoftonline.com\"",
        ] {
            assert!(covers(list, login), "{list}");
        }
        for list in [
            "",
            ",;",
            "login.microsoftonline.com:80",
            "online.com",
            "*.login.microsoftonline.com",
            "microsoftonline.co",
            "login",
            "<local>",
            "10.0.0.0/8,::1",
        ] {
            assert!(!covers(list, login), "{list}");
        }
        assert!(!covers("*.contoso.com", "https://contoso.com"), "a star stands for something");
        assert!(covers("<local>", "https://intranet/") && covers("intranet", "https://intranet/"));
    }

    #[test]
    fn addresses_are_compared_as_numbers() {
        for (list, url, expected) in [
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("0.0.0.0/0", "https://11.1.2.3/", true),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("10.1.2.3:8443", "https://10.1.2.3/", false),
            ("10.1.2.3:8443", "https://10.1.2.3:8443/", true),
            ("10.*", "https://10.1.2.3/", true),
            ("fd00::/8", "https://[fd12::1]/", true),
            ("[fd00::]/8", "https://[fe12::1]/", false),
            ("FD00:0::1", "https://[fd00::1]/", true),
            ("[fd00::1]", "https://[fd00::1]/", true),
            ("[fd00::1]:443", "https://[fd00::1]/", true),
            ("[fd00::1]:80", "https://[fd00::1]/", false),
            ("::/0", "https://10.1.2.3/", false),
        ] {
            assert_eq!(covers(list, url), expected, "{list} {url}");
        }
    }

    #[test]
    fn refuses_bad_entries_without_passwords() {
        for (list, entry) in [
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("contoso.com/8", "contoso.com/8"),
            ("a,host:https", "host:https"),
            ("host:70000", "host:70000"),
            ("http://svc:pw@host/x", "host/x"),
            ("[fd00::1", "[fd00::1"),
            ("a|b", "a|b"),
            (":443", ":443"),
        ] {
            assert_eq!(Exceptions::read(list).err().as_deref(), Some(entry), "{list}");
        }
    }
}
