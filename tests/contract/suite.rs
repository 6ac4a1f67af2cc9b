//! The suite itself: each rule once, tested over both ways to the simulated tenant.

use crate::{batch, batch_of, connect, password, served::Served};
use passwave::{
    graph::{BATCH_ITEMS_MAX, Graph, Operation, Reply, SendError},
    password::{ForceChange, Password},
    simulator::{Account, AccountKind, Simulator},
};
use std::{collections::HashMap, time::Duration};

/// Names that a wrong escape would send elsewhere, each with the accounts that it could reach instead.
const NAMES: [(&str, &[&str]); 12] = [
    ("ann@contoso.com", &[]),
    ("O'Brien@contoso.com", &["OBrien@contoso.com", "O''Brien@contoso.com"]),
    ("bob_fabrikam.com#EXT#@contoso.onmicrosoft.com", &["bob_fabrikam.com@contoso.onmicrosoft.com"]),
    ("a%41b@contoso.com", &["aAb@contoso.com", "a41b@contoso.com"]),
    ("a%2541b@contoso.com", &["a%41b%41@contoso.com"]),
    ("x+y@contoso.com", &["xy@contoso.com", "x%20y@contoso.com", "x%2By@contoso.com"]),
    ("hat^tilde~bang!@contoso.com", &["hattildebang@contoso.com"]),
    ("$cash@contoso.com", &["cash@contoso.com", "%24cash@contoso.com"]),
    ("$o'neil#1@contoso.com", &["$o''neil#1@contoso.com", "$oneil@contoso.com"]),
    ("c#d@contoso.com", &["c@contoso.com", "c%23d@contoso.com"]),
    ("-dash._under@contoso.com", &["dash._under@contoso.com"]),
    ("0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b", &["0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5c"]),
];

/// Tests a rule over both ways, each with a fresh tenant that has these faults.
macro_rules! rule {
    ($($name:ident, $faults:expr;)*) => {
        mod in_process {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let served = tenant($faults);
                super::$name(&*served.tenant, &served.tenant).await;
            })*
        }
        mod over_http {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let served = tenant($faults);
                let credentials = served.tenant.credentials();
                let ids = (credentials.tenant_id.as_str(), credentials.client_id.as_str());
                let client = connect(&served.url, &served.url, ids, credentials.client_secret.clone());
                super::$name(&client, &served.tenant).await;
            })*
        }
    };
}

rule! {
    every_name_reaches_its_own_account, "{}";
    every_row_has_its_own_answer, r#"{"header_case": "mixed"}"#;
    what_is_asked_of_the_person_is_what_was_wanted, "{}";
    a_refused_token_gives_way_to_a_new_one, r#"{"token": {"revoked_after_requests": 2}}"#;
    answers_that_are_missing_are_missing, r#"{"responses": {"missing": 1}}"#;
    answers_that_stand_twice_stand_twice, r#"{"responses": {"repeated": 1, "unknown": 1}}"#;
    throttled_rows_name_their_wait, r#"{"items": {"throttled": 1, "throttled_seconds": 7}, "retry_after": "seconds"}"#;
    a_throttled_batch_names_its_wait, r#"{"requests": {"throttled": 1}}"#;
    a_gateway_that_answers_in_html_refuses, r#"{"requests": {"bad_gateway": 1, "applied": 1}}"#;
    an_answer_that_is_lost_is_lost, r#"{"requests": {"lost_after": 1}}"#;
    an_answer_that_is_cut_off_is_lost, r#"{"requests": {"truncated": 1}}"#;
}

fn tenant(faults: &str) -> Served {
    let served = Served::new(&[], faults);
    for (name, others) in NAMES {
        for name in std::iter::once(&name).chain(others) {
            let id = name.starts_with("0b8f").then(|| (*name).to_owned());
            let upn = if id.is_some() { format!("{name}@contoso.com") } else { (*name).to_owned() };
            served.tenant.add(Account { id, ..Account::normal(upn) });
        }
    }
    (0..20).for_each(|n| served.tenant.add(Account::normal(format!("user{n}@contoso.com"))));
    served
}

/// Rows 0 to 19, the maximum of a batch.
async fn wave(graph: &impl Graph) -> Result<Vec<Reply>, SendError> {
    let names: Vec<String> = (0..BATCH_ITEMS_MAX).map(|n| format!("user{n}@contoso.com")).collect();
    let rows: Vec<_> = names.iter().enumerate().map(|(row, name)| (row as u64, name.as_str())).collect();
    graph.send(&batch(&rows)).await.map(|response| response.replies)
}

