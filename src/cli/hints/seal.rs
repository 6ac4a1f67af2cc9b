//! What to do about an error of sealing.

use passwave::seal::SealError;

const RESTORE: &str = "restore the run folder from a copy";

/// What to do next, if that is known.
pub fn hint(error: &SealError) -> Option<String> {
    let hint = match error {
        SealError::NotBuilt => "use one that was built with the feature `seal`",
        SealError::BadRecipient => {
            "a recipient begins with age1, and `age-keygen -y KEYFILE` prints it; SSH keys and plugins are not supported"
        }
        SealError::SecretKey => {
            "create a new key (age-keygen -o KEYFILE), and give its recipient, which age-keygen -y KEYFILE prints"
        }
        SealError::Line { error, .. } => return hint(error),
        SealError::NobodyNamed(_) => "put one recipient on each line, as `age-keygen -y KEYFILE` prints it",
        SealError::NoIdentity => "give a file that age-keygen wrote; its key begins with AGE-SECRET-KEY-1",
        SealError::TooMuchWork => "lock the key file again with `age -p`",
        SealError::WrongKey => "give the key of one of the run's recipients; summary.json lists them",
        SealError::BadKey(_) | SealError::BadValue(_) => RESTORE,
        SealError::OtherRecipients(_) => {
            "restore the run folder from a copy, or plan again; until then, send this folder to nobody"
        }
        SealError::Unsealed(_) => super::CHANGED,
        SealError::Closed(_) => "give the key with --identity",
        SealError::WrongPassphrase | SealError::NoRandomness => return None,
        _ => return None,
    };
    Some(hint.into())
}
