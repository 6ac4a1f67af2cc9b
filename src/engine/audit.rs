//! Finds the resets of a run in the tenant's audit log.
//!
//! It reads the log of the run's time by the identity that signed in, page by page, and joins it here: by the account, by
//! the time, and by the correlation id if that is one of our own. Whether Entra notes our ids is not documented, so a
//! record without them counts as well. It changes nothing in the tenant.
//!
//! Invariant: a record counts for at most one row, the one of its account, and only within the time of that row.

use super::listing::{Listing, ListingFault, Rate};
use crate::{
    account::upn::is_object_id,
    graph::{Graph, RawJson, SendError},
    ledger::{AuditMatch, AuditNote, Audited, Ledger, LedgerError, ReadLedger, SignedInAs},
    util::sanitize,
};
use futures_util::FutureExt;
use jiff::Timestamp;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// Graph allows five requests to the log in ten seconds ("Microsoft Graph throttling limits", identity and access
/// reports).
const RATE: Rate = Rate { requests: 5, per: Duration::from_secs(10) };
/// How far our clock and the directory's may be apart, and how late an answer may be, in milliseconds.
const AROUND_MILLIS: i64 = 5 * 60 * 1_000;
/// Records on a page; Graph gives at most so many.
const PAGE_ROWS: usize = 999;

/// How reading the log ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditEnd {
    /// It was read.
    Finished {
        /// Records of the run's time and identity.
        records: u64,
        /// Rows for which one was found.
        found: u64,
        /// Rows that were sent, and for which none was found.
        missing: u64,
    },
    /// The caller asked it to stop; nothing was stored.
    Interrupted,
    /// The identity may not read the log; the text says why.
    Denied(String),
    /// The run has sent nothing, or it is not known who signed in.
    Nothing,
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Graph could not be reached, or did not answer.
    #[error("the audit log could not be read: {}", sanitize::sentence(&.0.to_string()))]
    Send(#[source] SendError),
}

/// Reads the audit log of the run, and stores what was found for each row. `emit` gets the number of records after each
/// page.
///
/// # Errors
/// Says why it cannot continue; what was known before is kept.
pub async fn read_audit<G: Graph>(
    ledger: &mut Ledger,
    graph: &G,
    stop: impl Future<Output = ()>,
    emit: &mut dyn FnMut(u64),
) -> Result<AuditEnd, AuditError> {
    let Some(url) = address(ledger)? else { return Ok(AuditEnd::Nothing) };
    let mut stop = std::pin::pin!(stop.fuse());
    let (mut known, mut listing) = (Known::of(ledger)?, Listing::new(graph, RATE, url));
    let mut records = 0;
    loop {
        let page = tokio::select! {
            biased;
            () = &mut stop => return Ok(AuditEnd::Interrupted),
            page = listing.next() => page,
        };
        match page {
            Ok(None) => break,
            Ok(Some(page)) => {
                page.iter().filter_map(Record::read).for_each(|record| {
                    records += 1;
                    known.take(record);
                });
                emit(records);
            }
            Err(ListingFault::Denied(said)) => return Ok(AuditEnd::Denied(said)),
            Err(ListingFault::Send(error)) => return Err(AuditError::Send(*error)),
        }
    }
    let (sent, found) = (known.rows.len() as u64, known.found());
    ledger.keep_audit(&format!("{:.0}", Timestamp::now()), &found)?;
    let found = found.len() as u64;
    Ok(AuditEnd::Finished { records, found, missing: sent - found })
}

/// The first page of the log of this run.
fn address(ledger: &ReadLedger) -> Result<Option<String>, LedgerError> {
    let (window, signed_in) = (ledger.audit_window()?, ledger.signed_in()?);
    let Some((window, who)) = window.zip(initiator(&signed_in)) else { return Ok(None) };
    let time =
        |millis: i64| Timestamp::from_millisecond(millis).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let around = (time(window.from - AROUND_MILLIS), time(window.to + AROUND_MILLIS));
    let (Ok(from), Ok(to)) = around else { return Ok(None) };
    let filter = format!("activityDateTime ge {from} and activityDateTime le {to} and {who}");
    let filter = percent_encoding::utf8_percent_encode(&filter, percent_encoding::NON_ALPHANUMERIC);
    Ok(Some(format!("auditLogs/directoryAudits?$filter={filter}&$top={PAGE_ROWS}")))
}

/// The condition on who did it; `None` if that is not known.
fn initiator(signed_in: &SignedInAs) -> Option<String> {
    let quoted = |text: &str| text.replace('\'', "''");
    match (&signed_in.person, &signed_in.client_id) {
        (Some(person), _) => Some(format!("initiatedBy/user/userPrincipalName eq '{}'", quoted(person))),
        (None, Some(id)) => Some(format!("initiatedBy/app/appId eq '{}'", quoted(id))),
        (None, None) => None,
    }
}

