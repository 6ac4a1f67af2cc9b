//! The layout of the page: the rows on the first screen, on a desktop, on a phone and on paper.

use crate::{Page, browser, browser::Browser, contrast};
use passwave::{ledger::ClaimState, report};
use serde_json::{Value, json};

const ROWS: usize = 120;

/// A run of this many pupils, one of whom is not in the tenant. The quota is `full` to this share.
fn page(full: f64, rehearsal: bool) -> Page {
    let accounts: Vec<String> = (1..=ROWS).map(|nth| format!("a.featherstone{nth}@contoso.com")).collect();
    let mut csv = "Class,Surname,Given name,UPN,Building,Head teacher,Remark\n".to_owned();
    for (nth, upn) in accounts.iter().enumerate() {
        csv += &format!("{}A,Åberg-Smith,Anna {nth},{upn},Main building,Dr Åberg,A remark of some length\n", nth % 13);
    }
    let faults =
        format!(r#"{{"quota_full": {full}, "latency_ms": 100, "accounts": {{"{}": "missing"}}}}"#, accounts[ROWS - 1]);
    Page::planned(csv, rehearsal).run(&accounts, &faults)
}

fn window(browser: &Browser, width: u32, height: u32) {
    let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
    browser.devtools("Emulation.setDeviceMetricsOverride", &size);
}

fn number(browser: &Browser, expression: &str) -> f64 {
    browser.run(&format!("return {expression}")).as_f64().unwrap_or_else(|| panic!("{expression}"))
}

fn texts(browser: &Browser, selector: &str) -> Vec<String> {
    let script = format!("return [...document.querySelectorAll({})].map((part) => part.textContent)", json!(selector));
    let texts = browser.run(&script);
    texts.as_array().expect("a list").iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

/// The rows of the table that are visible without scrolling the page.
const SEEN: &str = "[...document.querySelectorAll('#table tbody .name')].filter((name) => {
    const [box, frame] = [name.getBoundingClientRect(), document.getElementById('scroller').getBoundingClientRect()];
    return box.top >= 0 && box.bottom <= Math.min(innerHeight, frame.bottom); }).length";
/// Cells and buttons of the rows whose text is cut off, except the message; names may be long.
const CUT: &str = "[...document.querySelectorAll('#table th, #table td:not(.c-error), #table .name')]
    .filter((part) => part.offsetParent && part.scrollWidth > part.clientWidth + 1).map((part) => part.className + ' ' + part.textContent)";

fn nothing_overflows(browser: &Browser, width: &str) {
    for part in ["document.documentElement", "document.getElementById('scroller')"] {
        let (wide, room) = (format!("{part}.scrollWidth"), format!("{part}.clientWidth"));
        assert!(number(browser, &wide) <= number(browser, &room), "{part} at {width}");
    }
    let cut = browser.run(&format!("return {CUT}"));
    assert_eq!(cut, Value::Array(Vec::new()), "cut off at {width}");
}

#[test]
fn rows_fill_the_first_screen() {
    let Some(browser) = browser() else { return };
    let page = page(1.0, false);
    window(&browser, 1280, 900);
    browser.open(&page.file());
    assert!(number(&browser, SEEN) >= 14.0, "{}", number(&browser, SEEN));
    nothing_overflows(&browser, "1280");
    let titles = texts(&browser, "#table thead th");
    let at =
        |title: &str| titles.iter().position(|other| other == title).unwrap_or_else(|| panic!("{title}: {titles:?}"));
    assert_eq!(at("Name"), at("Account") + 1, "the name stands beside the account: {titles:?}");
    assert!(at("Status") < at("Password") && at("Password") < at("Class"), "{titles:?}");
    assert_eq!(texts(&browser, "#table tbody .c-name")[0], "Anna 0 Åberg-Smith");
    assert!(!titles.contains(&"Surname".to_owned()), "the name is shown once: {titles:?}");
    assert!(texts(&browser, "#more")[0].contains("in each row's details"), "what has no room is not lost");
    assert_eq!(texts(&browser, "svg.course").len(), 0, "a short run has no picture");
    assert!(
        !texts(&browser, ".first")[0].contains(&page.ledger.fingerprint().expect("one")),
        "ids are out of the head"
    );
    contrast::check(&browser);
    window(&browser, 1920, 1300);
    browser.wait(&format!("({SEEN}) >= 22"));
    nothing_overflows(&browser, "1920");
}

#[test]
fn zeros_are_grey() {
    let Some(browser) = browser() else { return };
    let accounts = vec!["ann@contoso.com".to_owned()];
    let page = Page::planned("UPN\nann@contoso.com\n".into(), true).run(&accounts, "{}");
    browser.open(&page.file());
    let colour =
        |selector: &str| browser.text(&format!("getComputedStyle(document.querySelector('{selector}')).color"));
    assert_eq!(texts(&browser, ".counts .failed strong"), ["✕ 0"]);
    assert_eq!(colour(".counts .failed strong"), colour(".lead"));
    assert_ne!(colour(".counts .reset strong"), colour(".lead"));
}

