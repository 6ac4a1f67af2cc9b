//! What the server writes into its log when everything that can be logged is logged.

use crate::{
    runs::{run_to_the_end, sealed_world},
    server::Server,
    steps::calm,
};
use secrecy::ExposeSecret;

const EVERYTHING: &str = "log_statement = all\nlog_min_duration_statement = 0\nlog_parameter_max_length = -1\n\
    log_parameter_max_length_on_error = -1\nlog_min_messages = debug1\nlog_error_verbosity = verbose\nlog_connections = on\n";

#[test]
fn log_of_the_server_has_no_password_of_a_sealed_run() {
    let Some(postgres) = Server::start(EVERYTHING) else { return };
    let database = postgres.database();
    let world = sealed_world(60, "3000/150s");
    run_to_the_end(&world, &calm(&database.url()), "wave");
    let log = postgres.log();
    let given: Vec<_> = world.accounts.iter().flat_map(|name| world.tenant.ever_given(name)).collect();
    assert!(given.len() >= 60, "each account got one");
    assert!(log.contains("SET commits = commits + 1") && log.contains("user1@contoso.com"), "parameters are logged");
    assert!(given.iter().all(|password| !log.contains(password.expose_secret())), "a password is in the log");
    let stored =
        "SELECT count(*) FROM passwave.account WHERE password IS NOT NULL OR sealed IS NULL AND state <> 'skipped'";
    assert_eq!(database.sql(stored), "0");
}

#[test]
fn no_statement_has_a_name() {
    // Others gave statements names, which a pooler then looked for in the wrong session.
    let Some(postgres) = Server::start(EVERYTHING) else { return };
    let database = postgres.database();
    run_to_the_end(&sealed_world(40, "3000/150s"), &calm(&database.url()), "wave");
    let log = postgres.log();
    let of = |what: &str| log.matches(what).count();
    assert!(of("execute <unnamed>") > 10);
    assert_eq!((of("execute "), of("parse ")), (of("execute <unnamed>"), of("parse <unnamed>")));
}
