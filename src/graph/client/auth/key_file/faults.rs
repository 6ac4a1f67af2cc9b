//! Describes a file without a key and its certificate, and what to do about it.

use super::der::Kind;

/// Why a file cannot be used.
pub(in super::super) struct Fault {
    pub what: String,
    pub hint: String,
}

pub(super) fn fault(what: &str, hint: &str) -> Fault {
    Fault { what: what.into(), hint: hint.into() }
}

/// A block that is neither a certificate nor an RSA key.
pub(super) struct Other {
    pub label: String,
    pub is_encrypted: bool,
    pub kind: Kind,
}

/// What the file must contain.
const BOTH: &str = "the file must hold certificate and private key, one after the other, in PEM, or both in a PFX file";
/// How to make a key that Entra accepts.
const MAKE: &str =
    "make one: openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=passwave -keyout key.pem -out cert.pem";
const DECRYPT: &str = "decrypt it first: openssl pkey -in FILE -out key.pem";

pub(super) fn no_rsa(kind: Kind) -> Fault {
    let what = match kind {
        Kind::OtherKey(what) => what,
        _ => "of another size",
    };
    let rule = "for applications, Entra accepts only RSA keys of 2048 to 8192 bits";
    fault(&format!("its private key is {what}: {rule}"), MAKE)
}

/// A file that is all DER but not PFX.
pub(super) fn of_der(kind: Kind) -> Fault {
    match kind {
        Kind::Certificate => fault(
            "it is a certificate without its key (DER): there is no private key in it",
            "turn it into PEM (openssl x509 -inform der -in FILE -out cert.pem) and put its private key beside it, or use \
             the PFX file that it was exported with",
        ),
        Kind::RsaKey | Kind::WrappedRsaKey => fault(
            "it is a private key without its certificate (DER): there is no certificate in it",
            "turn it into PEM (openssl pkey -inform der -in FILE -out key.pem) and put its certificate beside it",
        ),
        Kind::EncryptedKey => fault(
            "its private key is encrypted, and it holds no certificate (DER)",
            "decrypt it (openssl pkey -inform der -in FILE -out key.pem) and put its certificate beside it",
        ),
        Kind::OtherKey(_) => no_rsa(kind),
        kind => no_key(&[Other { label: String::new(), is_encrypted: false, kind }], false),
    }
}

/// The file has an RSA key, but no readable certificate.
pub(super) fn key_alone(others: &[Other]) -> Fault {
    if others.iter().any(|other| other.label.ends_with("CERTIFICATE")) {
        return fault("a certificate in it is damaged", "export it again");
    }
    if others.iter().any(|other| other.kind == Kind::Request) {
        return fault("it holds a certificate request, and no certificate", "put the certificate in its place");
    }
    fault(
        "it holds a private key without its certificate: there is no certificate in it",
        "put the certificate into the file, beside the private key",
    )
}

/// The file has no readable RSA key.
pub(super) fn no_key(others: &[Other], has_certificate: bool) -> Fault {
    let of = |wanted: &dyn Fn(&Other) -> bool| others.iter().find(|other| wanted(other));
    let is_key = |other: &Other| other.label.ends_with("PRIVATE KEY");
    if of(&|other| other.is_encrypted || other.kind == Kind::EncryptedKey || other.label == "ENCRYPTED PRIVATE KEY")
        .is_some()
    {
        return fault("its private key is encrypted", DECRYPT);
    }
    if let Some(other) = of(&|other| matches!(other.kind, Kind::OtherKey(_))) {
        return no_rsa(other.kind);
    }
    if of(&|other| other.label.starts_with("OPENSSH") || other.label.starts_with("SSH2")).is_some() {
        return ssh();
    }
    if of(&|other| other.label.starts_with("PGP")).is_some() {
        return fault("it is a PGP file: it holds no private key that a certificate belongs to", BOTH);
    }
    if of(&is_key).is_some() {
        return fault("its private key is damaged or cut off", "export it again");
    }
    let what = match () {
        () if has_certificate => "it is a certificate without its key: it holds no private key",
        () if of(&|other| other.kind == Kind::Request).is_some() => {
            "it is a certificate request: it holds no private key and no certificate"
        }
        () if of(&|other| other.kind == Kind::PublicKey).is_some() => "it is a public key: it holds no private key",
        () if of(&|other| other.kind == Kind::Bundle).is_some() => {
            "it is a bundle of certificates (PKCS #7): it holds no private key"
        }
        () if of(&|other| other.label.ends_with("CERTIFICATE")).is_some() => {
            "the certificate in it is damaged, and it holds no private key"
        }
        () => "it holds no private key",
    };
    fault(what, BOTH)
}

fn ssh() -> Fault {
    fault(
        "it is an SSH key: it holds no certificate, and no private key in a form that Entra's registration knows",
        MAKE,
    )
}

/// Files of other programs, recognized by how they begin.
pub(super) fn named(text: &str) -> Option<Fault> {
    let text = text.trim_start();
    let starts = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if starts(&["PuTTY-User-Key-File", "ssh-", "ecdsa-sha2-", "sk-ssh-", "---- BEGIN SSH2"]) {
        return Some(ssh());
    }
    if starts(&["{", "["]) {
        return Some(fault(
            "it is JSON, and no key file",
            "put the secret's value alone into the file: az keyvault secret show --query value --output tsv",
        ));
    }
    if starts(&["<"]) {
        return Some(fault("it is a page or XML, and no key file: it holds no private key", BOTH));
    }
    None
}

/// A file in which nothing was found.
pub(super) fn nothing(text: &str) -> Fault {
    match text.trim().is_empty() {
        true => fault("it is empty: it holds no private key", BOTH),
        false => fault("it is neither PEM nor PFX, and no base64 of them: it holds no private key", BOTH),
    }
}
