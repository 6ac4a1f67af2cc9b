//! Whether each change of the evidence is found, and named.

use super::{
    chain::Chain,
    check::{Checked, EvidenceFault, read},
};
use proptest::prelude::*;

fn evidence(rows: &[String]) -> String {
    let (head, mut chain) = Chain::begin(r#"{"schema":"passwave.evidence.v1","run_id":"0a","person":"ñ \ufffd �"}"#);
    let lines: Vec<String> = rows.iter().map(|row| chain.add(row)).collect();
    let gap = if lines.is_empty() { "" } else { "\n" };
    format!("{head}\n{}{gap}{}\n", lines.join(",\n"), chain.end(rows.len() as u64))
}

fn rows(number: u64) -> Vec<String> {
    let row = |row| format!(r#"{{"row":{row},"user_principal_name":"user{row}@contoso.com","status":"reset"}}"#);
    (1..=number).map(row).collect()
}

fn checked(text: &[u8]) -> Result<Checked, EvidenceFault> {
    read(text)
}

#[test]
fn evidence_as_it_was_written_holds() {
    for number in [0, 1, 2, 30] {
        let text = evidence(&rows(number));
        assert_eq!(checked(text.as_bytes()).expect("it holds").rows, number);
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    }
}

#[test]
fn any_changed_bit_is_found() {
    let text = evidence(&rows(3));
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            assert!(checked(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn first_changed_line_is_named() {
    let text = evidence(&rows(5));
    let changed =
        |from: &str, to: &str| checked(text.replacen(from, to, 1).as_bytes()).expect_err("changed").to_string();
    assert_eq!(changed("0a", "0b"), "the description of the run (line 1) was changed");
    assert!(changed("user3@", "user4@").contains("line 4") && changed("user3@", "user4@").contains("row 3"));
    assert!(changed("\"row_count\":5", "\"row_count\":6").contains("(line 7)"));
    let lines: Vec<&str> = text.lines().collect();
    let without = |at: usize| [&lines[..at], &lines[at + 1..]].concat().join("\n") + "\n";
    assert!(checked(without(3).as_bytes()).expect_err("dropped").to_string().contains("row 3 was changed, dropped"));
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    assert!(matches!(checked((swapped.join("\n") + "\n").as_bytes()), Err(EvidenceFault::Row { line: 3, .. })));
    // Without the last row, the row before it has a comma too many.
    assert!(matches!(checked(without(5).as_bytes()), Err(EvidenceFault::End(6))));
    assert!(matches!(checked(without(6).as_bytes()), Err(EvidenceFault::CutOff(6))));
    assert!(matches!(checked((text.clone() + "\n").as_bytes()), Err(EvidenceFault::End(7))));
    assert!(matches!(checked(b"{}\n"), Err(EvidenceFault::NotEvidence)));
    assert!(matches!(checked(b""), Err(EvidenceFault::NotEvidence)));
}

proptest! {
    #[test]
    fn no_input_breaks_the_check(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
        let mut text = evidence(&rows(3)).into_bytes();
        let at = at.min(text.len());
        text.splice(at.., bytes);
        let _ = checked(&text);
    }

    #[test]
    fn cut_or_repeated_parts_are_found(from in 0_usize..700, length in 1_usize..200) {
        let text = evidence(&rows(4)).into_bytes();
        let (from, to) = (from.min(text.len() - 1), (from + length).min(text.len()));
        prop_assume!(from < to);
        prop_assert!(checked(&[&text[..from], &text[to..]].concat()).is_err());
        prop_assert!(checked(&[&text[..to], &text[from..]].concat()).is_err());
    }
}