async fn every_name_reaches_its_own_account(graph: &impl Graph, tenant: &Simulator) {
    let rows: Vec<_> = NAMES.iter().enumerate().map(|(row, (name, _))| (row as u64 + 100, *name)).collect();
    let response = graph.send(&batch(&rows)).await.expect("an answer");
    assert!(response.replies.iter().all(|reply| reply.status == 204), "{:?}", response.replies);
    for ((row, name), (_, others)) in rows.iter().zip(NAMES) {
        assert!(tenant.holds(name, &password(*row)), "{name}");
        assert_eq!(tenant.ever_given(name).len(), 1, "{name}");
        for other in others {
            assert!(tenant.ever_given(other).is_empty(), "{other} in place of {name}");
        }
    }
}

async fn every_row_has_its_own_answer(graph: &impl Graph, tenant: &Simulator) {
    let make = |n: usize, kind| tenant.add(Account { kind, ..Account::normal(format!("user{n}@contoso.com")) });
    make(3, AccountKind::Missing);
    make(7, AccountKind::Admin);
    make(11, AccountKind::Synced);
    make(19, AccountKind::Guest);
    let replies = wave(graph).await.expect("an answer");
    let order: Vec<_> = replies.iter().filter_map(|reply| reply.row).collect();
    let by_row: HashMap<_, _> = replies.iter().map(|reply| (reply.row.expect("a row"), reply)).collect();
    assert_eq!((replies.len(), by_row.len()), (20, 20));
    assert!(!order.is_sorted(), "the simulator shuffles");
    for row in 0..20 {
        let (status, code) = match row {
            3 => (404, "Request_ResourceNotFound"),
            7 => (403, "Authorization_RequestDenied"),
            11 | 19 => (400, "Request_BadRequest"),
            _ => (204, ""),
        };
        let reply = by_row[&row];
        assert_eq!((reply.status, reply.code.as_str()), (status, code), "row {row}");
        assert_eq!(tenant.holds(&format!("user{row}@contoso.com"), &password(row)), status == 204, "row {row}");
        assert_eq!(reply.message.is_empty() && reply.request_id.is_empty(), status == 204, "row {row}");
    }
}

async fn what_is_asked_of_the_person_is_what_was_wanted(graph: &impl Graph, tenant: &Simulator) {
    for force_change in [ForceChange::NextSignIn, ForceChange::NextSignInWithMfa, ForceChange::No] {
        let write = |row| Operation::SetPassword(Password::new(password(row)), force_change);
        let one = batch_of(&[(1, "ann@contoso.com")], write);
        graph.send(&one).await.expect("an answer");
        assert_eq!(tenant.force_change("ann@contoso.com"), Some(force_change));
    }
}

async fn a_refused_token_gives_way_to_a_new_one(graph: &impl Graph, tenant: &Simulator) {
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(match wave(graph).await {
            Ok(_) => 200,
            Err(SendError::Refused(reply)) => reply.status,
            Err(other) => panic!("{other}"),
        });
    }
    assert_eq!(statuses, [200, 200, 401, 200, 200, 401]);
    assert_eq!(tenant.tally().tokens_issued, 2);
}

async fn answers_that_are_missing_are_missing(graph: &impl Graph, tenant: &Simulator) {
    assert_eq!(wave(graph).await.expect("an answer"), []);
    assert_eq!(tenant.tally().writes, 20);
}

async fn answers_that_stand_twice_stand_twice(graph: &impl Graph, _: &Simulator) {
    let replies = wave(graph).await.expect("an answer");
    let asked = |reply: &&Reply| reply.row.is_some_and(|row| row < 20);
    assert_eq!((replies.len(), replies.iter().filter(asked).count()), (41, 40));
}

async fn throttled_rows_name_their_wait(graph: &impl Graph, tenant: &Simulator) {
    let replies = wave(graph).await.expect("an answer");
    let told = Some(Duration::from_secs(7));
    assert!(replies.len() == 20 && replies.iter().all(|reply| (reply.status, reply.retry_after) == (429, told)));
    assert_eq!(tenant.tally().writes, 0);
}

async fn a_throttled_batch_names_its_wait(graph: &impl Graph, _: &Simulator) {
    let Err(SendError::Refused(reply)) = wave(graph).await else { panic!("not refused") };
    assert_eq!((reply.status, reply.retry_after), (429, Some(Duration::from_secs(10))));
    assert_eq!(reply.code, "TooManyRequests");
}

async fn a_gateway_that_answers_in_html_refuses(graph: &impl Graph, tenant: &Simulator) {
    let Err(SendError::Refused(reply)) = wave(graph).await else { panic!("not refused") };
    assert_eq!((reply.status, reply.code.as_str(), tenant.tally().writes), (502, "", 20));
}

async fn an_answer_that_is_lost_is_lost(graph: &impl Graph, tenant: &Simulator) {
    assert!(matches!(wave(graph).await, Err(SendError::Lost(_))));
    assert_eq!(tenant.tally().writes, 20, "sent exactly once");
}

async fn an_answer_that_is_cut_off_is_lost(graph: &impl Graph, tenant: &Simulator) {
    assert!(matches!(wave(graph).await, Err(SendError::Lost(_))));
    assert_eq!(tenant.tally().writes, 20);
}
