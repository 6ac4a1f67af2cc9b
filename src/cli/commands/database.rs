//! The database that holds the ledgers of runs, if a flag or a variable names one.

use super::database_token::TokenPasswords;
use super::{
    signals::{listen, stop_signal},
    system::{Clock, runtime},
};
use crate::cli::{args::TextOrJson, context::Context, failure::Failure};
use passwave::{
    ledger::{
        Created, Ledger, LedgerError, ReadLedger,
        postgres::{Address, Clear, LEASE_DEFAULT, LedgerServer, PostgresError, StoredPasswords, StoredRun},
    },
    plan::{Plan, Settings},
    report::RUN_ID_NAME,
    util::{
        format::{counted, grouped},
        private_file, sanitize,
    },
};
use std::{
    fs,
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// The longest name of a run.
const NAME_MAX: usize = 200;
/// The time between two tries to take a run.
const STANDBY_PAUSE: Duration = Duration::from_millis(500);
/// The shortest lease: shorter ones are over whenever a machine is busy.
const LEASE_MIN: Duration = Duration::from_secs(2);

/// The database of this call; `None` if its ledgers are in run folders.
pub fn of_call(context: &Context) -> Result<Option<LedgerServer>, Failure> {
    let Some(Place { address, tokens }) = place(context)? else { return Ok(None) };
    let lease = match context.call.flag("lease").and_then(|flag| flag.values.first()) {
        Some(text) => parse_lease(&text.to_string_lossy())?,
        None => LEASE_DEFAULT,
    };
    let clear = if context.call.flag("clear_ledger").is_some() { Clear::Allowed } else { Clear::Refused };
    let server = LedgerServer::connect(address, holder(), lease, clear);
    let server = server.map_err(|error| not_connected(error, tokens.as_deref()))?;
    if server.has_asynchronous_standby() {
        context.reporter.warn_with(
            format!("a standby of {} does not confirm commits, so a failover may lose the last ones", server.shown()),
            "set synchronous_standby_names on the server",
        );
    }
    Ok(Some(server))
}

/// Where a database is.
pub struct Place {
    pub address: Address,
    /// What gets its passwords, if they are tokens.
    pub tokens: Option<Arc<TokenPasswords>>,
}

/// Where the database of this call is.
pub fn place(context: &Context) -> Result<Option<Place>, Failure> {
    let Some(url) = value(context, "ledger") else { return Ok(None) };
    let address = Address::parse(&url).map_err(LedgerError::from)?;
    let address = address.trusting(value(context, "ca_file").map(Into::into));
    let tokens = TokenPasswords::of_call(context)?;
    let address = match &tokens {
        Some(source) => address.with_passwords(Arc::<TokenPasswords>::clone(source)),
        None => address,
    };
    Ok(Some(Place { address, tokens }))
}

/// The failure to connect. If there was no token, it is that of the sign-in.
pub fn not_connected(error: LedgerError, tokens: Option<&TokenPasswords>) -> Failure {
    match tokens.and_then(TokenPasswords::failure) {
        Some(failure) => failure.into(),
        None => error.into(),
    }
}

fn value(context: &Context, id: &str) -> Option<String> {
    let flag = context.call.flag(id)?;
    flag.values.first().map(|value| value.to_string_lossy().into_owned())
}

fn parse_lease(text: &str) -> Result<Duration, Failure> {
    let lease = crate::cli::args::duration(text).map_err(Failure::usage)?;
    if lease < LEASE_MIN {
        return Err(Failure::usage("--lease is too short").hint("2s at least; 30s is usual"));
    }
    Ok(lease)
}

/// Who this process is, for other people.
fn holder() -> String {
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok());
    let machine = machine.as_deref().map_or("an unnamed machine", str::trim);
    format!("process {} on {}", std::process::id(), sanitize::for_terminal(machine))
}

/// Opens a run of the database for work.
pub fn open(context: &Context, server: &LedgerServer, run: &Path) -> Result<Ledger, Failure> {
    let name = name_of(run)?;
    let reports = reports_of(context, &name);
    let ledger = match context.call.flag("standby") {
        Some(_) => open_when_free(context, server, run, &reports)?,
        None => {
            let opened = Ledger::open_on(server, &name, &reports, jiff::Timestamp::now());
            opened.map_err(|error| not_opened(context, error, run))?
        }
    };
    make_place(&reports, &ledger)?;
    Ok(ledger)
}

