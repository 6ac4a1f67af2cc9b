//! What the server says about itself: whether it keeps what it confirms, and which server it is.

use super::{
    error::PostgresError,
    link::{Link, client},
};

/// Which server confirmed a commit. After a failover it is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ledger) struct ServerIdentity {
    pub system_id: String,
    pub timeline: i64,
}

/// What was found at a server.
pub(super) struct ServerFacts {
    pub identity: ServerIdentity,
    /// Whether a standby follows that does not confirm commits.
    pub has_asynchronous_standby: bool,
}

const ASK: &str = "SELECT current_setting('server_encoding'), current_setting('synchronous_commit'),
        current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_standby_names') = '',
        (SELECT count(*) FROM pg_stat_replication) > 0,
        (SELECT system_identifier::text FROM pg_control_system()),
        CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END";

/// Asks the server, and refuses one that could lose what it confirms.
pub(super) async fn must_be_durable(link: &Link) -> Result<ServerFacts, PostgresError> {
    let ask = async {
        let mut held = link.connected().await?;
        client(&mut held).query_typed_one(ASK, &[]).await
    };
    let row = ask.await.map_err(|error| link.failed(&error))?;
    let text = |at: usize| row.try_get::<_, String>(at).map_err(|error| link.failed(&error));
    let is = |at: usize| row.try_get::<_, bool>(at).map_err(|error| link.failed(&error));
    let server = link.server().to_owned();
    let encoding = text(0)?;
    if encoding != "UTF8" {
        return Err(PostgresError::Encoding { server, encoding });
    }
    for (at, name) in [(1, "synchronous_commit"), (2, "fsync"), (3, "full_page_writes")] {
        if text(at)? == "off" {
            return Err(PostgresError::NotDurable { server, setting: format!("{name} = off") });
        }
    }
    Ok(ServerFacts {
        identity: ServerIdentity {
            system_id: text(6)?,
            timeline: row.try_get(7).map_err(|error| link.failed(&error))?,
        },
        has_asynchronous_standby: is(4)? && is(5)?,
    })
}
