//! Folder names that a shell would misread.

use crate::workspace::{Workspace, next_command, said};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

#[test]
fn odd_names_can_be_pasted() {
    let workspace = Workspace::new("{}");
    let names: [&[u8]; 12] = [
        b"my run",
        b"my run's",
        b"term$HOME`id`",
        b"a\"b",
        b"-x",
        b"a;touch stolen",
        b"~",
        b"new\nline",
        b"end\n",
        b"caf\xe9",
        b"back\\slash\\",
        "\u{202e}x! *?[a] é".as_bytes(),
    ];
    let (endpoint_flags, loopback) =
        (workspace.endpoint_flags(), OsString::from(format!("--graph-endpoint={}", workspace.served.url)));
    let authority = OsString::from(format!("--authority-host={}", workspace.served.url));
    for name in names {
        let name = OsStr::from_bytes(name);
        let mut given = OsString::from("--run-dir=");
        given.push(name);
        let words: [&OsStr; 5] = ["plan".as_ref(), "wave.csv".as_ref(), &given, &loopback, &authority];
        let planned = workspace.call(&words);
        assert_eq!(planned.status.code(), Some(0), "{name:?}: {}", said(&planned));
        let command = next_command(&said(&planned));
        assert!(!command.chars().any(char::is_control) && command.contains(&endpoint_flags[..16]), "{command:?}");
        workspace.paste(&command, 0);
        workspace.must_be_done(name);
        assert!(!workspace.home.path().join("stolen").exists(), "{command}");
    }
}

#[test]
fn unlisted_program_is_named_by_path() {
    let workspace = Workspace::new("{}");
    let program = workspace.home.path().join("my tools");
    std::fs::create_dir(&program).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_passwave"), program.join("passwave")).expect("a link");
    let line =
        format!("PATH=/usr/bin:/bin; './my tools/passwave' plan wave.csv --run-dir run {}", workspace.endpoint_flags());
    let told = workspace.paste(&line, 0);
    let (_, command) = told.lines().last().and_then(|line| line.split_once(":  ")).expect("a command");
    assert!(command.starts_with("'./my tools/passwave' run run "), "{command}");
    workspace.paste(&format!("PATH=/usr/bin:/bin; {command}"), 0);
    workspace.must_be_done("run");
}