/// A record of the log, as far as it is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    activity_display_name: Option<String>,
    activity_date_time: String,
    correlation_id: Option<String>,
    result: Option<String>,
    #[serde(default)]
    target_resources: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    id: Option<String>,
    user_principal_name: Option<String>,
}

impl Record {
    fn read(text: &RawJson) -> Option<Self> {
        serde_json::from_str(text.get()).ok()
    }

    /// Whether it is about a password, or about a change of the account as a whole, which may be one.
    fn may_be_a_reset(&self) -> bool {
        let activity = self.activity_display_name.as_deref().unwrap_or_default().to_ascii_lowercase();
        activity.contains("password") || activity == "update user"
    }
}

/// What is known of a row.
struct Place {
    row: u64,
    sent_at: i64,
    settled_at: i64,
    best: Option<AuditNote>,
}

/// The rows that were sent, with the best record for each so far.
struct Known {
    rows: Vec<Place>,
    /// The place in `rows` of each account, by object id.
    by_id: HashMap<u128, usize>,
    /// The same by name, for accounts that were not looked up.
    by_name: HashMap<String, usize>,
    /// The place of the row to which each of our ids belongs.
    by_request: HashMap<u128, usize>,
}

impl Known {
    fn of(ledger: &ReadLedger) -> Result<Self, LedgerError> {
        let mut known =
            Self { rows: Vec::new(), by_id: HashMap::new(), by_name: HashMap::new(), by_request: HashMap::new() };
        ledger.for_each_audited(|audited| known.add(audited))?;
        Ok(known)
    }

    fn add(&mut self, audited: Audited) {
        let at = self.rows.len();
        let Audited { row, object_id, user_principal_name, sent_at, settled_at, client_request_ids } = audited;
        for id in client_request_ids {
            self.by_request.insert(id, at);
        }
        match object_id.as_deref().or(Some(&user_principal_name)).and_then(bits) {
            Some(id) => self.by_id.insert(id, at),
            None => self.by_name.insert(user_principal_name.to_lowercase(), at),
        };
        self.rows.push(Place { row, sent_at, settled_at, best: None });
    }

    fn take(&mut self, record: Record) {
        if !record.may_be_a_reset() {
            return;
        }
        let (by_id, by_name) = (&self.by_id, &self.by_name);
        let account = |target: &Target| {
            let by_id = target.id.as_deref().and_then(bits).and_then(|id| by_id.get(&id));
            let name = || by_name.get(&target.user_principal_name.as_deref()?.to_lowercase());
            by_id.or_else(name).copied()
        };
        let Some(at) = record.target_resources.iter().find_map(account) else { return };
        let ours = record.correlation_id.as_deref().and_then(bits).and_then(|id| self.by_request.get(&id));
        let matched = match ours {
            Some(other) if *other == at => AuditMatch::Request,
            Some(_) => AuditMatch::Batch,
            None => AuditMatch::Time,
        };
        self.rows[at].offer(record, matched);
    }

    fn found(self) -> Vec<(u64, AuditNote)> {
        self.rows.into_iter().filter_map(|place| Some((place.row, place.best?))).collect()
    }
}

impl Place {
    /// Takes the record if it is in time, and better than the one so far.
    fn offer(&mut self, record: Record, matched: AuditMatch) {
        let Ok(at) = record.activity_date_time.parse::<Timestamp>() else { return };
        let at = at.as_millisecond();
        // Our own id names the request, so an earlier attempt counts as well.
        let is_in_time = at <= self.settled_at + AROUND_MILLIS
            && (at >= self.sent_at - AROUND_MILLIS || matched != AuditMatch::Time);
        let activity = record.activity_display_name.unwrap_or_default();
        let rank = |note: &AuditNote| {
            let is_password = note.activity.to_ascii_lowercase().contains("password");
            (note.matched, is_password, std::cmp::Reverse(note.at.abs_diff(self.settled_at)))
        };
        let note = AuditNote { record: record.id, activity, at, result: record.result, matched };
        if is_in_time && self.best.as_ref().is_none_or(|best| rank(&note) > rank(best)) {
            self.best = Some(note);
        }
    }
}

/// The bits of a GUID.
fn bits(text: &str) -> Option<u128> {
    is_object_id(text).then(|| u128::from_str_radix(&text.replace('-', ""), 16).ok()).flatten()
}

/// How many records were found in each way.
///
/// # Errors
/// Fails if the ledger cannot be read.
pub fn matches(ledger: &ReadLedger) -> Result<BTreeMap<&'static str, u64>, LedgerError> {
    let (mut rows, mut counts) = (Vec::new(), BTreeMap::new());
    ledger.for_each_audited(|audited| rows.push(audited.row))?;
    for row in rows {
        if let Some(note) = ledger.audit_of(row)? {
            *counts.entry(note.matched.as_str()).or_default() += 1;
        }
    }
    Ok(counts)
}
