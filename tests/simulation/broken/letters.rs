//! Engines that send something forbidden, or misread answers: a wrapper changes requests and answers.

use super::must_be_caught;
use crate::{
    checkers::Invariant::{
        Durable, Ends, EveryRowOnce, FailedKeeps, IntentFirst, Manners, OnePassword, OperatorHolds, RehearsalStaysHome,
        ResetHolds, Untouched,
    },
    forger::Forger,
    torture::sabotage::{Honest, Sabotage, Send, UNTOUCHED},
};
use futures_util::{FutureExt, future::join};
use passwave::{
    account::upn::Upn,
    graph::{BatchRequest, BatchResponse, Graph, Operation, Reply, Request, SendError},
    password::{ForceChange, Password},
};
use std::pin::pin;

/// An engine that sends or receives something else.
fn engine(name: &'static str, send: Send) -> Sabotage {
    Sabotage { name, send, ..UNTOUCHED }
}

/// Changes the ledger's rows of a batch of passwords.
fn of_batch(honest: &Honest<'_>, batch: &BatchRequest, change: &str) {
    let writes = batch.requests.iter().filter(|request| matches!(request.operation, Operation::SetPassword(..)));
    for request in writes {
        // If the disk fails, this fails, too.
        let _ = honest.ledger.execute(change, [request.row]);
    }
}

/// Answers to every request of `batch`.
fn answers(batch: &BatchRequest, status: u16) -> BatchResponse {
    let reply = |request: &Request| Reply { row: Some(request.row), status, ..Reply::default() };
    BatchResponse { replies: batch.requests.iter().map(reply).collect(), ..BatchResponse::default() }
}

/// Whether `reply` is about a request that writes a password.
fn is_of_a_write(batch: &BatchRequest, reply: &Reply) -> bool {
    let is_write = |request: &&Request| matches!(request.operation, Operation::SetPassword(..));
    batch.requests.iter().filter(is_write).any(|request| Some(request.row) == reply.row)
}

/// The requests that `change` replaces with another one.
fn other(batch: &BatchRequest, change: impl Fn(&Request, &Password) -> Option<(Upn, String)>) -> BatchRequest {
    let other = |request: &Request| {
        let Operation::SetPassword(password, force_change) = &request.operation else { return None };
        let (address, password) = change(request, password)?;
        let operation = Operation::SetPassword(Password::new(password), *force_change);
        Some(Request::new(request.row, address, operation))
    };
    BatchRequest { requests: batch.requests.iter().filter_map(other).collect() }
}

#[test]
fn early_sending_is_caught() {
    let before_the_intent = engine("sends before it writes the intent", |honest, batch| {
        Box::pin(async move {
            of_batch(honest, batch, "UPDATE account SET state = 'planned', attempts = attempts - 1 WHERE row = ?1");
            let answer = honest.watch.send(batch).await;
            of_batch(honest, batch, "UPDATE account SET state = 'in_flight', attempts = attempts + 1 WHERE row = ?1");
            answer
        })
    });
    let before_the_password = engine("sends another password before it is in the ledger", |honest, batch| {
        Box::pin(async move {
            let mut response = honest.watch.send(batch).await?;
            let is_weak = |reply: &Reply| reply.message.contains("password complexity");
            let refused = |row| response.replies.iter().any(|reply| reply.row == Some(row) && is_weak(reply));
            let again = other(batch, |request, password| {
                refused(request.row).then(|| (request.address.clone(), format!("{}-2", password.expose())))
            });
            if !again.requests.is_empty() {
                response.replies.retain(|reply| !is_weak(reply));
                response.replies.extend(honest.watch.send(&again).await?.replies);
            }
            Ok(response)
        })
    });
    let reset_before_the_answer = engine("records a reset when the batch has left", |honest, batch| {
        Box::pin(async move {
            let mut sending = pin!(honest.watch.send(batch));
            if let Some(answer) = sending.as_mut().now_or_never() {
                return answer;
            }
            of_batch(honest, batch, "UPDATE account SET state = 'reset', settled_at = sent_at WHERE row = ?1");
            // Like such an engine would, it writes the proof of how the rows ended.
            let forger = Forger::of(honest.ledger);
            batch.requests.iter().for_each(|request| forger.prove(honest.ledger, request.row));
            let answer = sending.await;
            of_batch(honest, batch, "UPDATE account SET state = 'in_flight', settled_at = NULL WHERE row = ?1");
            answer
        })
    });
    must_be_caught(&[
        (before_the_intent, &[IntentFirst]),
        (before_the_password, &[Durable]),
        // If a disk fails meanwhile, the engine notices its own wrong record instead.
        (reset_before_the_answer, &[ResetHolds, Ends]),
    ]);
}

#[test]
fn excess_sending_is_caught() {
    let twice = engine("sends a row twice at a time", |honest, batch| {
        Box::pin(async move { join(honest.watch.send(batch), honest.watch.send(batch)).await.0 })
    });
    let again = engine("sends a batch again without a new intent when its answer is lost", |honest, batch| {
        Box::pin(async move {
            match honest.watch.send(batch).await {
                Err(SendError::Lost(_)) => honest.watch.send(batch).await,
                answer => answer,
            }
        })
    });
    let elsewhere = engine("sends a rehearsal to a tenant", |honest, batch| {
        Box::pin(async move { join(honest.watch.send(batch), honest.elsewhere.send(batch)).await.0 })
    });
    let to_another = engine("loses what must be escaped in a name", |honest, batch| {
        Box::pin(async move {
            let unescaped = other(batch, |request, password| {
                let (head, _) = request.address.as_str().split_once(['#', '%', '+', '\''])?;
                Some((Upn::parse(&format!("{head}@contoso.com")).ok()?, password.expose().to_owned()))
            });
            let addressed = |row| unescaped.requests.iter().all(|request| request.row != row);
            let as_it_is = other(batch, |request, password| {
                addressed(request.row).then(|| (request.address.clone(), password.expose().to_owned()))
            });
            let requests: Vec<_> = as_it_is.requests.into_iter().chain(unescaped.requests).collect();
            match requests.is_empty() {
                true => honest.watch.send(batch).await,
                false => honest.watch.send(&BatchRequest { requests }).await,
            }
        })
    });
    must_be_caught(&[
        (twice, &[IntentFirst]),
        (again, &[IntentFirst]),
        (elsewhere, &[RehearsalStaysHome]),
        (to_another, &[ResetHolds, Untouched]),
    ]);
}

