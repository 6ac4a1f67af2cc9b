//! JUnit XML over all tenants, read by an XML parser.

use crate::place::Place;
use quick_xml::{Reader, events::Event};
use std::collections::HashMap;

/// The attributes of each element with this name.
fn elements(xml: &str, wanted: &str) -> Vec<HashMap<String, String>> {
    let (mut reader, mut found) = (Reader::from_str(xml), Vec::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(element) | Event::Empty(element) if element.name().as_ref() == wanted => {
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.expect("an attribute");
                    let value = quick_xml::escape::unescape(&attribute.value).expect("escaped").into_owned();
                    (attribute.key.as_ref().to_owned(), value)
                });
                found.push(attributes.collect());
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn each_tenant_is_a_suite() {
    let faults = r#"{"tenants": {"fabrikam.com": {"token": {"refused": 65001}}}}"#;
    let place = Place::new(&["contoso.com", "fabrikam.com", "litware.org"], 4, faults);
    place.write("trust.csv", &(place.read("trust.csv") + "lost@contoso.com,contso\n"));
    let (code, told) = place.run(&["reset", "trust.csv", "--tenant-column", "School", "--run-dir", "autumn", "--yes"]);
    assert_eq!(code, Some(3), "{told}");
    let (code, told) = place.run(&["report", "autumn", "--format", "junit", "--output", "junit.xml"]);
    assert_eq!(code, Some(0), "{told}");
    let xml = place.read("junit.xml");
    let suites = elements(&xml, "testsuite");
    let told: Vec<[&str; 4]> =
        suites.iter().map(|suite| ["name", "tests", "errors", "skipped"].map(|key| suite[key].as_str())).collect();
    let expected = [
        ["trust.csv: contoso.com", "4", "0", "0"],
        ["trust.csv: fabrikam.com", "4", "4", "0"],
        ["trust.csv: litware.org", "4", "0", "0"],
        ["trust.csv: without-tenant", "1", "0", "1"],
    ];
    assert_eq!(told, expected);
    let all = &elements(&xml, "testsuites")[0];
    assert_eq!((all["tests"].as_str(), all["errors"].as_str()), ("13", "4"));
    let cases = elements(&xml, "testcase");
    assert_eq!((cases.len(), cases[0]["classname"].as_str()), (13, "passwave.trust.contoso_com"));
    let report = place.read("autumn/report.csv");
    let passwords = report.lines().skip(1).filter_map(|line| line.split(',').nth(3)).filter(|cell| cell.len() > 8);
    assert!(passwords.map(|password| assert!(!xml.contains(password))).count() > 0);
}
