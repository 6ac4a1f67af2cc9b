//! The proxy before everything that lies outside this machine, as the environment names it.
//!
//! The variables are read as curl reads them: lower case before upper case, `https_proxy` before `all_proxy`, and
//! `HTTP_PROXY` not in a CGI program, where a request can set it. Unlike curl, nothing is guessed: a value that cannot be
//! understood is an error.
//!
//! Invariant: where a proxy is named, no connection goes around it unless `NO_PROXY` says so. No message shows its
//! password.

mod address;
mod exceptions;

use super::web::EndpointError;
use address::Address;
use exceptions::Exceptions;
use reqwest::{ClientBuilder, Proxy, Url};
use std::{ffi::OsString, fmt};

/// What to do about a value that is no proxy address.
const CURE: &str = "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT; in a user name or password write %5C for a \
                    backslash, %40 for an @, %2F for a slash, %25 for a percent sign; or unset the variable";
/// What to do about a list of exceptions that cannot be read.
const CURE_EXCEPTIONS: &str = "write host names, *.DOMAIN, HOST:PORT, IP addresses or networks such as 10.0.0.0/8, with \
                               commas between them; or unset the variable";

/// The proxy of this process, if it has one.
#[derive(Clone)]
pub(super) struct Proxies {
    /// The variable that names it, and where it is.
    https: Option<(String, Address)>,
    /// The variable that names the one for plain http, which nothing outside is reached by.
    http: Option<String>,
    except: Exceptions,
    except_variable: String,
}

/// How a URL is reached.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// Through this proxy, which this variable names.
    Through(String, String),
    /// Directly, for this reason.
    Direct(String),
    /// As the settings of the system say.
    System,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Through(proxy, variable) => write!(f, "through the proxy {proxy} ({variable})"),
            Self::Direct(why) => write!(f, "without a proxy ({why})"),
            Self::System => f.write_str("as the system's proxy settings say (no variable names a proxy)"),
        }
    }
}

impl Proxies {
    /// As the environment of this process has it.
    pub(super) fn of_environment() -> Result<Self, EndpointError> {
        Self::read(&|name| std::env::var_os(name))
    }

