//! A hundred thousand rows: read, searched and sorted without freezing.

use crate::{Page, browser};
use serde_json::json;
use std::fmt::Write;

const ROWS: usize = 100_000;
/// Prints before all rows are read, and keeps what the page says then.
const PRINTED_AT_ONCE: &str = "
    addEventListener('DOMContentLoaded', () => {
        dispatchEvent(new Event('beforeprint'));
        const last = document.querySelector('tbody tr:last-child').textContent;
        window.printed = `${document.getElementById('standing').textContent}; ${last}`;
        dispatchEvent(new Event('afterprint'));
    });";

#[test]
fn handles_a_hundred_thousand_rows() {
    let Some(browser) = browser() else { return };
    let mut csv = "UPN,Name,Class\n".to_owned();
    (1..=ROWS).for_each(|n| writeln!(csv, "pupil{n}@contoso.com,Pupil {n},{}", n % 13).expect("memory"));
    let page = Page::planned(csv, true);
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": PRINTED_AT_ONCE}));
    browser.open(&page.file());
    assert_eq!(
        browser.text("window.printed"),
        "100,000 of 100,000 rows; 90,000 more rows are not printed: narrow the search."
    );
    assert_eq!(browser.text("document.getElementById('standing').textContent"), "100,000 of 100,000 rows");
    assert!(browser.run("return document.querySelectorAll('tbody tr').length").as_u64().expect("a count") < 100);
    browser.run("const rows = document.getElementById('scroller'); rows.scrollTop = rows.scrollHeight");
    browser.wait("[...document.querySelectorAll('tbody .name')].at(-1)?.textContent === 'pupil100000@contoso.com'");
    let took =
        |what: &str| browser.run(&format!("const from = performance.now(); {what}; return performance.now() - from"));
    let search = took(
        "const search = document.getElementById('search'); search.value = 'pupil 99999'; search.dispatchEvent(new Event('input'))",
    );
    assert_eq!(browser.text("document.getElementById('standing').textContent"), "1 of 100,000 rows");
    browser.run(
        "const search = document.getElementById('search'); search.value = ''; search.dispatchEvent(new Event('input'))",
    );
    let sort = took(
        "document.querySelector('thead .c-account button').click(); document.querySelector('thead .c-account button').click()",
    );
    assert_eq!(browser.text("document.querySelector('tbody .name').textContent"), "pupil100000@contoso.com");
    let ready = browser.run("return performance.getEntriesByName('ready')[0].startTime");
    let drawn = browser.run("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null");
    eprintln!(
        "100,000 rows: first drawn after {drawn} ms, all read after {ready} ms; search {search} ms, two sorts {sort} ms"
    );
}
