//! A forger who knows how passwave marks a ledger, and has the file: every hash in it is computed again.
//!
//! It is written from the description of the format, not from the code. It cannot change what was approved elsewhere: a
//! fingerprint.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use aws_lc_rs::{digest, hmac};
use rusqlite::{Connection, types::Value};

/// The key of a ledger.
pub struct Forger(Vec<u8>);

type Cells = Vec<Value>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_be_bytes().to_vec()),
        Value::Text(text) => Some(text.clone().into_bytes()),
        Value::Blob(bytes) => Some(bytes.clone()),
        Value::Real(_) => panic!("no column holds one"),
    }
}

fn part(out: &mut Vec<u8>, bytes: Option<Vec<u8>>) {
    let Some(bytes) = bytes else { return out.push(0) };
    out.push(1);
    out.extend((bytes.len() as u64).to_be_bytes());
    out.extend(bytes);
}

fn number(value: &Value) -> i64 {
    if let Value::Integer(number) = value { *number } else { 0 }
}

impl Forger {
    /// Reads the key from a ledger.
    pub fn of(ledger: &Connection) -> Self {
        let noted = note(ledger, "marks_key");
        let byte = |at: usize| u8::from_str_radix(&noted[at..at + 2], 16).expect("hexadecimal");
        Self((0..noted.len()).step_by(2).map(byte).collect())
    }

    fn tag(&self, label: &str, content: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        hmac::sign(&key, &[label.as_bytes(), &[0], content].concat()).as_ref().to_vec()
    }

    /// Writes the mark of a row's current plan.
    pub fn mark(&self, ledger: &Connection, row: u64) {
        let mark = i64::from_be_bytes(self.plan(ledger, row)[..8].try_into().expect("eight bytes"));
        ledger.execute("UPDATE account SET mark = ?2 WHERE row = ?1", (row, mark)).expect("written");
    }

    fn plan(&self, ledger: &Connection, row: u64) -> Vec<u8> {
        self.tag("row", &encoded(ledger, row))
    }

    /// Writes the proof of a row's current end.
    pub fn prove(&self, ledger: &Connection, row: u64) {
        let sql = "SELECT state, nth, doubt, settled_at, password FROM account WHERE row = ?1";
        let [state, nth, doubt, settled_at, password] = &cells(ledger, sql, row)[..] else { return };
        let settled_at = if *settled_at == Value::Null { i64::MIN } else { number(settled_at) };
        let content = [
            &row.to_be_bytes()[..],
            &bytes(state).expect("a state"),
            &[0, number(doubt) as u8, u8::from(*password != Value::Null)],
            &(number(nth) as u32).to_be_bytes(),
            &settled_at.to_be_bytes(),
            &bytes(password).unwrap_or_default(),
        ];
        let proof = i64::from_be_bytes(self.tag("end", &content.concat())[..8].try_into().expect("eight bytes"));
        // If the disk fails, this fails, too.
        let _ = ledger.execute("UPDATE account SET proof = ?2 WHERE row = ?1", (row, proof));
    }

    /// Computes everything again, and notes the ledger's new fingerprint.
    pub fn forge(&self, ledger: &Connection) {
        let rows: u64 = ledger.query_row("SELECT count(*) FROM roster", (), |row| row.get(0)).expect("a number");
        for row in 1..=rows {
            self.mark(ledger, row);
            self.prove(ledger, row);
        }
        let sql = "UPDATE run SET value = ?1 WHERE name = 'fingerprint'";
        ledger.execute(sql, [self.fingerprint(ledger, rows)]).expect("written");
    }

    fn fingerprint(&self, ledger: &Connection, rows: u64) -> String {
        let mut whole = b"passwave plan 5\n".to_vec();
        let mut add = |bytes: &[u8]| {
            whole.extend((bytes.len() as u64).to_be_bytes());
            whole.extend(bytes);
        };
        add(note(ledger, "settings").as_bytes());
        add(&self.0);
        for wrapped in column(ledger, "SELECT wrapped FROM data_key WHERE number = 1") {
            add(&bytes(&wrapped).expect("bytes"));
        }
        add(b"exclusions");
        for key in column(ledger, "SELECT key FROM exclusion ORDER BY key") {
            add(&bytes(&key).expect("a key"));
        }
        add(b"rows");
        (1..=rows).for_each(|row| add(&self.plan(ledger, row)));
        add(&rows.to_be_bytes());
        hex(digest::digest(&digest::SHA256, &whole).as_ref())
    }
}

/// The encoding of a row's plan.
fn encoded(ledger: &Connection, row: u64) -> Vec<u8> {
    let sql = "SELECT roster.row, line, roster.user_principal_name, cells, profile, language,
                      iif(state = 'skipped', coalesce(error_code, ''), NULL),
                      kind, object_id, looked_up.user_principal_name, password_changed_at,
                      iif(state = 'skipped', NULL, coalesce(
                          (SELECT password FROM replaced WHERE replaced.row = account.row AND nth = 0), password)),
                      commitment
               FROM roster JOIN account USING (row) LEFT JOIN looked_up USING (row) WHERE roster.row = ?1";
    let found = cells(ledger, sql, row);
    let mut out = Vec::new();
    found[..2].iter().for_each(|value| out.extend(number(value).to_be_bytes()));
    found[2..7].iter().for_each(|value| part(&mut out, bytes(value)));
    let hash = |bytes: &[u8]| digest::digest(&digest::SHA256, bytes).as_ref().to_vec();
    let sealed = match (&found[12], &found[11]) {
        (Value::Blob(kept), _) => Some(kept.clone()),
        (_, Value::Blob(sealed)) => Some(hash(sealed)),
        _ => None,
    };
    part(&mut out, sealed.clone().or(bytes(&found[11])));
    if let Some(sealed) = sealed {
        let kind = out.len() - sealed.len() - 9;
        out[kind] = 2;
    }
    if found[7] == Value::Null {
        out.push(0);
    } else {
        out.push(1);
        found[7..11].iter().for_each(|value| part(&mut out, bytes(value)));
    }
    out
}

fn cells(ledger: &Connection, sql: &str, row: u64) -> Cells {
    let mut select = ledger.prepare(sql).expect("the schema");
    let width = select.column_count();
    select
        .query_row([row], |found| (0..width).map(|at| found.get(at)).collect::<rusqlite::Result<Cells>>())
        .unwrap_or_default()
}

fn column(ledger: &Connection, sql: &str) -> Vec<Value> {
    let mut select = ledger.prepare(sql).expect("the schema");
    select.query_map((), |row| row.get(0)).expect("rows").map(|value| value.expect("a value")).collect()
}

fn note(ledger: &Connection, name: &str) -> String {
    ledger.query_row("SELECT value FROM run WHERE name = ?1", [name], |row| row.get(0)).expect("the note")
}
