//! What was changed in the tenant, and by whom.
//!
//! It knows no answer of Graph. Invariant: each password that was set has one record, also if it was set by somebody
//! else.

use std::time::Duration;

/// All changes, in order.
#[derive(Default)]
pub(super) struct ChangeLog {
    /// The positions of the accounts that were changed.
    pub changed: Vec<usize>,
    /// The position of each audit record's account. A rehearsal has a record for each account, so there is no more here.
    accounts: Vec<usize>,
    /// What successive records have in common, in order.
    requests: Vec<Request>,
}

/// A request that set passwords, such as a batch.
struct Request {
    /// Its first record.
    first: usize,
    at: Duration,
    correlation_id: Box<str>,
    by: Initiator<Box<str>>,
}

/// One record of the audit log.
pub(super) struct AuditRecord<'a> {
    /// The position of the account.
    pub account: usize,
    pub at: Duration,
    pub correlation_id: &'a str,
    pub by: Initiator<&'a str>,
}

/// Who did it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Initiator<Id> {
    /// The application of the tenant.
    Application,
    /// A person with this object id.
    Person(Id),
    /// The account's own user.
    User,
}

impl<Id> Initiator<Id> {
    fn map<'a, To>(&'a self, id: impl FnOnce(&'a Id) -> To) -> Initiator<To> {
        match self {
            Self::Application => Initiator::Application,
            Self::Person(person) => Initiator::Person(id(person)),
            Self::User => Initiator::User,
        }
    }
}

impl ChangeLog {
    /// Adds a record to the audit log.
    pub(super) fn note(&mut self, record: &AuditRecord<'_>) {
        let is_same = |last: &Request| {
            (last.at, &*last.correlation_id, last.by.map(|id| &**id)) == (record.at, record.correlation_id, record.by)
        };
        if !self.requests.last().is_some_and(is_same) {
            self.requests.push(Request {
                first: self.accounts.len(),
                at: record.at,
                correlation_id: record.correlation_id.into(),
                by: record.by.map(|id| (*id).into()),
            });
        }
        self.accounts.push(record.account);
    }

    /// How many records the audit log has.
    pub(super) const fn audit_len(&self) -> usize {
        self.accounts.len()
    }

    /// The record at this position.
    pub(super) fn audit_record(&self, position: usize) -> AuditRecord<'_> {
        let later = self.requests.partition_point(|request| request.first <= position);
        let Request { at, correlation_id, by, .. } = &self.requests[later - 1];
        AuditRecord { account: self.accounts[position], at: *at, correlation_id, by: by.map(|id| &**id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_request_are_stored_once_and_read_alike() {
        let mut log = ChangeLog::default();
        let requests = [
            (1, "a", Initiator::Application, 3),
            (1, "b", Initiator::Application, 1),
            (2, "b", Initiator::Person("ann"), 2),
            (2, "b", Initiator::Person("bob"), 1),
            (2, "", Initiator::User, 1),
        ];
        let mut expected = Vec::new();
        for (seconds, correlation_id, by, records) in requests {
            for _ in 0..records {
                let account = 100 + expected.len();
                log.note(&AuditRecord { account, at: Duration::from_secs(seconds), correlation_id, by });
                expected.push((account, seconds, correlation_id, by));
            }
        }
        assert_eq!((log.audit_len(), log.requests.len()), (8, requests.len()));
        for (position, (account, seconds, correlation_id, by)) in expected.into_iter().enumerate() {
            let found = log.audit_record(position);
            assert_eq!((found.account, found.at), (account, Duration::from_secs(seconds)));
            assert!((found.correlation_id, found.by) == (correlation_id, by), "record {position}");
        }
    }
}
