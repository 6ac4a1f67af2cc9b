//! Engines that mistake what the service says about passwords for an on-premises directory.

use super::must_be_caught;
use crate::{
    checkers::Invariant::{FailedKeeps, IntentFirst, Manners, ResetHolds},
    torture::sabotage::{Sabotage, SendAlone, UNTOUCHED},
};
use passwave::graph::{Graph, Operation, SendError};

/// An engine that sends or receives something else.
fn engine(name: &'static str, alone: SendAlone) -> Sabotage {
    Sabotage { name, alone, ..UNTOUCHED }
}

#[test]
fn mistaken_operations_are_caught() {
    let accepted_is_reset = engine("calls an accepted operation reset", |honest, request| {
        Box::pin(async move {
            let mut response = honest.watch.send_alone(request).await?;
            for operation in response.replies.iter_mut().filter_map(|reply| reply.operation.as_mut()) {
                operation.status = "succeeded".into();
            }
            Ok(response)
        })
    });
    let unfinished_is_failed = engine("calls an operation that has not ended failed", |honest, request| {
        Box::pin(async move {
            let mut response = honest.watch.send_alone(request).await?;
            let running = response.replies.iter_mut().filter_map(|reply| reply.operation.as_mut());
            for operation in running.filter(|operation| operation.status == "running") {
                operation.status = "failed".into();
            }
            Ok(response)
        })
    });
    let trouble_is_refusal = engine("takes a failure of the service for a refusal", |honest, request| {
        Box::pin(async move {
            let mut response = honest.watch.send_alone(request).await?;
            let is_reset = matches!(request.operation, Operation::ResetOnPremises(_));
            for reply in response.replies.iter_mut().filter(|reply| is_reset && reply.status >= 500) {
                reply.status = 400;
            }
            Ok(response)
        })
    });
    must_be_caught(&[
        (accepted_is_reset, &[ResetHolds]),
        (unfinished_is_failed, &[FailedKeeps]),
        (trouble_is_refusal, &[FailedKeeps]),
    ]);
}

#[test]
fn sending_again_is_caught() {
    let unsent = engine("takes a lost request for one that never left", |honest, request| {
        Box::pin(async move {
            honest.watch.send_alone(request).await.map_err(|error| match error {
                SendError::Lost(said) => SendError::NotSent(said),
                error => error,
            })
        })
    });
    let at_once = engine("sends again at once when the answer is lost", |honest, request| {
        Box::pin(async move {
            match honest.watch.send_alone(request).await {
                Err(SendError::Lost(_)) => honest.watch.send_alone(request).await,
                answer => answer,
            }
        })
    });
    let forgets = Sabotage {
        name: "sends again what a crash left in flight",
        ledger: "CREATE TRIGGER bad AFTER UPDATE OF state ON account
                 WHEN old.state = 'in_flight' AND new.state = 'accepted' AND new.doubt = 1
                 BEGIN UPDATE account SET state = 'planned', doubt = 0, proof = NULL, not_before = 0 WHERE row = new.row; END",
        ..UNTOUCHED
    };
    let hurries = engine("does not wait as long as it was asked", |honest, request| {
        Box::pin(async move {
            let mut response = honest.watch.send_alone(request).await?;
            for reply in response.replies.iter_mut().filter(|reply| reply.status == 429) {
                (reply.status, reply.retry_after) = (503, None);
            }
            Ok(response)
        })
    });
    must_be_caught(&[
        (unsent, &[IntentFirst]),
        (at_once, &[IntentFirst]),
        (forgets, &[IntentFirst]),
        (hurries, &[Manners]),
    ]);
}
