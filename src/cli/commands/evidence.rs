//! `evidence`: writes the evidence of a run, signs it, or checks it.

use super::{audit::audit, opening::open_to_read};
use crate::cli::{args::EvidenceArgs, console::Reporter, context::Context, failure::Failure, hints};
use passwave::{
    report::evidence::{self, Evidence, EvidenceFault},
    util::{
        format::{counted, grouped},
        sanitize,
    },
};
use std::path::Path;

/// Writes and signs, or checks; the exit code is 1 if the file does not hold.
pub fn evidence(context: &Context, args: &EvidenceArgs) -> Result<u8, Failure> {
    match (&args.check, &args.folder) {
        (Some(file), _) => check(&context.reporter, file),
        (None, Some(folder)) => write(context, folder, args),
        (None, None) => Err(Failure::usage("there is no run folder").hint("name one, or a file with --check FILE")),
    }
}

fn write(context: &Context, folder: &Path, args: &EvidenceArgs) -> Result<u8, Failure> {
    let reporter = &context.reporter;
    // A wrong key or passphrase is noticed before the files are written.
    #[cfg(feature = "sign")]
    let key = args.sign.as_deref().map(|file| signing::key(reporter, file, folder)).transpose()?;
    if args.audit
        && let Some(code) = audit(context, folder, &args.connect)?
    {
        return Ok(code);
    }
    let ledger = open_to_read(context, folder)?;
    let written = evidence::write(&ledger)?;
    tell(reporter, &written);
    #[cfg(feature = "sign")]
    match key {
        Some(key) => signing::sign(Some(reporter), &key, &written.file)?,
        None => signing::must_be_signed_again(reporter, &written.file),
    }
    must_have_ended(reporter, "the run", ledger.counts().pending());
    Ok(0)
}

/// Warns about rows that are pending.
pub fn must_have_ended(reporter: &Reporter, what: &str, pending: u64) {
    if pending > 0 {
        let rows = counted(pending, "row is", "rows are");
        reporter.warn(format!("{what} has not ended: {rows} pending in this evidence"));
    }
}

fn tell(reporter: &Reporter, written: &Evidence) {
    let rows = counted(written.rows, "row", "rows");
    reporter.notice(format!("Evidence: {} ({rows}, without passwords)", shown(&written.file)));
    if let Some(page) = &written.page {
        reporter.notice(format!("Page:     {}", shown(page)));
    }
    reporter.notice(format!("Chain:    {}", written.final_chain));
}

pub fn shown(file: &Path) -> String {
    sanitize::sentence(&file.display().to_string())
}

fn check(reporter: &Reporter, file: &Path) -> Result<u8, Failure> {
    let checked = match evidence::check(file) {
        Ok(checked) => checked,
        Err(fault @ EvidenceFault::Unreadable(_)) => {
            let failure = Failure::usage(format!("{}: {fault}", shown(file)));
            return Err(failure.or_hint(hints::evidence::hint(&fault)));
        }
        Err(fault) => {
            let failure = Failure::usage(format!("{} does not hold: {fault}", shown(file)));
            reporter.problem(failure.or_hint(hints::evidence::hint(&fault)));
            return Ok(1);
        }
    };
    let rows = if checked.rows == 1 { "1 row".into() } else { format!("all {} rows", grouped(checked.rows)) };
    reporter.notice(format!("{} holds: {rows} as written.", shown(file)));
    reporter.notice(format!("Chain:     {}", checked.final_chain));
    #[cfg(feature = "sign")]
    return signing::check(reporter, file);
    #[cfg(not(feature = "sign"))]
    Ok(0)
}

#[cfg(feature = "sign")]
pub mod signing {
    use super::{Failure, Reporter, evidence, shown};
    use crate::cli::{console::can_ask, hints, next_step::quoted_word};
    use passwave::report::evidence::{EVIDENCE_NAME, KeyFault, KeyFile, NAMESPACE, SignatureFault, SigningKey};
    use secrecy::SecretString;
    use std::path::Path;

    /// The variable with the passphrase of the key, for use without a terminal.
    const VARIABLE: &str = "PASSWAVE_SIGN_PASSPHRASE";

    /// Reads the key, and asks for its passphrase if it has one.
    pub fn key(reporter: &Reporter, file: &Path, folder: &Path) -> Result<SigningKey, Failure> {
        let told = |fault| told(&fault, file, folder);
        match KeyFile::read(file).map_err(told)? {
            KeyFile::Open(key) => Ok(key),
            KeyFile::Locked(key) => key.unlock(&passphrase(reporter, file)?).map_err(told),
        }
    }

    fn told(fault: &KeyFault, file: &Path, folder: &Path) -> Failure {
        let failure = Failure::usage(format!("--sign: {}: {fault}", shown(file)));
        let (key, evidence) = (quoted_word(file), quoted_word(folder.join(EVIDENCE_NAME)));
        let elsewhere = format!("ssh-keygen -Y sign -n {NAMESPACE} -f {key} {evidence}");
        failure.or_hint(hints::evidence::key_hint(fault, VARIABLE, &elsewhere))
    }

    fn passphrase(reporter: &Reporter, file: &Path) -> Result<SecretString, Failure> {
        if let Ok(passphrase) = std::env::var(VARIABLE) {
            return Ok(passphrase.into());
        }
        if !can_ask() {
            let what = format!("--sign: {} has a passphrase, and nobody can be asked for it", shown(file));
            return Err(Failure::usage(what).hint(format!("set {VARIABLE}")));
        }
        reporter.ask_secret(&format!("Passphrase of {}", shown(file))).map_err(Failure::away)
    }

    /// Signs a file, without a word if it is one of several.
    pub fn sign(reporter: Option<&Reporter>, key: &SigningKey, file: &Path) -> Result<(), Failure> {
        let signature = shown(&evidence::signature_of(file));
        let signed = key.sign(file).map_err(|fault| {
            Failure::usage(format!("{signature}: {fault}")).hint("check the path and its permissions")
        })?;
        if let Some(reporter) = reporter {
            reporter.notice(format!("Signed:   {signature} by {}", signed.fingerprint));
        }
        Ok(())
    }

    /// Warns if there is a signature of the evidence that was replaced.
    pub fn must_be_signed_again(reporter: &Reporter, file: &Path) {
        let signature = evidence::signature_of(file);
        if signature.exists() {
            let what = format!("{} is of the evidence before this one", shown(&signature));
            reporter.warn_with(what, "sign again with --sign, or remove it");
        }
    }

    /// Checks the signature beside the file, if there is one; the exit code is 1 if it does not hold.
    pub fn check(reporter: &Reporter, file: &Path) -> Result<u8, Failure> {
        let signature = evidence::signature_of(file);
        match evidence::verify(file) {
            Ok(None) => reporter.notice(format!(
                "Signature: none ({}), so only somebody who knows the chain from a safe place can trust it",
                shown(&signature)
            )),
            Ok(Some(by)) => {
                reporter.notice(format!("Signature: holds, by {}", by.fingerprint));
                reporter.notice(format!("Key:       {}", by.public_key));
            }
            Err(fault @ SignatureFault::OtherKind(_)) => {
                let hint = hints::evidence::signature_hint(&fault).unwrap_or_default();
                reporter.warn_with(format!("{}: {fault}", shown(&signature)), &hint);
            }
            Err(fault) => {
                let failure = Failure::usage(format!("{} does not hold: {fault}", shown(&signature)));
                reporter.problem(failure.or_hint(hints::evidence::signature_hint(&fault)));
                return Ok(1);
            }
        }
        Ok(0)
    }
}
