//! Handouts in a browser and in print: eight slips on a sheet, nothing is cut off, and their own typeface is used.

use crate::{Page, browser, browser::Browser};
use passwave::{
    account::language::Language,
    handouts::{Handouts, Template, Wishes},
};
use std::path::PathBuf;

/// The printable height of US Letter, the shorter of the two papers: 279.4 mm minus two margins of 10 mm.
const SHEET_MM_MAX: f64 = 259.4;
/// A name that tries to inject a script.
const HOSTILE: &str = "</p><script>window.harmed=1</script><img src=x onerror=window.harmed=1>";

/// The handouts of a run with this many pupils, in one file. The second pupil has this name.
fn handouts(rows: usize, language: Language, second: &str) -> (Page, PathBuf) {
    let account = |n: usize| match n {
        3 => format!("{}@{}.contoso.com", "maximilian.a".repeat(5), "hohenfels-wallenstein.gymnasium"),
        n => format!("pupil{n}@contoso.com"),
    };
    let accounts: Vec<String> = (1..=rows).map(account).collect();
    let mut csv = "UPN,Given name,Surname\n".to_owned();
    for (nth, upn) in accounts.iter().enumerate() {
        let given = if nth == 1 { second } else { "Maximiliane Alexandra" };
        csv += &format!("{upn},{given},Zoë {nth}\n");
    }
    let page = Page::planned(csv, true).run(&accounts, "{}");
    let folder = page.home.path().join("handouts");
    let mut wishes = Wishes::default();
    wishes.language = language;
    let handouts = Handouts::new(&page.ledger, wishes).expect("slips");
    handouts.write(&folder, &Template::default(), None).expect("written");
    (page, folder.join("handouts.html"))
}

/// The number of sheets in a PDF from Chromium.
fn sheets(pdf: &[u8]) -> usize {
    String::from_utf8_lossy(pdf).matches("/Type /Page\n").count()
}

fn number(browser: &Browser, expression: &str) -> f64 {
    browser.run(&format!("return {expression}")).as_f64().expect("a number")
}

#[test]
fn slips_fit_in_every_language() {
    let Some(browser) = browser() else { return };
    for (language, rows, expected) in
        [(Language::Fr, 37, 5), (Language::De, 8, 1), (Language::Es, 9, 2), (Language::En, 1, 1)]
    {
        let (_page, file) = handouts(rows, language, "Ann");
        browser.open_plain(&file);
        browser.devtools("Emulation.setEmulatedMedia", &serde_json::json!({"media": "print"}));
        assert_eq!(number(&browser, "document.querySelectorAll('.slip').length"), rows as f64);
        assert_eq!(number(&browser, "document.querySelectorAll('.sheet').length"), expected as f64);
        let highest =
            "Math.max(...[...document.querySelectorAll('.sheet')].map((sheet) => sheet.offsetHeight)) * 25.4 / 96";
        assert!(number(&browser, highest) <= SHEET_MM_MAX, "{language}: {}", number(&browser, highest));
        let cut = "[...document.querySelectorAll('.slip *')].filter((part) => { \
                   const [box, slip] = [part.getBoundingClientRect(), part.closest('.slip').getBoundingClientRect()]; \
                   return !part.closest('.scissors') && (box.right > slip.right || box.bottom > slip.bottom); }).length";
        assert_eq!(number(&browser, cut), 0.0, "{language}: something stands out of its slip");
        assert_eq!(sheets(&browser.print()), expected, "{language}");
    }
}

#[test]
fn slips_fit_a_phone() {
    let Some(browser) = browser() else { return };
    let (page, file) = handouts(9, Language::De, "Ann");
    let size = serde_json::json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
    browser.devtools("Emulation.setDeviceMetricsOverride", &size);
    browser.open_plain(&file);
    let wide = "Math.max(document.documentElement.scrollWidth, \
                ...[...document.querySelectorAll('.slip *')].map((part) => part.getBoundingClientRect().right))";
    assert!(number(&browser, wide) <= 390.0, "{}", number(&browser, wide));
    let letters = "parseFloat(getComputedStyle(document.querySelector('.next')).fontSize)";
    assert!(number(&browser, letters) >= 14.0, "letters that can be read: {}", number(&browser, letters));
    assert!(page.passwords().iter().all(|password| browser.text("document.body.innerText").contains(password)));
}

#[test]
fn handout_page_is_self_contained() {
    let Some(browser) = browser() else { return };
    let (page, file) = handouts(9, Language::En, HOSTILE);
    browser.open_plain(&file);
    let typeface = "[...document.fonts].map((face) => face.family + ' ' + face.status).join()";
    browser.wait(&format!("({typeface}).endsWith('loaded')"));
    assert!(browser.text(typeface).contains("Atkinson Hyperlegible Mono"));
    let text = browser.text("document.body.innerText");
    assert!(page.passwords().iter().all(|password| text.contains(password)), "each password is one text: {text}");
    assert!(text.contains(HOSTILE), "{text}");
    assert_eq!(browser.text("typeof window.harmed"), "undefined");
    assert_eq!(browser.text("document.querySelectorAll('script, img').length"), "0");
    let asked = browser.requests();
    assert!(!asked.is_empty() && asked.iter().all(|url| url.starts_with("file:///") || url.starts_with("data:font/")));
    assert_eq!(browser.complaints(), Vec::<serde_json::Value>::new());
}
