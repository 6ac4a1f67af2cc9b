//! The pages for readers: those at the root of the source, and `docs/`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A page, and its path from the root of the source.
pub struct Page {
    pub path: String,
    pub text: String,
}

impl Page {
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages, sorted by path.
pub fn pages() -> Vec<Page> {
    let mut paths = markdown(root());
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        paths.extend(markdown(&folder));
        folders.extend(entries(&folder).into_iter().filter(|path| path.is_dir()));
    }
    let relative = |path: PathBuf| path.strip_prefix(root()).expect("below").to_string_lossy().into_owned();
    let mut paths: Vec<String> = paths.into_iter().map(relative).collect();
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}
