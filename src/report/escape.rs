//! Escapes foreign text in markup: in HTML and XML, and as data in a script element.

use crate::util::sanitize;
use std::fmt::{self, Write as _};
#[cfg(feature = "html")]
use {serde_json::ser::Formatter, std::io};

/// Foreign text, sanitized and escaped for an element or a quoted attribute. The result has only characters that XML
/// 1.0 allows.
pub(super) struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        sanitize::line(self.0).chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => f.write_char(c),
        })
    }
}

/// JSON that is safe in a script element: nothing in it ends the element or opens a comment, and it contains no Unicode
/// line separator.
#[cfg(feature = "html")]
pub(super) struct InScript;

#[cfg(feature = "html")]
impl Formatter for InScript {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            let mut special = special.chars();
            let code = special.next().map_or(0, u32::from);
            write!(out, "{plain}\\u{code:04x}")?;
            rest = special.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(all(test, feature = "html"))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;

    fn in_script(text: &str) -> String {
        let mut bytes = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, InScript)).expect("memory");
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn markup_becomes_text() {
        let cell = "</td><script>alert(1)</script> & \"x\" 'y'\u{202e}\n";
        assert_eq!(
            Text(cell).to_string(),
            "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot; &#39;y&#39;\u{FFFD} "
        );
    }

    #[test]
    fn data_never_ends_its_element() {
        assert_eq!(in_script("</script><!--\u{2028}&"), r#""\u003c/script\u003e\u003c!--\u2028\u0026""#);
    }

    proptest! {
        #[test]
        fn data_is_read_as_it_was(text in any::<String>()) {
            let written = in_script(&text);
            let special = written.contains(['<', '>', '&', '\u{2028}', '\u{2029}']);
            prop_assert!(!special);
            prop_assert_eq!(serde_json::from_str::<String>(&written).expect("JSON"), text);
        }
    }
}
