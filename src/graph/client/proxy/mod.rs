//! The proxy for everything outside this machine, as the environment names it.
//!
//! The variables are read as curl does: lower case before upper case, `https_proxy` before `all_proxy`, and
//! `HTTP_PROXY` not in a CGI program, where a request can set it. Unlike curl, nothing is guessed: a value that cannot
//! be parsed is an error. On Windows, the Internet settings of the user follow the variables.
//!
//! Invariant: if a proxy is set, no connection bypasses it unless `NO_PROXY` says so. No message shows its password.

mod address;
mod exceptions;
mod internet;

use super::endpoint::EndpointError;
use address::Address;
use exceptions::Exceptions;
use internet::InternetSettings;
use reqwest::{ClientBuilder, Proxy, Url};
use std::{ffi::OsString, fmt};

/// The proxy of this process, if it has one.
#[derive(Clone)]
pub(super) struct Proxies {
    /// The variable that names it, and its address.
    https: Option<(String, Address)>,
    /// The variable for plain http, which is never used for outside hosts.
    http: Option<String>,
    except: Exceptions,
    except_variable: String,
    /// The script of the Internet settings, which is not run.
    script: Option<String>,
}

/// How a URL is reached.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// Through this proxy, from this variable.
    Through(String, String),
    /// Directly, for this reason.
    Direct(String),
    /// Through the system's settings.
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
    /// From the environment of this process.
    pub(super) fn of_environment() -> Result<Self, EndpointError> {
        Self::read(&|name| std::env::var_os(name), InternetSettings::of_user())
    }

    /// From the variables in `get`, or the Internet settings if there are any.
    fn read(get: &dyn Fn(&str) -> Option<OsString>, settings: Option<InternetSettings>) -> Result<Self, EndpointError> {
        let is_cgi = get("REQUEST_METHOD").is_some();
        let upper_http = if is_cgi { &[][..] } else { &["HTTP_PROXY"] };
        let http = address(get, &[&["http_proxy"], upper_http].concat())?;
        let all = address(get, &["all_proxy", "ALL_PROXY"])?;
        let https = address(get, &["https_proxy", "HTTPS_PROXY"])?.or(all);
        let settings = settings.filter(|_| https.is_none()).unwrap_or_default();
        let https = match settings.https() {
            Some(text) => Some((internet::NAME.to_owned(), parsed(internet::NAME, &text)?)),
            None => https,
        };
        let (except_variable, except) = match value(get, &["no_proxy", "NO_PROXY"])? {
            Some((variable, text)) => {
                let read = Exceptions::read(&text)
                    .map_err(|entry| EndpointError::ProxyExceptions { variable: variable.clone(), entry })?;
                (variable, read)
            }
            None => (internet::NAME.to_owned(), settings.exceptions()),
        };
        let script = Some(settings.script).filter(|script| !script.is_empty());
        Ok(Self { https, http: http.map(|(variable, _)| variable), except, except_variable, script })
    }

    /// Makes `builder` use the proxy.
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

    /// The route to `url`, which is outside this machine.
    pub(super) fn route(&self, url: &Url) -> Route {
        match (&self.https, &self.http) {
            (Some(_), _) if self.except.cover(url) => Route::Direct(format!("excepted by {}", self.except_variable)),
            (Some((variable, address)), _) => Route::Through(address.to_string(), variable.clone()),
            (None, _) if HAS_SYSTEM_SETTINGS => Route::System,
            (None, None) if self.script.is_some() => Route::Direct(NOT_RUN.into()),
            (None, Some(variable)) => Route::Direct(format!("{variable} is for http:// alone; HTTPS_PROXY is not set")),
            (None, None) => Route::Direct("HTTPS_PROXY and ALL_PROXY are not set".into()),
        }
    }
}

/// Whether the system has its own settings, which the HTTP client reads.
const HAS_SYSTEM_SETTINGS: bool = cfg!(target_os = "macos");
/// Why there is no proxy although the Internet settings name a script.
const NOT_RUN: &str = "the Internet settings of Windows name a script, AutoConfigURL, which passwave does not run; HTTPS_PROXY can name a proxy";

/// The first of `names` that has a value, and the value.
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
    let address = parsed(&variable, &text)?;
    Ok(Some((variable, address)))
}

