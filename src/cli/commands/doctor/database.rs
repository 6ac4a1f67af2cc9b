//! The database of ledgers: whether it can be reached, and whether it is one to rely on.

use super::Examination;
use crate::cli::{commands::database, context::Context, hints};
use passwave::{
    ledger::{
        LedgerError,
        postgres::{PostgresError, ServerHealth, Tables},
    },
    util::{
        format::{counted, short},
        sanitize,
    },
};

const CHECK: &str = "database";

/// Asks the server, if a flag or a variable names one.
pub(super) fn examine(examination: &mut Examination<'_>, context: &Context) {
    let asked = match database::place(context) {
        Ok(None) => return,
        Ok(Some(database::Place { address, tokens })) => {
            let (server, is_encrypted) = (address.shown().to_owned(), address.is_encrypted());
            let asked = ServerHealth::ask(address).map(|health| (server, is_encrypted, health));
            asked.map_err(|error| database::not_connected(error, tokens.as_deref()))
        }
        Err(failure) => Err(failure),
    };
    match asked {
        Err(failure) => examination.failure(CHECK, &failure),
        Ok((server, is_encrypted, health)) => {
            let (version, role) = (sanitize::for_terminal(&health.version), sanitize::for_terminal(&health.role));
            let answers = format!("{server} answers in {}: PostgreSQL {version}, as {role}", short(health.round_trip));
            examination.fine(CHECK, answers);
            let way =
                if is_encrypted { "encrypted, certificate checked" } else { "not encrypted: it is on this machine" };
            examination.fine("connection", way);
            safety(examination, &server, &health);
            tables(examination, &server, &health);
        }
    }
}

/// Whether it keeps what it confirms.
fn safety(examination: &mut Examination<'_>, server: &str, health: &ServerHealth) {
    const CHECK: &str = "commits";
    let told = |examination: &mut Examination<'_>, error: PostgresError| {
        examination.failure(CHECK, &LedgerError::from(error).into());
    };
    let server = server.to_owned();
    if health.encoding != "UTF8" {
        told(examination, PostgresError::Encoding { server: server.clone(), encoding: health.encoding.clone() });
    }
    if health.unsafe_settings.is_empty() {
        examination.fine(CHECK, "the server keeps what it confirms");
    }
    for setting in &health.unsafe_settings {
        told(examination, PostgresError::NotDurable { server: server.clone(), setting: format!("{setting} = off") });
    }
    let follow = counted(health.standbys, "standby follows", "standbys follow");
    match (health.is_standby, health.standbys, health.waits_for_standbys) {
        (true, ..) => {
            let hint = hints::postgres::of_code("25006");
            examination.problem("standby", "this server is a standby, so it only reads", hint);
        }
        (_, 0, true) => examination.warning(
            "standby",
            "synchronous_standby_names is set, but no standby follows, so commits may wait for ever",
            "start the standby, or change the setting",
        ),
        (_, 0, false) => examination.fine("standby", "none follows"),
        (.., true) => examination.fine("standby", format!("{follow}, and commits wait for it")),
        (.., false) => examination.warning(
            "standby",
            format!("{follow}, but commits do not wait for it, so a failover may lose the last ones"),
            "set synchronous_standby_names on the server",
        ),
    }
}

/// Whether the tables are there, and what the role may do with them.
fn tables(examination: &mut Examination<'_>, server: &str, health: &ServerHealth) {
    const CHECK: &str = "tables";
    let server = server.to_owned();
    match &health.tables {
        Tables::InPlace => examination.fine(CHECK, "in place, as this release needs them"),
        Tables::Missing { may_create: true } => {
            examination.fine(CHECK, "not made yet; the first command that uses the database makes them");
        }
        Tables::Missing { .. } => {
            examination.failure(CHECK, &LedgerError::from(PostgresError::NoTables { server }).into());
        }
        Tables::Other(why) => {
            let error = PostgresError::Tables { server, why: sanitize::for_terminal(why) };
            examination.failure(CHECK, &LedgerError::from(error).into());
        }
        _ => {
            let hint = "let their owner grant the role what the guide lists".to_owned();
            examination.problem(CHECK, "the role may not use the schema passwave", Some(hint));
        }
    }
    if health.tables != Tables::InPlace {
        return examination.skipped("rights", "the tables come first");
    }
    let lacking = health.lacking.iter().map(|(table, rights)| format!("{rights} on {}", sanitize::for_terminal(table)));
    let lacking: Vec<String> = lacking.collect();
    if !lacking.is_empty() {
        let text = format!("the role lacks {}", lacking.join("; "));
        return examination.problem("rights", text, hints::postgres::of_code("42501"));
    }
    examination.fine(
        "rights",
        match health.may_rewrite {
            true => "the role may read and write all tables, and rewrite them after `passwave remove`",
            false => {
                "the role may read and write all tables; only their owner may rewrite them after `passwave remove`"
            }
        },
    );
}
