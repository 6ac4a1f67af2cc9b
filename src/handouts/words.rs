//! The words of a slip in each language.
//!
//! Plain sentences for pupils and professors alike, which promise nothing that the run did not do.

use crate::{account::language::Language, password::ForceChange};
use minijinja::Value;

/// Why a slip is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The user gets a new password.
    First,
    /// The user has had it for a while, and has not chosen another.
    Reminder,
}

/// The words of one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The heading of a slip.
    heading: &'static str,
    /// The same if it is a reminder.
    reminder: &'static str,
    user_name: &'static str,
    password: &'static str,
    sign_in: &'static str,
    /// The text for the code beside the address.
    code: &'static str,
    /// Shown on every slip of a rehearsal.
    rehearsal: &'static str,
    /// Shown if a password is too long for one line.
    one_line: &'static str,
    /// Shown at the top of a sheet, for the person who cuts it.
    cut: &'static str,
    sheet: &'static str,
    /// What happens next, depending on what the user must do at the next sign-in.
    next: Next,
    signs: Signs,
}

#[derive(Debug, PartialEq, Eq)]
struct Next {
    change: &'static str,
    change_with_mfa: &'static str,
    keep: &'static str,
    remind: &'static str,
    remind_with_mfa: &'static str,
}

/// The names of characters that are easily mistaken.
#[derive(Debug, PartialEq, Eq)]
struct Signs {
    zero: &'static str,
    one: &'static str,
    capital_o: &'static str,
    capital_i: &'static str,
    small_l: &'static str,
    bar: &'static str,
    space: &'static str,
}

impl Words {
    /// The words of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &ENGLISH,
            Language::Fr => &FRENCH,
            Language::Es => &SPANISH,
            Language::De => &GERMAN,
        }
    }

    /// The words that are the same on all slips, for the template.
    pub(super) fn value(&self, occasion: Occasion) -> Value {
        let heading = if occasion == Occasion::Reminder { self.reminder } else { self.heading };
        Value::from_pairs([
            ("heading", heading),
            ("user_name", self.user_name),
            ("password", self.password),
            ("sign_in", self.sign_in),
            ("code", self.code),
            ("rehearsal", self.rehearsal),
            ("one_line", self.one_line),
            ("cut", self.cut),
            ("sheet", self.sheet),
        ])
    }

    /// What happens next.
    pub(super) const fn next(&self, force_change: ForceChange, occasion: Occasion) -> &'static str {
        match (force_change, occasion) {
            (ForceChange::NextSignIn, Occasion::First) => self.next.change,
            (ForceChange::NextSignIn, Occasion::Reminder) => self.next.remind,
            (ForceChange::NextSignInWithMfa, Occasion::First) => self.next.change_with_mfa,
            (ForceChange::NextSignInWithMfa, Occasion::Reminder) => self.next.remind_with_mfa,
            (ForceChange::No, _) => self.next.keep,
        }
    }

    /// A character's name, if it is easily mistaken.
    pub(super) const fn sign(&self, c: char) -> Option<&'static str> {
        match c {
            '0' => Some(self.signs.zero),
            '1' => Some(self.signs.one),
            'O' => Some(self.signs.capital_o),
            'I' => Some(self.signs.capital_i),
            'l' => Some(self.signs.small_l),
            '|' => Some(self.signs.bar),
            ' ' => Some(self.signs.space),
            _ => None,
        }
    }
}

/// The words of a language, built once.
pub(super) fn words_of(wanted: (Language, Occasion), made: &mut Vec<((Language, Occasion), Value)>) -> Value {
    if let Some((_, words)) = made.iter().find(|(known, _)| *known == wanted) {
        return words.clone();
    }
    let words = Words::of(wanted.0).value(wanted.1);
    made.push((wanted, words.clone()));
    words
}