/// The address that this variable holds.
fn parsed(variable: &str, text: &str) -> Result<Address, EndpointError> {
    Address::read(text).map_err(|why| not_a_proxy(variable, why))
}

fn not_a_proxy(variable: &str, why: &str) -> EndpointError {
    EndpointError::Proxy { variable: variable.to_owned(), why: why.to_owned() }
}

/// Removes the white space and quotes that shells and settings files leave around a value.
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
        Proxies::read(&get, None).map_err(|error| error.to_string())
    }

    /// The route with the Internet settings of Windows.
    #[cfg(not(target_os = "macos"))]
    fn route_of(settings: &InternetSettings, variables: &[(&str, &str)]) -> Result<Route, String> {
        let get = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        let proxies = Proxies::read(&get, Some(settings.clone())).map_err(|error| error.to_string())?;
        Ok(proxies.route(&Url::parse(GRAPH).expect("a URL")))
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

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn direct_routes_have_a_reason() {
        let told = |variables: &[(&str, &str)]| route(variables, GRAPH).to_string();
        assert_eq!(told(&[]), "without a proxy (HTTPS_PROXY and ALL_PROXY are not set)");
        let http = told(&[("HTTP_PROXY", "http://one:1")]);
        assert!(http.contains("HTTP_PROXY is for http:// alone"), "{http}");
        let around = told(&[("HTTPS_PROXY", "http://one:1"), ("NO_PROXY", "*.microsoft.com")]);
        assert_eq!(around, "without a proxy (excepted by NO_PROXY)");
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn internet_settings_follow_the_variables() {
        let script = "http://wpad/proxy.pac".to_owned();
        let server = "http=one:80;https=two:8080".to_owned();
        let settings = InternetSettings { is_enabled: true, server, script, ..InternetSettings::default() };
        let two = || Ok(through("http://two:8080", "the Internet settings of Windows"));
        assert_eq!(route_of(&settings, &[]), two());
        let variable = ("HTTPS_PROXY", "http://three:3");
        assert_eq!(route_of(&settings, &[variable]), Ok(through("http://three:3", "HTTPS_PROXY")));
        let except = |except: &str| InternetSettings { except: except.into(), ..settings.clone() };
        let direct = Route::Direct("excepted by the Internet settings of Windows".into());
        assert_eq!(route_of(&except("<-loopback>;10.*;*.microsoft.com;<local>"), &[]), Ok(direct));
        assert_eq!(route_of(&except("http://x/y z"), &[]), two(), "an entry that cannot be parsed is not an exception");
        let off = InternetSettings { is_enabled: false, ..settings.clone() };
        let told = route_of(&off, &[]).expect("direct").to_string();
        assert!(told.starts_with("without a proxy") && told.contains("AutoConfigURL"), "{told}");
        let strange = InternetSettings { server: "https=two:port".into(), ..settings };
        let told = route_of(&strange, &[]).expect_err("never direct");
        assert!(told.starts_with("the Internet settings of Windows"), "{told}");
    }

    #[test]
    fn every_variable_is_checked_and_named() {
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            let told = read(&[(name, r"http://CONTOSO\svc:hunter2@proxy:3128")]).err().expect("refused");
            assert!(told.starts_with(&format!("{name} is not a valid proxy address")), "{told}");
            assert!(!told.contains("hunter2") && !told.contains("svc"), "{told}");
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let told = read(&[(name, "good.com,10.0.0.0/99")]).err().expect("refused");
            assert!(told.starts_with(&format!("{name} holds \"10.0.0.0/99\"")), "{told}");
        }
    }

    #[test]
    fn cgi_requests_cannot_set_proxies() {
        let bad = ("HTTP_PROXY", "no proxy");
        assert!(read(&[bad, ("REQUEST_METHOD", "GET")]).is_ok());
        assert!(read(&[bad]).is_err());
        assert!(read(&[("http_proxy", "no proxy"), ("REQUEST_METHOD", "GET")]).is_err());
    }

    #[test]
    fn values_lose_spaces_and_quotes() {
        for value in [" http://one:1/ ", "\"http://one:1\"", "' http://one:1 '", "\thttp://one:1\r\n", "one:1"] {
            assert_eq!(route(&[("HTTPS_PROXY", value)], GRAPH), through("http://one:1", "HTTPS_PROXY"), "{value:?}");
        }
    }
}
