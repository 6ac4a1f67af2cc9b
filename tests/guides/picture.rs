//! The picture of the terminal in README: recorded from a real `passwave rehearse`, and compared with it.
//!
//! `PICTURE=overwrite cargo test --test guides picture` records it again.

use crate::{pages::root, reader::Reader};
use anstyle_svg::Term;
use std::{env, fs};

const PATH: &str = "docs/images/rehearse.svg";
const COMMAND: &str = "passwave rehearse examples/rosters/semester.csv --run-dir trial";

#[test]
fn picture_matches_the_terminal() {
    let mut reader = Reader::new();
    reader.prepare("export CLICOLOR_FORCE=1");
    let (printed, code) = reader.run(COMMAND);
    assert_eq!(code, 1, "three rows of the roster need attention");
    let shown = format!("\u{1b}[1;32m$\u{1b}[0m {COMMAND}\n{}", printed.join("\n"));
    let recorded = Term::new().min_width_px(0).render_svg(&shown);
    let path = root().join(PATH);
    if env::var("PICTURE").is_ok_and(|what| what == "overwrite") {
        fs::write(&path, &recorded).expect("written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == recorded, "{PATH} differs from what the command prints: run with PICTURE=overwrite\n{shown}");
}
