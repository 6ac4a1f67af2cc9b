//! Where the passwords of a run go.

/// Where the passwords of a run go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A real tenant.
    Tenant,
    /// The embedded simulator: a rehearsal.
    Simulator,
}

impl Target {
    pub fn is_rehearsal(self) -> bool {
        self == Self::Simulator
    }
}
