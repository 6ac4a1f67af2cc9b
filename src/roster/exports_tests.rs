//! Tests the table of exports in `docs/reference/account-column.md`: the program does what the page says.

use super::*;

const PAGE: &str = include_str!("../../docs/reference/account-column.md");
/// Rows below each header.
const ROWS: usize = 3;

/// One line of the table.
#[derive(Debug)]
struct Export {
    name: String,
    header: String,
    names: Vec<String>,
    ids: Vec<String>,
    taken: String,
    source: String,
}

fn exports() -> Vec<Export> {
    let table = PAGE.split("## Exports that were tried").nth(1).expect("the table");
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| line.trim_matches('|').split(" |").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let export = |cells: Vec<String>| {
        let [name, header, names, ids, taken, source] = cells.try_into().expect("six cells");
        let header = quoted(&header).first().cloned().unwrap_or_default();
        Export { name, header, names: quoted(&names), ids: quoted(&ids), taken, source }
    };
    lines.map(|line| export(cells(line))).collect()
}

/// The text in backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

impl Export {
    fn columns(&self) -> Vec<&str> {
        let delimiter = if self.header.contains(';') { ';' } else { ',' };
        self.header.split(delimiter).collect()
    }

    /// The header with rows. Columns of user names without addresses get the value that `user` makes from a number.
    fn filled(&self, user: impl Fn(usize) -> String) -> String {
        let cell = |row: usize, (at, name): (usize, &&str)| match name {
            name if self.names.iter().any(|listed| listed == name) => format!("u{row}@c{at}.com"),
            name if self.ids.iter().any(|listed| listed == name) => format!("{at:08}-0000-0000-0000-{row:012}"),
            name if name.eq_ignore_ascii_case("username") => user(row),
            name if *name == "UPN" => format!("A{row:012}"),
            _ => String::new(),
        };
        let columns = self.columns();
        let line =
            |cells: Vec<String>| cells.into_iter().map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
        let mut lines = vec![line(columns.iter().map(|name| (*name).to_owned()).collect())];
        lines.extend((1..=ROWS).map(|row| line(columns.iter().enumerate().map(|pair| cell(row, pair)).collect())));
        lines.join("\n") + "\n"
    }
}

fn taken(text: String) -> Result<String, String> {
    let roster = Roster::from_bytes("export.csv", text.into_bytes(), &RosterOptions::default());
    roster.map(|roster| roster.header()[roster.upn_column()].clone()).map_err(|error| error.to_string())
}

#[test]
fn page_names_the_chosen_columns() {
    let exports = exports();
    assert!(exports.len() > 30, "{}", exports.len());
    for export in exports {
        assert!(!export.source.is_empty(), "{export:?}");
        if export.header.is_empty() {
            assert_eq!(export.taken, "not tried", "{export:?}");
            continue;
        }
        let columns = export.columns();
        for listed in export.names.iter().chain(&export.ids) {
            assert!(columns.contains(&listed.as_str()), "{listed} of {}", export.name);
        }
        let found = taken(export.filled(|row| format!("u{row}")));
        if export.taken.starts_with("refused") {
            let error = found.expect_err(&export.name);
            let may_sign_in = |name: &&String| Meaning::of(name).can_sign_in();
            let rivals = export.names.iter().chain(&export.ids).filter(may_sign_in);
            rivals.for_each(|name| assert!(error.contains(name.as_str()), "{name}: {error}"));
        } else {
            assert_eq!(found.as_ref(), Ok(&quoted(&export.taken)[0]), "{}", export.name);
        }
        if export.taken.contains("or else refused") {
            assert!(taken(export.filled(|row| format!("pupil{row}x"))).is_err(), "{}", export.name);
        }
    }
}
