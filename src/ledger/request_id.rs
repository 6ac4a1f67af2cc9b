//! Our own ids of the requests of a run, so that they can be found in the tenant's audit log.
//!
//! An id is derived from the run, the row and the attempt, so nothing is stored: the ledger can compute the ids of all
//! requests that it ever handed out. It is not secret, and tells nothing about a password.

use crate::graph::guid;
use aws_lc_rs::digest::{SHA256, digest};

/// The id of one attempt to reset the password of a row, as the bits of a GUID. The first attempt is 1.
pub(super) fn request_id(run_id: &str, row: u64, attempt: u64) -> u128 {
    let parts = format!("passwave request 1\n{run_id}\n{row}\n{attempt}");
    let hash = digest(&SHA256, parts.as_bytes());
    let bits = hash.as_ref().iter().take(16).fold(0, |bits: u128, byte| bits << 8 | u128::from(*byte));
    guid::version_4(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_run_row_and_attempt() {
        let id = request_id("run", 1, 1);
        assert_eq!(id, request_id("run", 1, 1));
        assert!(
            [request_id("other", 1, 1), request_id("run", 2, 1), request_id("run", 1, 2)]
                .iter()
                .all(|other| *other != id)
        );
        assert!(crate::account::upn::is_object_id(&guid::text(id)));
    }
}
