//! JUnit XML, read by an XML parser.

use crate::{HOSTILE, finished, passwords};
use passwave::{
    ledger::{FILE_NAME, Ledger},
    report,
};
use quick_xml::{Reader, events::Event};
use std::collections::BTreeMap;

/// How often each element occurs in the text, and all its attributes, unescaped.
fn parsed(xml: &str) -> (BTreeMap<String, usize>, Vec<(String, String)>) {
    let (mut reader, mut elements, mut attributes) = (Reader::from_str(xml), BTreeMap::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.name().as_ref().to_owned();
                *elements.entry(name.clone()).or_default() += 1;
                for attribute in element.attributes() {
                    let attribute = attribute.expect("an attribute");
                    let value = quick_xml::escape::unescape(&attribute.value).expect("escaped").into_owned();
                    attributes.push((format!("{name}@{}", attribute.key.as_ref()), value));
                }
            }
            Event::Eof => return (elements, attributes),
            _ => {}
        }
    }
}

#[test]
fn an_account_is_a_case() {
    let (_home, ledger) = finished();
    let mut bytes = Vec::new();
    report::print_junit(&ledger, &mut bytes).expect("written");
    let xml = String::from_utf8(bytes).expect("UTF-8");
    let (elements, attributes) = parsed(&xml);
    let of = |name: &str| elements.get(name).copied().unwrap_or_default();
    assert_eq!(of("testcase"), HOSTILE.len() + 5);
    assert_eq!((of("failure"), of("error"), of("skipped")), (1, 2, 2));
    let value = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    for (name, count) in [("tests", of("testcase")), ("failures", 1), ("errors", 2), ("skipped", 2)] {
        assert_eq!(value(&format!("testsuite@{name}")), Some(count.to_string().as_str()), "{name}");
    }
    assert_eq!(value("testcase@classname"), Some("passwave.pupils_2026"));
    assert_eq!(value("failure@type"), Some("Request_ResourceNotFound"));
    assert_eq!(value("testsuite@timestamp").map(str::len), Some(19));
    // The text in the account's cell may be a password, because the header does not say what `Cell` is.
    let wrong = format!("row {}", HOSTILE.len() + 3);
    for name in ["pupil0@contoso.com", "o'gone@contoso.com", &wrong] {
        assert!(attributes.contains(&("testcase@name".into(), name.into())), "{name}");
    }
    assert!(attributes.iter().all(|(_, value)| !value.contains("not an address>")), "{attributes:?}");
    assert!(xml.contains("what to do: check the spelling") && xml.contains("type=\"pending\""));
}

#[test]
fn contains_no_passwords_or_commands() {
    let (_home, ledger) = finished();
    let mut bytes = Vec::new();
    report::print_junit(&ledger, &mut bytes).expect("written");
    let xml = String::from_utf8(bytes).expect("UTF-8");
    assert!(passwords(&ledger).iter().all(|password| !xml.contains(password)));
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed), "a character that XML 1.0 forbids");
    assert!(!xml.contains("##[") && !xml.lines().any(|line| line.trim_start().starts_with("::")));
}

#[test]
fn edited_endings_are_errors() {
    let (home, ledger) = finished();
    drop(ledger);
    let folder = home.path().join("run");
    let database = rusqlite::Connection::open(folder.join(FILE_NAME)).expect("a database");
    let change = "UPDATE account SET password = 'Other-4711-x' WHERE row = 1; \
                  UPDATE account SET state = 'reset', settled_at = 1 WHERE state = 'failed'";
    database.execute_batch(change).expect("changed");
    drop(database);
    let ledger = Ledger::open_to_read(&folder).expect("a ledger");
    let mut bytes = Vec::new();
    report::print_junit(&ledger, &mut bytes).expect("written");
    let (elements, attributes) = parsed(&String::from_utf8(bytes).expect("UTF-8"));
    let of = |name: &str| elements.get(name).copied().unwrap_or_default();
    // The row in doubt and the pending row were errors before.
    assert_eq!((of("failure"), of("error")), (0, 4));
    let changed = attributes.iter().filter(|(key, value)| key == "error@type" && value == "changed_in_ledger");
    assert_eq!(changed.count(), 3, "{attributes:?}");
}
