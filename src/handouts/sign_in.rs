//! Where users sign in: an address to type, and the same address as a QR code.
//!
//! Invariant: a code contains only this address.

use crate::util::sanitize;
use qrcode::{Color, EcLevel, QrCode};
use reqwest::Url;
use std::{fmt::Write, str::FromStr};

/// Where users of the global cloud change their password and see their sign-ins.
const DEFAULT: &str = "https://myaccount.microsoft.com";
/// Maximum length of an address: nobody types a longer one, and phones cannot read such a dense code.
const CHARS_MAX: usize = 200;
/// Light modules required around a code (ISO/IEC 18004).
const QUIET: usize = 4;

/// A web address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// In ASCII, as a browser requests it.
    url: String,
    typed: String,
}

/// Why an address is not accepted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignInError {
    /// Not one of the web.
    #[error("{0:?} is no address of a web page")]
    NoUrl(String),
    /// One that nobody can type.
    #[error("the address has more than {CHARS_MAX} characters, too many to be typed or read as a code")]
    TooLong,
    /// One that holds a user name or a password, which would stand on every slip.
    #[error("the address holds a user name or a password, which would stand on every slip")]
    Secret,
}

impl FromStr for SignIn {
    type Err = SignInError;

    fn from_str(text: &str) -> Result<Self, SignInError> {
        let text = sanitize::trim(text);
        let no_url = || SignInError::NoUrl(sanitize::for_terminal(text));
        let text = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&text).map_err(|_| no_url())?;
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return Err(no_url());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SignInError::Secret);
        }
        // As the parser writes it: ASCII, with nothing that a browser would read differently.
        let url = if url.path() == "/" && url.query().is_none() && url.fragment().is_none() {
            url.as_str().trim_end_matches('/').to_owned()
        } else {
            url.into()
        };
        if url.len() > CHARS_MAX {
            return Err(SignInError::TooLong);
        }
        // Nobody types umlauts in a name as the network encodes them.
        let readable = if text.is_ascii() { url.as_str().into() } else { sanitize::line(text.trim_end_matches('/')) };
        let typed = readable.strip_prefix("https://").unwrap_or(&readable).to_owned();
        Ok(Self { url, typed })
    }
}

impl Default for SignIn {
    fn default() -> Self {
        DEFAULT.parse().expect("the default is an address")
    }
}

impl SignIn {
    /// The whole address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The form to type: without what a browser adds by itself.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The address as a QR code: the side length in modules, and the dark modules as an SVG path.
    pub(super) fn code(&self) -> (usize, String) {
        let code =
            QrCode::with_error_correction_level(&self.url, EcLevel::M).expect("a short address fits into a code");
        let (width, colors) = (code.width(), code.to_colors());
        let mut path = String::new();
        for (y, row) in colors.chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, other| one == other) {
                if run[0] == Color::Dark {
                    let _ = write!(path, "M{} {}h{}v1h-{}z", x + QUIET, y + QUIET, run.len(), run.len());
                }
                x += run.len();
            }
        }
        (width + 2 * QUIET, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Renders the path like a printer, and reads it with an independent decoder.
    fn read(sign_in: &SignIn) -> String {
        const SCALE: usize = 4;
        let (side, path) = sign_in.code();
        let mut dark = vec![false; side * side];
        for run in path.split('M').skip(1) {
            let numbers: Vec<usize> =
                run.split(['h', 'v', ' ', '-', 'z']).filter_map(|part| part.parse().ok()).collect();
            let [x, y, long, 1, back] = numbers[..] else { panic!("{run}") };
            assert_eq!(long, back);
            dark[y * side + x..y * side + x + long].fill(true);
        }
        let pixel = |x: usize, y: usize| if dark[y / SCALE * side + x / SCALE] { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * SCALE, side * SCALE, pixel);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().expect("a code").1
    }

    #[test]
    fn code_contains_only_the_address() {
        let long = format!("https://contoso.sharepoint.com/{}", "x".repeat(160));
        for address in [
            DEFAULT,
            "https://login.microsoftonline.com/?domain_hint=contoso.com",
            "http://intranet/a?b=c&d=%20e",
            &long,
        ] {
            let sign_in: SignIn = address.parse().expect("an address");
            assert_eq!(read(&sign_in), address);
        }
    }

    #[test]
    fn common_address_forms_are_accepted() {
        for (given, url, typed) in [
            ("myaccount.microsoft.com", "https://myaccount.microsoft.com", "myaccount.microsoft.com"),
            (" https://Contoso.com/ ", "https://contoso.com", "contoso.com"),
            ("https://schüle.de/x/", "https://xn--schle-mva.de/x/", "schüle.de/x"),
            ("http://intranet", "http://intranet", "http://intranet"),
        ] {
            let sign_in: SignIn = given.parse().expect(given);
            assert_eq!((sign_in.url(), sign_in.typed()), (url, typed));
        }
        for (given, error) in [
            ("javascript://alert(1)", SignInError::NoUrl("javascript://alert(1)".into())),
            ("", SignInError::NoUrl(String::new())),
            ("https://ann:Pa55@contoso.com", SignInError::Secret),
            ("https://ann@contoso.com", SignInError::Secret),
        ] {
            assert_eq!(given.parse::<SignIn>(), Err(error));
        }
        assert_eq!(format!("https://contoso.com/{}", "x".repeat(200)).parse::<SignIn>(), Err(SignInError::TooLong));
        assert_eq!(SignIn::default().typed(), "myaccount.microsoft.com");
    }
}
