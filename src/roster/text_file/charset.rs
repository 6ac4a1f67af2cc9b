//! Encodings of text files by their usual names: WHATWG labels and DOS code pages.
//!
//! encoding_rs knows the encodings of the web. DOS code pages are not among them, but school software and batch files
//! still write them, so the eight common ones have tables here (IBM866 is in encoding_rs). It never guesses.
//!
//! Invariant: [`Charset::decode`] never replaces a byte; it returns `None` if one is undefined.

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252, X_USER_DEFINED};
use std::{borrow::Cow, fmt, str::FromStr};

/// The upper half of a DOS code page; the lower half is ASCII.
struct CodePage {
    number: u16,
    upper: &'static str,
}

/// From Unicode's published mapping tables (VENDORS/MICSFT/PC); 858 is 850 with the euro sign.
static CODE_PAGES: [CodePage; 8] = [
    CodePage {
        number: 437,
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
    },
    CodePage {
        number: 850,
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}",
    },
    CodePage {
        number: 852,
        upper: "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
                └┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{AD}˝˛ˇ˘§÷¸°¨˙űŘř■\u{A0}",
    },
    CodePage {
        number: 857,
        upper: "ÇüéâäàåçêëèïîıÄÅÉæÆôöòûùİÖÜø£ØŞşáíóúñÑĞğ¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ºªÊËÈ\u{FFFD}ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµ\u{FFFD}×ÚÛÙìÿ¯´\u{AD}±\u{FFFD}¾¶§÷¸°¨·¹³²■\u{A0}",
    },
    CodePage {
        number: 858,
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
                └┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}",
    },
    CodePage {
        number: 860,
        upper: "ÇüéâãàÁçêÊèÍÔìÃÂÉÀÈôõòÚùÌÕÜ¢£Ù₧ÓáíóúñÑªº¿Ò¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
    },
    CodePage {
        number: 863,
        upper: "ÇüéâÂà¶çêëèïî‗À§ÉÈÊôËÏûù¤ÔÜ¢£ÙÛƒ¦´óú¨¸³¯Î⌐¬½¼¾«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
    },
    CodePage {
        number: 865,
        upper: "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒáíóúñÑªº¿⌐¬½¼¡«¤░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
                └┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}",
    },
];

/// Names that Windows and Python use but the web does not.
const ALIASES: [(&str, &str); 8] = [
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
    ("cp65001", "utf-8"),
    ("utf-8-sig", "utf-8"),
    ("ansi", "windows-1252"),
    ("macroman", "macintosh"),
];

/// The encoding of a text.
#[derive(Clone, Copy)]
pub struct Charset(Kind);

#[derive(Clone, Copy)]
enum Kind {
    Web(&'static Encoding),
    Dos(&'static CodePage),
}

/// The name of the encoding is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no encoding is known by this name; some that are: utf-8, windows-1252, windows-1250, cp850, cp437, shift_jis, gbk, big5, macintosh"
)]
pub struct UnknownCharset;

impl Charset {
    /// The default of today's programs.
    pub const UTF_8: Self = Self(Kind::Web(UTF_8));
    /// What Windows calls ANSI in Western Europe and America.
    pub const WINDOWS_1252: Self = Self(Kind::Web(WINDOWS_1252));

    /// One of encoding_rs's encodings.
    pub(super) const fn web(encoding: &'static Encoding) -> Self {
        Self(Kind::Web(encoding))
    }

    /// Whether it is UTF-8.
    #[must_use]
    pub fn is_utf_8(self) -> bool {
        self == Self::UTF_8
    }

    /// Its name, which [`str::parse`] accepts.
    #[must_use]
    pub fn name(self) -> String {
        match self.0 {
            Kind::Web(encoding) => encoding.name().replace("windows-", "Windows-").replace("IBM", "cp"),
            Kind::Dos(page) => format!("cp{}", page.number),
        }
    }

    /// Decodes `bytes`; `None` if one of them is undefined.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self.0 {
            Kind::Web(encoding) => encoding.decode_without_bom_handling_and_without_replacement(bytes),
            Kind::Dos(page) => page.decode(bytes).map(Cow::Owned),
        }
    }
}

