//! Search, sort, reveal, print, and a malicious roster.

use crate::{Page, browser, browser::Browser, contrast};
use serde_json::json;

/// A cell that tries to inject a script.
const HOSTILE: &str = "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=1><!--\u{2028}${1}";
const ROWS: usize = 300;

fn accounts() -> Vec<String> {
    (1..=ROWS).map(|n| format!("pupil{n}@contoso.com")).collect()
}

fn page() -> Page {
    let mut csv = format!("UPN,Name,\"{HOSTILE}\"\n");
    for (nth, name) in accounts().iter().enumerate() {
        csv += &format!("{name},Zoë {nth},\"{HOSTILE}\"\n");
    }
    csv += &format!("\"{HOSTILE}@contoso.com\",Nobody,\npupil1@contoso.com,Again,\n");
    // One account that is not in the tenant, and a quota that someone else has used up.
    let faults = r#"{"quota_full": 0.05, "latency_ms": 100, "accounts": {"pupil7@contoso.com": "missing"}}"#;
    Page::planned(csv, true).run(&accounts(), faults)
}

fn standing(browser: &Browser) -> String {
    browser.text("document.getElementById('standing').textContent")
}

fn first(browser: &Browser) -> String {
    browser.text("document.querySelector('#table .name').textContent")
}

/// How many of the passwords are readable on the page.
fn readable(browser: &Browser, passwords: &[String]) -> usize {
    let text = browser.text("document.body.innerText");
    passwords.iter().filter(|password| text.contains(*password)).count()
}

fn click(browser: &Browser, selector: &str) {
    browser.run(&format!("document.querySelector({}).click()", json!(selector)));
}

#[test]
fn shows_the_run_without_secrets() {
    let Some(browser) = browser() else { return };
    let page = page();
    browser.open(&page.file());
    let text = browser.text("document.body.innerText");
    for told in
        ["This was a rehearsal", "299 of 300 accounts would have a new password", "What needs attention", "What to do:"]
    {
        assert!(text.contains(told), "{told} is missing: {text}");
    }
    contrast::check(&browser);
    searching(&browser);
    sorting(&browser);
    revealing(&browser, &page.passwords());
    printing(&browser, &page.passwords());
    harm(&browser);
    let asked = browser.requests();
    assert!(!asked.is_empty() && asked.iter().all(|url| url.starts_with("file:///")), "{asked:?}");
    assert_eq!(browser.complaints(), Vec::<serde_json::Value>::new());
}

fn search(browser: &Browser, words: &str) {
    browser.run(&format!(
        "const search = document.getElementById('search'); search.value = {}; search.dispatchEvent(new Event('input'))",
        json!(words)
    ));
}

fn searching(browser: &Browser) {
    assert_eq!((standing(browser).as_str(), first(browser).as_str()), ("302 of 302 rows", "pupil1@contoso.com"));
    search(browser, "ZOE pupil299@");
    assert_eq!((standing(browser).as_str(), first(browser).as_str()), ("1 of 302 rows", "pupil299@contoso.com"));
    search(browser, "no such person");
    assert!(browser.text("document.getElementById('table').tBodies[0].textContent").contains("No row matches."));
    search(browser, "");
    click(browser, "a[data-code=Request_ResourceNotFound]");
    assert_eq!((standing(browser).as_str(), first(browser).as_str()), ("1 of 302 rows", "pupil7@contoso.com"));
    click(browser, "#clear");
    browser.run("const status = document.getElementById('status'); status.value = 'skipped'; status.dispatchEvent(new Event('change'))");
    assert_eq!(standing(browser), "2 of 302 rows");
    browser.run("const status = document.getElementById('status'); status.value = ''; status.dispatchEvent(new Event('change'))");
}

fn sorting(browser: &Browser) {
    let sorted = "document.querySelector('th[aria-sort]')?.ariaSort ?? 'none'";
    let by_name = "thead .c-account button";
    assert_eq!(browser.text(sorted), "none");
    click(browser, by_name);
    assert_eq!(browser.text(sorted), "ascending");
    let names = "[...document.querySelectorAll('#table .name')].map((name) => name.textContent).slice(0, 4).join()";
    assert_eq!(browser.text(names), "pupil1@contoso.com,pupil1@contoso.com,pupil2@contoso.com,pupil3@contoso.com");
    click(browser, by_name);
    assert_eq!((browser.text(sorted).as_str(), first(browser).as_str()), ("descending", "pupil300@contoso.com"));
    click(browser, by_name);
    assert_eq!((browser.text(sorted).as_str(), first(browser).as_str()), ("none", "pupil1@contoso.com"));
}

fn revealing(browser: &Browser, passwords: &[String]) {
    assert_eq!(passwords.len(), ROWS - 1);
    assert_eq!(readable(browser, passwords), 0, "hidden until asked for");
    click(browser, "#table .act");
    assert_eq!(readable(browser, passwords), 1);
    let label = "document.querySelector('#table .act').getAttribute('aria-label')";
    assert_eq!(browser.text(label), "Hide the password of pupil1@contoso.com");
    click(browser, "#reveal");
    assert!(readable(browser, passwords) > 10);
    assert_eq!(browser.text("document.getElementById('reveal').textContent"), "Hide all passwords");
    click(browser, "#reveal");
    assert_eq!(readable(browser, passwords), 0);
    search(browser, &passwords[5]);
    assert_eq!(standing(browser), "0 of 302 rows", "a password is not found by searching");
    search(browser, "");
}

fn printing(browser: &Browser, passwords: &[String]) {
    browser.run(
        "addEventListener('beforeprint', () => { window.printed = document.querySelectorAll('tbody .name').length })",
    );
    assert!(browser.print().starts_with(b"%PDF-"));
    assert_eq!(browser.text("window.printed"), "302", "all rows are on paper");
    browser.wait("document.querySelectorAll('tbody .name').length < 100");
    browser.devtools("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    browser.run("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(readable(browser, passwords), 0, "what is hidden is not printed");
    let layout = "[getComputedStyle(document.querySelector('.rows thead')).display, \
                   getComputedStyle(document.getElementById('controls')).display, \
                   getComputedStyle(document.querySelector('#table .act')).display, \
                   getComputedStyle(document.getElementById('scroller')).overflowY, \
                   document.querySelectorAll('#table thead button').length].join()";
    assert_eq!(browser.text(layout), "table-header-group,none,none,visible,0");
    click(browser, "#table .act");
    assert_eq!(readable(browser, passwords), 1, "what is shown is printed");
    click(browser, "#table .act");
    browser.run("dispatchEvent(new Event('afterprint'))");
    assert_ne!(browser.text("document.querySelectorAll('#table thead button').length"), "0");
    browser.devtools("Emulation.setEmulatedMedia", &json!({"media": ""}));
}

fn harm(browser: &Browser) {
    click(browser, "#table .name");
    let shown = browser.text("document.getElementById('one').innerText");
    assert!(shown.contains(&HOSTILE.replace('\u{2028}', "\u{FFFD}")), "{shown}");
    click(browser, "#one-close");
    assert_eq!(browser.text("typeof window.harmed"), "undefined");
    assert_eq!(browser.text("document.querySelectorAll('img, iframe, object').length"), "0");
}
