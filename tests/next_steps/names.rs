//! Names of folders that a shell would read as something else.

use crate::desk::{Desk, said, the_way_on};
use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

#[test]
fn odd_names_can_be_pasted() {
    let desk = Desk::new("{}");
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
    let (there, loopback) = (desk.there(), OsString::from(format!("--graph-endpoint={}", desk.served.url)));
    let authority = OsString::from(format!("--authority-host={}", desk.served.url));
    for name in names {
        let name = OsStr::from_bytes(name);
        let mut given = OsString::from("--run-dir=");
        given.push(name);
        let words: [&OsStr; 5] = ["plan".as_ref(), "wave.csv".as_ref(), &given, &loopback, &authority];
        let planned = desk.calls(&words);
        assert_eq!(planned.status.code(), Some(0), "{name:?}: {}", said(&planned));
        let command = the_way_on(&said(&planned));
        assert!(!command.chars().any(char::is_control) && command.contains(&there[..16]), "{command:?}");
        desk.pastes(&command, 0);
        desk.must_be_done(name);
        assert!(!desk.home.path().join("stolen").exists(), "{command}");
    }
}

#[test]
fn a_program_that_is_not_on_the_path_is_named_by_its_own() {
    let desk = Desk::new("{}");
    let program = desk.home.path().join("my tools");
    std::fs::create_dir(&program).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_passwave"), program.join("passwave")).expect("a link");
    let line = format!("PATH=/usr/bin:/bin; './my tools/passwave' plan wave.csv --run-dir run {}", desk.there());
    let told = desk.pastes(&line, 0);
    let (_, command) = told.lines().last().and_then(|line| line.split_once(":  ")).expect("a command");
    assert!(command.starts_with("'./my tools/passwave' run run "), "{command}");
    desk.pastes(&format!("PATH=/usr/bin:/bin; {command}"), 0);
    desk.must_be_done("run");
}
