//! Opens a page in the user's browser, never through a shell.
//!
//! `BROWSER` names another program on every system, as browsers' launchers on Unix understand it: several programs with
//! the system's separator for paths between them, each with arguments, where `%s` stands for the page.
//!
//! Invariant: the program that it starts gets none of the variables that may hold a secret.

use crate::cli::console::Reporter;
use passwave::{graph::client::auth::Variables, util::sanitize};
use std::{
    env,
    ffi::OsString,
    io,
    path::Path,
    process::{Command, Stdio},
    thread,
};

/// Names another program.
const VARIABLE: &str = "BROWSER";
/// Separates the programs in it.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };
const ADVICE: &str = "open the page yourself, or name your browser in the variable BROWSER";

/// Opens `url`. If that fails, the user is told, and can still open the page, whose address is printed.
pub fn open(reporter: &Reporter, url: String) {
    let named = env::var(VARIABLE).ok().filter(|value| !value.trim().is_empty());
    if let Some(named) = named {
        if let Err(why) = start_first(&named, &url) {
            reporter.warn_with(format!("BROWSER={} cannot be started: {why}", sanitize::for_terminal(&named)), ADVICE);
        }
        return;
    }
    // Some systems ask a number of programs which browser is the right one.
    let teller = reporter.clone();
    let started = thread::Builder::new().spawn(move || {
        if let Err(why) = webbrowser::open(&url) {
            tell(&teller, &why);
        }
    });
    if let Err(why) = started {
        tell(reporter, &why);
    }
}

fn tell(reporter: &Reporter, why: &io::Error) {
    let why = sanitize::sentence(&why.to_string());
    reporter.warn_with(format!("no browser could be opened: {why}"), ADVICE);
}

/// Starts the first program in `named` that can be started.
fn start_first(named: &str, url: &str) -> io::Result<()> {
    let mut started = Err(io::ErrorKind::NotFound.into());
    for words in programs(named, url) {
        started = start(&words);
        if started.is_ok() {
            break;
        }
    }
    started
}

/// The programs in `named` with their arguments. The value can also be the path of one program, with any letters.
fn programs(named: &str, url: &str) -> Vec<Vec<String>> {
    if Path::new(named.trim()).is_file() {
        return vec![vec![named.trim().to_owned(), url.to_owned()]];
    }
    let programs = named.split(SEPARATOR).map(|program| words(program, url));
    programs.filter(|words| words.len() > 1).collect()
}

fn words(program: &str, url: &str) -> Vec<String> {
    let mut words: Vec<String> = program.split_whitespace().map(|word| word.replace("%s", url)).collect();
    if !words.is_empty() && !program.contains("%s") {
        words.push(url.to_owned());
    }
    words
}

/// Starts a program, and does not wait for it: a browser goes on after this process.
fn start(words: &[String]) -> io::Result<()> {
    let arguments = words.iter().skip(1).map(OsString::from);
    let mut command = Command::new(words.first().map_or("", String::as_str));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in Variables::READ {
        command.env_remove(name);
    }
    let mut child = command.spawn()?;
    // Otherwise it stays in the list of processes after its end. If there is no thread, it may.
    drop(thread::Builder::new().spawn(move || child.wait()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_variable_names_programs_and_arguments() {
        let url = "https://x.y/?a=1&b=2";
        let made = |named: &str| programs(&named.replace('|', &SEPARATOR.to_string()), url);
        assert_eq!(made("firefox"), [["firefox", url]]);
        assert_eq!(made(" firefox  --new-window |w3m"), [vec!["firefox", "--new-window", url], vec!["w3m", url]]);
        assert_eq!(made("app --url=%s -x"), [["app", &format!("--url={url}"), "-x"]]);
        assert!(made("| |").is_empty());
    }

    #[test]
    fn paths_with_spaces_are_programs() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("my browser");
        std::fs::write(&file, "").expect("written");
        let path = file.to_str().expect("text");
        assert_eq!(programs(path, "u"), [[path, "u"]]);
    }

    #[test]
    fn absent_programs_are_errors() {
        assert!(start_first("/no/such/program", "u").is_err() && start_first(" ", "u").is_err());
    }
}
