//! Tests what Excel does not show of a workbook: hidden rows and columns, and sheets after the first.

use super::super::*;
use rust_xlsxwriter::{FilterCondition, Format, Workbook, Worksheet};

const TABLE: [[&str; 3]; 4] = [
    ["UserPrincipalName", "Name", "Form"],
    ["ann@contoso.com", "Ann", "7A"],
    ["bob@contoso.com", "Bob", "7B"],
    ["cid@contoso.com", "Cid", "7A"],
];

fn fill(sheet: &mut Worksheet, rows: &[[&str; 3]]) {
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, *cell).expect("room");
        }
    }
}

/// A workbook of one sheet, after `change` has changed it.
fn book(change: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Pupils").expect("a name");
    fill(sheet, &TABLE);
    change(sheet);
    book.save_to_buffer().expect("memory")
}

/// A workbook with sheets of these rows; `active` is the index of the active sheet.
fn books(sheets: &[(&str, &[[&str; 3]])], active: usize) -> Vec<u8> {
    let mut book = Workbook::new();
    for (at, (name, rows)) in sheets.iter().enumerate() {
        let sheet = book.add_worksheet().set_name(*name).expect("a name");
        fill(sheet, rows);
        if at == active {
            sheet.set_active(true);
        }
    }
    book.save_to_buffer().expect("memory")
}

fn open(bytes: &[u8], hidden_rows: HiddenRows) -> Result<Roster, String> {
    let options = RosterOptions { hidden_rows, ..RosterOptions::default() };
    Roster::from_bytes("r.xlsx", bytes.to_vec(), &options).map_err(|error| error.to_string())
}

fn accounts(roster: &Roster) -> Vec<String> {
    let account = |row: Result<Row, RosterError>| row.expect("a row").address.expect("an account").as_str().to_owned();
    roster.rows().map(account).collect()
}

