//! Every command, flag and variable of passwave in README and `docs/` exists.

use super::Cli;
use clap::{Command, CommandFactory};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Flags of other tools that the pages show.
const FOREIGN_FLAGS: [&str; 5] = ["--features", "--no-default-features", "--seeds", "--sealed", "--print-to-pdf"];
/// Placeholders for a command, and words in a command's output.
const PLACEHOLDERS: [&str; 4] =
    ["passwave COMMAND", "passwave completions SHELL", "passwave man COMMAND", "passwave …"];

/// The path and text of each page.
fn pages() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("docs")];
    let mut pages: Vec<PathBuf> = ["README.md", "SECURITY.md", "CONTRIBUTING.md"].map(|name| root.join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).expect("UTF-8").replace("\r\n", "\n"));
    pages.into_iter().map(read).collect()
}

/// The lines of a page's command blocks; backslashes and backticks continue a line.
fn block_lines(page: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        let (info, text) = block.split_once('\n').unwrap_or_default();
        let more = match info.split(' ').next() {
            Some("powershell") => " `\n",
            Some("sh" | "console") => " \\\n",
            _ => continue,
        };
        let text = text.replace(more, " ");
        lines.extend(text.lines().map(|line| line.trim_start_matches("$ ").to_owned()));
    }
    lines
}

/// The text in backquotes, outside of blocks.
fn spans(page: &str) -> Vec<String> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).map(|span| span.replace('\n', " ")).collect()
}

/// The words of the first passwave command in a line; `None` if there is none.
fn words(line: &str) -> Option<Vec<String>> {
    // PowerShell starts background commands from one quoted string.
    if let Some(quoted) = line.strip_prefix("$run = Start-Process ") {
        let (command, _) = quoted.split_once(" -NoNewWindow").unwrap_or((quoted, ""));
        return words(&command.replace('\'', ""));
    }
    let starts = ["", "cd .. && ", "$plan = "];
    let command =
        starts.iter().find_map(|start| line.strip_prefix(start).filter(|rest| rest.starts_with("passwave ")))?;
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in command.chars().chain([' ']) {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            ('(', None) => quote = Some(')'),
            (' ', None) => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    let ends = |word: &String| ["|", ">", ">>", "&", "&&", ";", "#", "2>"].contains(&word.as_str());
    let end = words.iter().position(ends).unwrap_or(words.len());
    words.truncate(end);
    Some(words)
}

fn understood(words: &[String]) -> Result<(), String> {
    use clap::error::ErrorKind;
    match Cli::command().try_get_matches_from(words) {
        Err(error) if ![ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind()) => {
            Err(format!("{words:?}: {error}"))
        }
        _ => Ok(()),
    }
}

/// Names of all flags, with two hyphens.
fn flags(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}"));
    let below = command.get_subcommands().flat_map(flags);
    own.chain(below).collect()
}

#[test]
fn documented_commands_parse() {
    let (mut faults, mut seen) = (Vec::new(), 0);
    for (path, page) in pages() {
        let spans = spans(&page).into_iter().filter(|span| span.starts_with("passwave "));
        // Prose may name a command without its arguments: `passwave run`.
        let spans = spans.map(|span| if span.split(' ').count() == 2 { span + " --help" } else { span });
        let is_real = |line: &String| !PLACEHOLDERS.iter().any(|placeholder| line.starts_with(placeholder));
        for words in block_lines(&page).into_iter().chain(spans).filter(is_real).filter_map(|line| words(&line)) {
            seen += 1;
            faults.extend(understood(&words).err().map(|fault| format!("{}: {fault}", path.display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 80, "{seen} commands");
}

#[test]
fn documented_flags_and_variables_exist() {
    let mut command = Cli::command();
    command.build();
    let mut known = flags(&command);
    known.extend(FOREIGN_FLAGS.map(str::to_owned));
    let variables = known.iter().map(|flag| flag.trim_start_matches("--").to_uppercase().replace('-', "_"));
    let mut names: BTreeSet<String> = variables.map(|name| format!("PASSWAVE_{name}")).collect();
    names.extend(
        ["SEAL_PASSPHRASE", "SIGN_PASSPHRASE", "SEAL_WITH_PASSPHRASE", "OPEN_WITH_PASSPHRASE", "STATE_DIR"]
            .map(prefixed),
    );
    // Variables of tests and workflows.
    names.extend(["KILLS", "FIGURES"].map(prefixed));
    let mut faults = Vec::new();
    for (path, page) in pages() {
        for span in spans(&page) {
            let word = span.split([' ', '=', '[']).next().unwrap_or_default().to_owned();
            let unknown_flag = word.starts_with("--") && !known.contains(&word);
            let unknown_name = word.strip_prefix("PASSWAVE_").is_some_and(|rest| rest != "…") && !names.contains(&word);
            if unknown_flag || unknown_name {
                faults.push(format!("{}: `{span}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn prefixed(name: &str) -> String {
    format!("PASSWAVE_{name}")
}

#[test]
fn commands_end_at_shell_operators() {
    let of = |line: &str| words(line).map(|words| words.join("|"));
    let quoted = "passwave reset a.csv --where 'A=1, 2' --seal-to $(age -y k) > out # more";
    assert_eq!(of(quoted).as_deref(), Some("passwave|reset|a.csv|--where|A=1, 2|--seal-to|$age -y k"));
    assert_eq!(of("$plan = passwave plan a.csv | Out").as_deref(), Some("passwave|plan|a.csv"));
    assert_eq!(of("rm -r passwave x"), None);
    let page = "`passwave a` \n```sh\npasswave b \\\n  c\n```\n```powershell\npasswave d `\n  e\n```\n";
    assert_eq!(block_lines(page), ["passwave b   c", "passwave d   e"]);
    assert_eq!(spans(page), ["passwave a"]);
    assert!(understood(&["passwave".to_owned(), "--nothing".to_owned()]).is_err());
}
