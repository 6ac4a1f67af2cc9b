//! What earlier runs of this machine have spent of a quota: a small file for each tenant and application, in the user's
//! state folder.
//!
//! Each run has its own ledger, but Graph counts all of them together. So a run notes its pace here when its process
//! ends, and the next run takes it up. It contains no secret and no name: only a hash, times and numbers.
//!
//! Invariant: a file that cannot be read, or that comes from the future, slows no run.

use super::KeptPace;
use crate::util::replace::replace;
use aws_lc_rs::digest::{SHA256, digest};
use std::{
    fs::{DirBuilder, File},
    io::{self, Read, Write},
    path::PathBuf,
};

/// The longest file that is read, in bytes.
const BYTES_MAX: u64 = 4_096;
/// How many bytes of the hash name the file.
const NAME_BYTES: usize = 16;

/// The spent quotas of this machine.
pub struct SpentQuotas {
    folder: PathBuf,
}

impl SpentQuotas {
    /// Those in `folder`, which is created when the first run ends.
    #[must_use]
    pub const fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Notes the pace of writes as a process of this tenant and application leaves it.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub fn note(&self, tenant: &str, application: &str, pace: &KeptPace) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.folder)?;
        replace(&self.file(tenant, application), |file| {
            serde_json::to_writer(&mut *file, pace)?;
            file.write_all(b"\n")
        })
    }

    /// The pace as the last process of this tenant and application left it, after the time until `now` (milliseconds
    /// since 1970).
    #[must_use]
    pub fn left_by(&self, tenant: &str, application: &str, now: i64) -> Option<KeptPace> {
        let mut text = Vec::new();
        File::open(self.file(tenant, application)).ok()?.take(BYTES_MAX).read_to_end(&mut text).ok()?;
        serde_json::from_slice::<KeptPace>(&text).ok()?.of_another(now)
    }

    fn file(&self, tenant: &str, application: &str) -> PathBuf {
        let name = format!("{}\n{}", tenant.to_ascii_lowercase(), application.to_ascii_lowercase());
        let digest = digest(&SHA256, name.as_bytes());
        let name: String = digest.as_ref().iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(at: i64) -> KeptPace {
        let until_full = [("writes".to_owned(), 100_000)].into();
        KeptPace { at, quota: "3000/150s".into(), until_full, price: 16 }
    }

    #[test]
    fn next_run_of_the_same_application_knows_it() {
        let home = tempfile::tempdir().expect("a folder");
        let spent = SpentQuotas::at(home.path().join("state/passwave/spent"));
        let left = |tenant, application, now| {
            spent.left_by(tenant, application, now).and_then(|kept| kept.until_full.get("writes").copied())
        };
        assert_eq!(left("t", "a", 1_000), None);
        spent.note("t", "a", &pace(1_000)).expect("noted");
        assert_eq!(left("T", "A", 1_000), Some(100_000));
        assert_eq!(left("t", "a", 41_000), Some(60_000));
        assert_eq!(left("t", "a", 90_000_000_000), None, "long ago");
        assert_eq!(left("t", "a", -50_000), None, "the clock was set back");
        assert_eq!((left("t", "b", 1_000), left("u", "a", 1_000)), (None, None));
    }

    #[test]
    fn odd_files_slow_nobody() {
        let home = tempfile::tempdir().expect("a folder");
        let spent = SpentQuotas::at(home.path().to_owned());
        for text in ["", "{", "[1]", "{\"at\":\"soon\"}", &"x".repeat(10_000)] {
            std::fs::write(spent.file("t", "a"), text).expect("written");
            assert_eq!(spent.left_by("t", "a", 1_000), None, "{text}");
        }
        std::fs::remove_file(spent.file("t", "a")).expect("removed");
        std::fs::create_dir(spent.file("t", "a")).expect("a folder in its place");
        assert_eq!(spent.left_by("t", "a", 1_000), None);
    }
}
