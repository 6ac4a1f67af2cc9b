//! Quotes words for a shell, so that printed commands can be pasted.
//!
//! Sources: POSIX.1-2024 "Shell Command Language" 2.2 and the utility `printf`; Microsoft's "about_Quoting_Rules" and
//! "about_Parsing"; Microsoft's "Parsing C command-line arguments"; Microsoft's `cmd` and "Everyone quotes command line
//! arguments the wrong way" (its caret rules).
//!
//! Invariant: a printed word shows no control character, whatever it contains.

use super::windows;
use passwave::util::sanitize;
use std::{
    env,
    ffi::{OsStr, OsString},
    fmt::Write,
    path::Path,
};

/// Characters without a special meaning in any shell. A word of only these needs no quotes.
const PLAIN: &str = "/._-:+=";

/// The shell that reads the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::enum_variant_names, reason = "PowerShell is a product's name")]
pub enum Shell {
    /// `sh` and all shells with its quotes, also on Windows (Git Bash, MSYS2, Cygwin).
    Posix,
    PowerShell,
    /// The Command Prompt.
    Cmd,
}

impl Shell {
    /// The shell from which this process was started.
    pub fn here() -> Self {
        if cfg!(windows) { Self::on_windows(|name| env::var_os(name)) } else { Self::Posix }
    }

    /// Windows does not say it, but each shell leaves traces in the environment: the Unix ones say what they are,
    /// PowerShell adds folders of the user to `PSModulePath`, and `cmd` sets `PROMPT`. Without a trace it is PowerShell.
    fn on_windows(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name| variable(name).map(|value| value.to_string_lossy().to_lowercase()).unwrap_or_default();
        let (home, modules) = (text("USERPROFILE"), text("PSModulePath"));
        if !text("MSYSTEM").is_empty() || text("SHELL").trim_end_matches(".exe").ends_with("sh") {
            Self::Posix
        } else if variable("PROMPT").is_some() && (home.is_empty() || !modules.contains(&home)) {
            Self::Cmd
        } else {
            Self::PowerShell
        }
    }

    /// One word.
    pub fn quoted(self, word: &OsStr) -> String {
        let text = word.to_str().filter(|text| !text.is_empty() && self.is_plain(text));
        text.map_or_else(|| self.in_quotes(word), str::to_owned)
    }

    fn in_quotes(self, word: &OsStr) -> String {
        let shown = word.to_str().filter(|text| sanitize::line(text) == **text);
        match (self, shown) {
            (Self::Posix, Some(text)) => format!("'{}'", text.replace('\'', r"'\''")),
            (Self::Posix, None) => escaped_bytes(word.as_encoded_bytes()),
            (Self::PowerShell, _) => windows::for_powershell(&word.to_string_lossy()),
            (Self::Cmd, _) => windows::for_cmd(&word.to_string_lossy()),
        }
    }

    /// A path as an operand: it is never mistaken for a flag.
    pub fn path(self, path: &Path) -> String {
        self.quoted(&self.operand(path))
    }

    /// The path in a form that does not begin with a dash.
    fn operand(self, path: &Path) -> OsString {
        let mut operand = OsString::new();
        if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
            operand.push(if self == Self::Posix { "./" } else { r".\" });
        }
        operand.push(path);
        operand
    }

    /// Whether a word needs no quotes. PowerShell splits `-a.b` at the dot.
    fn is_plain(self, text: &str) -> bool {
        let is_windows = self != Self::Posix;
        let fits = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c) || (is_windows && c == '\\');
        let is_split = self == Self::PowerShell && text.starts_with('-') && text.contains('.');
        text.chars().all(fits) && !(is_windows && text.ends_with('\\')) && !is_split
    }
}

