//! Words as a shell reads them back: what is printed here can be pasted.
//!
//! Sources: POSIX.1-2024 "Shell Command Language" 2.2 and the utility `printf`; Microsoft's "about_Quoting_Rules" and
//! "about_Parsing"; Microsoft's "Parsing C command-line arguments".
//!
//! Invariant: a word that is printed shows no control character, whatever it is made of.

use passwave::clean;
use std::{ffi::OsStr, fmt::Write, path::Path};

/// Characters that no shell reads as anything else. A word of them alone stands as it is.
const PLAIN: &str = "/._-:+=";

/// Who reads the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// `sh` and all that understand its quotes.
    Posix,
    /// PowerShell, and `cmd` as far as one form serves both.
    Windows,
}

impl Shell {
    /// The shell of this platform.
    pub const fn here() -> Self {
        if cfg!(windows) { Self::Windows } else { Self::Posix }
    }

    /// One word.
    pub fn quoted(self, word: &OsStr) -> String {
        let text = word.to_str().filter(|text| !text.is_empty() && is_plain(self, text));
        text.map_or_else(|| self.in_quotes(word), str::to_owned)
    }

    fn in_quotes(self, word: &OsStr) -> String {
        let shown = word.to_str().filter(|text| clean::line(text) == **text);
        match (self, shown) {
            (Self::Posix, Some(text)) => format!("'{}'", text.replace('\'', r"'\''")),
            (Self::Posix, None) => spelt(word.as_encoded_bytes()),
            (Self::Windows, _) => windows(&word.to_string_lossy()),
        }
    }

    /// A path as an operand: it is never taken for a flag.
    pub fn path(self, path: &Path) -> String {
        self.quoted(operand(path).as_os_str())
    }
}

/// A word of this shell that needs no quotes.
fn is_plain(shell: Shell, text: &str) -> bool {
    let special = if shell == Shell::Windows { "\\" } else { "" };
    text.chars().all(|c| c.is_ascii_alphanumeric() || PLAIN.contains(c) || special.contains(c))
        && !(shell == Shell::Windows && text.ends_with('\\'))
}

/// The path in a form that begins with no dash. Standard input's `-` stays what it is.
pub fn operand(path: &Path) -> std::path::PathBuf {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") { Path::new(".").join(path) } else { path.to_owned() }
}

/// What cannot be shown, byte by byte: `"$(printf 'caf\351')"`. A newline at the end would be lost, so that one is kept by
/// the slash that a folder may end with.
fn spelt(bytes: &[u8]) -> String {
    let mut text = String::from("\"$(printf '");
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'%' => text.push_str("%%"),
            // It would be an option of `printf`.
            b'-' if at == 0 => text.push_str("\\055"),
            byte if byte.is_ascii_alphanumeric() || b" /._-:+=,".contains(byte) => text.push(char::from(*byte)),
            byte => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    if bytes.last() == Some(&b'\n') {
        text.push('/');
    }
    text + "')\""
}

/// Double quotes where they mean the same to PowerShell and to `cmd`, else single ones, which PowerShell reads. A program
/// would read a backslash before the closing quote as part of the word.
fn windows(text: &str) -> String {
    let text = clean::line(text);
    let text = match text.strip_suffix('\\') {
        Some(rest) if rest.ends_with(':') => format!("{text}."),
        Some(rest) => rest.trim_end_matches('\\').to_owned(),
        None => text,
    };
    let is_quote = |c: char| ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'].contains(&c);
    let differs = |c: char| "$`\"%!^".contains(c) || ['\u{201c}', '\u{201d}', '\u{201e}'].contains(&c);
    if !text.chars().any(differs) {
        return format!("\"{text}\"");
    }
    let doubled = text.chars().flat_map(|c| std::iter::repeat_n(c, 1 + usize::from(is_quote(c))));
    format!("'{}'", doubled.collect::<String>())
}

/// Whether the file system's own name can be shown as it is.
pub fn can_be_shown(path: &Path) -> bool {
    path.to_str().is_some_and(|text| clean::line(text) == *text)
}

