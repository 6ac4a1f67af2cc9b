//! Sealing on the command line: recipients, key files, and passphrases from a prompt or a variable.
//!
//! A passphrase is never an argument, and never echoed.

use super::show::Passwords;
use crate::cli::{
    args::{OpenArgs, SealArgs},
    console::Reporter,
    failure::Failure,
};
use passwave::{ledger::ReadLedger, seal::Sealing};

/// The recipients in the flags; `None` if there are none.
#[cfg(not(feature = "seal"))]
pub fn of(_reporter: &Reporter, _args: &SealArgs) -> Result<Option<Sealing>, Failure> {
    Ok(None)
}

/// The keys that the flags give, to read what earlier processes sealed.
#[cfg(not(feature = "seal"))]
pub fn keys(
    _reporter: &Reporter,
    _ledger: &ReadLedger,
    _args: &OpenArgs,
) -> Result<Option<passwave::seal::Identities>, Failure> {
    Ok(None)
}

/// Whether this process can read the passwords of a run.
pub fn passwords(ledger: &ReadLedger, args: &OpenArgs) -> Passwords {
    if ledger.sealed_to().is_some() && !has_key(args) { Passwords::Sealed } else { Passwords::Readable }
}

/// Whether the flags give a key.
#[cfg(not(feature = "seal"))]
const fn has_key(_args: &OpenArgs) -> bool {
    false
}

/// Whether the flags give a key.
#[cfg(feature = "seal")]
const fn has_key(args: &OpenArgs) -> bool {
    args.passphrase || !args.identity.is_empty()
}

#[cfg(feature = "seal")]
pub use with_age::{keys, of};

#[cfg(feature = "seal")]
mod with_age {
    use super::{Failure, OpenArgs, ReadLedger, Reporter, SealArgs, Sealing};
    use crate::cli::{console::can_ask, hints};
    use passwave::{
        roster::text_file,
        seal::{Identities, KEY_FILE_BYTES_MAX, SealError},
    };
    use secrecy::{ExposeSecret, SecretString};
    use std::{fs::File, io::Read, path::Path};
    use zeroize::Zeroizing;

    /// The variable with a passphrase, for use without a terminal.
    const VARIABLE: &str = "PASSWAVE_SEAL_PASSPHRASE";

    /// The recipients in the flags; `None` if there are none.
    pub fn of(reporter: &Reporter, args: &SealArgs) -> Result<Option<Sealing>, Failure> {
        let mut sealing = Sealing::default();
        let told = |error: SealError| Failure::usage(format!("--seal-to: {error}")).or_hint(hints::seal::hint(&error));
        sealing.add(args.seal_to.iter().cloned()).map_err(told)?;
        for file in &args.seal_to_file {
            let text = text_file::decode_plain(read(file, "--seal-to-file")?.to_vec()).map_err(|error| {
                Failure::usage(format!("{}: {error}", file.display()))
                    .hint("--seal-to-file takes a text in UTF-8: one recipient on each line")
            })?;
            sealing.add_file(&file.display().to_string(), &text)?;
        }
        if args.seal_passphrase {
            sealing.add_passphrase(&passphrase(reporter, "Passphrase to seal with", Asked::Twice)?)?;
        }
        Ok((!sealing.recipients.is_empty()).then_some(sealing))
    }

    /// The keys that the flags give, to read what earlier processes sealed.
    pub fn keys(reporter: &Reporter, ledger: &ReadLedger, args: &OpenArgs) -> Result<Option<Identities>, Failure> {
        if args.identity.is_empty() && !args.passphrase {
            return Ok(None);
        }
        let Some(sealing) = ledger.settings().sealing.clone() else {
            // A missing key file is a mistake in any case.
            args.identity.iter().try_for_each(|file| read(file, "--identity").map(drop))?;
            reporter.notice("This run is not sealed, so it needs no key.");
            return Ok(None);
        };
        let mut identities = Identities::default();
        for file in &args.identity {
            let about =
                |error| Failure::usage(format!("{}: {error}", file.display())).or_hint(hints::seal::hint(&error));
            add(
                reporter,
                &mut identities,
                &read(file, "--identity")?,
                &format!("Passphrase of {}", file.display()),
                about,
            )?;
        }
        if args.passphrase {
            let locked = sealing.identity.ok_or_else(|| {
                Failure::usage("this run was not sealed with a passphrase").hint("give the key with --identity KEYFILE")
            })?;
            add(reporter, &mut identities, locked.as_bytes(), "Passphrase of the run", Failure::from)?;
        }
        Ok(Some(identities))
    }

    fn add(
        reporter: &Reporter,
        identities: &mut Identities,
        file: &[u8],
        question: &str,
        about: impl Fn(SealError) -> Failure,
    ) -> Result<(), Failure> {
        if !Identities::is_locked(file) {
            return identities.add(file).map_err(about);
        }
        let passphrase = passphrase(reporter, question, Asked::Once)?;
        identities.add_locked(file, &passphrase).map_err(about)
    }

    fn read(path: &Path, flag: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let wrong = |what: String| {
            Failure::usage(format!("{}: {what}", path.display())).hint(format!("check what {flag} names"))
        };
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(KEY_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        if bytes.len() as u64 > KEY_FILE_BYTES_MAX {
            return Err(wrong(format!("it has more than {KEY_FILE_BYTES_MAX} bytes")));
        }
        Ok(bytes)
    }

    /// How often to ask for a passphrase.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Asked {
        Once,
        /// Nothing else would reveal a typo.
        Twice,
    }

    /// Reads a passphrase from the variable, or asks for it without echo.
    fn passphrase(reporter: &Reporter, question: &str, times: Asked) -> Result<SecretString, Failure> {
        if let Some(given) = std::env::var(VARIABLE).ok().map(SecretString::from).filter(|given| !is_empty(given)) {
            return Ok(given);
        }
        if !can_ask() {
            return Err(Failure::usage(
                "cannot ask for the passphrase: standard input or standard error is not a terminal",
            )
            .hint(format!("put it in {VARIABLE}")));
        }
        let given = asked(reporter, question)?;
        if is_empty(&given) {
            return Err(
                Failure::usage("an empty passphrase protects nothing").hint("use several words that are hard to guess")
            );
        }
        if times == Asked::Twice && asked(reporter, "Repeat the passphrase")?.expose_secret() != given.expose_secret() {
            return Err(Failure::usage("the two passphrases differ; nothing was created").hint("begin again"));
        }
        Ok(given)
    }

    fn asked(reporter: &Reporter, question: &str) -> Result<SecretString, Failure> {
        reporter.ask_secret(question).map_err(Failure::usage)
    }

    fn is_empty(passphrase: &SecretString) -> bool {
        passphrase.expose_secret().is_empty()
    }
}