#[test]
fn long_runs_have_their_picture_below() {
    let Some(browser) = browser() else { return };
    let mut csv = "UPN\n".to_owned();
    let accounts: Vec<String> = (1..=400).map(|nth| format!("pupil{nth}@contoso.com")).collect();
    accounts.iter().for_each(|upn| csv += &format!("{upn}\n"));
    let page = Page::planned(csv, true).run(&accounts, r#"{"quota_full": 0.0, "latency_ms": 100}"#);
    browser.open(&page.file());
    let top =
        |selector: &str| number(&browser, &format!("document.querySelector('{selector}').getBoundingClientRect().top"));
    assert!(top("svg.course") > top("#table"));
    let took =
        texts(&browser, ".lead")[0].split("would take ").nth(1).expect("a time").split(" ·").next().map(str::to_owned);
    let caption = texts(&browser, "figcaption")[0].clone();
    assert!(caption.contains(&format!("After {}", took.expect("a time"))), "one wording: {caption}");
}

#[test]
fn sweeps_have_their_picture_and_their_rows() {
    let Some(browser) = browser() else { return };
    let mut page = page(1.0, false);
    let day = |nth: i64| page.ledger.times().expect("times").endings[0].0 + nth * 86_400_000;
    let (first, second) = (day(1), day(3));
    let claims = |yes: u64| {
        let state = move |row: u64| if row <= yes { (ClaimState::Yes, Some(second)) } else { (ClaimState::No, None) };
        (1..ROWS as u64).map(move |row| (row, state(row).0, state(row).1)).collect::<Vec<_>>()
    };
    for (yes, at) in [(10, first), (40, second)] {
        page.ledger.keep_claims(&claims(yes)).expect("a ledger");
        page.ledger.end_sweep(at).expect("a ledger");
    }
    report::write(&page.ledger).expect("reports");
    window(&browser, 1280, 900);
    browser.open(&page.file());
    let caption = &texts(&browser, "figcaption")[0];
    assert!(caption.contains("40 of 119 users have chosen a password of their own (33 %)"), "{caption}");
    assert!(caption.contains("30 of them did so after the sweep before"), "{caption}");
    assert_eq!(texts(&browser, "circle.dot").len(), 2);
    let wide = "document.querySelector('svg.course').getBoundingClientRect().width";
    assert!(number(&browser, wide) > 1_000.0);
    nothing_overflows(&browser, "1280");
    assert!(texts(&browser, "#table thead th").contains(&"Claimed".to_owned()));
    contrast::check(&browser);
    browser.run("document.querySelector('a[data-claimed=no]').click()");
    assert!(texts(&browser, "#standing")[0].starts_with("79 of 120 rows"), "{:?}", texts(&browser, "#standing"));
    browser.run("document.getElementById('clear').click()");
    assert!(texts(&browser, "#standing")[0].starts_with("120 of 120 rows"), "the filter can be removed");
    window(&browser, 390, 844);
    nothing_overflows(&browser, "390");
}

#[test]
fn phone_shows_the_main_columns() {
    let Some(browser) = browser() else { return };
    let page = page(1.0, true);
    window(&browser, 390, 844);
    browser.open(&page.file());
    nothing_overflows(&browser, "390");
    assert!(number(&browser, SEEN) >= 3.0, "{}", number(&browser, SEEN));
    for part in [
        ".name",
        ".c-name",
        ".c-status .badge",
        ".c-password .secret",
        ".c-password .act",
        ".c-password .act:last-child",
    ] {
        let script = format!(
            "const box = document.querySelector('#table tbody {part}').getBoundingClientRect();
             return box.width > 8 && box.height > 8 && box.left >= 0 && box.right <= innerWidth"
        );
        assert_eq!(browser.run(&script), Value::Bool(true), "{part}");
    }
    browser.run("document.querySelector('#table .act').click()");
    let shown = "document.querySelector('#table .secret').textContent";
    assert!(page.passwords().contains(&browser.text(shown)));
    nothing_overflows(&browser, "390, a password shown");
    browser.run("const rows = document.getElementById('scroller'); rows.scrollTop = rows.scrollHeight");
    let last = format!("a.featherstone{ROWS}@contoso.com");
    browser.wait(&format!("[...document.querySelectorAll('tbody .name')].at(-1)?.textContent === '{last}'"));
    contrast::check(&browser);
}

#[test]
fn paper_holds_many_rows() {
    let Some(browser) = browser() else { return };
    let page = page(1.0, false);
    browser.open(&page.file());
    let sheets = String::from_utf8_lossy(&browser.print()).matches("/Type /Page\n").count();
    assert!((2..=ROWS / 30 + 1).contains(&sheets), "{sheets} sheets for {ROWS} rows");
    browser.devtools("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    browser.run("dispatchEvent(new Event('beforeprint'))");
    let titles = texts(&browser, "#table thead th");
    let kept = ["Account", "Name", "Status", "Password"].map(str::to_owned);
    assert!(titles.windows(kept.len()).any(|some| some == kept), "{titles:?}");
    let changed = texts(&browser, "#table tbody .c-changed");
    assert!(changed.iter().all(|time| time.is_empty() || time.len() == 5), "hours and minutes: {changed:?}");
    let breaks = "[...document.querySelectorAll('body *')].filter((part) => \
                  ['page', 'left', 'right'].includes(getComputedStyle(part).breakBefore)).length";
    assert_eq!(number(&browser, breaks), 0.0);
}
