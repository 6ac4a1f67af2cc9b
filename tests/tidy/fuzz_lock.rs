//! The fuzz targets have a lock file of their own, which nothing else here reads.

use std::{collections::BTreeSet, fs, path::Path};
use toml::de::{DeTable, DeValue};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a file")
}

fn parsed(text: &str) -> DeTable<'_> {
    DeTable::parse(text).expect("TOML").into_inner()
}

fn table<'a>(of: &'a DeTable<'a>, name: &str) -> Option<&'a DeTable<'a>> {
    of.get(name)?.get_ref().as_table()
}

fn list<'a>(of: &'a DeTable<'a>, name: &str) -> impl Iterator<Item = &'a DeValue<'a>> {
    let found = of.get(name).and_then(|found| found.get_ref().as_array()).expect("a list");
    found.iter().map(|value| value.get_ref())
}

/// The crates that a manifest names, for every system.
fn named(manifest: &DeTable<'_>) -> BTreeSet<String> {
    let systems = table(manifest, "target").into_iter().flat_map(|systems| systems.values());
    let tables = systems.filter_map(|system| system.get_ref().as_table()).chain([manifest]);
    let kinds = tables.flat_map(|of| ["dependencies", "build-dependencies"].map(|kind| table(of, kind)));
    kinds.flatten().flat_map(DeTable::keys).map(|name| name.get_ref().to_string()).collect()
}

/// The crates that passwave uses, as a lock file says; a name may have a version behind it.
fn locked(lock: &DeTable<'_>) -> BTreeSet<String> {
    let is_ours =
        |package: &&DeTable<'_>| package.get("name").and_then(|name| name.get_ref().as_str()) == Some("passwave");
    let ours = list(lock, "package").filter_map(DeValue::as_table).find(is_ours).expect("passwave");
    let crates = list(ours, "dependencies").filter_map(DeValue::as_str);
    crates.filter_map(|name| name.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn lock_file_of_the_fuzz_targets_is_up_to_date() {
    let (lock, manifest) = (read("fuzz/Cargo.lock"), read("Cargo.toml"));
    let why = "run `cargo metadata --manifest-path fuzz/Cargo.toml` and commit fuzz/Cargo.lock";
    assert_eq!(locked(&parsed(&lock)), named(&parsed(&manifest)), "{why}");
}