#[test]
fn changed_decisions_are_caught() {
    let makes_a_new_password = engine("makes a new password on retry", |honest, batch| {
        Box::pin(async move {
            let attempts = |row: u64| {
                let sql = "SELECT attempts FROM account WHERE row = ?1";
                honest.ledger.query_row(sql, [row], |row| row.get::<_, u64>(0)).unwrap_or_default()
            };
            let anew = other(batch, |request, password| {
                let attempt = attempts(request.row);
                let password = password.expose();
                let text = if attempt > 1 { format!("{password}-{attempt}") } else { password.to_owned() };
                Some((request.address.clone(), text))
            });
            match anew.requests.is_empty() {
                true => honest.watch.send(batch).await,
                false => honest.watch.send(&anew).await,
            }
        })
    });
    let ignores_exclusions = engine("ignores what the plan leaves out", |honest, batch| {
        Box::pin(async move {
            let sql =
                "SELECT row, user_principal_name FROM roster JOIN account USING (row) WHERE error_code = 'excluded'";
            let mut select = honest.ledger.prepare(sql).expect("the schema");
            let excluded = select.query_map((), |row| Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?)));
            let requests = excluded.expect("rows").filter_map(|row| {
                let (row, name) = row.ok()?;
                let operation = Operation::SetPassword(Password::new("Aa1-excluded-2".into()), ForceChange::No);
                Some(Request::new(row, Upn::parse(&name).ok()?, operation))
            });
            let excluded = BatchRequest { requests: requests.collect() };
            if !excluded.requests.is_empty() {
                let _ = honest.tenant.send(&excluded).await;
            }
            honest.watch.send(batch).await
        })
    });
    must_be_caught(&[
        (makes_a_new_password, &[Durable, OnePassword, OperatorHolds]),
        (ignores_exclusions, &[Untouched, OperatorHolds]),
    ]);
}

#[test]
fn misreading_engines_are_caught() {
    let unanswered = engine("claims an item that was not answered", |honest, batch| {
        Box::pin(async move {
            let mut response = match honest.watch.send(batch).await {
                Err(SendError::Lost(_)) => return Ok(answers(batch, 204)),
                answer => answer?,
            };
            let missing = |row: Option<u64>| response.replies.iter().all(|reply| reply.row != row);
            let claimed: Vec<_> = answers(batch, 204).replies.into_iter().filter(|reply| missing(reply.row)).collect();
            response.replies.extend(claimed);
            Ok(response)
        })
    });
    let by_place = engine("takes answers by their place and not by their id", |honest, batch| {
        Box::pin(async move {
            let mut response = honest.watch.send(batch).await?;
            let rows = batch.requests.iter().map(|request| request.row);
            response.replies.iter_mut().zip(rows).for_each(|(reply, row)| reply.row = Some(row));
            Ok(response)
        })
    });
    let failed_5xx = engine("takes a failure of the service for a refusal", |honest, batch| {
        Box::pin(async move {
            let mut response = match honest.watch.send(batch).await {
                Err(SendError::Refused(reply)) if reply.status >= 500 => answers(batch, 503),
                answer => answer?,
            };
            response.replies.iter_mut().filter(|reply| reply.status >= 500).for_each(|reply| reply.status = 400);
            Ok(response)
        })
    });
    let done_429 = engine("takes a throttled write for a done one", |honest, batch| {
        Box::pin(async move {
            let mut response = honest.watch.send(batch).await?;
            let is_throttled = |reply: &&mut Reply| reply.status == 429 && is_of_a_write(batch, reply);
            response.replies.iter_mut().filter(is_throttled).for_each(|reply| reply.status = 204);
            Ok(response)
        })
    });
    let any_success = engine("takes any 2xx for a done write", |honest, batch| {
        Box::pin(async move {
            let mut response = honest.watch.send(batch).await?;
            for reply in response.replies.iter_mut().filter(|reply| (200..300).contains(&reply.status)) {
                if is_of_a_write(batch, reply) {
                    (reply.status, reply.body) = (204, passwave::outcome::Body::Other);
                }
            }
            Ok(response)
        })
    });
    let unsent = engine("takes a lost batch for one that never left", |honest, batch| {
        Box::pin(async move {
            honest.watch.send(batch).await.map_err(|error| match error {
                SendError::Lost(said) => SendError::NotSent(said),
                error => error,
            })
        })
    });
    must_be_caught(&[
        (unanswered, &[ResetHolds]),
        // An account that was read is used for another row, too.
        (by_place, &[ResetHolds, FailedKeeps, EveryRowOnce]),
        (failed_5xx, &[FailedKeeps]),
        (done_429, &[ResetHolds, Manners]),
        (any_success, &[ResetHolds]),
        (unsent, &[FailedKeeps, IntentFirst]),
    ]);
}