impl CodePage {
    fn decode(&self, bytes: &[u8]) -> Option<String> {
        let upper: Vec<char> = self.upper.chars().collect();
        let letter = |byte: &u8| match byte.checked_sub(128) {
            None => Some(char::from(*byte)),
            Some(at) => upper.get(usize::from(at)).copied().filter(|letter| *letter != char::REPLACEMENT_CHARACTER),
        };
        bytes.iter().map(letter).collect()
    }

    /// Accepts `cp850`, `ibm850`, `dos-850`, `oem850` and `850`.
    fn named(plain: &str) -> Option<&'static Self> {
        let digits = plain.trim_start_matches(|c: char| !c.is_ascii_digit());
        let prefix = &plain[..plain.len() - digits.len()];
        let number: u16 = digits.parse().ok()?;
        let is_known = ["", "cp", "ibm", "dos", "oem", "csibm", "cspc"].contains(&prefix.trim_end_matches(['-', '_']));
        CODE_PAGES.iter().find(|page| is_known && page.number == number)
    }
}

impl FromStr for Charset {
    type Err = UnknownCharset;

    fn from_str(name: &str) -> Result<Self, UnknownCharset> {
        let plain = name.trim().to_ascii_lowercase();
        if let Some(page) = CodePage::named(&plain) {
            return Ok(Self(Kind::Dos(page)));
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == plain).map(|(_, label)| (*label).to_owned());
        let windows = || plain.strip_prefix("cp").map(|number| format!("windows-{number}"));
        let known = |label: &str| Encoding::for_label(label.as_bytes());
        let found = alias.as_deref().and_then(known).or_else(|| known(&plain)).or_else(|| known(&windows()?));
        let is_text = |encoding: &&'static Encoding| *encoding != REPLACEMENT && *encoding != X_USER_DEFINED;
        found.filter(is_text).map(Self::web).ok_or(UnknownCharset)
    }
}

impl PartialEq for Charset {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Charset {}

impl fmt::Debug for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_finds_its_encoding() {
        for (name, bytes, text) in [
            ("cp850", &b"J\x81rgen \xE1"[..], "Jürgen ß"),
            ("850", b"\xD5", "ı"),
            ("CP858", b"\xD5", "€"),
            ("ibm437", b"\x9B\x80\xFF", "¢Ç\u{A0}"),
            ("dos-852", b"\xA5", "ą"),
            ("cp866", b"\x80", "А"),
            ("windows-1250", b"\xB9", "ą"),
            ("cp1251", b"\xC0", "А"),
            ("latin1", b"\x80\xE9", "€é"),
            ("Shift_JIS", b"\x91\xBE\x98Y", "太郎"),
            ("cp932", b"\x91\xBE\x98Y", "太郎"),
            ("macintosh", b"\x9F", "ü"),
            (" utf8 ", "ü".as_bytes(), "ü"),
            ("utf-16", b"a\0", "a"),
        ] {
            let charset: Charset = name.parse().expect(name);
            assert_eq!(charset.decode(bytes).as_deref(), Some(text), "{name}");
            assert_eq!(charset.name().parse(), Ok(charset), "its own name is read again");
        }
        for name in ["", "cp", "cp1", "klingon", "replacement", "hz-gb-2312", "x-user-defined", "x850"] {
            assert_eq!(name.parse::<Charset>(), Err(UnknownCharset), "{name}");
        }
    }

    #[test]
    fn undefined_bytes_are_not_replaced() {
        for (name, bytes) in [("cp857", &b"\xD5"[..]), ("utf-8", b"\xFC"), ("shift_jis", b"\x81\x20"), ("utf-16", b"a")]
        {
            assert_eq!(name.parse::<Charset>().expect(name).decode(bytes), None, "{name}");
        }
    }

    #[test]
    fn every_table_has_its_upper_half() {
        for page in &CODE_PAGES {
            assert_eq!(page.upper.chars().count(), 128, "{}", page.number);
        }
    }
}
