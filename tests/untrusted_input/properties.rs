//! The checks of every reader, with input from proptest and from the fuzzing corpora.

use crate::checks;
use proptest::{collection::vec, prelude::*, sample::select};
use std::{fs, path::Path};

/// A check of some bytes: it returns nothing, or panics.
type Check = fn(&[u8]);

/// Pieces of rosters.
const CELLS: [&str; 24] = [
    "userPrincipalName",
    "UPN",
    "password",
    "name",
    "ann@contoso.com",
    "ANN@contoso.com",
    "bob@fabrikam.com",
    "Ann",
    "version:v1.0",
    "Example: chris@contoso.com",
    "#TYPE x",
    "sep=;",
    "\"",
    "\"\"",
    "\"a\nb\"",
    "\"c;d,e\"",
    "",
    " ",
    "Zoë",
    "\u{FEFF}",
    "\u{200B}",
    "=1+1",
    "00000000-0000-4000-8000-000000000001",
    "\u{1b}[2J",
];
const DELIMITERS: [&str; 9] = [",", ";", "\t", "|", "\n", "\r\n", "\r", "\n\n", ","];
/// Pieces of answers.
const JSON: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "{\"responses\":[",
    "]}",
    "\"id\":\"1\"",
    "\"id\":2",
    "\"status\":204",
    "\"status\":429",
    "\"headers\":{",
    "\"Retry-After\":\"10\"",
    "\"Retry-After\":1e9",
    "\"x-ms-throttle-limit-percentage\":\"0.9\"",
    "\"body\":{",
    "\"error\":{",
    "\"code\":\"A\"",
    "\"message\":\"\\u0000\"",
    "\"innerError\":{\"request-id\":\"r\"}",
    "\"value\":[",
    "\"@odata.nextLink\":\"https://x\"",
    "\"userPrincipalName\":\"a@b.cc\"",
    "\"id\":\"00000000-0000-4000-8000-000000000001\"",
    "\"access_token\":\"a.e30.c\"",
    "\"expires_in\":3599",
    "\"error_description\":\"AADSTS7000215: x\\r\\n\"",
    "\"error_codes\":[7]",
    "\"roles\":[\"a\"]",
    "null",
];
/// Pieces of recipients files and key files.
#[cfg(feature = "seal")]
const KEYS: [&str; 8] = [
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
    "AGE-SECRET-KEY-1",
    "# a comment",
    "\u{FEFF}",
    "ssh-ed25519 AAAA",
    "age1",
    "\u{1b}[2J",
    "",
];
const WAITS: [&str; 14] = [
    "0",
    "10",
    "0.249",
    "1e99",
    "-1",
    "NaN",
    "inf",
    "Tue, 01 Sep 2026 07:00:30 GMT",
    "Mon, 31 Dec 9999 23:59:59 GMT",
    " ",
    "\t",
    "9999999999999999999",
    "+5",
    "0x10",
];

/// Bytes made of pieces, damaged in some places, or completely random.
fn bytes(pieces: &'static [&'static str], between: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = (select(pieces), select(between)).prop_map(|(piece, between)| format!("{piece}{between}"));
    let made =
        (any::<u8>(), vec(piece, 0..40)).prop_map(|(first, pieces)| [&[first], pieces.concat().as_bytes()].concat());
    let damaged = (made.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, byte)| {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    });
    prop_oneof![4 => made, 2 => damaged, 1 => vec(any::<u8>(), 0..300)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_roster_passes(bytes in bytes(&CELLS, &DELIMITERS)) {
        checks::roster::check(&bytes);
    }

    #[test]
    fn any_batch_response_passes(bytes in bytes(&JSON, &["", ",", "", " "])) {
        checks::wire::check(&bytes);
    }

    #[test]
    fn any_wait_passes(clock in any::<i64>(), bytes in bytes(&WAITS, &[""])) {
        checks::retry_after::check(&[&clock.to_le_bytes(), &bytes[bytes.len().min(1)..]].concat());
    }

    #[test]
    fn any_claims_pass(bytes in bytes(&JSON, &["", ",", ".", ""])) {
        checks::claims::check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_token_answer_passes(bytes in bytes(&JSON, &["", ",", "", " "])) {
        checks::token::check(&bytes);
    }

    #[test]
    fn any_ledger_passes(kind in any::<u8>(), changes in vec(any::<[u8; 5]>(), 0..6)) {
        checks::ledger::check(&[&[kind], changes.concat().as_slice()].concat());
    }
}

#[cfg(feature = "seal")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_sealed_form_passes(kind in 0_u8..4, changes in vec(any::<[u8; 3]>(), 0..4)) {
        checks::sealed::check(&[&[kind], changes.concat().as_slice()].concat());
    }

    #[test]
    fn any_key_file_passes(kind in 4_u8..6, bytes in bytes(&KEYS, &["\n", "", " ", "\r\n"])) {
        checks::sealed::check(&[&[kind], bytes.as_slice()].concat());
    }
}

/// Each file of a corpus goes to its check: the corpora include whatever fuzzing has found.
#[test]
fn corpora_pass_their_checks() {
    let corpora: &[(&str, Check)] = &[
        ("roster", checks::roster::check),
        ("wire", checks::wire::check),
        ("retry_after", checks::retry_after::check),
        ("claims", checks::claims::check),
        ("token", checks::token::check),
        ("ledger", checks::ledger::check),
        #[cfg(feature = "seal")]
        ("sealed", checks::sealed::check),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, check) in corpora {
        let files = fs::read_dir(root.join(name)).expect(name).map(|entry| entry.expect("an entry").path());
        for file in files {
            let bytes = fs::read(&file).expect("readable");
            let held = std::panic::catch_unwind(|| check(&bytes));
            assert!(held.is_ok(), "{}", file.display());
        }
    }
}
