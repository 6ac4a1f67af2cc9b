//! Sealing at the terminal: recipients, key files, and passphrases that are asked for or taken from a variable.
//!
//! A passphrase is never an argument, and never echoed.

use crate::{
    cli::{OpenArgs, SealArgs},
    failure::Failure,
};
use passwave::{ledger::Ledger, seal::Sealing};

/// To whom the flags seal; to nobody where there are none.
#[cfg(not(feature = "seal"))]
pub fn of(_args: &SealArgs) -> Result<Option<Sealing>, Failure> {
    Ok(None)
}

/// Reads what earlier processes sealed, where the flags say with what.
#[cfg(not(feature = "seal"))]
pub fn unlock(_ledger: &mut Ledger, _args: &OpenArgs) -> Result<(), Failure> {
    Ok(())
}

/// Whether the flags give a key.
#[cfg(not(feature = "seal"))]
pub const fn has_key(_args: &OpenArgs) -> bool {
    false
}

/// Whether the flags give a key.
#[cfg(feature = "seal")]
pub const fn has_key(args: &OpenArgs) -> bool {
    args.passphrase || !args.identity.is_empty()
}

#[cfg(feature = "seal")]
pub use with_age::{of, unlock};

#[cfg(feature = "seal")]
mod with_age {
    use super::{Failure, Ledger, OpenArgs, SealArgs, Sealing};
    use crate::terminal::{can_ask, say};
    use passwave::seal::{Identities, KEY_FILE_BYTES_MAX, SealError};
    use secrecy::{ExposeSecret, SecretString};
    use std::{fs::File, io::Read, path::Path};
    use zeroize::Zeroizing;

    /// Holds a passphrase where nobody can be asked.
    const VARIABLE: &str = "PASSWAVE_SEAL_PASSPHRASE";

    /// To whom the flags seal; to nobody where there are none.
    pub fn of(args: &SealArgs) -> Result<Option<Sealing>, Failure> {
        let mut sealing = Sealing::default();
        let told = |error: SealError| Failure::usage(format!("--seal-to: {error}"));
        sealing.add(args.seal_to.iter().cloned()).map_err(told)?;
        for file in &args.seal_to_file {
            let bytes = read(file, "--seal-to-file")?;
            let text = str::from_utf8(&bytes).map_err(|_| {
                Failure::usage(format!(
                    "{}: this is no text\nhint: --seal-to-file takes recipients, one a line",
                    file.display()
                ))
            })?;
            sealing.add_file(&file.display().to_string(), text)?;
        }
        if args.seal_passphrase {
            sealing.add_passphrase(&passphrase("Passphrase to seal with", true)?)?;
        }
        Ok((!sealing.recipients.is_empty()).then_some(sealing))
    }

    /// Reads what earlier processes sealed, where the flags say with what.
    pub fn unlock(ledger: &mut Ledger, args: &OpenArgs) -> Result<(), Failure> {
        if args.identity.is_empty() && !args.passphrase {
            return Ok(());
        }
        let Some(sealing) = ledger.settings().sealing.clone() else {
            // A key that is not there is a mistake all the same.
            args.identity.iter().try_for_each(|file| read(file, "--identity").map(drop))?;
            say("This run is not sealed, so it needs no key.");
            return Ok(());
        };
        let mut identities = Identities::default();
        for file in &args.identity {
            let about = |error| Failure::usage(format!("{}: {error}", file.display()));
            add(&mut identities, &read(file, "--identity")?, &format!("Passphrase of {}", file.display()), about)?;
        }
        if args.passphrase {
            let locked = sealing.identity.ok_or_else(|| {
                Failure::usage("this run was not sealed with a passphrase\nhint: give the key with --identity KEYFILE")
            })?;
            add(&mut identities, locked.as_bytes(), "Passphrase of the run", Failure::from)?;
        }
        Ok(ledger.unlock(&identities)?)
    }

    fn add(
        identities: &mut Identities,
        file: &[u8],
        question: &str,
        about: impl Fn(SealError) -> Failure,
    ) -> Result<(), Failure> {
        if !Identities::is_locked(file) {
            return identities.add(file).map_err(about);
        }
        let passphrase = passphrase(question, false)?;
        identities.add_locked(file, &passphrase).map_err(about)
    }

    fn read(path: &Path, flag: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let wrong = |what: String| Failure::usage(format!("{}: {what}\nhint: check what {flag} names", path.display()));
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() as u64 > KEY_FILE_BYTES_MAX {
            return Err(wrong(format!("it has more than {KEY_FILE_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    /// From the variable, or asked for without an echo: twice where nothing else would show a slip.
    fn passphrase(question: &str, twice: bool) -> Result<SecretString, Failure> {
        if let Some(given) = std::env::var(VARIABLE).ok().map(SecretString::from).filter(|given| !is_empty(given)) {
            return Ok(given);
        }
        if !can_ask() {
            return Err(Failure::usage(format!(
                "nobody can be asked for the passphrase, as standard input or error is no terminal\nhint: put it in {VARIABLE}"
            )));
        }
        let given = asked(question)?;
        if is_empty(&given) {
            return Err(Failure::usage("an empty passphrase locks nothing\nhint: several words that nobody guesses"));
        }
        if twice && asked("The same again")?.expose_secret() != given.expose_secret() {
            return Err(Failure::usage("these were two passphrases; nothing was made\nhint: begin again"));
        }
        Ok(given)
    }

    fn asked(question: &str) -> Result<SecretString, Failure> {
        rpassword::prompt_password(format!("{question}: ")).map(SecretString::from).map_err(Failure::usage)
    }

    fn is_empty(passphrase: &SecretString) -> bool {
        passphrase.expose_secret().is_empty()
    }
}
