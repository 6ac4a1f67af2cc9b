//! Sealed forms: if anything is changed in a value, a data key, a recipients file or a key file, it opens as before or
//! not at all, and no message contains a secret.

use passwave::{
    password::Password,
    seal::{Binding, Identities, Keyring, SealError, Sealing},
};

const RUN: &str = "0123456789abcdef0123456789abcdef";
const CANARY: &str = "Canary-password-1";
const PLACE: Binding<'static> = Binding { row: 7, nth: 1, account: "ann@contoso.com" };
/// A key pair that is used only here.
const RECIPIENT: &str = "age1e94memn9gt08m9yuhqp5rpn38g3d4ne2qhqg3733xrx3gz4fnuaq4gjwtf";
const KEY: &str = "AGE-SECRET-KEY-1TE0FEXS60UZQTV854ZQG98JVNYUCZ2N4L5P3N5SDA6S3SZ95QQ2QGX2U8E";

struct Sound {
    wrapped: Vec<u8>,
    sealed: Vec<u8>,
}

thread_local! {
    static SOUND: Sound = Sound::new().expect("a key");
}

impl Sound {
    fn new() -> Result<Self, SealError> {
        let mut keyring = keyring();
        let made = keyring.make(1)?;
        let wrapped = made.wrapped().to_vec();
        keyring.adopt(made);
        let sealed = keyring.seal(&PLACE, &Password::new(CANARY.into()))?;
        Ok(Self { wrapped, sealed })
    }
}

fn keyring() -> Keyring {
    let sealing = Sealing { recipients: vec![RECIPIENT.into()], ..Sealing::default() };
    Keyring::new(RUN.into(), &sealing).expect("a recipient")
}

fn key() -> Identities {
    let mut identities = Identities::default();
    identities.add(KEY.as_bytes()).expect("its key");
    identities
}

/// The first byte selects what is changed, and the others say how.
pub fn check(bytes: &[u8]) {
    let Some((&kind, changes)) = bytes.split_first() else { return };
    SOUND.with(|sound| match kind % 6 {
        0 => value(sound, &changed(&sound.sealed, changes)),
        1 => value(sound, changes),
        2 => data_key(sound, &changed(&sound.wrapped, changes)),
        3 => data_key(sound, changes),
        4 => recipients(changes),
        _ => key_file(changes),
    });
}

/// Three bytes for each change: where, how, and the value.
fn changed(sound: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(change[0]) * bytes.len() / 256;
        match change[1] % 4 {
            _ if bytes.is_empty() => break,
            0 => bytes[at] ^= 1 << (change[2] % 8),
            1 => bytes[at] = change[2],
            2 => bytes.truncate(at),
            _ => bytes.insert(at, change[2]),
        }
    }
    bytes
}

fn value(sound: &Sound, sealed: &[u8]) {
    let mut keyring = keyring();
    assert!(matches!(keyring.unlock(1, &sound.wrapped, &key()), Ok(true)));
    match keyring.open(&PLACE, sealed) {
        Ok(Some(password)) => assert!(sealed == sound.sealed && password.expose() == CANARY),
        Ok(None) => panic!("all keys are there"),
        Err(error) => {
            assert!(sealed != sound.sealed && matches!(error, SealError::BadValue(7)));
            message(&error);
        }
    }
    for place in
        [Binding { row: 8, ..PLACE }, Binding { nth: 0, ..PLACE }, Binding { account: "bob@contoso.com", ..PLACE }]
    {
        assert!(keyring.open(&place, sealed).is_err());
    }
}

fn data_key(sound: &Sound, wrapped: &[u8]) {
    let mut keyring = keyring();
    match keyring.unlock(1, wrapped, &key()) {
        // The parts of age's file that are not authenticated do not change the content.
        Ok(opened) => assert!(opened && keyring.open(&PLACE, &sound.sealed).is_ok_and(|found| found.is_some())),
        Err(error) => {
            assert!(wrapped != sound.wrapped && matches!(error, SealError::BadKey(1)));
            message(&error);
        }
    }
    let mut other = self::keyring();
    assert!(other.unlock(2, wrapped, &key()).is_err(), "it is the first key");
}

fn recipients(bytes: &[u8]) {
    let (text, mut sealing) = (String::from_utf8_lossy(bytes), Sealing::default());
    match sealing.add_file("to.txt", &text) {
        Ok(()) => assert!(sealing.recipients.iter().all(|recipient| recipient.starts_with("age1"))),
        Err(error) => {
            assert!(sealing.recipients.is_empty());
            message(&error);
        }
    }
}

fn key_file(bytes: &[u8]) {
    // A passphrase is needed only if the file says so; its cost is bounded, but too high for this check.
    if !Identities::is_locked(bytes) {
        Identities::default().add(bytes).unwrap_or_else(|error| message(&error));
    }
}

/// Messages are safe to display, and contain nothing of the input.
fn message(error: &SealError) {
    let text = error.to_string();
    assert!(!text.contains(CANARY) && !text.contains(&KEY[..20]) && text.chars().count() < 400, "{text:?}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?} holds control characters");
}