    /// As the variables have it that `get` knows.
    fn read(get: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, EndpointError> {
        let is_cgi = get("REQUEST_METHOD").is_some();
        let upper_http = if is_cgi { &[][..] } else { &["HTTP_PROXY"] };
        let http = address(get, &[&["http_proxy"], upper_http].concat())?;
        let all = address(get, &["all_proxy", "ALL_PROXY"])?;
        let https = address(get, &["https_proxy", "HTTPS_PROXY"])?.or(all);
        let (except_variable, except) = match value(get, &["no_proxy", "NO_PROXY"])? {
            Some((variable, text)) => {
                let read = Exceptions::read(&text).map_err(|entry| EndpointError::Proxy {
                    what: format!("{variable} holds {entry:?}, which names no host or network"),
                    hint: CURE_EXCEPTIONS,
                })?;
                (variable, read)
            }
            None => Default::default(),
        };
        Ok(Self { https, http: http.map(|(variable, _)| variable), except, except_variable })
    }

    /// Has `builder` go through the proxy.
    pub(super) fn apply(&self, builder: ClientBuilder) -> ClientBuilder {
        match &self.https {
            Some((_, address)) => {
                let (proxy, except) = (address.url().clone(), self.except.clone());
                builder.proxy(Proxy::custom(move |url| (!except.cover(url)).then(|| proxy.clone())))
            }
            None if HAS_SYSTEM_SETTINGS => builder,
            None => builder.no_proxy(),
        }
    }

    /// How `url`, which lies outside, is reached.
    pub(super) fn route(&self, url: &Url) -> Route {
        match (&self.https, &self.http) {
            (Some(_), _) if self.except.cover(url) => Route::Direct(format!("{} names it", self.except_variable)),
            (Some((variable, address)), _) => Route::Through(address.to_string(), variable.clone()),
            (None, _) if HAS_SYSTEM_SETTINGS => Route::System,
            (None, Some(variable)) => Route::Direct(format!("{variable} is for http:// alone; HTTPS_PROXY is not set")),
            (None, None) => Route::Direct("HTTPS_PROXY and ALL_PROXY are not set".into()),
        }
    }
}

/// Whether the system keeps settings of its own, which the HTTP client reads.
const HAS_SYSTEM_SETTINGS: bool = cfg!(any(windows, target_os = "macos"));

/// The first of `names` that holds something, and that.
fn value(get: &dyn Fn(&str) -> Option<OsString>, names: &[&str]) -> Result<Option<(String, String)>, EndpointError> {
    for name in names {
        let Some(value) = get(name) else { continue };
        let text = value.into_string().map_err(|_| not_a_proxy(name, "it is not UTF-8 text"))?;
        let text = unquoted(&text);
        if !text.is_empty() {
            return Ok(Some(((*name).to_owned(), text.to_owned())));
        }
    }
    Ok(None)
}

fn address(get: &dyn Fn(&str) -> Option<OsString>, names: &[&str]) -> Result<Option<(String, Address)>, EndpointError> {
    let Some((variable, text)) = value(get, names)? else { return Ok(None) };
    match Address::read(&text) {
        Ok(address) => Ok(Some((variable, address))),
        Err(why) => Err(not_a_proxy(&variable, why)),
    }
}

fn not_a_proxy(variable: &str, why: &str) -> EndpointError {
    EndpointError::Proxy { what: format!("{variable} is no proxy address: {why}"), hint: CURE }
}

/// Without the white space and the quotes that shells and settings files leave around a value.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    quoted.unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        let get = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        Proxies::read(&get).map_err(|error| error.to_string())
    }

    fn route(variables: &[(&str, &str)], url: &str) -> Route {
        read(variables).expect("understood").route(&Url::parse(url).expect("a URL"))
    }

    const GRAPH: &str = "https://graph.microsoft.com/v1.0";

    fn through(proxy: &str, variable: &str) -> Route {
        Route::Through(proxy.into(), variable.into())
    }

    #[test]
    fn lower_case_comes_first() {
        let (one, two, three) = ("http://one:1", "http://two:2", "http://three:3");
        let all = [("ALL_PROXY", three), ("HTTPS_PROXY", two), ("https_proxy", one)];
        assert_eq!(route(&all, GRAPH), through(one, "https_proxy"));
        assert_eq!(route(&all[..2], GRAPH), through(two, "HTTPS_PROXY"));
        assert_eq!(route(&all[..1], GRAPH), through(three, "ALL_PROXY"));
        assert_eq!(route(&[("all_proxy", one), all[0]], GRAPH), through(one, "all_proxy"));
        assert_eq!(route(&[("https_proxy", " "), all[1]], GRAPH), through(two, "HTTPS_PROXY"), "empty is not set");
    }

    #[cfg(not(any(windows, target_os = "macos")))]
    #[test]
    fn no_proxy_is_told_with_its_reason() {
        let told = |variables: &[(&str, &str)]| route(variables, GRAPH).to_string();
        assert_eq!(told(&[]), "without a proxy (HTTPS_PROXY and ALL_PROXY are not set)");
        let http = told(&[("HTTP_PROXY", "http://one:1")]);
        assert!(http.contains("HTTP_PROXY is for http:// alone"), "{http}");
        let around = told(&[("HTTPS_PROXY", "http://one:1"), ("NO_PROXY", "*.microsoft.com")]);
        assert_eq!(around, "without a proxy (NO_PROXY names it)");
    }

    #[test]
    fn every_variable_is_checked_and_named() {
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            let told = read(&[(name, r"http://CONTOSO\svc:hunter2@proxy:3128")]).err().expect("refused");
            assert!(told.starts_with(&format!("{name} is no proxy address")), "{told}");
            assert!(told.contains("%5C") && told.contains("%40"), "{told}");
            assert!(!told.contains("hunter2") && !told.contains("svc"), "{told}");
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let told = read(&[(name, "good.com,10.0.0.0/99")]).err().expect("refused");
            assert!(told.starts_with(&format!("{name} holds \"10.0.0.0/99\"")), "{told}");
        }
    }

    #[test]
    fn a_request_cannot_set_the_proxy_of_a_cgi_program() {
        let bad = ("HTTP_PROXY", "no proxy");
        assert!(read(&[bad, ("REQUEST_METHOD", "GET")]).is_ok());
        assert!(read(&[bad]).is_err());
        assert!(read(&[("http_proxy", "no proxy"), ("REQUEST_METHOD", "GET")]).is_err());
    }

    #[test]
    fn spaces_and_quotes_around_a_value_are_trimmed() {
        for value in [" http://one:1/ ", "\"http://one:1\"", "' http://one:1 '", "\thttp://one:1\r\n", "one:1"] {
            assert_eq!(route(&[("HTTPS_PROXY", value)], GRAPH), through("http://one:1", "HTTPS_PROXY"), "{value:?}");
        }
    }
}
