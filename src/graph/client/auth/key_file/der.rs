//! Just enough DER to tell what a file is, and until when a certificate is valid.
//!
//! It looks at tags, lengths and a few object ids. Other code reads keys and makes signatures.
//!
//! Invariant: any bytes are either recognized or unknown, and nothing panics.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The content of a piece of DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// PKCS #12: certificates and keys, protected by a password.
    Pfx,
    Certificate,
    /// PKCS #10: a certificate request.
    Request,
    PublicKey,
    /// PKCS #7: certificates, but never a key.
    Bundle,
    /// PKCS #1.
    RsaKey,
    /// PKCS #8 with an RSA key.
    WrappedRsaKey,
    EncryptedKey,
    /// A private key that is not RSA, in words.
    OtherKey(&'static str),
    Unknown,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
const BITS: u8 = 3;
const OCTETS: u8 = 4;
const OBJECT_ID: u8 = 6;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The first context-specific tag: a version in a certificate, the content in PKCS #7.
const TAGGED: u8 = 0xa0;
/// Maximum number of children that are examined.
const CHILDREN_MAX: usize = 10;

const ELLIPTIC: &str = "an elliptic curve key";
const DSA: &str = "a DSA key";

/// A tag with its content.
#[derive(Clone, Copy)]
struct Item<'a> {
    tag: u8,
    content: &'a [u8],
}

/// The first item of `bytes`, and the rest.
fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Item { tag: *tag, content }, rest))
}

fn children(content: &[u8]) -> Vec<Item<'_>> {
    let mut rest = content;
    let next = || {
        let (item, more) = split(rest)?;
        rest = more;
        Some(item)
    };
    std::iter::from_fn(next).take(CHILDREN_MAX).collect()
}

fn tags(items: &[Item<'_>]) -> Vec<u8> {
    items.iter().map(|item| item.tag).collect()
}

/// What `bytes` are. White space and zeros at the end do not matter.
pub(super) fn kind(bytes: &[u8]) -> Kind {
    // A length that is given at the end is BER: some writers of PFX files use it.
    if matches!(bytes, [SEQUENCE, 0x80, INTEGER, 1, 3, ..]) {
        return Kind::Pfx;
    }
    match split(bytes) {
        Some((Item { tag: SEQUENCE, content }, rest))
            if rest.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) =>
        {
            of_sequence(&children(content))
        }
        _ => Kind::Unknown,
    }
}

