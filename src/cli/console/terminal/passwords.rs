//! Describes the passwords of a run: their form, their strength, and what happens at the next sign-in.

use super::lines::Lines;
use crate::cli::console::event::Accounts;
use passwave::{
    password::{ENTROPY_BITS_MIN, ForceChange, Form, Profile, Style},
    plan::Settings,
    util::{
        format::{grouped, power_of_two},
        sanitize,
    },
};

/// Shows the form of the passwords, their strength, and what happens at the next sign-in.
pub(super) fn passwords(lines: Lines, settings: &Settings, accounts: &Accounts) {
    if accounts.forms.iter().any(|(form, _)| form.profile.is_some()) {
        profiles(lines, settings, &accounts.forms);
        return;
    }
    let bits = accounts.entropy_bits;
    let look = match (settings.password_column, settings.policy.style()) {
        (Some(column), _) => {
            let name = settings.header.get(column).map_or("", String::as_str);
            format!("from the roster's column {:?}", sanitize::for_terminal(name))
        }
        (None, Style::Random { length, .. }) => format!("{length} random characters, {bits:.1} bits of entropy"),
        (None, Style::Words { words, .. }) => format!("{words} words and a digit, {bits:.1} bits of entropy"),
    };
    lines.say(&format!("Passwords: {look}; {}", sign_in(settings.force_change_of(None))));
}

/// A line for each profile and language of the plan.
fn profiles(lines: Lines, settings: &Settings, forms: &[(Form, u64)]) {
    lines.say("Passwords, by profile:");
    for (form, accounts) in forms {
        let name = form.profile.map_or("none", Profile::as_str);
        let strength = strength(settings.policy.entropy_bits(*form));
        let then = sign_in(settings.force_change_of(form.profile));
        lines.say(&format!("{:>10}  {name:<11}  {}  {strength}; {then}", grouped(*accounts), form.language));
    }
    if forms.iter().any(|(form, _)| settings.policy.entropy_bits(*form) < ENTROPY_BITS_MIN) {
        lines.say(LOCKOUT);
    }
}

/// What protects children's short passwords: Microsoft's page "Protect user accounts from attacks with Microsoft Entra
/// smart lockout".
const LOCKOUT: &str = "\
Passwords under 40 bits rely on Entra ID to stop guessing: it locks an account for a minute after 10 wrong\n\
passwords, then longer each time (smart lockout). They do not resist offline cracking: give such accounts few rights.";

/// The entropy in words.
pub fn strength(bits: f64) -> String {
    format!("{bits:.1} bits, 1 guess in {} is right", power_of_two(bits))
}

/// What happens to the password at the next sign-in.
pub const fn sign_in(force_change: ForceChange) -> &'static str {
    match force_change {
        ForceChange::NextSignIn => "to be changed at the next sign-in",
        ForceChange::NextSignInWithMfa => "to be changed at the next sign-in, with multi-factor authentication",
        ForceChange::No => "no change required at the next sign-in",
    }
}