/// Opens a run as soon as no other process holds it. Once it waits, a server that is away is waited for, too.
fn open_when_free(context: &Context, server: &LedgerServer, run: &Path, reports: &Path) -> Result<Ledger, Failure> {
    let (name, clock) = (name_of(run)?, runtime(Clock::Real)?);
    // A run that was just taken must be given back, too.
    clock.block_on(listen());
    let mut has_waited = false;
    loop {
        match Ledger::open_on(server, &name, reports, jiff::Timestamp::now()) {
            Err(LedgerError::Postgres(error @ PostgresError::Held { .. })) => {
                if !has_waited {
                    context.reporter.notice(format!("Standing by: {error}"));
                }
                has_waited = true;
            }
            Err(LedgerError::Postgres(PostgresError::Unreachable { .. })) if has_waited => {}
            other => return other.map_err(|error| or_is_folder(error, run)),
        }
        if clock.block_on(async { tokio::time::timeout(STANDBY_PAUSE, stop_signal()).await.is_ok() }) {
            return Err(Failure::interrupted(
                "interrupted while another process worked on the run; this one sent nothing",
            ));
        }
    }
}

/// Opens it for reading only.
pub fn open_to_read(context: &Context, server: &LedgerServer, run: &Path) -> Result<ReadLedger, Failure> {
    let name = name_of(run)?;
    let reports = reports_of(context, &name);
    let ledger = Ledger::read_on(server, &name, &reports).map_err(|error| or_is_folder(error, run))?;
    let prints = ["format", "dry_run", "print_template"].iter().any(|id| context.call.flag(id).is_some());
    if !prints && !["handouts", "remove"].contains(&&*context.call.verb) {
        make_place(&reports, &ledger)?;
    }
    Ok(ledger)
}

/// The error for a run that cannot be opened for work. Not every command can stand by.
fn not_opened(context: &Context, error: LedgerError, run: &Path) -> Failure {
    let is_held = matches!(error, LedgerError::Postgres(PostgresError::Held { .. }));
    let failure = or_is_folder(error, run);
    if is_held && !context.call.takes(&context.call.verb, "standby") {
        return failure.hint("wait until it ends; this process changed nothing");
    }
    failure
}

/// The error for a run that is not in the database. The name may be that of a run folder.
fn or_is_folder(error: LedgerError, run: &Path) -> Failure {
    let is_folder = run.join(passwave::ledger::FILE_NAME).exists();
    let failure = Failure::from(error);
    if is_folder {
        return failure.hint("there is a run folder of that name: leave --ledger out, and unset PASSWAVE_LEDGER");
    }
    failure
}

/// The name of a run as a flag or an operand says it.
pub fn name_of(run: &Path) -> Result<String, Failure> {
    let mut parts = run.components();
    let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    let text = run.to_str().filter(|text| is_name && text.len() <= NAME_MAX && !text.contains(char::is_control));
    let name = text.filter(|text| !text.contains(['/', '\\']));
    name.map(str::to_owned).ok_or_else(|| {
        let shown = sanitize::for_terminal(&run.to_string_lossy());
        Failure::usage(format!("{shown} cannot be the name of a run in a database; nothing was sent"))
            .hint("give a name without slashes; --out names the folder for the reports")
    })
}

/// The folder for the reports of a run.
pub fn reports_of(context: &Context, name: &str) -> PathBuf {
    match value(context, "reports_in") {
        Some(folder) => Path::new(&folder).join(name),
        None => value(context, "reports").map_or_else(|| name.into(), PathBuf::from),
    }
}

/// Makes the folder for the reports, unless it has those of another run.
pub fn make_place(reports: &Path, ledger: &ReadLedger) -> Result<(), Failure> {
    let id = ledger.run_id()?.unwrap_or_default();
    let failed = |source: io::Error| LedgerError::File { file: reports.to_owned(), source };
    match private_file::create_dir(reports) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other.map_err(failed)?,
    }
    let mark = reports.join(RUN_ID_NAME);
    match fs::read_to_string(&mark) {
        Ok(text) if text.trim() == id => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !has_reports(reports) => {
            let mut file = private_file::create_file(&mark).map_err(failed)?;
            Ok(writeln!(file, "{id}").map_err(failed)?)
        }
        Ok(_) | Err(_) => Err(LedgerError::from(PostgresError::OtherReports(reports.to_owned())).into()),
    }
}

