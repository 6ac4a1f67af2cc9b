//! Texts formatted for people: tables with underlined headings, lists of names and values.
//!
//! A real table can look like one of these, so this only explains texts that cannot be read as a table.

use super::{Foreign, Remedy, foreign};

/// Number of lines examined.
const SAMPLE_LINES: usize = 60;

/// The kind of text, if it was formatted for people.
#[must_use]
pub fn printed(text: &str) -> Option<Foreign> {
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    if lines.iter().skip(1).take(8).any(|line| is_underline(line)) {
        return Some(foreign(
            "it is a table as a terminal prints it (Format-Table, -o table), in which long names are cut off",
            Remedy::ExportFromPowerShell,
        ));
    }
    let (first, named) = (lines.first()?, lines.iter().filter(|line| is_named_value(line)).count());
    if named * 2 <= lines.len() {
        return None;
    }
    Some(match () {
        () if first.starts_with("dn: ") || first.starts_with("version: ") => {
            foreign("it is a directory export (LDIF)", Remedy::ExportFromDirectory)
        }
        () if first.starts_with("- ") || first.starts_with("---") || !first.contains(" :") => {
            foreign("it is a list of names and values (YAML, or a settings file)", Remedy::Export)
        }
        () => foreign("it is a list as PowerShell prints it (Format-List)", Remedy::ExportFromPowerShell),
    })
}

/// Whether a line underlines headings: `----- ----`, `=====`, `|---|:--|`, `+----+`.
#[must_use]
pub fn is_underline(line: &str) -> bool {
    let strokes = line.bytes().filter(|byte| matches!(byte, b'-' | b'=')).count();
    strokes >= 3 && line.bytes().all(|byte| b"-=+|: \t".contains(&byte))
}

/// `UserPrincipalName : ann@contoso.com`, `dn: CN=Ann`, `- displayName: Ann`.
fn is_named_value(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("- ");
    let Some((name, rest)) = line.split_once(':') else { return false };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '@');
    name.starts_with(char::is_alphabetic)
        && name.chars().all(is_name)
        && (rest.is_empty() || rest.starts_with([' ', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_for_people_are_named() {
        for (text, found) in [
            ("\nUserPrincipalName DisplayName\n----------------- -----------\nann@contoso.com   Ann\n", "Format-Table"),
            ("UserPrincipalName\n-----------------\nann@contoso.com\n", "Format-Table"),
            ("+-----+-----+\n| UPN | n   |\n+-----+-----+\n", "Format-Table"),
            (
                "\n\nUserPrincipalName : ann@contoso.com\nDisplayName       : Ann\n\nUserPrincipalName : bob@contoso.com\n",
                "Format-List",
            ),
            ("dn: CN=Ann,DC=contoso\nmail: ann@contoso.com\n", "LDIF"),
            ("- displayName: Ann\n  userPrincipalName: ann@contoso.com\n", "YAML"),
        ] {
            let foreign = printed(text).expect(text);
            assert!(foreign.found.contains(found), "{text}: {foreign:?}");
        }
        for text in
            ["", "UPN,Name\nann@contoso.com,Ann\n", "Pupils of 2026\nLogin;Name\n", "Time: 8:00,Login\na,b\nc,d\n"]
        {
            assert_eq!(printed(text), None, "{text}");
        }
    }
}
