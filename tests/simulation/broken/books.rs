//! Engines that keep wrong records: triggers change what the real engine writes into what they would write.

use super::{must_be_caught, must_be_caught_by};
use crate::{
    checkers::Invariant::{Alone, Contract, Ends, EveryRowOnce, FailedKeeps, IntentFirst, OperatorHolds, ResetHolds},
    torture::{
        every_cut,
        sabotage::{Sabotage, UNTOUCHED},
    },
};
use jiff::Timestamp;
use passwave::ledger::{Ledger, LedgerError};
use std::{fs, path::Path};

/// It clears the doubt that a crash leaves behind.
const FORGETS_A_CRASH: Sabotage = Sabotage {
    name: "resumes as if nothing had been in flight",
    ledger: "CREATE TRIGGER bad AFTER UPDATE OF doubt ON account
             WHEN old.state = 'in_flight' AND new.state = 'planned' AND new.proof IS old.proof
             BEGIN UPDATE account SET doubt = old.doubt WHERE row = new.row; END",
    ..UNTOUCHED
};

#[test]
fn crash_faults_are_caught() {
    must_be_caught_by(every_cut, 40, &FORGETS_A_CRASH, &[FailedKeeps, OperatorHolds]);
}

/// The engine forgets passwords that may still be in force, or were.
const DROPS_SUPERSEDED_PASSWORDS: Sabotage = Sabotage {
    name: "drops the password that another one replaces",
    ledger: "CREATE TRIGGER bad AFTER INSERT ON replaced
             BEGIN DELETE FROM replaced WHERE rowid = new.rowid; END",
    ..UNTOUCHED
};

#[cfg(feature = "seal")]
#[test]
fn forgetting_sealed_passwords_is_caught() {
    use super::{SEEDS, Story, live};
    let sealed = |story: Story, broken: &Sabotage| live(Story { is_sealed: true, ..story }, broken);
    must_be_caught_by(sealed, SEEDS, &DROPS_SUPERSEDED_PASSWORDS, &[OperatorHolds, Contract]);
}

#[test]
fn forgetting_engines_are_caught() {
    let forgets_lost_answers = Sabotage {
        name: "forgets a lost answer",
        // A row without doubt has no proof.
        ledger: "CREATE TRIGGER bad AFTER UPDATE OF doubt ON account WHEN new.state = 'planned' AND new.doubt = 1
                 BEGIN UPDATE account SET doubt = 0, proof = NULL WHERE row = new.row; END",
        ..UNTOUCHED
    };
    let leaves_rows_in_flight = Sabotage {
        name: "leaves in flight what a crash left there",
        ledger: "CREATE TRIGGER bad BEFORE UPDATE OF doubt ON account
                 WHEN old.state = 'in_flight' AND new.state = 'planned' AND new.not_before = 0 AND new.doubt & 1
                 BEGIN SELECT raise(IGNORE); END",
        ..UNTOUCHED
    };
    must_be_caught(&[
        (forgets_lost_answers, &[FailedKeeps]),
        (FORGETS_A_CRASH, &[FailedKeeps, OperatorHolds]),
        (leaves_rows_in_flight, &[Contract, Ends]),
        // In an unsealed run, the next process misses the first password of a row.
        (DROPS_SUPERSEDED_PASSWORDS, &[OperatorHolds, Contract, Ends]),
    ]);
}

#[test]
fn wrong_names_are_caught() {
    // A state that is changed behind the engine's back is reported as in doubt, so a wrong name shows only in the report.
    let failed = Sabotage {
        name: "calls a refusal after a lost answer failed",
        report: |rows| {
            for row in rows.iter_mut().filter(|row| row.status == "in_doubt") {
                row.status = "failed".into();
                row.password.clear();
            }
        },
        ..UNTOUCHED
    };
    let reset = Sabotage {
        name: "calls a doubt a reset",
        report: |rows| {
            for row in rows.iter_mut().filter(|row| row.status == "in_doubt") {
                row.status = "reset".into();
                row.changed_at = "2026-11-26T12:00:00Z".into();
            }
        },
        ..UNTOUCHED
    };
    must_be_caught(&[(failed, &[FailedKeeps]), (reset, &[ResetHolds])]);
}

/// Opens the same ledger in a folder without the lock. Windows would refuse to move the lock out of the way.
fn open_past_the_lock(folder: &Path, now: Timestamp) -> Result<Ledger, LedgerError> {
    let twin = folder.with_extension("twin");
    let _ = fs::remove_dir_all(&twin);
    fs::create_dir(&twin).expect("a folder");
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        fs::hard_link(folder.join(name), twin.join(name)).expect("another name");
    }
    (UNTOUCHED.open)(&twin, now)
}

#[test]
fn ignoring_disk_or_lock_is_caught() {
    let minds_no_disk = Sabotage {
        name: "continues after a failed write of an intent",
        ledger:
            "CREATE TRIGGER bad AFTER UPDATE OF attempts ON account WHEN new.state = 'in_flight' AND new.row % 3 = 0
                 BEGIN
                     UPDATE account SET state = 'planned', attempts = old.attempts, not_before = 1 << 60
                     WHERE row = new.row;
                 END",
        ..UNTOUCHED
    };
    let minds_no_lock = Sabotage {
        name: "lets a second process in",
        open: |folder, now| match (UNTOUCHED.open)(folder, now) {
            Err(LedgerError::Locked { .. }) => open_past_the_lock(folder, now),
            other => other,
        },
        ..UNTOUCHED
    };
    must_be_caught(&[(minds_no_disk, &[IntentFirst]), (minds_no_lock, &[Alone])]);
}

#[test]
fn wrong_reports_are_caught() {
    let reports = |name, report| Sabotage { name, report, ..UNTOUCHED };
    let loses_a_row = reports("loses the last row in the report", |rows| drop(rows.pop()));
    let sorts = reports("reports in the order of the names", |rows| rows.sort_by(|a, b| a.name.cmp(&b.name)));
    let hides = reports("hides the password of a row that has not ended", |rows| {
        rows.iter_mut().filter(|row| row.status == "pending").for_each(|row| row.password.clear());
    });
    let shifts = reports("shifts the passwords by a row", |rows| {
        for at in 1..rows.len() {
            rows[at - 1].password = rows[at].password.clone();
        }
    });
    must_be_caught(&[
        (loses_a_row, &[EveryRowOnce]),
        (sorts, &[EveryRowOnce]),
        (hides, &[Contract]),
        (shifts, &[ResetHolds, OperatorHolds, Contract]),
    ]);
}
