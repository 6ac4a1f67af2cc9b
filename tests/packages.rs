//! What package managers read about a release: winget, Scoop, Homebrew and `cargo binstall`. All of it has to name the
//! archives that the release workflow makes, and their checksums.
#![cfg(all(unix, feature = "cli"))]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

const VERSION: &str = "1.2.3";
const REPOSITORY: &str = "contoso/passwave";
const WINDOWS: &str = "x86_64-pc-windows-msvc.zip";
const ARCHIVES: [&str; 4] =
    [WINDOWS, "universal-apple-darwin.tar.gz", "x86_64-unknown-linux-musl.tar.gz", "aarch64-unknown-linux-musl.tar.gz"];

/// A release's checksums, and where the manifests go.
struct Release(TempDir);

impl Release {
    fn new(archives: &[&str]) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let lines = archives.iter().map(|archive| format!("{}  ./passwave-v{VERSION}-{archive}\n", sum(archive)));
        let other = format!("{}  ./passwave_{VERSION}-1_amd64.deb\n", "0".repeat(64));
        fs::write(place.path().join("SHA256SUMS"), lines.chain([other]).collect::<String>()).expect("written");
        Self(place)
    }

    fn manifests(&self) -> PathBuf {
        self.0.path().join("manifests")
    }

    fn write(&self) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/manifests.sh");
        let mut command = Command::new("bash");
        command.arg(script).args([VERSION, REPOSITORY]).arg(self.0.path().join("SHA256SUMS")).arg(self.manifests());
        command.output().expect("bash is there")
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.manifests().join(file)).expect(file)
    }

    fn yaml(&self, file: &str) -> Yaml {
        YamlLoader::load_from_str(&self.read(file)).expect("YAML").remove(0)
    }
}

/// A checksum that is different for each archive.
fn sum(archive: &str) -> String {
    let at = ARCHIVES.iter().position(|name| *name == archive).expect("an archive");
    ["a1", "b2", "c3", "d4"][at].repeat(32)
}

fn url(archive: &str) -> String {
    format!("https://github.com/{REPOSITORY}/releases/download/v{VERSION}/passwave-v{VERSION}-{archive}")
}

/// All manifests of a whole release; `None`, and a line that says so, if the script's tool is not here.
fn written() -> Option<Release> {
    if Command::new("jq").arg("--version").output().is_err() {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "skipped: jq is not installed");
        return None;
    }
    let release = Release::new(&ARCHIVES);
    let output = release.write();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(release)
}

#[test]
fn winget_finds_the_program_in_the_archive() {
    let Some(release) = written() else { return };
    for (file, kind) in [("", "version"), (".installer", "installer"), (".locale.en-US", "defaultLocale")] {
        let manifest = release.yaml(&format!("winget/contoso.passwave{file}.yaml"));
        assert_eq!(manifest["PackageIdentifier"].as_str(), Some("contoso.passwave"));
        assert_eq!(manifest["PackageVersion"].as_str(), Some(VERSION));
        assert_eq!(manifest["ManifestType"].as_str(), Some(kind));
        assert_eq!(manifest["ManifestVersion"].as_str(), Some("1.10.0"));
    }
    let installer = release.yaml("winget/contoso.passwave.installer.yaml");
    assert_eq!(installer["InstallerType"].as_str(), Some("zip"));
    assert_eq!(installer["NestedInstallerType"].as_str(), Some("portable"));
    let program = format!("passwave-v{VERSION}-x86_64-pc-windows-msvc\\passwave.exe");
    assert_eq!(installer["NestedInstallerFiles"][0]["RelativeFilePath"].as_str(), Some(program.as_str()));
    assert_eq!(installer["NestedInstallerFiles"][0]["PortableCommandAlias"].as_str(), Some("passwave"));
    let archive = &installer["Installers"][0];
    assert_eq!(archive["Architecture"].as_str(), Some("x64"));
    assert_eq!(archive["InstallerUrl"].as_str(), Some(url(WINDOWS).as_str()));
    assert_eq!(archive["InstallerSha256"].as_str(), Some(sum(WINDOWS).to_uppercase().as_str()));
    let locale = release.yaml("winget/contoso.passwave.locale.en-US.yaml");
    for required in ["PackageLocale", "Publisher", "PackageName", "License", "ShortDescription"] {
        assert!(locale[required].as_str().is_some_and(|text| text.len() >= 3), "{required}");
    }
    let version = release.yaml("winget/contoso.passwave.yaml");
    assert_eq!(version["DefaultLocale"], locale["PackageLocale"]);
}

