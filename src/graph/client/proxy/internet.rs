//! The Internet settings of Windows, which hold the proxy that administrators set for their users.
//!
//! `ProxyServer` is one address for everything, or one for each scheme: `http=proxy:80;https=proxy:8080;socks=proxy:1080`.
//! A script (`AutoConfigURL`) is never run; it is only named. (Microsoft's "WinINet Proxy"; WinHTTP has the same forms.)

use super::exceptions::Exceptions;

/// What they are called in messages.
pub(super) const NAME: &str = "the Internet settings of Windows";

/// The values, as they are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InternetSettings {
    /// Whether `server` is used.
    pub is_enabled: bool,
    /// `ProxyServer`.
    pub server: String,
    /// `ProxyOverride`: names that are reached directly.
    pub except: String,
    /// `AutoConfigURL`: the script that chooses a proxy; empty if there is none.
    pub script: String,
}

impl InternetSettings {
    /// The settings of the current user; `None` if this is not Windows.
    #[cfg(windows)]
    pub(super) fn of_user() -> Option<Self> {
        const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
        let key = windows_registry::CURRENT_USER.open(KEY).ok()?;
        let text = |name| key.get_string(name).unwrap_or_default();
        Some(Self {
            is_enabled: key.get_u32("ProxyEnable").unwrap_or_default() != 0,
            server: text("ProxyServer"),
            except: text("ProxyOverride"),
            script: text("AutoConfigURL"),
        })
    }

    /// The settings of the current user; `None` if this is not Windows.
    #[cfg(not(windows))]
    pub(super) const fn of_user() -> Option<Self> {
        None
    }

    /// The address for https, which is all that leaves this machine; `None` if there is none.
    pub(super) fn https(&self) -> Option<String> {
        let entries = || self.server.split(|c: char| c == ';' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let of = |scheme: &str| {
            let named = entries().filter_map(|entry| entry.split_once('='));
            named.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, address)| address)
        };
        let for_all = || entries().find(|entry| !entry.contains('=')).map(str::to_owned);
        // Windows speaks version 4 of SOCKS.
        let socks = || of("socks").map(|address| format!("socks4://{address}"));
        self.is_enabled.then(|| of("https").map(str::to_owned).or_else(for_all).or_else(socks)).flatten()
    }

    /// The names that are reached directly. Entries that cannot be parsed are left out.
    pub(super) fn exceptions(&self) -> Exceptions {
        Exceptions::read_leniently(&self.except)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn https(server: &str) -> Option<String> {
        InternetSettings { is_enabled: true, server: server.into(), ..InternetSettings::default() }.https()
    }

    #[test]
    fn the_address_for_https_is_found() {
        for (server, address) in [
            ("proxy:8080", Some("proxy:8080")),
            ("http://proxy:8080", Some("http://proxy:8080")),
            ("http=one:80;https=two:8080;ftp=three:21", Some("two:8080")),
            ("http=one:80 HTTPS=two:8080", Some("two:8080")),
            ("https=http://two:8080;", Some("http://two:8080")),
            ("http=one:80;socks=four:1080", Some("socks4://four:1080")),
            ("http=one:80;proxy:8080", Some("proxy:8080")),
            ("http=one:80", None),
            ("", None),
        ] {
            assert_eq!(https(server).as_deref(), address, "{server}");
        }
        let off = InternetSettings { server: "proxy:8080".into(), ..InternetSettings::default() };
        assert_eq!(off.https(), None);
    }

    #[cfg(windows)]
    #[test]
    fn the_users_settings_can_be_read() {
        InternetSettings::of_user().expect("every user has some");
    }
}
