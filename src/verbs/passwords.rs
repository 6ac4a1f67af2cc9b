//! How the passwords of a run look, how hard they are to guess, and what happens at the next sign-in.

use crate::{
    failure::Failure,
    terminal::{grouped, say},
};
use passwave::{
    clean,
    figures::power_of_two,
    ledger::Ledger,
    password::{ENTROPY_BITS_MIN, ForceChange, Form, Profile, Style},
    plan::Settings,
};

/// How the passwords look, how hard they are to guess, and what happens at the next sign-in.
pub fn passwords(ledger: &Ledger) -> Result<(), Failure> {
    let settings = ledger.settings();
    let forms = ledger.forms()?;
    if forms.iter().any(|(form, _)| form.profile.is_some()) {
        profiles(settings, &forms);
        return Ok(());
    }
    let bits = ledger.entropy_bits()?;
    let look = match (settings.password_column, settings.policy.style()) {
        (Some(column), _) => {
            let name = settings.header.get(column).map_or("", String::as_str);
            format!("from the roster's column {:?}", clean::for_terminal(name))
        }
        (None, Style::Random { length, .. }) => format!("{length} random characters, {bits:.1} bits of entropy"),
        (None, Style::Words { words, .. }) => format!("{words} words and a digit, {bits:.1} bits of entropy"),
    };
    say(&format!("Passwords: {look}; {}", sign_in(settings.force_change_of(None))));
    Ok(())
}

/// A line for each profile and language of the plan.
fn profiles(settings: &Settings, forms: &[(Form, u64)]) {
    say("Passwords, by profile:");
    for (form, accounts) in forms {
        let name = form.profile.map_or("none", Profile::as_str);
        let strength = strength(settings.policy.entropy_bits(*form));
        let then = sign_in(settings.force_change_of(form.profile));
        say(&format!("{:>10}  {name:<11}  {}  {strength}; {then}", grouped(*accounts), form.language));
    }
    if forms.iter().any(|(form, _)| settings.policy.entropy_bits(*form) < ENTROPY_BITS_MIN) {
        say(LOCKOUT);
    }
}

/// What short passwords of children lean on: Microsoft's page "Protect user accounts from attacks with Microsoft Entra smart
/// lockout".
pub const LOCKOUT: &str = "\
Under 40 bits it is Entra ID that keeps strangers from guessing: it locks an account for a minute after 10 wrong\n\
passwords, and longer each time after (smart lockout). A stolen hash would be guessed: let such accounts do little.";

/// Entropy, and what it means.
pub fn strength(bits: f64) -> String {
    format!("{bits:.1} bits, 1 guess in {} is right", power_of_two(bits))
}

/// What happens to the password at the next sign-in.
pub const fn sign_in(force_change: ForceChange) -> &'static str {
    match force_change {
        ForceChange::NextSignIn => "to be changed at the next sign-in",
        ForceChange::NextSignInWithMfa => "to be changed at the next sign-in, with multi-factor authentication",
        ForceChange::No => "the password stays",
    }
}