#[test]
fn scoop_follows_later_releases() {
    let Some(release) = written() else { return };
    let manifest: serde_json::Value = serde_json::from_str(&release.read("scoop/passwave.json")).expect("JSON");
    let archive = &manifest["architecture"]["64bit"];
    assert_eq!(manifest["version"], VERSION);
    assert_eq!((&archive["url"], &archive["hash"]), (&url(WINDOWS).into(), &sum(WINDOWS).into()));
    let folder = format!("passwave-v{VERSION}-x86_64-pc-windows-msvc");
    assert_eq!((&archive["extract_dir"], &manifest["bin"]), (&folder.as_str().into(), &"passwave.exe".into()));
    let later = &manifest["autoupdate"];
    for (template, now) in [("url", url(WINDOWS)), ("extract_dir", folder)] {
        let template = later["architecture"]["64bit"][template].as_str().expect("text");
        assert_eq!(template.matches("$version").count(), now.matches(VERSION).count(), "{template}");
        assert_eq!(template.replace("$version", VERSION), now);
    }
    assert_eq!(later["hash"]["url"], "$baseurl/SHA256SUMS");
}

#[test]
fn homebrew_has_each_unix_archive() {
    let Some(release) = written() else { return };
    let formula = release.read("homebrew/passwave.rb");
    for archive in &ARCHIVES[1..] {
        let lines = format!("url \"{}\"\n{{}}sha256 \"{}\"\n", url(archive), sum(archive));
        let is_there = [4, 6].into_iter().any(|indent| formula.contains(&lines.replace("{}", &" ".repeat(indent))));
        assert!(is_there, "{archive}: {formula}");
    }
    assert!(formula.contains(&format!("version \"{VERSION}\"")) && !formula.contains(WINDOWS));
    if let Ok(checked) = Command::new("ruby").arg("-c").arg(release.manifests().join("homebrew/passwave.rb")).output() {
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }
}

/// What `.github/dist.sh` puts into an archive is what the formula installs.
#[test]
fn homebrew_installs_what_is_in_the_archive() {
    let Some(release) = written() else { return };
    let formula = release.read("homebrew/passwave.rb");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/dist.sh");
    let dist = fs::read_to_string(script).expect("a script");
    for (made, installed) in [
        ("cp \"$program\" \"$place/passwave$suffix\"", "bin.install \"passwave\""),
        (">\"$place/man/passwave-$verb.1\"", "man1.install Dir[\"man/*.1\"]"),
        (">\"$place/completions/passwave.$shell\"", "\"completions/passwave.zsh\" => \"_passwave\""),
        ("\"$place/examples/\"", "pkgshare.install \"examples\""),
        ("tar -czf \"dist/$name.tar.gz\" -C dist \"$name\"", ".tar.gz\""),
    ] {
        assert!(dist.contains(made), "{made}");
        assert!(formula.contains(installed), "{installed}");
    }
    assert!(
        dist.contains("name=passwave-v$(\"$program\" --version | cut -d ' ' -f 2)-$target"),
        "the archive's folder"
    );
}

#[test]
fn a_missing_checksum_makes_nothing() {
    for missing in ARCHIVES {
        let others: Vec<&str> = ARCHIVES.into_iter().filter(|archive| *archive != missing).collect();
        let release = Release::new(&others);
        let output = release.write();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(missing), "{missing}: {said}");
        assert!(!release.manifests().exists(), "{missing}");
    }
}

/// A value of `[package.metadata.binstall]`, or of its part for one target.
fn binstall(target: &str, name: &str) -> String {
    let file = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("a manifest");
    let manifest = toml::de::DeTable::parse(&file).expect("TOML").into_inner();
    let mut part = &manifest;
    for name in ["package", "metadata", "binstall"] {
        part = part[name].get_ref().as_table().expect("a table");
    }
    let overrides = part["overrides"].get_ref().as_table().expect("a table");
    let own = overrides.get(target).and_then(|own| own.get_ref().as_table()?.get(name));
    own.unwrap_or_else(|| &part[name]).get_ref().as_str().expect("text").to_owned()
}

#[test]
fn binstall_finds_every_archive() {
    for (target, archive) in [
        ("x86_64-pc-windows-msvc", ARCHIVES[0]),
        ("universal-apple-darwin", ARCHIVES[1]),
        ("aarch64-apple-darwin", ARCHIVES[1]),
        ("x86_64-apple-darwin", ARCHIVES[1]),
        ("x86_64-unknown-linux-musl", ARCHIVES[2]),
        ("aarch64-unknown-linux-musl", ARCHIVES[3]),
    ] {
        let is_windows = target.contains("windows");
        let suffix = if binstall(target, "pkg-fmt") == "zip" { ".zip" } else { ".tar.gz" };
        let home = format!("https://github.com/{REPOSITORY}");
        let values = [
            ("repo", home.as_str()),
            ("name", "passwave"),
            ("version", VERSION),
            ("target", target),
            ("archive-suffix", suffix),
            ("bin", "passwave"),
            ("binary-ext", if is_windows { ".exe" } else { "" }),
        ];
        let filled = |name| {
            let template = binstall(target, name);
            values.iter().fold(template, |text, (name, value)| text.replace(&format!("{{ {name} }}"), value))
        };
        assert_eq!(filled("pkg-url"), url(archive), "{target}");
        let folder = archive.strip_suffix(suffix).expect("the archive's ending");
        let program = if is_windows { "passwave.exe" } else { "passwave" };
        assert_eq!(filled("bin-dir"), format!("passwave-v{VERSION}-{folder}/{program}"), "{target}");
    }
}
