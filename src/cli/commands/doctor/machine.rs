//! The program and the machine: versions, shell and terminal.

use super::Examination;
use crate::cli::{console, next_step};
use std::env::consts::{ARCH, OS};

/// The features that this program was built with.
const FEATURES: [(&str, bool); 4] = [
    ("pfx", cfg!(feature = "pfx")),
    ("postgres", cfg!(feature = "postgres")),
    ("seal", cfg!(feature = "seal")),
    ("xlsx", cfg!(feature = "xlsx")),
];

/// Describes both.
pub(super) fn examine(examination: &mut Examination<'_>) {
    let features: Vec<&str> = FEATURES.into_iter().filter_map(|(name, is_built)| is_built.then_some(name)).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    examination.fine("passwave", format!("{}, features: {features}", env!("CARGO_PKG_VERSION")));
    let system = version().unwrap_or_else(|| OS.to_owned());
    examination.fine("system", format!("{system}, {ARCH}"));
    examination.fine("shell", next_step::shell_name());
    examination.fine("terminal", console::terminal_facts());
}

/// The system's own name and version, if it says them.
#[cfg(target_os = "linux")]
fn version() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(format!("Linux, {}", name.trim_matches(['"', '\''])))
}

/// The system's own name and version, if it says them.
#[cfg(target_os = "macos")]
fn version() -> Option<String> {
    let text = std::fs::read_to_string("/System/Library/CoreServices/SystemVersion.plist").ok()?;
    let version = text.split_once("<key>ProductVersion</key>")?.1.split_once("<string>")?.1.split_once("</string>")?.0;
    Some(format!("macOS {version}"))
}

/// The system's own name and version, if it says them. Windows 11 calls itself 10; its build number is 22000 or more.
#[cfg(windows)]
fn version() -> Option<String> {
    const KEY: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
    let key = windows_registry::LOCAL_MACHINE.open(KEY).ok()?;
    let text = |name| key.get_string(name).unwrap_or_default();
    let build = text("CurrentBuildNumber");
    let name = match build.parse::<u32>() {
        Ok(22_000..) => text("ProductName").replace("Windows 10", "Windows 11"),
        _ => text("ProductName"),
    };
    let parts = [name, text("DisplayVersion")].map(|part| part.trim().to_owned());
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(format!("{}, build {build}", parts.join(" ")))
}

/// The system's own name and version, if it says them.
#[cfg(not(any(windows, target_os = "linux", target_os = "macos")))]
fn version() -> Option<String> {
    None
}
