//! Files with a key and its certificate as shells, vaults and editors write them, and files of other kinds.

use crate::{
    certificate::{check_assertion, sign_in, told_of},
    pair::Pair,
};
use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::CertificateParams;

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// Wraps `text` at 64 characters.
fn wrapped(text: &str, end: &str) -> String {
    let lines = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII"));
    lines.map(|line| format!("{line}{end}")).collect()
}

#[tokio::test]
async fn pem_is_read_in_every_shape() {
    let pair = Pair::rsa();
    let pem = pair.pem();
    let base64 = BASE64_STANDARD.encode(&pem);
    let shapes: Vec<(&str, Vec<u8>)> = vec![
        ("a byte order mark", [b"\xEF\xBB\xBF", pem.as_bytes()].concat()),
        ("UTF-16", [b"\xFF\xFE", &utf16(&pem, u16::to_le_bytes)[..]].concat()),
        ("UTF-16, the other way", [b"\xFE\xFF", &utf16(&pem, u16::to_be_bytes)[..]].concat()),
        ("UTF-16 without a mark", utf16(&pem, u16::to_le_bytes)),
        ("indented", pem.lines().map(|line| format!("    {line}\r\n")).collect::<String>().into_bytes()),
        ("on one line", pem.replace('\n', " ").into_bytes()),
        ("on one line without spaces", pem.replace('\n', "").into_bytes()),
        ("breaks written out", pem.replace('\n', "\\n").into_bytes()),
        ("breaks written out twice", format!("\"{}\"", pem.replace('\n', "\\\\r\\\\n")).into_bytes()),
        ("carriage returns alone", pem.replace('\n', "\r").into_bytes()),
        (
            "words in between",
            pem.replace("-----BEGIN", "Bag Attributes\n  friendlyName: \u{fc}\n-----BEGIN").into_bytes(),
        ),
        ("another code page", [b"friendlyName: M\xfcller\r\n", pem.as_bytes()].concat()),
        ("base64", base64.clone().into_bytes()),
        ("base64 in lines", wrapped(&base64, "\r\n").into_bytes()),
        ("base64 twice", BASE64_STANDARD.encode(&base64).into_bytes()),
    ];
    for (name, bytes) in shapes {
        let server = sign_in(&bytes, "").await;
        assert_eq!(server.seen().len(), 1, "{name}");
        check_assertion(&server, &pair);
    }
}

#[cfg(feature = "pfx")]
#[tokio::test]
async fn base64_pfx_file_is_read() {
    let pair = Pair::rsa();
    for password in ["", "of the vault"] {
        let base64 = BASE64_STANDARD.encode(crate::certificate::pfx(&pair, password));
        for text in [
            base64.clone(),
            wrapped(&base64, "\n"),
            wrapped(&base64, "\r\n"),
            wrapped(&base64, "\\n"),
            format!("\"{base64}\"\n"),
            format!("\u{FEFF}{base64}"),
            format!("data:application/x-pkcs12;base64,{base64}"),
        ] {
            check_assertion(&sign_in(&text, password).await, &pair);
        }
        let wide = [b"\xFF\xFE", &utf16(&base64, u16::to_le_bytes)[..]].concat();
        check_assertion(&sign_in(&wide, password).await, &pair);
    }
}

#[test]
fn other_key_types_are_named() {
    let (pair, elliptic) = (Pair::rsa(), Pair::elliptic());
    let request = CertificateParams::new(vec!["localhost".into()]).expect("a name");
    let request = request.serialize_request(&pair.key).expect("a request");
    let certificate = pair.certificate.pem();
    let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAEC\n-----END RSA PRIVATE KEY-----\n";
    let pem = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    let texts = [
        (encrypted.to_owned() + &certificate, "its private key is encrypted", "openssl pkey"),
        (encrypted.replace('\n', " ") + &certificate, "its private key is encrypted", "openssl pkey"),
        (pem("ENCRYPTED PRIVATE KEY", "MAQwAAQA") + &certificate, "its private key is encrypted", "openssl pkey"),
        (elliptic.pem(), "an elliptic curve key", "rsa:2048"),
        (pem("EC PRIVATE KEY", "MAUCAQEEAA==") + &certificate, "an elliptic curve key", "rsa:2048"),
        (pem("DSA PRIVATE KEY", "MBICAQACAQACAQACAQACAQACAQA=") + &certificate, "a DSA key", "rsa:2048"),
        (pair.key.public_key_pem(), "a public key", "certificate and private key"),
        (request.pem().expect("PEM"), "a certificate request", "certificate and private key"),
        (pem("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEA"), "an SSH key", "openssl req"),
        ("ssh-rsa AAAAB3NzaC1yc2E ann@contoso.com".to_owned(), "an SSH key", "openssl req"),
        ("PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n".to_owned(), "an SSH key", "openssl req"),
        (pem("PGP PRIVATE KEY BLOCK", "=twTO"), "a PGP file", "PFX"),
        (pem("PKCS7", "MAQGAKAA"), "a bundle of certificates", "PFX"),
        (r#"{"value": "MIIKcQIBAzCCCi0GCSqGSIb3"}"#.to_owned(), "it is JSON", "--query value"),
        ("<html><body>Sign in</body></html>".to_owned(), "a page", "PFX"),
        (certificate.clone(), "a certificate without its key", "certificate and private key"),
        (pair.key.serialize_pem(), "a private key without its certificate", "put the certificate"),
        (pair.key.serialize_pem() + &certificate[..300], "a certificate in it is damaged", "export it again"),
        (pair.key.serialize_pem()[..300].to_owned() + &certificate, "damaged or cut off", "export it again"),
        (Pair::expired().pem(), "expired on 2024-02-03", "make a new one"),
        ("the key is in the safe".to_owned(), "neither PEM nor PFX", "PFX"),
    ];
    let binary = [
        (pair.certificate.der().to_vec(), "a certificate without its key", "openssl x509 -inform der"),
        (pair.key.serialize_der(), "a private key without its certificate", "openssl pkey -inform der"),
        (elliptic.key.serialize_der(), "an elliptic curve key", "rsa:2048"),
        (request.der().to_vec(), "a certificate request", "PFX"),
        (BASE64_STANDARD.encode(pair.certificate.der()).into_bytes(), "a certificate without its key", "openssl x509"),
    ];
    let texts = texts.into_iter().map(|(text, what, cure)| (text.into_bytes(), what, cure));
    for (bytes, what, cure) in texts.chain(binary) {
        let told = told_of(&bytes);
        assert!(told.contains(what) && told.contains(cure), "{what}: {told}");
    }
}
