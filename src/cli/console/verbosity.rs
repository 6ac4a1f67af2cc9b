//! How much is printed, and who reads standard output.

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verbosity {
    /// From 0, the necessary output, to 3, everything.
    pub detail: u8,
    /// Whether only errors, warnings and prompts are printed.
    pub is_quiet: bool,
}

/// Whether events are written on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventLines {
    /// As JSON lines, for `--json`.
    Json,
    /// No: standard output is for the command's own output.
    Off,
}

impl EventLines {
    /// JSON lines if `wanted` is true.
    pub const fn json_if(wanted: bool) -> Self {
        if wanted { Self::Json } else { Self::Off }
    }
}