/// What this program is called by, in the same shell: by its bare name, if the shell finds it by that, else by the path it
/// was called with.
pub fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| "passwave".into());
    let called = Path::new(&called);
    let has_folder = called.parent().is_some_and(|parent| parent != Path::new(""));
    if !has_folder || is_on_the_path() { "passwave".into() } else { invoked(Shell::here(), called) }
}

/// PowerShell runs a quoted path only after `&`.
fn invoked(shell: Shell, program: &Path) -> String {
    let quoted = shell.path(program);
    let needs_call = shell == Shell::Windows && quoted.starts_with(['"', '\'']);
    if needs_call { format!("& {quoted}") } else { quoted }
}

fn is_on_the_path() -> bool {
    let name = format!("passwave{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.is_absolute() && folder.join(&name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posix(word: &str) -> String {
        Shell::Posix.quoted(word.as_ref())
    }

    #[test]
    fn words_are_quoted_for_sh() {
        for (word, quoted) in [
            ("run", "run"),
            ("3000/150s", "3000/150s"),
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
            ("", "''"),
            ("my run's", r"'my run'\''s'"),
            ("$HOME`id`", "'$HOME`id`'"),
            ("a\"b", "'a\"b'"),
            ("~x", "'~x'"),
            ("Prüfung", "'Prüfung'"),
            ("a\nb%", r#""$(printf 'a\012b%%')""#),
            ("a\n", r#""$(printf 'a\012/')""#),
        ] {
            assert_eq!(posix(word), quoted);
        }
        let path = |path: &str| Shell::Posix.path(Path::new(path));
        assert_eq!((path("-x"), path("a-x")), ("./-x".into(), "a-x".into()));
    }

    #[test]
    fn words_are_quoted_for_windows() {
        for (word, quoted) in [
            (r"C:\runs\semester", r"C:\runs\semester"),
            (r"C:\my runs", "\"C:\\my runs\""),
            (r"C:\my runs\", "\"C:\\my runs\""),
            (r"C:\", r#""C:\.""#),
            ("cost $5", "'cost $5'"),
            ("it's", "\"it's\""),
            ("it's $5", "'it''s $5'"),
            ("it\u{2019}s $5", "'it\u{2019}\u{2019}s $5'"),
            ("a,b;c@d#e", "\"a,b;c@d#e\""),
            ("", "\"\""),
        ] {
            assert_eq!(Shell::Windows.quoted(word.as_ref()), quoted, "{word}");
        }
        assert_eq!(
            invoked(Shell::Windows, Path::new("C:\\my tools\\passwave.exe")),
            "& \"C:\\my tools\\passwave.exe\""
        );
    }

    /// What `sh` makes of a word, byte by byte.
    #[cfg(unix)]
    fn read_by_sh(quoted: &str) -> Vec<u8> {
        let script = format!("printf %s {quoted}");
        let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().expect("a shell");
        assert!(output.status.success() && output.stderr.is_empty(), "{quoted}: {output:?}");
        output.stdout
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_text_survive_sh() {
        use std::os::unix::ffi::OsStrExt;
        for bytes in [&b"caf\xe9"[..], b"\xff%s\\'$", b"\x1b[31mred", b"-n\x1b", "\u{202e}x".as_bytes()] {
            let quoted = Shell::Posix.quoted(OsStr::from_bytes(bytes));
            assert!(quoted.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{quoted}");
            assert_eq!(read_by_sh(&quoted), bytes, "{quoted}");
        }
    }

    #[cfg(unix)]
    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        #[test]
        fn every_word_survives_sh(word in r#"[ -~\n\t'"$`\\!*?äß\u{1b}\u{202e}]{0,24}"#) {
            let quoted = posix(&word);
            proptest::prop_assert!(!quoted.chars().any(char::is_control), "{:?}", quoted);
            let read = read_by_sh(&quoted);
            let kept = if word.ends_with('\n') && !word.is_empty() { format!("{word}/") } else { word.clone() };
            proptest::prop_assert_eq!(String::from_utf8(read).expect("UTF-8"), kept);
        }
    }
}
