//! What to do about an error of the database that holds ledgers.

use passwave::ledger::postgres::{PostgresError, TlsFault};

/// What to do next, if that is known.
pub fn hint(error: &PostgresError) -> Option<String> {
    let hint = match error {
        PostgresError::Address(_) => "write it as --ledger postgresql://USER@HOST/DATABASE",
        PostgresError::PasswordInAddress => "leave it out, and set PGPASSWORD or use a password file (~/.pgpass)",
        PostgresError::Unencrypted(_) => {
            "leave sslmode=disable out; --ca-file FILE, or sslrootcert=FILE in the URL, names the server's authority"
        }
        PostgresError::File { .. } => "correct the file, or name another one",
        PostgresError::Tls { fault: TlsFault::NotOffered, .. } => {
            "turn TLS on at the server (ssl = on); only connections inside one machine need none"
        }
        PostgresError::Tls { fault: TlsFault::UnknownAuthority, .. } => {
            "name a file with the certificate of its authority: --ca-file FILE, or sslrootcert=FILE in the URL"
        }
        PostgresError::Tls { fault: TlsFault::OtherHost, .. } => {
            "write the host in the URL as the certificate names it; hostaddr=ADDRESS in the URL says where it is"
        }
        PostgresError::Tls { .. } => "check this machine's clock, or let the server's owner renew the certificate",
        PostgresError::Unreachable { .. } => {
            "check the server and the network, then repeat the command; what was recorded so far is safe"
        }
        PostgresError::Refused { code, .. } => return of_code(code),
        PostgresError::NotDurable { .. } => "set it to on for this database or role",
        PostgresError::Encoding { .. } => "create a database with ENCODING 'UTF8'",
        PostgresError::Tables { .. } => "use the release that made them, or another database",
        PostgresError::NoTables { .. } => {
            "run `passwave runs --ledger URL` once as the owner of the database, then grant the role what the guide lists"
        }
        PostgresError::NoRun { .. } => "`passwave runs --ledger URL` lists the runs",
        PostgresError::Exists { .. } => "choose another name with --run-dir, or continue that run",
        PostgresError::NotSealed => {
            "seal them with --seal-to RECIPIENT or --seal-passphrase, or allow it with --clear-ledger"
        }
        PostgresError::Held { .. } => {
            "wait until it ends, or add --standby to go on when it does; this process sent nothing"
        }
        PostgresError::Overtaken { .. } => "let the other process go on; what this one recorded before is safe",
        PostgresError::Rewound { .. } => {
            "continue the run: it looks at every account that may have been written meanwhile"
        }
        PostgresError::Unconfirmed { .. } => {
            "check the server, then continue the run; rows whose answers were not recorded are in doubt until then"
        }
        PostgresError::OtherReports(_) => "name another folder with --out",
        _ => return None,
    };
    Some(hint.into())
}

/// What to do about an error with this SQLSTATE.
pub fn of_code(code: &str) -> Option<String> {
    let hint = match code {
        "53100" => "free some space on the server's disk, then continue the run; what was recorded so far is safe",
        "28000" | "28P01" => {
            "check the user; the password in PGPASSWORD or the password file, or how --ledger-auth gets one; or the certificate \
             (sslcert and sslkey in the URL)"
        }
        "3D000" => "create the database first",
        "42501" => "grant the role SELECT, INSERT, UPDATE and DELETE on the tables of the schema passwave",
        "25006" => "name the primary server: this one only reads",
        _ => return None,
    };
    Some(hint.into())
}
