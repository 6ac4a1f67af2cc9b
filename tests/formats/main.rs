//! The reports in other formats, read back with other libraries: every cell of the workbook, every case of the JUnit
//! XML. And the files beside the roster, in the encodings of Windows.
#![cfg(feature = "xlsx")]
#![expect(clippy::print_stderr, reason = "reports a missing ssh-keygen")]

mod evidence;
mod foreign;
mod junit;
mod settings;
mod workbook;

use passwave::{
    engine::run::{self, RunOptions},
    ledger::{FILE_NAME, Ledger, ReadLedger},
    password::{Generator, PasswordPolicy},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
    simulator::{Account, Simulator, SimulatorConfig},
};
use std::future::pending;
use tempfile::TempDir;

/// Cells that a spreadsheet tends to convert, and cells that break XML.
const HOSTILE: [&str; 20] = [
    "=1+1",
    "+44 20 7946 0958",
    "-5",
    "@SUM(A1)",
    "00042",
    "1E5",
    "3/4",
    "2026-11-25",
    "TRUE",
    "#N/A",
    "https://contoso.com/?a=b&c=d",
    "mailto:ann@contoso.com",
    "'quoted",
    "_x0041_ _x",
    "two\nlines\r\nor\tthree",
    "<b>&amp;\"'</b>]]>",
    "\u{7}\u{1b}[31m",
    "  blanks  ",
    "Zoë 日本 🦀",
    "12345678901234567890",
];

/// A run with a row of every status. The folder exists as long as the first part.
fn finished() -> (TempDir, ReadLedger) {
    let home = tempfile::tempdir().expect("a folder");
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["UPN", "=cmd()", "Cell"]).expect("memory");
    for (at, cell) in HOSTILE.iter().enumerate() {
        csv.write_record([&format!("pupil{at}@contoso.com"), *cell, "x"]).expect("memory");
    }
    for other in
        ["o'gone@contoso.com", "pupil0@contoso.com", "<not an address>", "doubt@contoso.com", "late@contoso.com"]
    {
        csv.write_record([other, "", ""]).expect("memory");
    }
    let bytes = csv.into_inner().expect("memory");
    let roster = Roster::from_bytes("pupils.2026.csv", bytes, &RosterOptions::default()).expect("a roster");
    let policy = PasswordPolicy::default();
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness"));
    let folder = home.path().join("run");
    let mut ledger = Ledger::create(&folder, Settings::new(&roster, policy.clone()), plan).expect("a ledger").ledger;
    let tenant = Simulator::new(SimulatorConfig::default());
    (0..HOSTILE.len()).for_each(|at| tenant.add(Account::normal(format!("pupil{at}@contoso.com"))));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("threads");
    runtime
        .block_on(run::run(&mut ledger, &tenant, &RunOptions::default(), pending(), &mut |_event| {}))
        .expect("an end");
    drop(ledger);
    let database = rusqlite::Connection::open(folder.join(FILE_NAME)).expect("a database");
    let changes =
        "UPDATE account SET state = 'in_doubt', doubt = 1, error_code = 'unanswered', password = 'Doubt-4711-x'
         WHERE row = (SELECT row FROM roster WHERE user_principal_name LIKE 'doubt%');
         UPDATE account SET state = 'planned', error_code = NULL, error_message = NULL, password = 'Late-4711-xyz'
         WHERE row = (SELECT row FROM roster WHERE user_principal_name LIKE 'late%');
         UPDATE account SET error_message = '##[add-mask]x <' || char(1) || char(10) || '::error::& \"' || char(65535)
         WHERE state = 'failed';";
    database.execute_batch(changes).expect("changed");
    (home, Ledger::open_to_read(&folder).expect("a ledger"))
}

/// All passwords in the ledger.
fn passwords(ledger: &ReadLedger) -> Vec<String> {
    let mut found = Vec::new();
    ledger
        .for_each_row(|row| {
            found.extend(row.password.iter().map(|password| password.expose().to_owned()));
            Ok::<_, passwave::ledger::LedgerError>(())
        })
        .expect("rows");
    assert!(found.len() > HOSTILE.len());
    found
}
