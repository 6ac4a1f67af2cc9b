//! Microsoft's national clouds by name, with their endpoints.
//!
//! Source: Microsoft's pages "Authentication in national clouds" and "Microsoft Graph national cloud deployments". A
//! run stores its cloud by name, never by address, because a run folder may come from a stranger.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A national cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// The public cloud.
    #[default]
    Global,
    /// US Government L4.
    Usgov,
    /// US Government L5 (DOD).
    UsgovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Global, Self::Usgov, Self::UsgovDod, Self::China];

    /// Its name, which [`str::parse`] accepts, as in the run's settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Usgov => "usgov",
            Self::UsgovDod => "usgov-dod",
            Self::China => "china",
        }
    }

    /// The address of its sign-in service.
    #[must_use]
    pub const fn authority(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::Usgov | Self::UsgovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.partner.microsoftonline.cn",
        }
    }

    /// The address of its Microsoft Graph.
    #[must_use]
    pub const fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::Usgov => "https://graph.microsoft.us",
            Self::UsgovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is not a cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clouds are global, usgov, usgov-dod and china")]
pub struct CloudError;

impl FromStr for Cloud {
    type Err = CloudError;

    fn from_str(text: &str) -> Result<Self, CloudError> {
        Self::ALL.into_iter().find(|cloud| cloud.as_str().eq_ignore_ascii_case(text.trim())).ok_or(CloudError)
    }
}

/// An endpoint that the caller gave instead of the cloud's own. The run stores only that there was one, not its
/// address: it has to be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnEndpoint {
    /// Microsoft Graph.
    Graph,
    /// The sign-in service.
    Authority,
}

impl OwnEndpoint {
    /// The flag for it, without dashes.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Graph => "graph-endpoint",
            Self::Authority => "authority-host",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.as_str().parse(), Ok(cloud));
            let stored = serde_json::to_string(&cloud).expect("JSON");
            assert_eq!(stored, format!("\"{cloud}\""), "stored as it is written on the command line");
            assert!(cloud.graph().starts_with("https://") && cloud.authority().starts_with("https://"));
        }
        assert_eq!("mars".parse::<Cloud>(), Err(CloudError));
    }
}
