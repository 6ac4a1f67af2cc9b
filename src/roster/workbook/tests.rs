//! Tests workbooks from another program, handmade, hostile, and randomly corrupted.

use super::{super::*, package};
use calamine::{Reader, Xlsx};
use proptest::{collection::vec, prelude::*};
use std::io::{Cursor, Read, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Made by openpyxl: a hidden sheet, titles above the table, numbers, dates, booleans, and texts that look like
/// formulas.
const PUPILS: &[u8] = include_bytes!("../../../tests/cmd/files/pupils.xlsx");

fn open(bytes: &[u8], sheet: Option<&str>) -> Result<Roster, String> {
    let options = RosterOptions { sheet: sheet.map(str::to_owned), ..RosterOptions::default() };
    Roster::from_bytes("pupils.xlsx", bytes.to_vec(), &options).map_err(|error| error.to_string())
}

fn rows(roster: &Roster) -> Vec<Row> {
    roster.rows().collect::<Result<_, _>>().expect("rows")
}

fn cells(row: &Row) -> Vec<&str> {
    row.cells.iter().collect()
}

/// A workbook with these parts, plus those that are always the same.
fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).expect("memory");
        archive.write_all(content).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

/// A workbook whose only sheet has these rows, as XML.
fn by_hand(rows: &str) -> Vec<u8> {
    with_strings(rows, "<sst/>")
}

fn with_strings(rows: &str, strings: &str) -> Vec<u8> {
    let kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let rels = format!(
        r#"<Relationships><Relationship Id="r1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let sheets = format!(
        r#"<Relationships><Relationship Id="r1" Type="{kind}/worksheet" Target="worksheets/a.xml"/></Relationships>"#
    );
    let book = r#"<workbook><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    package(&[
        ("_rels/.rels", rels.as_bytes()),
        ("xl/_rels/workbook.xml.rels", sheets.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/a.xml", sheet.as_bytes()),
    ])
}

const UPN: &str = r#"<row r="1"><c r="A1" t="str"><v>UPN</v></c></row>"#;

#[test]
fn reads_cells_as_shown() {
    let roster = open(PUPILS, None).expect("a roster");
    assert_eq!((roster.sheet(), roster.upn_column()), (Some("Pupils"), 1));
    assert_eq!(roster.header(), ["Pupil no.", "User principal name", "Given name", "Born", "Boards", "Height"]);
    let rows = rows(&roster);
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 5, 7, 8, 9]);
    assert_eq!(cells(&rows[0]), ["10001", "ann@contoso.com", "Ann", "2012-03-04", "TRUE", "1.52"]);
    let bob = ["00042", " bob@contoso.com ", "Bob\nRobert", "2011-12-24T18:30:00", "FALSE", "1.5"];
    assert_eq!(cells(&rows[1]), bob);
    assert_eq!(rows[1].address.as_ref().expect("an account").as_str(), "bob@contoso.com");
    assert_eq!(cells(&rows[3])[..3], ["00044", "=1+1", "Zoë & <Co>"]);
    assert_eq!(cells(&rows[3])[5], "0.3");
    assert_eq!(cells(&rows[4]), ["491711234567890", "cyd.contoso.com", "=CMD()"]);
    let message = |row: &Row| row.address.as_ref().expect_err("refused").message.clone();
    assert_eq!(message(&rows[2]), "row 7 of sheet \"Pupils\": this is the account of row 4 of sheet \"Pupils\" again");
    assert!(message(&rows[3]).starts_with("row 8 of sheet \"Pupils\": "), "{}", message(&rows[3]));
}

#[test]
fn requested_sheet_is_read() {
    for wanted in ["Staff", "staff", "2"] {
        let roster = open(PUPILS, Some(wanted)).expect("a roster");
        assert_eq!((roster.sheet(), rows(&roster).len()), (Some("Staff"), 1));
    }
    assert_eq!(open(PUPILS, Some("Lists")).expect("a roster").sheet(), Some("Lists"), "a hidden one by its name");
    let error = open(PUPILS, Some("Pupil")).err().expect("no such sheet");
    assert!(error.contains("no sheet \"Pupil\" (sheets: \"Lists\", \"Pupils\", \"Staff\")"), "{error}");
    let error = open(b"UPN\nann@contoso.com\n", Some("1")).err().expect("no workbook");
    assert!(error.contains("is not a workbook"), "{error}");
}