/// Removes a folder for reports that has none. Anything that is not ours stays.
pub fn remove_place(reports: &Path) {
    if !has_reports(reports) && fs::remove_file(reports.join(RUN_ID_NAME)).is_ok() {
        let _ = fs::remove_dir(reports);
    }
}

/// Whether a folder has a ledger or reports in it.
fn has_reports(folder: &Path) -> bool {
    [passwave::ledger::FILE_NAME, passwave::report::CSV_NAME].iter().any(|name| folder.join(name).exists())
}

/// Stores a new run in the database.
pub fn create(
    context: &Context,
    server: &LedgerServer,
    run: &Path,
    settings: Settings,
    plan: Plan<'_>,
) -> Result<Created, Failure> {
    let name = name_of(run)?;
    let reports = reports_of(context, &name);
    let created = Ledger::create_on(server, &name, &reports, settings, plan)?;
    match make_place(&reports, &created.ledger) {
        Ok(()) => Ok(created),
        Err(failure) => {
            if let Err(error) = created.ledger.discard() {
                context.reporter.warn(format!("the run could not be removed from the database again ({error})"));
            }
            Err(failure)
        }
    }
}

/// The names of all runs of the database.
pub fn names(server: &LedgerServer) -> Result<Vec<PathBuf>, Failure> {
    Ok(server.runs()?.into_iter().map(|run| run.name.into()).collect())
}

/// Lists the runs of the database.
pub fn list(context: &Context, server: &LedgerServer, format: TextOrJson) -> Result<u8, Failure> {
    let runs = server.runs()?;
    if format == TextOrJson::Json {
        let entries: Vec<_> = runs.iter().map(entry).collect();
        let listing = serde_json::json!({ "schema": "passwave.runs.v1", "runs": entries, "unreadable": [] });
        let text = serde_json::to_string_pretty(&listing).map_err(Failure::away)?;
        context.reporter.output(|out| writeln!(out, "{}", sanitize::json(&text)))?;
    } else {
        let width = runs.iter().map(|run| run.name.chars().count()).max().unwrap_or_default();
        context.reporter.output(|out| {
            runs.iter().try_for_each(|run| {
                let state =
                    if run.pending == 0 { "finished".to_owned() } else { format!("{} pending", grouped(run.pending)) };
                let held = run.holder.as_ref().map_or_else(String::new, |holder| {
                    format!(
                        "  held by {} until {}",
                        sanitize::for_terminal(holder),
                        run.until.as_deref().unwrap_or_default()
                    )
                });
                let name = sanitize::for_terminal(&run.name);
                let stopped = run.stopped_by.as_ref().map_or_else(String::new, |why| {
                    format!("  stopped by {}: continue it with `passwave run`", sanitize::for_terminal(why))
                });
                writeln!(
                    out,
                    "{name:<width$}  {}  {:>9}  {state}, passwords: {}{held}{stopped}",
                    run.planned_at,
                    counted(run.rows, "row", "rows"),
                    passwords(run)
                )
            })
        })?;
    }
    let found = counted(runs.len() as u64, "run", "runs");
    context.reporter.notice(format!("{found} in the database at {}", server.shown()));
    Ok(0)
}

/// What is left of its passwords, in the words of the list of run folders.
const fn passwords(run: &StoredRun) -> &'static str {
    match run.passwords {
        StoredPasswords::Readable => "readable",
        StoredPasswords::Sealed => "sealed",
        StoredPasswords::None => "none",
    }
}

fn entry(run: &StoredRun) -> serde_json::Value {
    serde_json::json!({
        "run": run.name, "planned_at": run.planned_at, "rows": run.rows, "pending": run.pending,
        "passwords": passwords(run), "holder": run.holder, "held_until": run.until, "stopped_by": run.stopped_by,
    })
}