const ENGLISH: Words = Words {
    heading: "Your account",
    reminder: "Reminder: your account",
    user_name: "User name",
    password: "Password",
    sign_in: "Sign in at",
    code: "The address as a QR code",
    rehearsal: "Rehearsal: this password is not valid",
    one_line: "The password continues from line to line without spaces.",
    cut: "Cut along the dashed lines",
    sheet: "Sheet",
    next: Next {
        change: "When you next sign in, you will choose your own password. \
                 Keep this slip private, then destroy it.",
        change_with_mfa: "When you next sign in, you will first confirm with your app or phone that it is you, and then \
                          choose your own password. Keep this slip private, then destroy it.",
        keep: "This is your password from now on. Keep this slip private, and destroy it once you know the password.",
        remind: "You have not chosen your own password yet, and this one is still valid. Sign in with it and choose your own. \
                 Keep this slip private, then destroy it.",
        remind_with_mfa: "You have not chosen your own password yet, and this one is still valid. Sign in with it, confirm with your \
                          app or phone that it is you, and choose your own. Keep this slip private, then destroy it.",
    },
    signs: Signs {
        zero: "digit zero",
        one: "digit one",
        capital_o: "capital O",
        capital_i: "capital i",
        small_l: "small L",
        bar: "vertical bar",
        space: "space",
    },
};

const FRENCH: Words = Words {
    heading: "Votre compte",
    reminder: "Rappel\u{a0}: votre compte",
    user_name: "Nom d’utilisateur",
    password: "Mot de passe",
    sign_in: "Connectez-vous sur",
    code: "L’adresse sous forme de code QR",
    rehearsal: "Essai\u{a0}: ce mot de passe n’est pas valable",
    one_line: "Le mot de passe continue d’une ligne à l’autre, sans espace.",
    cut: "Découper le long des pointillés",
    sheet: "Feuille",
    next: Next {
        change: "À votre prochaine connexion, vous choisirez votre propre mot de passe. \
                 Gardez ce papier pour vous, puis détruisez-le.",
        change_with_mfa: "À votre prochaine connexion, vous confirmerez d’abord votre identité avec votre application ou votre \
                          téléphone, puis vous choisirez votre propre mot de passe. Gardez ce papier pour vous, puis \
                          détruisez-le.",
        keep: "C’est désormais votre mot de passe. Gardez ce papier pour vous, et détruisez-le dès que vous connaissez le mot \
               de passe.",
        remind: "Vous n’avez pas encore choisi votre propre mot de passe, et celui-ci est toujours valable. Connectez-vous avec \
                 celui-ci, puis choisissez le vôtre. Gardez ce papier pour vous, puis détruisez-le.",
        remind_with_mfa: "Vous n’avez pas encore choisi votre propre mot de passe, et celui-ci est toujours valable. Connectez-vous, \
                          confirmez votre identité avec votre application ou votre téléphone, puis choisissez le vôtre. \
                          Gardez ce papier pour vous, puis détruisez-le.",
    },
    signs: Signs {
        zero: "chiffre zéro",
        one: "chiffre un",
        capital_o: "O majuscule",
        capital_i: "i majuscule",
        small_l: "L minuscule",
        bar: "barre verticale",
        space: "espace",
    },
};

const SPANISH: Words = Words {
    heading: "Su cuenta",
    reminder: "Recordatorio: su cuenta",
    user_name: "Nombre de usuario",
    password: "Contraseña",
    sign_in: "Inicie sesión en",
    code: "La dirección como código QR",
    rehearsal: "Ensayo: esta contraseña no es válida",
    one_line: "La contraseña continúa de una línea a otra, sin espacio.",
    cut: "Recortar por las líneas discontinuas",
    sheet: "Hoja",
    next: Next {
        change: "La próxima vez que inicie sesión, elegirá una contraseña propia. \
                 No enseñe este papel a nadie y destrúyalo después.",
        change_with_mfa: "La próxima vez que inicie sesión, confirmará primero su identidad con su aplicación o su teléfono, y \
                          después elegirá una contraseña propia. No enseñe este papel a nadie y destrúyalo después.",
        keep: "Esta es su contraseña a partir de ahora. No enseñe este papel a nadie y destrúyalo cuando se sepa la \
               contraseña.",
        remind: "Todavía no ha elegido una contraseña propia, y esta sigue siendo válida. Inicie sesión con ella y elija una propia. \
                 No enseñe este papel a nadie y destrúyalo después.",
        remind_with_mfa: "Todavía no ha elegido una contraseña propia, y esta sigue siendo válida. Inicie sesión con ella, confirme su \
                          identidad con su aplicación o su teléfono y elija una propia. No enseñe este papel a nadie y \
                          destrúyalo después.",
    },
    signs: Signs {
        zero: "cifra cero",
        one: "cifra uno",
        capital_o: "O mayúscula",
        capital_i: "i mayúscula",
        small_l: "L minúscula",
        bar: "barra vertical",
        space: "espacio",
    },
};