fn of_sequence(items: &[Item<'_>]) -> Kind {
    let number = items.first().filter(|item| item.tag == INTEGER).map(|item| item.content);
    match (tags(items).as_slice(), number) {
        ([INTEGER, SEQUENCE, ..], Some([3])) => Kind::Pfx,
        ([INTEGER, SEQUENCE, OCTETS, ..], _) => of_algorithm(items[1].content),
        ([INTEGER, OCTETS, ..], Some([1])) => Kind::OtherKey(ELLIPTIC),
        ([INTEGER, INTEGER], _) => Kind::PublicKey,
        (tags, _) if tags.len() == 6 && tags.iter().all(|tag| *tag == INTEGER) => Kind::OtherKey(DSA),
        (tags, _) if tags.len() >= 9 && tags[..9].iter().all(|tag| *tag == INTEGER) => Kind::RsaKey,
        ([SEQUENCE, BITS], _) => Kind::PublicKey,
        ([SEQUENCE, OCTETS], _) => Kind::EncryptedKey,
        ([SEQUENCE, SEQUENCE, BITS, ..], _) => of_signed(&children(items[0].content)),
        ([OBJECT_ID, TAGGED], _) => Kind::Bundle,
        _ => Kind::Unknown,
    }
}

/// A certificate has the algorithm of its signature at the place where a request has its subject.
fn of_signed(items: &[Item<'_>]) -> Kind {
    let names_algorithm = |item: &Item<'_>| split(item.content).is_some_and(|(first, _)| first.tag == OBJECT_ID);
    match items {
        [first, ..] if first.tag == TAGGED => Kind::Certificate,
        [_, second, ..] if names_algorithm(second) => Kind::Certificate,
        [_, _, ..] => Kind::Request,
        _ => Kind::Unknown,
    }
}

fn of_algorithm(algorithm: &[u8]) -> Kind {
    let Some((Item { tag: OBJECT_ID, content }, _)) = split(algorithm) else { return Kind::Unknown };
    match content {
        // 1.2.840.113549.1.1.1, rsaEncryption
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => Kind::WrappedRsaKey,
        // 1.2.840.10045.2.1, ecPublicKey
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => Kind::OtherKey(ELLIPTIC),
        // 1.2.840.10040.4.1, dsa
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => Kind::OtherKey(DSA),
        // 1.3.101.112 and 1.3.101.113, Ed25519 and Ed448
        [0x2b, 0x65, 0x70 | 0x71] => Kind::OtherKey("an Edwards curve key"),
        // 1.2.840.113549.1.1.10, RSASSA-PSS
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => Kind::OtherKey("an RSA key for PSS signatures only"),
        _ => Kind::OtherKey("a key of another kind"),
    }
}

/// The certificate at the start of `bytes`, without what `openssl x509 -trustout` appends.
pub(super) fn first(bytes: &[u8]) -> &[u8] {
    split(bytes).map_or(bytes, |(_, rest)| &bytes[..bytes.len() - rest.len()])
}

/// From when until when a certificate is valid, if that can be parsed.
pub(super) fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (whole, _) = split(certificate)?;
    let (signed, _) = split(whole.content)?;
    let items = children(signed.content);
    let is_tagged = items.first()?.tag == TAGGED;
    // The serial number, algorithm and issuer come first.
    let times = children(items.get(3 + usize::from(is_tagged))?.content);
    Some((time(times.first()?)?, time(times.get(1)?)?))
}

fn time(item: &Item<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(item.content).ok()?.strip_suffix('Z')?;
    let text = match item.tag {
        GENERALIZED_TIME => text.to_owned(),
        // Two-digit years from 50 to 99 belong to the last century (RFC 5280).
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, date_time_ymd};

    #[test]
    fn generated_keys_are_recognized() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let edwards = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        let mut parameters = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        parameters.not_before = date_time_ymd(2020, 1, 2);
        parameters.not_after = date_time_ymd(2060, 3, 4);
        let request = parameters.serialize_request(&key).expect("a request");
        let certificate = parameters.self_signed(&key).expect("a certificate");
        for (der, expected) in [
            (certificate.der().to_vec(), Kind::Certificate),
            (request.der().to_vec(), Kind::Request),
            (key.serialize_der(), Kind::OtherKey(ELLIPTIC)),
            (edwards.serialize_der(), Kind::OtherKey("an Edwards curve key")),
            (key.subject_public_key_info(), Kind::PublicKey),
        ] {
            assert_eq!(kind(&der), expected);
            assert_eq!(kind(&[&der[..], b"\r\n\0"].concat()), expected);
            assert_eq!(kind(&der[..der.len() - 1]), Kind::Unknown, "cut off");
        }
        let (from, until) = validity(certificate.der()).expect("times");
        assert_eq!(
            (from.to_string(), until.to_string()),
            ("2020-01-02T00:00:00Z".into(), "2060-03-04T00:00:00Z".into())
        );
        let longer = [certificate.der().as_ref(), b"more"].concat();
        assert_eq!(first(&longer), certificate.der().as_ref());
    }

    #[test]
    fn value_shapes_are_distinguished() {
        let integers = |n: usize| [&[SEQUENCE, (n * 3) as u8][..], &[INTEGER, 1, 0].repeat(n)].concat();
        for (der, expected) in [
            (integers(2), Kind::PublicKey),
            (integers(6), Kind::OtherKey(DSA)),
            (integers(9), Kind::RsaKey),
            (vec![SEQUENCE, 5, INTEGER, 1, 3, SEQUENCE, 0], Kind::Pfx),
            (vec![SEQUENCE, 0x80, INTEGER, 1, 3, SEQUENCE, 0x80], Kind::Pfx),
            (vec![SEQUENCE, 5, INTEGER, 1, 1, OCTETS, 0], Kind::OtherKey(ELLIPTIC)),
            (vec![SEQUENCE, 4, SEQUENCE, 0, OCTETS, 0], Kind::EncryptedKey),
            (vec![SEQUENCE, 4, OBJECT_ID, 0, TAGGED, 0], Kind::Bundle),
            (vec![], Kind::Unknown),
            (b"0 is a number".to_vec(), Kind::Unknown),
        ] {
            assert_eq!(kind(&der), expected, "{der:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), tag in any::<bool>()) {
            let bytes = if tag { [&[SEQUENCE, bytes.len() as u8][..], &bytes].concat() } else { bytes };
            let _ = (kind(&bytes), validity(&bytes), first(&bytes));
        }
    }
}
