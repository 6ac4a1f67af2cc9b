//! The answer to a batch, and a page of a collection: parsing never adds anything that is not there.

use passwave::{
    account::upn::is_object_id,
    graph::{
        BatchResponse, Reply, SendError,
        retry_after::WAIT_SECONDS_MAX,
        user::User,
        wire::{Envelope, decode, decode_page},
    },
};

/// Characters of an error's code or message that are kept.
const TEXT_CHARS_MAX: usize = 1_000;
const STATUSES: [u16; 16] = [200, 200, 200, 200, 201, 207, 204, 100, 302, 400, 401, 403, 404, 429, 500, 503];

/// The first byte selects the status, the others are the body.
pub fn check(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let envelope = Envelope { status: STATUSES[usize::from(first) % STATUSES.len()], ..Envelope::default() };
    let is_good = (200..300).contains(&envelope.status);
    check_batch(decode(&envelope, body), &envelope, body, is_good);
    check_page(&envelope, body, is_good);
    if let Ok(text) = std::str::from_utf8(body) {
        check_user(User::read(text).as_deref());
    }
}

fn check_batch(answer: Result<BatchResponse, SendError>, envelope: &Envelope, body: &[u8], is_good: bool) {
    match answer {
        Ok(response) => {
            assert!(is_good);
            let objects = body.iter().filter(|byte| **byte == b'{').count();
            assert!(response.replies.len() < objects.max(1), "more replies than were given");
            response.replies.iter().for_each(|reply| check_reply(reply, body));
            let again = decode(envelope, body).expect("the same again");
            assert_eq!(again.replies.len(), response.replies.len());
            assert!(
                again.replies.iter().zip(&response.replies).all(|(one, other)| told(one) == told(other)),
                "read twice, it says something else"
            );
            check_cuts(envelope, body);
        }
        Err(SendError::Refused(reply)) => {
            assert!(!is_good && reply.status == envelope.status);
            assert_eq!((reply.row, reply.retry_after, reply.user.is_some()), (None, None, false));
            check_reply(&reply, body);
        }
        Err(SendError::Lost(_)) => assert!(is_good),
        Err(other) => panic!("{other} where bytes are read"),
    }
}

/// A wait that was given as a date depends on the clock.
fn told(reply: &Reply) -> Reply {
    Reply { retry_after: None, ..reply.clone() }
}

/// An answer that is cut off anywhere says nothing about any write.
fn check_cuts(envelope: &Envelope, body: &[u8]) {
    let whole = body.trim_ascii_end();
    for length in [whole.len() - 1, whole.len() / 2, 0] {
        assert!(matches!(decode(envelope, &whole[..length]), Err(SendError::Lost(_))), "cut after {length} bytes");
    }
}

fn check_reply(reply: &Reply, body: &[u8]) {
    for text in [&reply.code, &reply.message, &reply.request_id] {
        assert!(text.chars().count() <= TEXT_CHARS_MAX && text.len() <= body.len().max(64), "a text that grew");
    }
    assert!(reply.retry_after.is_none_or(|wait| wait.as_secs_f64() <= WAIT_SECONDS_MAX));
    if let Some(row) = reply.row {
        let digits = row.to_string();
        let stands = body.windows(digits.len()).any(|window| window == digits.as_bytes());
        assert!(stands, "row {row} is answered and not named");
    }
    check_user(reply.user.as_deref());
}

fn check_user(user: Option<&User>) {
    let Some(user) = user else { return };
    assert!(is_object_id(&user.id) && user.id == user.id.to_ascii_lowercase());
    assert!(!user.user_principal_name.is_empty());
}

fn check_page(envelope: &Envelope, body: &[u8], is_good: bool) {
    match decode_page(envelope, body) {
        Ok(page) => {
            assert!(is_good);
            let length: usize = page.value.iter().map(|value| value.get().len()).sum();
            assert!(length + page.next.map_or(0, |next| next.len()) <= body.len(), "a page that grew");
            page.value.iter().for_each(|value| check_user(User::read(value.get()).as_deref()));
        }
        Err(SendError::Refused(reply)) => assert!(!is_good && reply.status == envelope.status),
        Err(SendError::Lost(_)) => assert!(is_good),
        Err(other) => panic!("{other} where bytes are read"),
    }
}
