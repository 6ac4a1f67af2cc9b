//! Links: each link within the source leads to a file and a heading in it, and each page of the book is in its table of
//! contents.

use crate::pages::{Page, pages, root};
use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

/// The targets of a page's links, outside of code.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prose in prose(page) {
        // A link may be broken over lines between its text and its target, but not within the target.
        found.extend(
            prose.split("](").skip(1).map(|rest| rest.split([')', ' ', '\n']).next().unwrap_or_default().to_owned()),
        );
    }
    found
}

/// A page without its code blocks and code spans.
fn prose(page: &str) -> Vec<String> {
    let mut is_code = false;
    let mut text = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            text.push_str(line);
            text.push('\n');
        }
    }
    vec![text.split('`').step_by(2).collect::<Vec<_>>().join("`")]
}

/// The anchors of a page's headings, as GitHub and mdBook name them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut anchors = BTreeSet::new();
    for line in page.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if !is_code && title.len() < line.len() && title.starts_with(' ') {
            let kept = title.trim().to_lowercase();
            let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    anchors
}

/// `path` without `.` and `..`.
fn flat(path: &Path) -> PathBuf {
    let mut flat = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = flat.pop(),
            Component::CurDir => {}
            part => flat.push(part),
        }
    }
    flat
}

fn fault(page: &Page, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let own = Path::new(&page.path);
    let target = if file.is_empty() { own.to_owned() } else { flat(&own.parent().expect("a folder").join(file)) };
    if own.starts_with("docs") && !target.starts_with("docs") {
        return Some("leads out of the book; name the file instead".to_owned());
    }
    if !root().join(&target).exists() {
        return Some("leads to no file".to_owned());
    }
    let anchor = anchor?;
    let known = anchors(&Page::read(&target.to_string_lossy()).text);
    (!known.contains(anchor)).then(|| format!("leads to no heading; there are {known:?}"))
}

#[test]
fn every_link_leads_somewhere() {
    let (mut faults, mut seen) = (Vec::new(), 0);
    for page in pages() {
        for link in links(&page.text) {
            seen += 1;
            faults.extend(fault(&page, &link).map(|fault| format!("{}: {link} {fault}", page.path)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 100, "{seen} links");
}

#[test]
fn every_page_is_in_the_contents() {
    let listed: BTreeSet<String> =
        links(&Page::read("docs/SUMMARY.md").text).into_iter().map(|link| format!("docs/{link}")).collect();
    let book = pages().into_iter().map(|page| page.path).filter(|path| path.starts_with("docs/"));
    let book: BTreeSet<String> = book.filter(|path| path != "docs/SUMMARY.md").collect();
    assert_eq!(listed, book);
}

#[test]
fn pages_list_the_same_permissions() {
    let table = |path: &str| -> Vec<String> {
        let text = Page::read(path).text;
        let rows = text.lines().map(str::trim).skip_while(|line| !line.starts_with("| Permission"));
        rows.take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
    };
    assert_eq!(table("README.md"), table("docs/guide/signing-in.md"));
    assert_eq!(table("README.md").len(), 8);
}

#[test]
fn broken_links_are_found() {
    let page = |text: &str| Page { path: "docs/guide/install.md".to_owned(), text: text.to_owned() };
    let faults = |text: &str| links(text).iter().filter_map(|link| fault(&page(text), link)).count();
    assert_eq!(faults("[a](install.md) [b](../reference/report.md#columns-of-the-report) [c](https://a.b)"), 0);
    assert_eq!(faults("[a](none.md) [b](install.md#nothing) [c](../../README.md)"), 3);
    assert_eq!(faults("`[a](none.md)`\n```text\n[a](none.md)\n```\n"), 0);
    assert_eq!(anchors("# A `b`, c\n## D_e (f)\n"), ["a-b-c", "d_e-f"].map(str::to_owned).into());
}
