//! A run in a database of its own, for stories that otherwise keep their run in a folder.

use crate::{
    elsewhere::Elsewhere,
    server::{Database, Server},
};
use jiff::Timestamp;
use passwave::{
    ledger::{
        Created, Ledger, LedgerError, ReadLedger,
        postgres::{Address, Clear, LedgerServer, PostgresError},
    },
    plan::{Plan, Settings},
};
use std::{
    path::Path,
    sync::mpsc::{Sender, SyncSender, channel, sync_channel},
    thread,
    time::Duration,
};

/// A lease that is never over during a story.
const LEASE: Duration = Duration::from_secs(3_600);
const NAME: &str = "wave";
/// A disk that is full: writes of rows are counted down to it. A sequence counts on after a failure.
const FAIL: &str = "CREATE SCHEMA disk; CREATE SEQUENCE disk.writes;
    CREATE FUNCTION disk.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('disk.writes') >= TG_ARGV[0]::bigint THEN
            RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NEW;
    END $$;";
/// Tables that the engine writes.
const TABLES: [&str; 6] = ["account", "looked_up", "replaced", "session", "note", "writeback"];

/// The run.
pub struct Room {
    database: Database<'static>,
    sql: Sql,
    server: LedgerServer,
}

impl Room {
    /// A room in a new database.
    pub fn new(server: &'static Server) -> Self {
        let database = server.database();
        let sql = Sql::connect(database.url());
        let server = connect(&database);
        Self { database, sql, server }
    }
}

fn connect(database: &Database<'_>) -> LedgerServer {
    let address = Address::parse(&database.url()).expect("an address");
    LedgerServer::connect(address, "a story".into(), LEASE, Clear::Allowed).expect("a server")
}

impl Elsewhere for Room {
    fn create(&self, settings: Settings, plan: Plan<'_>) -> Result<Created, LedgerError> {
        Ledger::create_on(&self.server, NAME, Path::new("reports"), settings, plan)
    }

    fn open(&self, now: Timestamp) -> Result<Ledger, LedgerError> {
        Ledger::open_on(&connect(&self.database), NAME, Path::new("reports"), now)
    }

    fn read(&self) -> Result<ReadLedger, LedgerError> {
        Ledger::read_on(&self.server, NAME, Path::new("reports"))
    }

    fn stored(&self, row: u64) -> Option<(Option<String>, Option<u64>)> {
        let rows = self.sql.ask(&format!(
            "SELECT CASE WHEN sealed IS NULL THEN coalesce(password, '') END, CASE WHEN state = 'in_flight' THEN attempts END
             FROM passwave.account WHERE \"row\" = {row}"
        ));
        let [password, attempt] = rows.into_iter().next()?.try_into().expect("two columns");
        Some((password, attempt.map(|attempt| attempt.parse().expect("a number"))))
    }

    fn superseded(&self) -> Vec<(u64, String)> {
        let rows = self.sql.ask("SELECT \"row\", password FROM passwave.replaced WHERE password IS NOT NULL");
        let read = |row: Vec<Option<String>>| {
            let [row, password] = row.try_into().expect("two columns");
            (row.expect("a row").parse().expect("a number"), password.expect("a password"))
        };
        rows.into_iter().map(read).collect()
    }

    fn version(&self) -> String {
        format!("{:?}", self.sql.ask("SELECT epoch, commits, holder FROM passwave.run"))
    }

    fn is_held(&self, error: &LedgerError) -> bool {
        matches!(error, LedgerError::Postgres(PostgresError::Held { .. }))
    }

    fn is_full(&self, error: &LedgerError) -> bool {
        matches!(error, LedgerError::Postgres(PostgresError::Refused { code, .. }) if code == "53100")
    }

    fn fail(&self, is_commit: bool, nth: u32) {
        let kind = if is_commit { "CONSTRAINT TRIGGER fail AFTER" } else { "TRIGGER fail BEFORE" };
        let when = if is_commit { "DEFERRABLE INITIALLY DEFERRED" } else { "" };
        let triggers = TABLES.map(|table| {
            format!(
                "CREATE {kind} INSERT OR UPDATE ON passwave.{table} {when}
                 FOR EACH ROW EXECUTE FUNCTION disk.fail({nth});"
            )
        });
        self.sql.ask(&format!("BEGIN; {FAIL} {} COMMIT", triggers.concat()));
    }

    fn mend(&self) {
        self.sql.ask("DROP SCHEMA disk CASCADE");
    }

    fn die(&self) {
        self.sql.ask(
            "UPDATE passwave.run SET holder = 'a dead process', holder_name = 'a dead process',
                 until = clock_timestamp() - interval '1 second'",
        );
    }

    fn sabotage(&self, sql: &str) {
        self.sql.ask(sql);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.database.remove();
    }
}

/// What a statement returned: rows of texts.
type Rows = Vec<Vec<Option<String>>>;

/// A session for statements of the tests.
struct Sql(Sender<(String, SyncSender<Result<Rows, String>>)>);

impl Sql {
    /// It lives on a thread of its own: those who ask may be in a runtime, which cannot wait.
    fn connect(url: String) -> Self {
        let (send, questions) = channel::<(String, SyncSender<Result<Rows, String>>)>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let (client, connection) =
                runtime.block_on(tokio_postgres::connect(&url, tokio_postgres::NoTls)).expect("a connection");
            runtime.spawn(connection);
            for (sql, answer) in questions {
                let rows = runtime.block_on(client.simple_query(&sql));
                let _ = answer.send(rows.map(read).map_err(|error| format!("{sql}: {error:?}")));
            }
        });
        Self(send)
    }

    fn ask(&self, sql: &str) -> Rows {
        let (send, answer) = sync_channel(1);
        self.0.send((sql.to_owned(), send)).expect("a session");
        answer.recv().expect("an answer").expect("a statement")
    }
}

fn read(messages: Vec<tokio_postgres::SimpleQueryMessage>) -> Rows {
    let row = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    };
    messages.into_iter().filter_map(row).collect()
}