const GERMAN: Words = Words {
    heading: "Ihr Konto",
    reminder: "Erinnerung: Ihr Konto",
    user_name: "Benutzername",
    password: "Kennwort",
    sign_in: "Anmelden unter",
    code: "Die Adresse als QR-Code",
    rehearsal: "Probelauf: Dieses Kennwort gilt nicht",
    one_line: "Das Kennwort geht ohne Leerzeichen von Zeile zu Zeile weiter.",
    cut: "Entlang der gestrichelten Linien schneiden",
    sheet: "Blatt",
    next: Next {
        change: "Bei der nächsten Anmeldung wählen Sie ein eigenes Kennwort. \
                 Behalten Sie diesen Zettel für sich und vernichten Sie ihn danach.",
        change_with_mfa: "Bei der nächsten Anmeldung bestätigen Sie zuerst mit Ihrer App oder Ihrem Telefon, dass Sie es sind, \
                          und wählen dann ein eigenes Kennwort. Behalten Sie diesen Zettel für sich und vernichten Sie ihn \
                          danach.",
        keep: "Das ist ab jetzt Ihr Kennwort. Behalten Sie diesen Zettel für sich und vernichten Sie ihn, sobald Sie das \
               Kennwort kennen.",
        remind: "Sie haben noch kein eigenes Kennwort gewählt, und dieses gilt weiterhin. Melden Sie sich damit an und wählen Sie ein \
                 eigenes. Behalten Sie diesen Zettel für sich und vernichten Sie ihn danach.",
        remind_with_mfa: "Sie haben noch kein eigenes Kennwort gewählt, und dieses gilt weiterhin. Melden Sie sich damit an, bestätigen Sie \
                          mit Ihrer App oder Ihrem Telefon, dass Sie es sind, und wählen Sie ein eigenes. Behalten Sie \
                          diesen Zettel für sich und vernichten Sie ihn danach.",
    },
    signs: Signs {
        zero: "Ziffer Null",
        one: "Ziffer Eins",
        capital_o: "großes O",
        capital_i: "großes i",
        small_l: "kleines L",
        bar: "senkrechter Strich",
        space: "Leerzeichen",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_words() {
        let all = [Language::En, Language::Fr, Language::Es, Language::De].map(Words::of);
        for (at, words) in all.iter().enumerate() {
            for occasion in [Occasion::First, Occasion::Reminder] {
                let said = words.value(occasion);
                let mut keys = said.try_iter().expect("a map");
                assert!(
                    keys.all(|key| said.get_item(&key).is_ok_and(|word| !word.as_str().unwrap_or_default().is_empty()))
                );
            }
            assert_ne!(words.heading, words.reminder);
            for other in &all[at + 1..] {
                assert_ne!(words.heading, other.heading);
                assert_ne!(words.reminder, other.reminder);
                assert_ne!(words.next, other.next);
            }
            for force_change in [ForceChange::NextSignIn, ForceChange::NextSignInWithMfa, ForceChange::No] {
                let [first, again] =
                    [Occasion::First, Occasion::Reminder].map(|occasion| words.next(force_change, occasion));
                assert!(![first, again].iter().any(|text| text.contains("  ")));
                assert_eq!(first == again, force_change == ForceChange::No);
            }
            assert_eq!("l1IO0| ".chars().filter_map(|c| words.sign(c)).count(), 7);
            assert_eq!(words.sign('o'), None);
        }
    }
}
