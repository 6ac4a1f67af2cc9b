//! Control characters from a roster, a server or a ledger that others changed: no format writes any.

use calamine::{Data, Reader, Xlsx};
use passwave::{
    engine::run::{self, RunOptions},
    handouts::{Handouts, Template, Wishes},
    ledger::{FILE_NAME, Ledger, ReadLedger, SignedInAs},
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    report,
    roster::{Roster, RosterOptions},
    simulator::{Account, Simulator, SimulatorConfig},
};
use std::{fs, future::pending, io::Cursor};
use tempfile::TempDir;

/// ESC, BEL, an OSC title, CSI as one character of C1, NUL, DEL, NEL, backspace, and a carriage return alone.
const CONTROLS: &str = "\u{1b}[31m\u{7}\u{1b}]0;title\u{7}\u{9b}2J\0\u{7f}\u{85}\u{8}x\ry";
/// What remains of them.
const LEFT: &str = "[31m]0;title2Jx\ny";
/// The same on one line.
const LINE: &str = "[31m]0;title2Jx y";
/// A formula that appears only when a control character is removed.
const FORMULA: &str = "\u{1b}=cmd()";

/// A run whose roster and server put control characters into every column.
fn foreign() -> (TempDir, ReadLedger) {
    let home = tempfile::tempdir().expect("a folder");
    let mut csv = csv::Writer::from_writer(Vec::new());
    // A text with NUL is not a roster.
    let controls = CONTROLS.replace('\0', "");
    csv.write_record(["UPN", "Display name", &format!("Cla{controls}ss"), "Note", "Remark"]).expect("memory");
    // A roster that is mostly control characters is refused; this one is mostly text.
    let remark = "Lorem ipsum ".repeat(30);
    for nth in 0..40 {
        let (name, class) = (format!("Ann {controls} {nth}"), format!("7{controls}A"));
        csv.write_record([&format!("pupil{nth}@contoso.com"), &name, &class, FORMULA, &remark]).expect("memory");
    }
    let bytes = csv.into_inner().expect("memory");
    let roster = Roster::from_bytes("wave.csv", bytes, &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::default();
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    let folder = home.path().join("run");
    let mut settings = Settings::new(&roster, policy.clone());
    settings.roster = format!("wave{CONTROLS}.csv");
    let mut ledger = Ledger::create(&folder, settings, plan).expect("a ledger").ledger;
    let tenant = Simulator::new(SimulatorConfig::default());
    (0..40).for_each(|nth| tenant.add(Account::normal(format!("pupil{nth}@contoso.com"))));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime
        .expect("threads")
        .block_on(run::run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_event| {}))
        .expect("an end");
    let signed_in = SignedInAs { tenant_id: Some(CONTROLS.into()), ..SignedInAs::default() };
    ledger.set_signed_in(&signed_in).expect("a note");
    drop(ledger);
    let database = rusqlite::Connection::open(folder.join(FILE_NAME)).expect("a database");
    let said = "UPDATE account SET error_code = ?1, error_message = ?1, request_id = ?1";
    database.execute(said, [CONTROLS]).expect("changed");
    (home, Ledger::open_to_read(&folder).expect("a ledger"))
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn must_be_clean(format: &str, text: &str) {
    let found = text.chars().find(|c| !is_clean(&c.to_string()));
    assert!(found.is_none(), "{format} holds {found:?}");
}

/// The output of a format, as text.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes);
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn csv_drops_only_control_characters() {
    let (_home, ledger) = foreign();
    let text = written(|out| report::print_csv(&ledger, out).expect("written"));
    must_be_clean("report.csv", &text);
    let mut reader = csv::Reader::from_reader(&text.as_bytes()["\u{FEFF}".len()..]);
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap_or_else(|| panic!("{name}"));
    let row = reader.records().next().expect("a row").expect("readable");
    for name in ["error_code", "error_message", "request_id"] {
        assert_eq!(&row[column(name)], LEFT, "{name}");
    }
    assert_eq!(&row[column("Display name")], format!("Ann {LEFT} 0"));
    assert_eq!(&row[column(&format!("Cla{LEFT}ss"))], format!("7{LEFT}A"));
    assert_eq!(&row[column("Note")], "'=cmd()", "defused after it is cleaned");
}

#[test]
fn workbooks_have_no_control_characters() {
    let (_home, ledger) = foreign();
    let mut bytes = Vec::new();
    report::print_workbook(&ledger, &mut bytes).expect("written");
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    for sheet in ["Report", "Summary"] {
        let cells = book.worksheet_range(sheet).expect("a sheet");
        let texts =
            cells.cells().filter_map(|(_, _, cell)| if let Data::String(text) = cell { Some(text) } else { None });
        texts.for_each(|text| {
            must_be_clean(sheet, text);
            assert!(!text.contains("_x00"), "{sheet}: {text}");
        });
        assert!(cells.cells().any(|(_, _, cell)| cell.to_string().contains("]0;title")), "{sheet} keeps the rest");
    }
}

#[test]
fn json_has_no_control_characters() {
    let (_home, ledger) = foreign();
    report::write(&ledger).expect("reports");
    let text = fs::read_to_string(ledger.folder().join("summary.json")).expect("a summary");
    must_be_clean("summary.json", &text);
    let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut left = vec![&summary];
    while let Some(value) = left.pop() {
        left.extend(value.as_array().into_iter().flatten());
        left.extend(value.as_object().into_iter().flat_map(|object| object.values()));
        let keys = value.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str));
        value.as_str().into_iter().chain(keys).for_each(|text| must_be_clean("summary.json, parsed", text));
    }
    assert_eq!(summary["roster"], format!("wave{LEFT}.csv"));
    assert_eq!(summary["tenant_id"], LEFT);
}

#[test]
fn markup_has_no_control_characters() {
    let (_home, ledger) = foreign();
    let page = written(|out| report::print_page(&ledger, out).expect("written"));
    must_be_clean("report.html", &page);
    // In the page's data as an escape, too.
    let escapes = (0..0x20).chain(0x7f..0xa0).map(|code| format!("\\u{code:04x}"));
    escapes.for_each(|escape| assert!(!page.contains(&escape), "{escape}"));
    assert!(page.contains(LINE), "the rest is there");
    let cases = written(|out| report::print_junit(&ledger, out).expect("written"));
    must_be_clean("JUnit", &cases);
}

#[test]
fn handouts_have_no_control_characters() {
    let (home, ledger) = foreign();
    let folder = home.path().join("slips");
    let mut wishes = Wishes::default();
    wishes.by = Some("3".into());
    Handouts::new(&ledger, wishes.clone()).expect("slips").write(&folder, &Template::default(), None).expect("written");
    let own = home.path().join("own.html");
    let every = "{% for slip in slips %}{% for name in slip.cells %}{{ name }}={{ slip.cells[name] }}\n{% endfor %}\
                 {{ slip.password }} {{ slip.password ~ '' }} {{ column }} {{ group }} {{ roster }}{% endfor %}";
    fs::write(&own, every).expect("a template");
    let other = home.path().join("own");
    let template = Template::open(&own).expect("a template");
    Handouts::new(&ledger, wishes).expect("slips").write(&other, &template, None).expect("written");
    for folder in [folder, other] {
        let files: Vec<_> =
            fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        for file in files {
            must_be_clean(&file.display().to_string(), &fs::read_to_string(&file).expect("UTF-8"));
            must_be_clean("a file name", &file.file_name().expect("a name").to_string_lossy());
        }
    }
}
