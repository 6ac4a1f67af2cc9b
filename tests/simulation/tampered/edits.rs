//! Random edits from a seed: any byte, any cell, any object of the schema, between plan and run; and the columns of
//! unfinished rows, during the run. `PASSWAVE_EDITS` sets their number, `PASSWAVE_EDIT` runs only that one.

use super::{Editor, Plan};
use passwave::ledger::FILE_NAME;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rusqlite::Connection;
use std::{cell::Cell, fs, time::Duration};

const ROWS: usize = 8;
const EDITS: u64 = 200;
const TABLES: [&str; 9] =
    ["run", "roster", "exclusion", "looked_up", "data_key", "account", "replaced", "session", "moment"];
const VALUES: [&str; 18] = [
    "NULL",
    "0",
    "1",
    "-1",
    "2",
    "9223372036854775807",
    "'planned'",
    "'in_flight'",
    "'reset'",
    "'failed'",
    "'skipped'",
    "'due'",
    "'Known-to-me-2026!'",
    "'principal@contoso.com'",
    "'user3@contoso.com'",
    "x'00'",
    "''",
    "'[]'",
];
const SCHEMA: [&str; 17] = [
    "CREATE TRIGGER t AFTER UPDATE ON account BEGIN UPDATE account SET password = 'Known-to-me-2026!'; END",
    "CREATE TRIGGER t AFTER INSERT ON run BEGIN UPDATE looked_up SET object_id = (SELECT max(object_id) FROM looked_up); END",
    "CREATE TRIGGER t BEFORE UPDATE ON account BEGIN SELECT raise(IGNORE); END",
    "CREATE TEMP TRIGGER t AFTER UPDATE ON account BEGIN SELECT 1; END",
    "CREATE VIEW v AS SELECT * FROM account",
    "CREATE TABLE t (x)",
    "CREATE INDEX i ON account (state)",
    "CREATE UNIQUE INDEX i ON account (state, row)",
    "DROP INDEX due",
    "DROP VIEW report",
    "DROP VIEW report; CREATE VIEW report AS SELECT row, 'reset' AS status, 'Known' AS password FROM account",
    "ALTER TABLE account ADD COLUMN x INTEGER",
    "ALTER TABLE roster RENAME COLUMN line TO lines",
    "ALTER TABLE looked_up RENAME TO l; CREATE VIEW looked_up AS SELECT * FROM l",
    "PRAGMA user_version = 4",
    "PRAGMA user_version = 6",
    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'planned', 'reset') WHERE name = 'account'",
];

/// Random rows, columns and values from a seed.
struct Dice(StdRng);

impl Dice {
    fn of<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[self.0.random_range(0..things.len())]
    }

    fn number(&mut self, below: usize) -> usize {
        self.0.random_range(0..below)
    }
}

fn columns(file: &Connection, table: &str) -> Vec<String> {
    let mut select = file.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).expect("the schema");
    select.query_map((), |row| row.get(0)).expect("rows").map(|name| name.expect("a name")).collect()
}

/// One row of a table, as SQL that finds it.
fn some_row(table: &str, dice: &mut Dice) -> String {
    let key = if table == "run" || table == "exclusion" { "1" } else { "rowid" };
    format!("SELECT * FROM {table} ORDER BY {key} LIMIT 1 OFFSET {}", dice.number(ROWS))
}

fn edit_cell(file: &Connection, dice: &mut Dice) -> String {
    let table = dice.of(&TABLES);
    let columns = columns(file, table);
    let column = &columns[dice.number(columns.len())];
    let key = &columns[0];
    let row = some_row(table, dice).replace('*', key);
    let value = match dice.number(3) {
        // The value of another row.
        0 => format!("({})", some_row(table, dice).replace('*', column)),
        1 => format!("{column} || 'x'"),
        _ => dice.of(&VALUES).to_owned(),
    };
    format!("UPDATE {table} SET {column} = {value} WHERE {key} = ({row})")
}

fn edit_row(file: &Connection, dice: &mut Dice) -> String {
    let table = dice.of(&TABLES);
    let columns = columns(file, table);
    let row = some_row(table, dice);
    if dice.number(2) == 0 {
        return format!("DELETE FROM {table} WHERE {0} = ({1})", columns[0], row.replace('*', &columns[0]));
    }
    let key = if table == "run" || table == "exclusion" { "'new'" } else { "999" };
    let copied = columns.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(", ");
    let from = row.replace('*', &format!("{key}{}{copied}", if copied.is_empty() { "" } else { ", " }));
    format!("INSERT INTO {table} {from}")
}

/// The columns of unfinished rows, which change during a run.
const LIVE: [&str; 6] = ["attempts", "doubt", "not_before", "troubles", "sent_at", "proof"];

