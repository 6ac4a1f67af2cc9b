//! Imports go down only: between the layers in the table of `src/lib.rs`, and without a cycle inside any folder.
//!
//! It reads paths as text: `use` trees, and paths in code that begin with `crate`, `passwave`, `self` or `super`. A
//! folder's `mod.rs` is the folder itself, so what it and its files use from each other is not a cycle. Test code is
//! ignored.

use super::{files, without_tests};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Cycles that are still to be removed. An entry that is no longer found must be removed.
const KNOWN: &[&str] = &[];

/// A module by its segments, without the crate's name.
type Module = Vec<String>;

/// A source file: its module, and everything that it names, as full paths.
struct Source {
    module: Module,
    names: BTreeSet<Module>,
    /// Names that a `mod.rs` re-exports, each with the child module that has it.
    exports: BTreeMap<String, String>,
}

/// The layers as the library's first page lists them, from the top.
fn layers() -> Vec<String> {
    let (_, page) = files("src").into_iter().find(|(path, _)| path == Path::new("lib.rs")).expect("src/lib.rs");
    let cell =
        |line: &str| Some(line.strip_prefix("//! | ")?.split(" | ").next()?.trim_matches(['[', ']', '`']).to_owned());
    page.lines().filter_map(cell).filter(|name| name != "layer").collect()
}

fn module_of(path: &Path) -> Module {
    let mut module: Module = path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    module
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name.ends_with("tests") || path.components().any(|part| part.as_os_str() == "tests")
}

/// The paths of a `use` tree or of an expression, from the first segment on; and the rest of the text.
fn paths<'a>(text: &'a str, prefix: &Module, found: &mut Vec<Module>) -> &'a str {
    let (mut text, mut path) = (text.trim_start(), prefix.clone());
    loop {
        if let Some(mut group) = text.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|letter: char| letter.is_whitespace() || letter == ',');
                match group.strip_prefix('}') {
                    Some(rest) => return rest,
                    None if !group.starts_with(is_word) && !group.starts_with(['{', '*']) => return group,
                    None => group = paths(group, &path, found),
                }
            }
        }
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
        if end > 0 {
            path.push(text[..end].to_owned());
        }
        let rest = &text[end..];
        match rest.strip_prefix("::") {
            Some(next) => text = next,
            None => {
                found.push(path);
                let end = rest.find([',', '}', ';']).unwrap_or(rest.len());
                return if rest.starts_with(" as ") || rest.starts_with('*') { &rest[end..] } else { rest };
            }
        }
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Every path in a text that begins with one of `heads`.
fn all_paths(text: &str, heads: &[&str]) -> Vec<Module> {
    let mut found = Vec::new();
    for head in heads {
        let sign = format!("{head}::");
        for (at, _) in text.match_indices(&sign) {
            let is_inside = text[..at].ends_with(|letter: char| is_word(letter) || letter == ':');
            if !is_inside {
                paths(&text[at..], &Vec::new(), &mut found);
            }
        }
    }
    found
}

fn source(path: &Path, text: &str) -> Source {
    let code = without_tests(text);
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).fold(String::new(), |mut all, line| {
            all.push_str(line);
            all.push('\n');
            all
        });
    let module = module_of(path);
    let names = all_paths(&code, &["crate", "passwave", "self", "super"])
        .into_iter()
        .filter_map(|path| full(&module, path))
        .collect();
    let mut exports = BTreeMap::new();
    for statement in code.split("use ").skip(1) {
        let mut found = Vec::new();
        paths(statement, &Vec::new(), &mut found);
        for path in found {
            let path = if path.first().is_some_and(|part| part == "self") { &path[1..] } else { &path[..] };
            if let [child, .., name] = path {
                exports.insert(name.clone(), child.clone());
            }
        }
    }
    Source { module, names, exports }
}

/// A path from the crate's root; `None` if it is in another crate.
fn full(module: &Module, path: Module) -> Option<Module> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path[0].as_str() {
        "crate" | "passwave" => Some(path[1..].to_vec()),
        "self" => Some(module.iter().chain(&path[1..]).cloned().collect()),
        _ => Some(module[..module.len().checked_sub(ups)?].iter().chain(&path[ups..]).cloned().collect()),
    }
}

fn sources() -> Vec<Source> {
    let is_module = |path: &Path| path != Path::new("lib.rs") && path != Path::new("main.rs") && !is_test(path);
    files("src").iter().filter(|(path, _)| is_module(path)).map(|(path, text)| source(path, text)).collect()
}

