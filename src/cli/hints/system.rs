//! What to do about a limit of the operating system, for each system.

/// What the system has refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Files,
    /// Any other limited resource of a process.
    Any,
    /// The certificates of authorities that it trusts.
    Certificates,
}

/// A kind of system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Linux,
    Mac,
    Windows,
    OtherUnix,
}

impl Family {
    const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::Mac
    } else if cfg!(target_os = "linux") {
        Self::Linux
    } else {
        Self::OtherUnix
    };
}

/// What to do about it.
pub const fn of(limit: Limit) -> &'static str {
    on(Family::HERE, limit)
}

const fn on(family: Family, limit: Limit) -> &'static str {
    match (family, limit) {
        (Family::Windows, Limit::Files | Limit::Any) => {
            "close other programs, or start this again after a restart of the machine"
        }
        (_, Limit::Files) => "raise the limit of open files (ulimit -n)",
        (_, Limit::Any) => "raise the limits of this process (ulimit -a)",
        (Family::Linux, Limit::Certificates) => "the system's certificates may be missing (package ca-certificates)",
        (Family::Windows, Limit::Certificates) => "check the trusted root certificates of this machine (certlm.msc)",
        (Family::Mac, Limit::Certificates) => "check the trusted root certificates in Keychain Access",
        (Family::OtherUnix, Limit::Certificates) => "the system's certificates may be missing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_reads_its_own_words() {
        for limit in [Limit::Files, Limit::Any, Limit::Certificates] {
            for (family, foreign) in [
                (Family::Windows, ["ulimit", "package", "Keychain"]),
                (Family::Mac, ["certlm", "package", "restart of the machine"]),
                (Family::Linux, ["certlm", "Keychain", "restart of the machine"]),
            ] {
                let words = on(family, limit);
                assert!(!foreign.iter().any(|word| words.contains(word)), "{family:?}: {words}");
            }
        }
    }
}
