//! The memory functions of the static Linux program, `src/memory.c`, against loops over single bytes: sizes, alignments, overlaps, and that
//! no byte outside is read or written. They are compiled with the options of `build.rs`, for this system's C library, and for musl if its
//! compiler is installed.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::{
    path::Path,
    process::{Command, Output},
};

const OPTIONS: [&str; 4] = ["-O2", "-ffreestanding", "-Wall", "-Werror"];
/// Clang has no such option and needs none.
const OF_GCC: &str = "-fno-tree-loop-distribute-patterns";

#[test]
#[expect(clippy::print_stderr, reason = "says what was left out")]
fn memory_functions_do_the_same_as_loops_over_bytes() {
    check("cc", &[]);
    if Command::new("musl-gcc").arg("--version").output().is_ok() {
        check("musl-gcc", &["-static"]);
    } else {
        eprintln!("musl-gcc is not installed: checked with cc alone");
    }
}

fn check(compiler: &str, options: &[&str]) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let program = place.path().join("check");
    let built = build(compiler, options, &program);
    assert!(built.status.success(), "{compiler}: {}", String::from_utf8_lossy(&built.stderr));
    let ran = Command::new(&program).output().expect("the check starts");
    assert!(ran.status.success(), "{compiler}: {} {}", ran.status, String::from_utf8_lossy(&ran.stdout));
}

fn build(compiler: &str, options: &[&str], program: &Path) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [root.join("src/memory.c"), root.join("tests/memory/check.c")];
    let gcc = Command::new(compiler).args([OF_GCC, "-Werror", "-E", "-xc", "/dev/null"]).output();
    let of_gcc = gcc.is_ok_and(|tried| tried.status.success()).then_some(OF_GCC);
    let mut command = Command::new(compiler);
    command.args(OPTIONS).args(of_gcc).args(options).args(sources).arg("-o").arg(program);
    command.output().expect("a C compiler, which SQLite needs, too")
}
