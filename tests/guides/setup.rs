//! What the reader of most pages already has: a roster, a simulated tenant with its accounts, and keys.

use crate::reader::Reader;
use rust_xlsxwriter::Workbook;
use std::{fs, path::Path};

const COLUMNS: [&str; 6] = ["Name", "userPrincipalName", "Form", "House", "Left school", "Language"];
const PUPILS: usize = 12;

/// Prepares the reader's folder and shell.
pub fn apply(reader: &mut Reader) {
    let rows = rows();
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    let home = reader.home().to_owned();
    fs::write(home.join("pupils.csv"), lines.join("\n")).expect("written");
    workbook(&home.join("pupils.xlsx"), &rows);
    fs::write(home.join("break-glass.txt"), "pupil12@contoso.com\n").expect("written");
    reader.prepare(
        "if command -v age-keygen; then age-keygen -o teacher.key; for form in 7A 7B; do \
         echo \"$form,$(age-keygen -y teacher.key)\"; done > teachers.csv; fi",
    );
    let tenant = reader.simulate("pupils.csv");
    for (name, value) in [
        ("AZURE_TENANT_ID", &tenant.tenant_id),
        ("AZURE_CLIENT_ID", &tenant.client_id),
        ("AZURE_CLIENT_SECRET", &tenant.client_secret),
        ("AZURE_AUTHORITY_HOST", &tenant.url),
        ("PASSWAVE_GRAPH_ENDPOINT", &tenant.url),
        // Nobody can answer the question.
        ("PASSWAVE_YES", &"true".to_owned()),
    ] {
        reader.prepare(&format!("export {name}='{value}'"));
    }
}

/// The roster: a header, and pupils in two forms.
fn rows() -> Vec<[String; COLUMNS.len()]> {
    let pupil = |nth: usize| {
        let (form, house) = (["7A", "7B"][nth % 2], ["Curie", "Noether"][nth / 2 % 2]);
        let left = if nth == 3 { "yes" } else { "" };
        [format!("Pupil {nth}"), format!("pupil{nth}@contoso.com"), form.into(), house.into(), left.into(), "fr".into()]
    };
    [COLUMNS.map(str::to_owned)].into_iter().chain((1..=PUPILS).map(pupil)).collect()
}

fn workbook(path: &Path, rows: &[[String; COLUMNS.len()]]) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("Pupils").expect("a name");
    for (row, cells) in (0..).zip(rows) {
        sheet.write_row(row, 0, cells.iter().map(String::as_str)).expect("a row");
    }
    workbook.save(path).expect("saved");
}
