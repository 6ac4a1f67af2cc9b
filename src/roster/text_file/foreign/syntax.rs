//! Texts with their own syntax: markup, JSON, SYLK, mail.

use super::{Foreign, Remedy, foreign};
use serde::de::IgnoredAny;

/// How many bytes of a text are searched for marks of a syntax.
const SAMPLE_BYTES: usize = 16 * 1024;

const HTML: Foreign = foreign("it is a web page (HTML), whatever its name says", Remedy::SaveAsWorkbook);
const JSON: Foreign = foreign("it is JSON", Remedy::ExportInPlaceOfJson);
const CLIXML: Foreign = foreign("it is PowerShell's own XML (Export-Clixml)", Remedy::ConvertClixml);
const SPREADSHEET_ML: Foreign =
    foreign("it is an XML spreadsheet of Excel 2003, whatever its name says", Remedy::SaveAsWorkbook);
const XML: Foreign = foreign("it is XML", Remedy::Export);

/// Elements at the start of web pages.
const HTML_ELEMENTS: [&str; 15] = [
    "!doctype html",
    "html",
    "head",
    "body",
    "table",
    "meta",
    "title",
    "style",
    "script",
    "div",
    "center",
    "font",
    "p",
    "h1",
    "thead",
];

/// The kind of text, if it has a syntax that no table has.
#[must_use]
pub fn by_text(text: &str) -> Option<Foreign> {
    let text = text.trim_start();
    let sample = beginning(text);
    match text.as_bytes().first()? {
        b'<' => markup(text, sample),
        b'[' | b'{' => is_json(text).then_some(JSON),
        _ => plain(sample),
    }
}

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(SAMPLE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Markup: a known element, or one that the end of the text closes.
fn markup(text: &str, sample: &str) -> Option<Foreign> {
    let has = |mark: &str| sample.to_ascii_lowercase().contains(mark);
    let is_xml = begins(sample, "<?xml") || closes_itself(text);
    if has("schemas.microsoft.com/powershell/") {
        return Some(CLIXML);
    }
    if has("urn:schemas-microsoft-com:office:spreadsheet") {
        return Some(SPREADSHEET_ML);
    }
    let is_html = HTML_ELEMENTS.iter().any(|name| is_element(sample, name));
    match (is_html || (is_xml && has("<html")), is_xml) {
        (true, _) => Some(HTML),
        (false, true) => Some(XML),
        (false, false) => sample.starts_with("<!--").then_some(HTML).filter(|_| has("<table") || has("<html")),
    }
}

fn begins(text: &str, start: &str) -> bool {
    text.as_bytes().get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
}

/// `<table>` and `<table border="1">` count; `<table>,name` is the first cell of a table, and so is `<p;`.
fn is_element(sample: &str, name: &str) -> bool {
    let Some(rest) = sample.get(1..).filter(|rest| begins(rest, name)) else { return false };
    match rest.as_bytes().get(name.len()) {
        Some(b' ' | b'\n' | b'\r' | b'\t') => rest.contains('>'),
        Some(b'>') => !matches!(rest.as_bytes().get(name.len() + 1), Some(b',' | b';' | b'\t' | b'|')),
        _ => false,
    }
}

/// Whether the text ends with the closing tag of its first element.
fn closes_itself(text: &str) -> bool {
    let name: String =
        text[1..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.')).collect();
    !name.is_empty() && text.trim_end().ends_with(&format!("</{name}>"))
}

/// Whether the text is one JSON value, several (one per line), or the beginning of a truncated object.
fn is_json(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut read, mut is_whole) = (0, true);
    for value in values.by_ref() {
        match value {
            Ok(_) => read += 1,
            Err(error) => {
                is_whole = error.is_eof();
                break;
            }
        }
    }
    let next = text[values.byte_offset().min(text.len())..].trim_start();
    let begins_object = text[1..].trim_start().starts_with(['"', '{']);
    // A comma after a value means the second cell of a table; another value on its own line means JSON.
    is_whole && (read > 0 || begins_object) || read > 0 && next.starts_with('{') || is_broken_object(text)
}

/// Invalid JSON still begins with an object's first name.
fn is_broken_object(text: &str) -> bool {
    let object = text.trim_start_matches(|c: char| c == '[' || c.is_whitespace()).strip_prefix('{');
    let name = object.and_then(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'));
    name.is_some_and(|(_, after)| after.trim_start().starts_with(':'))
}

fn plain(sample: &str) -> Option<Foreign> {
    let mut lines = sample.lines().map(str::trim_end);
    let first = lines.next().unwrap_or_default();
    if sample.starts_with("#< CLIXML") {
        return Some(CLIXML);
    }
    if is_sylk(first, sample) {
        return Some(foreign("it is a SYLK spreadsheet (.slk)", Remedy::SaveAsWorkbook));
    }
    if first == "TABLE" && lines.next() == Some("0,1") {
        return Some(foreign("it is a spreadsheet in the data interchange format (.dif)", Remedy::SaveAsWorkbook));
    }
    if sample.starts_with("version https://git-lfs.github.com/") {
        return Some(foreign("it is only a pointer of Git LFS", Remedy::FetchFromLfs));
    }
    if sample.starts_with("BEGIN:VCARD") || sample.starts_with("BEGIN:VCALENDAR") {
        return Some(foreign("it has contacts or appointments (vCard, iCalendar)", Remedy::Export));
    }
    if sample.starts_with("\u{1b}[") || sample.starts_with("PS C:\\") {
        return Some(foreign("it is what a terminal showed", Remedy::ExportFromPowerShell));
    }
    if is_web_archive(sample) {
        return Some(foreign("it is a web archive (MHTML), whatever its name says", Remedy::SaveAsWorkbook));
    }
    is_mail(sample).then_some(foreign("it is a mail message or a mailbox (mbox)", Remedy::SaveAttachment))
}

/// A SYLK file begins with the record `ID;P` and has cell records. A header `ID;Person` begins the same way, but no
/// cell records follow.
fn is_sylk(first: &str, sample: &str) -> bool {
    let is_cell = |line: &str| {
        let place = line.strip_prefix("C;").and_then(|rest| rest.strip_prefix(['X', 'Y']));
        place.is_some_and(|place| place.starts_with(|c: char| c.is_ascii_digit()) && place.contains(";K"))
    };
    first.starts_with("ID;P") && sample.lines().any(is_cell)
}

/// A web page in one file, as Excel and portals save it.
fn is_web_archive(sample: &str) -> bool {
    let head = sample.lines().take(40).map(str::to_ascii_lowercase).collect::<Vec<_>>();
    head.iter().any(|line| line.starts_with("mime-version:"))
        && head.iter().any(|line| line.starts_with("content-type: multipart/related"))
        && !head.iter().any(|line| line.starts_with("received:") || line.starts_with("to:"))
}

fn is_mail(sample: &str) -> bool {
    const HEADERS: [&str; 10] = [
        "From: ",
        "To: ",
        "Subject: ",
        "Date: ",
        "Received: ",
        "Return-Path: ",
        "MIME-Version: ",
        "Delivered-To: ",
        "Message-ID: ",
        "Content-Type: ",
    ];
    let is_header = |line: &&str| HEADERS.iter().any(|header| begins(line, header));
    let begins_as_mail = sample.starts_with("From ") || sample.lines().next().is_some_and(|line| is_header(&line));
    begins_as_mail && sample.lines().filter(is_header).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_other_kinds_are_named() {
        for (text, found) in [
            ("<html><body><table>", "HTML"),
            ("\n <!DOCTYPE html>\n<html>", "HTML"),
            ("<table border=1><tr>", "HTML"),
            ("<TABLE><TR><TD>a", "HTML"),
            ("<?xml version=\"1.0\"?><html xmlns=\"x\">", "HTML"),
            ("<!-- saved --><table>", "HTML"),
            (
                "<?xml version=\"1.0\"?>\n<Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">",
                "Excel 2003",
            ),
            ("<Objs Version=\"1.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">", "Export-Clixml"),
            ("#< CLIXML\r\n<Objs", "Export-Clixml"),
            ("<?xml version=\"1.0\"?><users/>", "it is XML"),
            ("<users>\n<user>ann</user>\n</users>\n", "it is XML"),
            ("[\n  {\n \"upn\": \"ann@contoso.com\"\n }\n]\n", "JSON"),
            ("[\"ann@contoso.com\",\"bob@contoso.com\"]", "JSON"),
            ("{\"upn\":\"a\"}\n{\"upn\":\"b\"}\n", "JSON"),
            ("{\"value\": [{\"upn\":\"a\"", "JSON"),
            ("{\"upn\":\"a\",}", "JSON"),
            ("[]", "JSON"),
            ("ID;PWXL;N;E\r\nC;Y1;X1;K\"UPN\"\r\nE\r\n", "SYLK"),
            ("TABLE\r\n0,1\r\n\"EXCEL\"\r\n", ".dif"),
            ("From ann@contoso.com Thu Nov 26 2026\nFrom: Ann\nSubject: x\n", "mail"),
            ("Return-Path: <ann@contoso.com>\nReceived: x\nFrom: Ann\n", "mail"),
            (
                "MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: multipart/related; boundary=\"x\"\n",
                "MHTML",
            ),
            ("BEGIN:VCARD\nFN:Ann\n", "vCard"),
            ("version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ] {
            let foreign = by_text(text).expect(text);
            assert!(foreign.found.contains(found), "{text}: {foreign:?}");
        }
    }

    #[test]
    fn tables_are_not_syntax() {
        for text in [
            "<UPN>,<Name>\nann@contoso.com,Ann\n",
            "<table>,UPN\n1,ann@contoso.com\n",
            "<b>|pupils\n",
            "<html,UPN\n",
            "[UPN],[Name]\nann@contoso.com,Ann\n",
            "[\"UPN\"],Name\nann@contoso.com,Ann\n",
            "[1],UPN\n[2],ann@contoso.com\n",
            "[7A],UPN\n",
            "{UPN},Name\nann@contoso.com,Ann\n",
            "{\"UPN\"},Name\n",
            "{},UPN\n1,ann@contoso.com\n",
            "ID;Person;UPN\n1;Ann;ann@contoso.com\n",
            "ID;PUPN\nC;Kay\n",
            "TABLE\nann@contoso.com\n",
            "From,To\nann@contoso.com,bob@contoso.com\n",
            "From \nann@contoso.com\n",
            "",
            "UPN\nann@contoso.com\n",
        ] {
            assert_eq!(by_text(text), None, "{text}");
        }
    }
}