#[test]
fn skips_titles_only_above_tables() {
    let cell = |reference: &str, text: &str| format!(r#"<c r="{reference}" t="str"><v>{text}</v></c>"#);
    let row = |number: u32, cells: &[String]| format!(r#"<row r="{number}">{}</row>"#, cells.concat());
    let list = row(1, &[cell("A1", "Pupils")]) + &row(2, &[cell("A2", "ann@contoso.com")]);
    let error = open(&by_hand(&list), None).err().expect("a header that says nothing");
    assert!(error.contains("the values of \"Pupils\" look like"), "{error}");
    let bare = row(3, &[cell("A3", "ann@contoso.com")]) + &row(4, &[cell("A4", "bob@contoso.com")]);
    assert_eq!(rows(&open(&by_hand(&bare), None).expect("a list")).len(), 2);
    let error = open(&by_hand(""), None).err().expect("empty");
    assert!(error.contains("has no accounts"), "{error}");
}

#[test]
fn unreadable_workbooks_are_explained() {
    let formula = UPN.to_owned() + r#"<row r="2"><c r="A2"><f>B2&amp;"@contoso.com"</f></c></row>"#;
    let outside = UPN.to_owned() + r#"<row r="1048577"><c r="A1048577"><v>1</v></c></row>"#;
    let back = UPN.to_owned() + r#"<row r="3"><c r="A3"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>"#;
    let overflow = UPN.to_owned() + r#"<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>"#;
    let strings = r#"<!-- --><sst uniqueCount="999999999999999"><si><t>a</t></si></sst>"#;
    let cut = &PUPILS[..PUPILS.len() / 2];
    for (bytes, words) in [
        (by_hand(&formula), "cell A2 has a formula without its result"),
        (by_hand(&outside), "outside the sheet"),
        (by_hand(&back), "not in order"),
        (by_hand(&overflow), "cannot be read"),
        (with_strings(UPN, strings), "announces 999999999999999 texts"),
        (by_hand(r#"<row r="1"><c r="A1" t="e"><v>#NEW!</v></c></row>"#), "#NEW!"),
        (package(&[("xl/workbook.xml", b"")]), "cannot be read"),
        (package(&[("pupils.csv", b"UPN")]), "zip archive"),
        (package(&[("content.xml", b"")]), "OpenDocument"),
        (cut.to_vec(), "damaged or incomplete"),
    ] {
        let error = open(&bytes, None).err().expect(words);
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn unpacking_bombs_are_refused() {
    let zeros = vec![b' '; 64 << 20];
    let names: Vec<String> = (0..9).map(|nth| format!("xl/media/{nth}")).collect();
    let mut parts: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), zeros.as_slice())).collect();
    parts.push(("xl/workbook.xml", b""));
    let bomb = package(&parts);
    assert!(bomb.len() < 1 << 20 && 9 * zeros.len() as u64 > package::UNPACKED_BYTES_MAX);
    let error = open(&bomb, None).err().expect("a bomb");
    assert!(error.contains("unpacks to more than 512 MiB"), "{error}");
}

/// The parts of a workbook, unpacked.
fn parts(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    (0..archive.len())
        .map(|at| {
            let (mut part, mut content) = (archive.by_index(at).expect("a part"), Vec::new());
            part.read_to_end(&mut content).expect("memory");
            (part.name().expect("a name").into_owned(), content)
        })
        .collect()
}

/// Whatever it is, it is read or refused without a panic.
fn try_out(bytes: &[u8]) {
    match open(bytes, None) {
        Ok(roster) => roster.rows().for_each(drop),
        Err(error) => assert!(!error.is_empty() && error.chars().count() < 4_000, "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn corrupted_workbooks_never_panic(changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()) {
        let mut bytes = PUPILS.to_vec();
        changes.iter().for_each(|(at, byte)| bytes[at.index(PUPILS.len())] = *byte);
        try_out(&bytes);
        try_out(&bytes[..cut.index(PUPILS.len())]);
    }

    #[test]
    fn changed_workbook_parts_never_panic(part in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), length in 0..4_usize, put in prop::sample::select(vec!["", "9", "99999999999", "<", ">", "\"", "</c>", "<f/>", "&", "A", "-1", "\u{0}"])) {
        let mut parts = parts(PUPILS);
        let part = part.index(parts.len());
        let content = &mut parts[part].1;
        let at = at.index(content.len());
        content.splice(at..(at + length).min(content.len()), put.bytes());
        let parts: Vec<(&str, &[u8])> = parts.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        try_out(&package(&parts));
    }

    #[test]
    fn workbook_texts_are_unchanged(texts in vec(vec("\\PC{0,12}|[\\n\\r\\t_x0-9A-F]{0,9}", 1..5), 1..5)) {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write_string(0, 0, "UPN").expect("room");
        for (row, texts) in (1..).zip(&texts) {
            sheet.write_string(row, 0, "ann@contoso.com").expect("room");
            for (column, text) in (1..).zip(texts) {
                sheet.write_string(0, column, "-").expect("room");
                sheet.write_string(row, column, text).expect("room");
            }
        }
        let roster = open(&book.save_to_buffer().expect("memory"), None).expect("a roster");
        for (row, texts) in rows(&roster).iter().zip(&texts) {
            let filled = texts.iter().rposition(|text| !text.is_empty()).map_or(0, |last| last + 1);
            prop_assert_eq!(&cells(row)[1..], &texts[..filled]);
        }
    }
}

/// The parser here and the program that wrote the file are independent, so both must see the same content.
#[test]
fn sample_workbook_is_valid() {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(PUPILS)).expect("a workbook");
    assert_eq!(book.sheet_names(), ["Lists", "Pupils", "Staff"]);
    assert!(book.worksheet_range("Pupils").expect("a sheet").height() > 8);
}