/// Edits one column of some unfinished rows while the run passes them.
fn edit_meanwhile(dice: &mut Dice) -> String {
    let (column, row) = (dice.of(&LIVE), 1 + dice.number(ROWS));
    let value = match dice.number(3) {
        0 => format!("coalesce({column}, 0) + 1"),
        1 => (1_u64 << dice.number(63)).to_string(),
        _ => dice.of(&VALUES[..6]).to_owned(),
    };
    let rows = if dice.number(2) == 0 { format!("row = {row}") } else { format!("row >= {row}") };
    format!("UPDATE OR IGNORE account SET {column} = {value} WHERE state IN ('planned', 'in_flight') AND {rows}")
}

/// A tenant that loses answers, and in which some accounts refuse passwords later.
const TROUBLE: &str =
    r#"{"latency_ms": 40, "items": {"timeout": 0.4, "applied": 0.7}, "requests": {"lost_after": 0.2}}"#;

/// The same during a run.
async fn live_meanwhile(mut dice: Dice, seed: u64) -> Result<bool, String> {
    let mut config = crate::scenarios::config(TROUBLE);
    config.seed = seed;
    let plan = Plan::of(config, ROWS).await;
    let mut options = plan.world.options.clone();
    (options.pace.batch_size, options.pace.concurrency) = (2, Some(1 + dice.number(2)));
    let sql = edit_meanwhile(&mut dice);
    let at = 1 + u32::try_from(dice.number(6)).expect("a small number");
    let refusing = 1 + dice.number(ROWS);
    let editor = Editor { plan: &plan, sql: sql.clone(), sent: Cell::new(0), at, is_careless: false, refusing };
    let mut is_refused = false;
    for _ in 0..3 {
        let run = plan.run_expected(&editor, &options);
        let end = tokio::time::timeout(Duration::from_secs(7 * 86_400), run).await;
        is_refused |= end.map_err(|_| format!("{sql}: it never ends"))?.is_err();
        if let Some(what) = plan.unapproved().or(plan.false_report()) {
            return Err(format!("{sql} at batch {at}: {what}"));
        }
    }
    Ok(is_refused)
}

/// Edits the ledger of `plan`, and returns the edit.
fn edit(plan: &Plan, dice: &mut Dice) -> String {
    let file = plan.file();
    file.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").expect("free hands");
    let told = match dice.number(10) {
        0..=3 => edit_cell(&file, dice),
        4 => edit_row(&file, dice),
        5 => dice.of(&SCHEMA).to_owned(),
        _ => {
            drop(file);
            return flip(plan, dice);
        }
    };
    // If SQLite refuses it, there was no edit.
    let _ = file.execute_batch(&told);
    told
}

fn flip(plan: &Plan, dice: &mut Dice) -> String {
    let path = plan.world.folder().join(FILE_NAME);
    let mut bytes = fs::read(&path).expect("a file");
    let mut told = "bytes".to_owned();
    for _ in 0..=dice.number(4) {
        let (at, bit) = (dice.number(bytes.len()), dice.number(8));
        bytes[at] ^= 1 << bit;
        told.push_str(&format!(" {at}:{bit}"));
    }
    fs::write(&path, bytes).expect("written");
    told
}

/// The violation after an edit, if there is one.
async fn live(seed: u64) -> Result<bool, String> {
    let mut dice = Dice(StdRng::seed_from_u64(seed));
    if dice.number(4) == 0 {
        return live_meanwhile(dice, seed).await;
    }
    let plan = Plan::new(ROWS).await;
    let mut options = plan.world.options.clone();
    options.pace.batch_size = 3;
    if dice.number(2) == 0 {
        options.pilot = Some(4);
        plan.run_expected(&plan.world.tenant, &options).await?;
        options.pilot = None;
    }
    let told = edit(&plan, &mut dice);
    let wrong = |when: &str, what: Option<String>| what.map_or(Ok(()), |what| Err(format!("{told}: {when}: {what}")));
    wrong("before it runs", plan.false_report())?;
    let run = plan.run_expected(&plan.world.tenant, &options);
    let end = tokio::time::timeout(Duration::from_secs(7 * 86_400), run).await;
    let end = end.map_err(|_| format!("{told}: it never ends"))?;
    wrong("after it ran", plan.unapproved().or(plan.false_report()))?;
    Ok(end.is_err())
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures, which --nocapture shows")]
fn no_edit_misleads_write_or_report() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seeds = match number("PASSWAVE_EDIT") {
        Some(seed) => seed..seed + 1,
        None => 0..number("PASSWAVE_EDITS").unwrap_or(EDITS),
    };
    let refused = std::sync::atomic::AtomicU64::new(0);
    let found = crate::torture::on_every_core(seeds.clone(), |seed| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
        match runtime.block_on(live(seed)) {
            Ok(is_refused) => {
                refused.fetch_add(u64::from(is_refused), std::sync::atomic::Ordering::Relaxed);
                None
            }
            Err(what) => Some(what),
        }
    });
    assert!(found.is_none(), "PASSWAVE_EDIT={found:?}");
    let (refused, all) = (refused.into_inner(), seeds.end - seeds.start);
    println!("{refused} of {all} edits were refused, and none did harm");
    assert!(all < 100 || refused > all / 10, "edits that do nothing show nothing: {refused} of {all}");
}