/// Text that cannot be shown, byte by byte: `"$(printf 'caf\351')"`. A newline at the end would be lost, so the slash
/// that a folder may end with keeps it.
fn escaped_bytes(bytes: &[u8]) -> String {
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

/// The name of the shell from which this process was started, as far as it is known.
pub fn shell_name() -> String {
    let own =
        env::var_os("SHELL").map(|path| Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into());
    match Shell::here() {
        Shell::Posix => own.unwrap_or_else(|| "unknown".into()),
        Shell::PowerShell => "PowerShell".into(),
        Shell::Cmd => "Command Prompt".into(),
    }
}

/// Whether the file system's name can be shown as it is.
pub fn can_be_shown(path: &Path) -> bool {
    path.to_str().is_some_and(|text| sanitize::line(text) == *text)
}

/// The name of this program for the same shell: its bare name if the shell finds it by that, otherwise the path with
/// which it was `called`.
pub fn program(called: Option<&OsString>) -> String {
    let called = Path::new(called.map_or(OsStr::new("passwave"), OsString::as_os_str));
    let has_folder = called.parent().is_some_and(|parent| parent != Path::new(""));
    if !has_folder || is_on_the_path() { "passwave".into() } else { invoked(Shell::here(), called) }
}

/// PowerShell runs a quoted path only after `&`.
fn invoked(shell: Shell, program: &Path) -> String {
    let quoted = shell.path(program);
    let needs_call = shell == Shell::PowerShell && quoted.starts_with(['"', '\'']);
    if needs_call { format!("& {quoted}") } else { quoted }
}

fn is_on_the_path() -> bool {
    let name = format!("passwave{}", env::consts::EXE_SUFFIX);
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.is_absolute() && folder.join(&name).is_file())
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
    fn words_are_quoted_for_powershell() {
        for (word, quoted) in [
            (r"C:\runs\semester", r"C:\runs\semester"),
            (r"C:\my runs", "\"C:\\my runs\""),
            (r"C:\my runs\", "\"C:\\my runs\""),
            (r"C:\", r#""C:\.""#),
            ("cost $5", "'cost $5'"),
            ("a`b", "'a`b'"),
            ("100%", "\"100%\""),
            ("it's", "\"it's\""),
            ("it's $5", "'it''s $5'"),
            ("it\u{2019}s $5", "'it\u{2019}\u{2019}s $5'"),
            ("a,b;c@d#e", "\"a,b;c@d#e\""),
            ("--identity=-b.key", "\"--identity=-b.key\""),
            ("", "\"\""),
        ] {
            assert_eq!(Shell::PowerShell.quoted(word.as_ref()), quoted, "{word}");
        }
        let program = Path::new("C:\\my tools\\passwave.exe");
        assert_eq!(invoked(Shell::PowerShell, program), "& \"C:\\my tools\\passwave.exe\"");
        assert_eq!(invoked(Shell::Cmd, program), "\"C:\\my tools\\passwave.exe\"");
    }

    #[test]
    fn words_are_quoted_for_cmd() {
        for (word, quoted) in [
            (r"C:\runs\semester", r"C:\runs\semester"),
            (r"C:\my runs\", "\"C:\\my runs\""),
            (r"C:\", r#""C:\.""#),
            ("R&D <7A>", "\"R&D <7A>\""),
            ("cost $5 `x`", "\"cost $5 `x`\""),
            ("it's $5", "\"it's $5\""),
            ("100% done", "^\"100^% done^\""),
            ("say \"hi\"", "^\"say \\^\"hi\\^\"^\""),
            ("a\\\"&b", "^\"a\\\\\\^\"^&b^\""),
            ("--identity=-b.key", "--identity=-b.key"),
            ("", "\"\""),
        ] {
            assert_eq!(Shell::Cmd.quoted(word.as_ref()), quoted, "{word}");
        }
    }

    #[test]
    fn each_windows_shell_is_known_by_its_traces() {
        let shell = |variables: &[(&str, &str)]| {
            let get = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into());
            Shell::on_windows(get)
        };
        let home = ("USERPROFILE", r"C:\Users\ann");
        let system = ("PSModulePath", r"C:\Program Files\WindowsPowerShell\Modules;C:\Windows\system32\x\Modules");
        let own = ("PSModulePath", r"C:\Users\Ann\Documents\PowerShell\Modules;C:\Program Files\x\Modules");
        let prompt = ("PROMPT", "$P$G");
        assert_eq!(shell(&[home, system, prompt]), Shell::Cmd);
        assert_eq!(shell(&[home, own]), Shell::PowerShell);
        assert_eq!(shell(&[home, own, prompt]), Shell::PowerShell, "started from cmd");
        assert_eq!(shell(&[]), Shell::PowerShell);
        assert_eq!(shell(&[home, system, prompt, ("MSYSTEM", "MINGW64")]), Shell::Posix);
        assert_eq!(shell(&[home, system, ("SHELL", "/usr/bin/bash.exe")]), Shell::Posix);
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
    fn non_text_names_survive_sh() {
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
