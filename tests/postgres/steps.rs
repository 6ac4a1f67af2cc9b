//! What the tests do with a ledger, step by step.

use passwave::{
    ledger::{
        Claimed, Fact, Facts, Ledger, LedgerError,
        postgres::{Address, Clear, LedgerServer, PostgresError},
        state::{Doubt, Event},
    },
    password::{BannedWords, Generator, PasswordPolicy, Style},
    plan::{Plan, Settings},
    roster::{Roster, RosterOptions},
};
use std::{path::Path, time::Duration};

/// A time in milliseconds since 1970.
pub const NOW: i64 = 1_800_000_000_000;

/// A server with this lease.
pub fn server(url: &str, lease: Duration) -> Result<LedgerServer, LedgerError> {
    LedgerServer::connect(Address::parse(url)?, "the test".into(), lease, Clear::Allowed)
}

/// A server with a lease that is never over during a test.
pub fn calm(url: &str) -> LedgerServer {
    server(url, Duration::from_secs(600)).expect("a server")
}

/// The rows of a roster with `rows` accounts and two odd names.
fn roster(rows: usize) -> Roster {
    let mut csv = "UPN,Note\nnobody here@contoso.com,\"a \\ \"\"b\"\"\nc\"\n\u{F0000}x,ü\n".to_owned();
    (1..=rows).for_each(|n| csv.push_str(&format!("user{n}@contoso.com,note {n}\n")));
    Roster::from_bytes("wave.csv", csv.into_bytes(), &RosterOptions::default()).expect("a roster")
}

/// A plan for these accounts, stored by `store`.
pub fn planned<T>(rows: usize, store: impl FnOnce(Settings, Plan<'_>) -> T) -> T {
    let roster = roster(rows);
    let policy = PasswordPolicy::new(Style::default(), BannedWords::default()).expect("a policy");
    let exclusions = ["excluded@contoso.com".to_owned()].into_iter().collect();
    let plan = Plan::new(&roster, Generator::new(&policy).expect("randomness")).without(exclusions);
    store(Settings::new(&roster, policy.clone()), plan)
}

/// A run in a database.
pub fn create(server: &LedgerServer, name: &str, rows: usize) -> Result<Ledger, LedgerError> {
    let store = |settings, plan: Plan<'_>| Ledger::create_on(server, name, Path::new("reports"), settings, plan);
    let mut ledger = planned(rows, store)?.ledger;
    ledger.end_lookup(Some("a test"))?;
    Ok(ledger)
}

/// Opens it for work.
pub fn open(server: &LedgerServer, name: &str) -> Result<Ledger, LedgerError> {
    let now = jiff::Timestamp::from_millisecond(NOW).expect("a time");
    Ledger::open_on(server, name, Path::new("reports"), now)
}

/// One turn with facts about rows, each with no doubt before.
pub fn turn(ledger: &mut Ledger, facts: Vec<(u64, Event)>, most: usize) -> Result<Vec<Claimed>, LedgerError> {
    let fact = |(row, event)| Fact {
        row,
        doubt: Doubt::default(),
        event,
        cause: None,
        code: String::new(),
        message: String::new(),
        request_id: "the request".into(),
    };
    let writes = facts.into_iter().map(fact).collect();
    Ok(ledger.turn(&Facts { writes, ..Facts::default() }, most, NOW)?.writes)
}

/// The error of the database in a result.
pub fn refused<T>(result: Result<T, LedgerError>) -> PostgresError {
    match result.err().expect("a refusal") {
        LedgerError::Postgres(error) => error,
        other => panic!("another error: {other}"),
    }
}

/// Everything that the report shows.
pub fn rows(ledger: &passwave::ledger::ReadLedger) -> Vec<String> {
    let mut seen = Vec::new();
    let note = |row: passwave::ledger::ReportRow| {
        let password = row.password.map(|password| password.expose().to_owned());
        seen.push(format!(
            "{} {} {} {password:?} {} {}",
            row.row,
            row.user_principal_name,
            row.status.as_str(),
            row.attempts,
            row.cells
        ));
        Ok::<_, LedgerError>(())
    };
    ledger.for_each_row(note).expect("rows");
    seen
}