/// For each folder, which of its modules names which others.
fn arrows(sources: &[Source]) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
    let by_module: BTreeMap<&Module, &Source> = sources.iter().map(|source| (&source.module, source)).collect();
    let mut arrows: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for source in sources {
        for name in &source.names {
            let shared = source.module.iter().zip(name).take_while(|(one, other)| one == other).count();
            let (Some(own), Some(next)) = (source.module.get(shared), name.get(shared)) else { continue };
            let folder = source.module[..shared].to_vec();
            let exported = by_module.get(&folder).and_then(|folder| folder.exports.get(next));
            let other = exported.unwrap_or(next);
            let is_module =
                by_module.keys().any(|module| module.starts_with(&folder) && module.get(shared) == Some(other));
            if is_module && own != other {
                arrows.entry(folder).or_default().entry(own.clone()).or_default().insert(other.clone());
            }
        }
    }
    arrows
}

/// A path from a module back to the first module of `way`.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>, way: &mut Vec<String>, seen: &mut BTreeSet<String>) -> bool {
    let last = way.last().cloned().unwrap_or_default();
    for next in arrows.get(&last).into_iter().flatten() {
        if *next == way[0] {
            return true;
        }
        if seen.insert(next.clone()) {
            way.push(next.clone());
            if circle(arrows, way, seen) {
                return true;
            }
            way.pop();
        }
    }
    false
}

fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let ways = arrows.keys().map(|start| vec![start.clone()]);
    ways.filter_map(|mut way| circle(arrows, &mut way, &mut BTreeSet::new()).then(|| way.join(" -> "))).collect()
}

#[test]
fn every_layer_is_a_folder() {
    let found: BTreeSet<String> = sources().iter().map(|source| source.module[0].clone()).collect();
    let expected: BTreeSet<String> = layers().into_iter().chain(["cli".to_owned()]).collect();
    assert_eq!(found, expected);
}

#[test]
fn layers_use_only_lower_layers() {
    let mut order = layers();
    order.insert(0, "cli".into());
    let height = |module: &Module| order.iter().rev().position(|layer| *layer == module[0]);
    let mut faults = Vec::new();
    for source in sources() {
        for name in source.names.iter().filter(|name| !name.is_empty() && name[0] != source.module[0]) {
            if height(name).is_some_and(|used| Some(used) >= height(&source.module)) {
                faults.push(format!("{} uses {}", source.module.join("::"), name.join("::")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn parses_paths_like_the_compiler() {
    let text = "use crate::{\n    a::{self, B, c::{D, E as F}},\n    g,\n};\nfn x() { super::h::i(); crate::j::K }";
    let found: BTreeSet<String> = all_paths(text, &["crate", "super"]).iter().map(|path| path.join("::")).collect();
    let expected =
        ["crate::a::self", "crate::a::B", "crate::a::c::D", "crate::a::c::E", "crate::g", "super::h::i", "crate::j::K"];
    assert_eq!(found, expected.into_iter().map(str::to_owned).collect());
}

#[test]
fn cycles_are_found() {
    let sources = [
        source(Path::new("a/mod.rs"), "use b::B;"),
        source(Path::new("a/b.rs"), "use super::c::C;"),
        source(Path::new("a/c.rs"), "use super::B;"),
        source(Path::new("a/d.rs"), "use crate::a::c::C;"),
    ];
    assert_eq!(circles(&arrows(&sources)[&vec!["a".to_owned()]]), ["b -> c", "c -> b"]);
}

#[test]
fn no_folder_has_a_cycle() {
    let mut found = BTreeSet::new();
    for (folder, arrows) in arrows(&sources()) {
        found.extend(circles(&arrows).iter().map(|way| format!("{}: {way}", folder.join("::"))));
    }
    let known: BTreeSet<String> = KNOWN.iter().map(|way| (*way).to_owned()).collect();
    let new: Vec<_> = found.difference(&known).cloned().collect();
    let gone: Vec<_> = known.difference(&found).cloned().collect();
    assert!(new.is_empty(), "new circles:\n{}", new.join("\n"));
    assert!(gone.is_empty(), "remove from KNOWN what is no longer found:\n{}", gone.join("\n"));
}

#[test]
fn architecture_page_lists_the_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).expect("UTF-8").replace("\r\n", "\n");
    let rows = |text: String| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim_start_matches("//! ").replace(['[', ']'], ""));
        lines.skip_while(|line| !line.starts_with("| layer |")).take_while(|line| line.starts_with('|')).collect()
    };
    let page = rows(read("ARCHITECTURE.md"));
    assert!(page.len() > 10, "{page:?}");
    assert_eq!(page, rows(read("src/lib.rs")));
}
