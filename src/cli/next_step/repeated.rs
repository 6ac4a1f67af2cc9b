//! Flags that a later call repeats, so that it asks for the same things.

use passwave::{
    password::{
        ENTROPY_BITS_MIN, ForceChange, Form, LENGTH_DEFAULT, SEPARATOR_DEFAULT, SYMBOLS_DEFAULT, Style, WORDS_DEFAULT,
    },
    plan::{Lookup, Settings},
};

/// Ids of the flags that change what a run remembers.
pub const CHANGES: [&str; 10] = [
    "verify",
    "no_verify",
    "revoke_sessions",
    "no_revoke_sessions",
    "halt_on",
    "no_halt_on",
    "window",
    "no_window",
    "accept",
    "no_accept",
];
/// The flags that make another run like this one: the form of passwords, the recipients, the excluded accounts, and
/// what is done besides the resets.
pub(super) fn flags(settings: &Settings) -> Vec<(&'static str, Option<String>)> {
    let (rules, wanted, mut flags) = (settings.rules, &settings.wanted, Vec::new());
    match &settings.sealing {
        Some(sealing) if sealing.identity.is_some() => flags.push(("seal-passphrase", None)),
        Some(sealing) => flags.extend(sealing.recipients.iter().map(|to| ("seal-to", Some(to.clone())))),
        None => {}
    }
    match settings.policy.style() {
        Style::Random { length, symbols } => {
            flags.extend((*length != LENGTH_DEFAULT).then(|| ("length", Some(length.to_string()))));
            flags.extend((symbols != SYMBOLS_DEFAULT).then(|| ("symbols", Some(symbols.clone()))));
        }
        Style::Words { words, separator } => {
            flags.push(("style", Some("words".into())));
            flags.extend((*words != WORDS_DEFAULT).then(|| ("words", Some(words.to_string()))));
            flags.extend((separator != SEPARATOR_DEFAULT).then(|| ("separator", Some(separator.clone()))));
        }
    }
    let weak = settings.policy.entropy_bits(Form::default()) < ENTROPY_BITS_MIN;
    let switches = [
        (weak, "allow-weak"),
        (settings.force_change == Some(ForceChange::No), "no-force-change"),
        (settings.force_change == Some(ForceChange::NextSignInWithMfa), "force-change-with-mfa"),
        (rules.include_synced, "include-synced"),
        (rules.writeback, "writeback"),
        (rules.include_admins, "include-admins"),
        (wanted.verify, "verify"),
        (wanted.revoke_sessions, "revoke-sessions"),
    ];
    flags.extend(switches.into_iter().filter(|(on, _)| *on).map(|(_, flag)| (flag, None)));
    match rules.lookup {
        Lookup::Auto => {}
        Lookup::Required if rules.writeback => {}
        Lookup::Required => flags.push(("lookup", Some("required".into()))),
        Lookup::Off => flags.push(("lookup", Some("off".into()))),
    }
    flags.extend(wanted.halt_on.iter().map(|rule| ("halt-on", Some(rule.clone()))));
    flags.extend(wanted.window.iter().map(|hours| ("window", Some(hours.clone()))));
    flags.extend((!wanted.accept.is_empty()).then(|| ("accept", Some(wanted.accept.join(",")))));
    flags
}