fn remarks(roster: &Roster) -> String {
    roster.remarks().iter().map(Remark::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn hidden_rows_need_a_flag() {
    let by_hand = book(|sheet| {
        sheet.set_row_hidden(2).expect("a row");
    });
    let filtered = book(|sheet| {
        sheet.autofilter(0, 0, 3, 2).expect("a filter");
        sheet.filter_column(2, &FilterCondition::new().add_list_filter("7A")).expect("a filter");
    });
    let outlined = book(|sheet| {
        sheet.group_rows_collapsed(2, 2).expect("a group");
    });
    let flat = book(|sheet| {
        sheet.set_row_height(2, 0.0).expect("a row");
    });
    for (bytes, way) in [(by_hand, "by hand"), (filtered, "filter"), (outlined, "outline"), (flat, "no height")] {
        let error = open(&bytes, HiddenRows::Refuse).err().expect(way);
        for words in ["1 row is hidden in sheet \"Pupils\"", "row 3 (bob@contoso.com)"] {
            assert!(error.contains(words), "{way}: {error}");
        }
        let roster = open(&bytes, HiddenRows::Skip).expect(way);
        assert_eq!(accounts(&roster), ["ann@contoso.com", "cid@contoso.com"], "{way}");
        assert!(remarks(&roster).contains("left out: row 3 (bob@contoso.com)"), "{way}: {}", remarks(&roster));
        assert_eq!(roster.rows().map(|row| row.expect("a row").line).collect::<Vec<_>>(), [2, 4], "{way}");
        let roster = open(&bytes, HiddenRows::Include).expect(way);
        assert_eq!(accounts(&roster), ["ann@contoso.com", "bob@contoso.com", "cid@contoso.com"], "{way}");
        assert!(remarks(&roster).contains("part of the run"), "{way}: {}", remarks(&roster));
    }
}

#[test]
fn many_hidden_rows_are_counted() {
    let bytes = book(|sheet| {
        for row in 1..4 {
            sheet.set_row_hidden(row).expect("a row");
        }
    });
    let error = open(&bytes, HiddenRows::Refuse).err().expect("hidden rows");
    assert!(error.contains("3 rows are hidden"), "{error}");
    let error = open(&bytes, HiddenRows::Skip).err().expect("no row");
    assert!(error.contains("all rows below its header are hidden"), "{error}");
}

#[test]
fn empty_hidden_parts_are_ignored() {
    let bytes = book(|sheet| {
        sheet.set_row_hidden(7).expect("an empty row");
        sheet.set_row_hidden(0).expect("the header");
        sheet.set_row_height(1, 4.5).expect("a low row");
        sheet.set_column_hidden(2).expect("a column that is only kept");
    });
    let roster = open(&bytes, HiddenRows::Refuse).expect("a roster");
    assert_eq!((accounts(&roster).len(), remarks(&roster)), (3, String::new()));
}

#[test]
fn cells_show_only_valid_addresses() {
    let bytes = book(|sheet| {
        sheet.write_string_with_format(2, 0, "Secret-word-1", &Format::new()).expect("room");
        sheet.set_row_hidden(2).expect("a row");
    });
    let error = open(&bytes, HiddenRows::Refuse).err().expect("hidden rows");
    assert!(error.contains("row 3") && !error.contains("Secret"), "{error}");
}

#[test]
fn hidden_account_column_is_reported() {
    let bytes = book(|sheet| {
        sheet.set_column_hidden(0).expect("a column");
    });
    let roster = open(&bytes, HiddenRows::Refuse).expect("a roster");
    let told = remarks(&roster);
    assert!(
        told.contains("\"UserPrincipalName\", which names the accounts, is hidden")
            && roster.remarks()[0].kind.is_warning()
    );
}

#[test]
fn exclusions_keep_hidden_rows() {
    let bytes = book(|sheet| {
        sheet.set_row_hidden(2).expect("a row");
    });
    let options = RosterOptions { only_accounts: true, hidden_rows: HiddenRows::Skip, ..RosterOptions::default() };
    let roster = Roster::from_bytes("keep.xlsx", bytes, &options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(accounts(&roster).len(), 3, "an account that is hidden is left alone, too");
}

#[test]
fn other_sheets_with_accounts_are_named() {
    let other: &[[&str; 3]] = &[TABLE[0], ["dee@contoso.com", "Dee", "7B"]];
    let notes: &[[&str; 3]] = &[["Notes", "", ""], ["Ask IT", "", ""]];
    let bytes = books(&[("7A", &TABLE), ("7B", other), ("Notes", notes), ("7C", other)], 3);
    let roster = open(&bytes, HiddenRows::Refuse).expect("a roster");
    assert_eq!(
        remarks(&roster),
        "r.xlsx: sheet \"7A\" is read; 2 more sheets are not: \"7B\", \"7C\" (Excel opens with \"7C\" in front)"
    );
    assert_eq!(accounts(&roster).len(), 3);
    let options = RosterOptions { sheet: Some("7B".into()), ..RosterOptions::default() };
    let roster = Roster::from_bytes("r.xlsx", bytes, &options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(remarks(&roster), "", "who chooses need not be told");
}

#[test]
fn instructions_in_front_are_passed_over() {
    let read_me: &[[&str; 3]] = &[["How to use this workbook", "", ""], ["Send it to it@contoso.com", "", ""]];
    let bytes = books(&[("Read me", read_me), ("Pupils", &TABLE)], 0);
    let roster = open(&bytes, HiddenRows::Refuse).expect("a roster");
    assert_eq!((roster.sheet(), accounts(&roster).len()), (Some("Pupils"), 3));
    assert_eq!(remarks(&roster), "r.xlsx: sheet \"Pupils\" is read; \"Read me\" in front of it has no accounts");
    let error = open(&books(&[("Read me", read_me), ("7A", &TABLE), ("7B", &TABLE)], 0), HiddenRows::Refuse);
    let error = error.err().expect("two sheets");
    assert!(error.contains("others have: \"7A\", \"7B\""), "{error}");
    let contact: &[[&str; 3]] = &[["Contact", "it@contoso.com", ""], ["Fill in the sheet Pupils", "", ""]];
    let error = open(&books(&[("Read me", contact), ("Pupils", &TABLE)], 0), HiddenRows::Refuse);
    let error = error.err().expect("the contact could be an account");
    assert!(error.contains("sheet \"Read me\" has no column") && error.contains("\"Pupils\""), "{error}");
    let unknown: &[[&str; 3]] = &[["Log-in", "", ""], ["ann@contoso.com", "", ""], ["bob@contoso.com", "", ""]];
    let error = open(&books(&[("Read me", read_me), ("Pupils", unknown)], 0), HiddenRows::Refuse).err();
    let error = error.expect("no known column");
    assert!(error.contains("sheet \"Read me\" was read, and not \"Pupils\""), "{error}");
}
