//! `report.xlsx`, opened with calamine: each cell is unchanged and has the right type.

use crate::{HOSTILE, finished};
use calamine::{Data, Range, Reader, Xlsx};
use passwave::{
    ledger::ReadLedger,
    report,
    roster::{Roster, RosterOptions},
};
use std::io::{Cursor, Read};

fn written(ledger: &ReadLedger) -> Vec<u8> {
    let mut bytes = Vec::new();
    report::print_workbook(ledger, &mut bytes).expect("written");
    bytes
}

fn sheet(bytes: &[u8], name: &str) -> Range<Data> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    assert_eq!(book.sheet_names(), ["Report", "Summary"]);
    book.worksheet_range(name).expect("a sheet")
}

fn table(ledger: &ReadLedger) -> Vec<csv::StringRecord> {
    let mut bytes = Vec::new();
    report::print_csv(ledger, &mut bytes).expect("written");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes["\u{FEFF}".len()..]);
    reader.records().collect::<Result<_, _>>().expect("records")
}

/// The CSV form of a workbook's cell.
fn as_csv(cell: &Data, column: &str) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) if column == "password" => text.clone(),
        Data::String(text) => report::defused(text).into_owned(),
        Data::Float(number) => number.to_string(),
        Data::DateTime(time) => {
            let millis = ((time.as_f64() - 25_569.0) * 86_400_000.0).round();
            #[expect(clippy::cast_possible_truncation, reason = "a time in this century")]
            let moment = jiff::Timestamp::from_millisecond(millis as i64).expect("a moment");
            format!("{moment:.3}")
        }
        other => panic!("{column} holds {other:?}"),
    }
}

#[test]
fn workbook_cells_match_the_csv() {
    let (_home, ledger) = finished();
    let (cells, table) = (sheet(&written(&ledger), "Report"), table(&ledger));
    assert_eq!(cells.get_size(), (table.len(), table[0].len()));
    for (row, record) in cells.rows().zip(&table) {
        for ((cell, expected), column) in row.iter().zip(record).zip(&table[0]) {
            assert_eq!(as_csv(cell, column), expected, "{column}");
        }
    }
    let column = |name: &str| table[0].iter().position(|column| column == name).expect(name);
    for (row, own) in cells.rows().skip(1).zip(HOSTILE) {
        let left: String = own.chars().filter(|c| !matches!(c, '\u{7}' | '\u{1b}')).collect();
        assert_eq!(row[table[0].len() - 2], Data::String(left), "no apostrophe, nothing made of it");
        assert!(matches!(row[column("row")], Data::Float(_)) && matches!(row[column("attempts")], Data::Float(_)));
        assert!(
            matches!(row[column("changed_at")], Data::DateTime(_))
                && matches!(row[column("password")], Data::String(_))
        );
    }
}

#[test]
fn summary_counts_all_rows() {
    let (_home, ledger) = finished();
    let cells = sheet(&written(&ledger), "Summary");
    let number = |name: &str| {
        let row = cells.rows().find(|row| row[0] == Data::String(name.into())).expect(name);
        row[1].clone()
    };
    #[expect(clippy::cast_precision_loss, reason = "a few rows")]
    let rows = (HOSTILE.len() + 5) as f64;
    assert_eq!((number("all"), number("failed"), number("in_doubt")), (rows.into(), 1.0.into(), 1.0.into()));
    let text: Vec<String> = cells.cells().map(|(_, _, cell)| cell.to_string()).collect();
    assert!(text.iter().any(|cell| cell.contains("check the spelling and the tenant")), "a cure");
}

#[test]
fn table_has_no_formulas_or_links() {
    let (_home, ledger) = finished();
    let mut archive = zip::ZipArchive::new(Cursor::new(written(&ledger))).expect("an archive");
    let mut xml = String::new();
    archive.by_name("xl/worksheets/sheet1.xml").expect("the sheet").read_to_string(&mut xml).expect("UTF-8");
    let last = HOSTILE.len() + 6;
    for part in ["state=\"frozen\"", &format!("<autoFilter ref=\"A1:L{last}\"/>"), "numberStoredAsText=\"1\""] {
        assert!(xml.contains(part), "{part}");
    }
    for part in ["<f>", "<f ", "hyperlink", "t=\"e\"", "t=\"b\""] {
        assert!(!xml.contains(part), "{part}");
    }
    let mut styles = String::new();
    archive.by_name("xl/styles.xml").expect("the styles").read_to_string(&mut styles).expect("UTF-8");
    assert!(styles.contains("Consolas") && styles.contains("numFmtId=\"49\""), "text, and passwords in even width");
}

#[test]
fn oversized_cells_are_named() {
    let (_home, ledger) = finished();
    let database = rusqlite::Connection::open(ledger.folder().join("ledger.db")).expect("a database");
    let long = serde_json::json!(["a", "x".repeat(32_768)]).to_string();
    database.execute("UPDATE roster SET cells = ?1 WHERE row = 3", [long]).expect("changed");
    let error = report::print_workbook(&ledger, &mut Vec::new()).expect_err("too long").to_string();
    assert!(error.contains("a cell of row 3 is too long"), "{error}");
}

/// A user may copy the failed accounts into a new workbook, and use that as a roster.
#[test]
fn reports_work_as_rosters() {
    let (_home, ledger) = finished();
    let mut options = RosterOptions::default();
    options.upn_column = Some("user_principal_name".into());
    let roster = Roster::from_bytes("report.xlsx", written(&ledger), &options).expect("a roster");
    assert_eq!(roster.sheet(), Some("Report"));
    let accounts = roster.rows().filter(|row| row.as_ref().is_ok_and(|row| row.address.is_ok())).count();
    assert_eq!(accounts, HOSTILE.len() + 3);
}

/// The factors are measured; this holds what they count.
#[test]
fn memory_grows_with_cells_and_text() {
    let (_home, ledger) = finished();
    let before = report::workbook_memory(&ledger).expect("a number");
    assert!(before > 0, "{before}");
    let database = rusqlite::Connection::open(ledger.folder().join("ledger.db")).expect("a database");
    let long = serde_json::json!(["a", "x".repeat(1_000)]).to_string();
    database.execute("UPDATE roster SET cells = ?1 WHERE row = 3", [long]).expect("changed");
    let after = report::workbook_memory(&ledger).expect("a number");
    assert!((5_000..9_000).contains(&(after - before)), "{before}, {after}");
}
