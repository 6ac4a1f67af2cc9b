//! What a column's name says about its values, in the words of every tool that writes such files.
//!
//! It never looks at values. Invariant: a name means the same with remarks, accents, another case or other punctuation.

use super::{
    label::{Piece, pieces, without_remark},
    letters::letters,
    words::{
        ABOUT_PASSWORDS, ACCOUNT, FAMILY, GIVEN, HARMLESS, MAIL, OBJECT_ID, OTHER_ID, PASSWORD_PARTS, PASSWORD_SIGNS,
        PASSWORD_WORDS, PERSON_NAME, SECOND_MAIL, SIGN_IN, has, has_part,
    },
};

/// The generic name of an id column of any kind.
const ANY_ID: &str = "id";

/// The kind of a column's values, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// The account: a user principal name, or a sign-in name.
    Account,
    /// An object id.
    ObjectId,
    /// An id that may be an object id.
    AnyId,
    /// A mail address, which may or may not be the user principal name.
    Mail,
    /// A sign-in name for some system.
    SignIn,
    /// A second mail address of the same user.
    SecondMail,
    /// An id of something else.
    OtherId,
    /// A person's name or a part of it.
    PersonName,
    /// Something else that is not a password.
    Harmless,
    /// A password, or something about passwords.
    Password,
    /// Anything else.
    Other,
}

/// Which part of a person's name a column has, by its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole name.
    Whole,
    /// The whole name, or the family name if the given name has its own column.
    WholeOrFamily,
    /// The whole name, or the given name if the family name has its own column.
    WholeOrGiven,
    Given,
    Family,
}

impl Part {
    /// Classifies the name of a name column.
    pub(super) fn of(name: &str) -> Self {
        let plain = normalize(name);
        match plain.as_str() {
            "name" | "nom" => Self::WholeOrFamily,
            "nombre" | "nome" => Self::WholeOrGiven,
            plain if has(GIVEN, plain) => Self::Given,
            plain if has(FAMILY, plain) => Self::Family,
            _ => Self::Whole,
        }
    }
}

impl Meaning {
    /// Classifies a column's name.
    pub(super) fn of(name: &str) -> Self {
        if speaks_of_passwords(name) {
            return Self::Password;
        }
        let plain = normalize(name);
        match Self::of_plain(&plain) {
            // `Email (UPN)` names the sign-in name twice.
            Self::Other => Self::of_both(name).unwrap_or(Self::Other),
            meaning => meaning,
        }
    }

    fn of_plain(plain: &str) -> Self {
        match () {
            () if has(ACCOUNT, plain) => Self::Account,
            () if has(OBJECT_ID, plain) => Self::ObjectId,
            () if plain == ANY_ID => Self::AnyId,
            () if has(MAIL, plain) => Self::Mail,
            () if has(SIGN_IN, plain) => Self::SignIn,
            () if has(SECOND_MAIL, plain) => Self::SecondMail,
            () if has(OTHER_ID, plain) => Self::OtherId,
            () if has(PERSON_NAME, plain) => Self::PersonName,
            () if has(HARMLESS, plain) || has(ABOUT_PASSWORDS, plain) => Self::Harmless,
            () => Self::Other,
        }
    }

    /// The meaning of a name and the word in brackets after it, if both mean the account.
    fn of_both(name: &str) -> Option<Self> {
        let [Piece::Plain(outer), Piece::Bracketed(inner, _)] = pieces(name)[..] else { return None };
        let of = |text: &str| Self::of_plain(&letters(text));
        let is_own = matches!(of(outer), Self::Account | Self::Mail | Self::SignIn);
        (is_own && of(inner) == Self::Account).then_some(Self::Account)
    }

    /// Whether such a column may be the sign-in name if it has addresses. A password there would be a swapped cell.
    pub(super) const fn can_sign_in(self) -> bool {
        !matches!(self, Self::SecondMail | Self::OtherId | Self::Password)
    }

    /// Whether such a column can name the account.
    pub(super) const fn is_account(self) -> bool {
        matches!(self, Self::Account | Self::ObjectId | Self::AnyId | Self::Mail)
    }
}

/// Whether a column with this name may contain passwords.
pub fn speaks_of_passwords(name: &str) -> bool {
    let all = letters(name);
    if has(ABOUT_PASSWORDS, &all) {
        return false;
    }
    has_part(PASSWORD_PARTS, &all)
        || has_part(PASSWORD_SIGNS, &all)
        || words(name).any(|word| has(PASSWORD_WORDS, &word))
}

/// The words of a name: `initialPin2` has `initial` and `pin`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && was_lower) {
            spaced.push(' ');
        }
        spaced.push(c);
        was_lower = c.is_lowercase();
    }
    let words: Vec<String> = spaced.split(|c: char| !c.is_alphabetic()).map(letters).collect();
    words.into_iter().filter(|word| !word.is_empty())
}

/// The name without remarks, case, accents, spaces and punctuation: `User name [userPrincipalName] Required` becomes
/// `userprincipalname`, because Entra's templates put the name that is the same in all languages in square brackets.
pub(super) fn normalize(name: &str) -> String {
    let pieces = pieces(name);
    let property = pieces.iter().skip(1).find_map(|piece| match piece {
        Piece::Bracketed(inner, true) => Some(letters(inner)).filter(|_| is_property(inner)),
        _ => None,
    });
    property.filter(|inner| says_more(inner, &pieces)).unwrap_or_else(|| plain(&pieces, |_| true))
}

/// Whether text in square brackets is the column's name, and not a word about it as in `Email [school]`.
fn says_more(inner: &str, pieces: &[Piece<'_>]) -> bool {
    match Meaning::of_plain(inner) {
        Meaning::Other => false,
        Meaning::Harmless => {
            let outer = plain(pieces, |piece| matches!(piece, Piece::Plain(_)));
            Meaning::of_plain(&outer) == Meaning::Harmless
        }
        _ => true,
    }
}

/// The same for the text outside all brackets.
pub(super) fn outer(name: &str) -> String {
    plain(&pieces(name), |piece| matches!(piece, Piece::Plain(_)))
}

fn plain(pieces: &[Piece<'_>], keep: impl Fn(&Piece<'_>) -> bool) -> String {
    let text = |piece: &Piece<'_>| match piece {
        Piece::Plain(text) | Piece::Bracketed(text, _) => (*text).to_owned(),
    };
    let kept: Vec<String> = pieces.iter().filter(|piece| keep(piece)).map(text).collect();
    let plain = letters(without_remark(&kept.join(" ")));
    match plain.strip_suffix("required") {
        Some(kept) if !kept.is_empty() => kept.to_owned(),
        _ => plain,
    }
}

fn is_property(inner: &str) -> bool {
    !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_tool_are_known() {
        for (name, meaning) in [
            ("userPrincipalName", Meaning::Account),
            ("User principal name", Meaning::Account),
            ("user_principal_name", Meaning::Account),
            ("User name [userPrincipalName] Required", Meaning::Account),
            ("Member object ID or user principal name [memberObjectIdOrUpn] Required", Meaning::Account),
            ("User Name *", Meaning::Account),
            ("Nom d’utilisateur", Meaning::Account),
            ("Benutzerprinzipalname", Meaning::Account),
            ("Nombre principal de usuario", Meaning::Account),
            ("Object Id", Meaning::ObjectId),
            ("Member object ID", Meaning::ObjectId),
            ("E-Mail", Meaning::Mail),
            ("Email address Required", Meaning::Mail),
            ("Primary SMTP address", Meaning::Mail),
            ("Name [displayName] Required", Meaning::PersonName),
            ("Prénom", Meaning::PersonName),
            ("Alternate email address", Meaning::SecondMail),
            ("SIS ID", Meaning::OtherId),
            ("ExternalDirectoryObjectId", Meaning::ObjectId),
            ("Id", Meaning::AnyId),
            ("Email Address [Required]", Meaning::Mail),
            ("Email (UPN)", Meaning::Account),
            ("Last Name [Required]", Meaning::PersonName),
            ("Password [Required]", Meaning::Password),
            ("Recovery Email", Meaning::SecondMail),
            ("Login", Meaning::SignIn),
            ("Email (parent)", Meaning::Other),
            ("Email [School]", Meaning::Other),
            ("Benutzername (Schule)", Meaning::Other),
            ("Manager (UPN)", Meaning::Other),
            ("Pre\u{301}nom", Meaning::PersonName),
            ("CONTRASEN\u{303}A", Meaning::Password),
            ("Required", Meaning::Other),
            ("", Meaning::Other),
        ] {
            assert_eq!(Meaning::of(name), meaning, "{name}");
        }
    }

    #[test]
    fn remarks_do_not_change_a_name() {
        for remark in [
            "[Required]",
            "[READ ONLY]",
            "[UPLOAD ONLY]",
            "(optional)",
            "*",
            "(*)",
            "Required",
            "- optional",
            ", required",
            "(Pflichtfeld)",
            "(erforderlich)",
            "[Obligatoire]",
            "(facultatif)",
            "(obligatorio)",
            "[solo lectura]",
            "(obbligatorio)",
            "(verplicht)",
            "[alleen-lezen]",
            "(obrigatório)",
            "(somente leitura)",
            "(obligatorisk)",
            "(valfritt)",
            "(påkrævet)",
            "(påkrevd)",
            "(pakollinen)",
            "(wymagane)",
            "(povinné)",
            "（必須）",
            "(required field)",
        ] {
            for name in ["Email Address", "User name", "userPrincipalName", "Vorname", "Object Id", "Wachtwoord"] {
                let decorated = format!("{name} {remark}");
                assert_eq!(Meaning::of(&decorated), Meaning::of(name), "{decorated}");
                assert_eq!(normalize(&decorated), normalize(name), "{decorated}");
            }
        }
    }

    #[test]
    fn recognizes_passwords_in_every_language() {
        for name in [
            "Initial password [passwordProfile] Required",
            "Password [Required]",
            "Passwort",
            "Kennwort (initial)",
            "Initialpasswort",
            "Wachtwoord",
            "Senha",
            "Palavra-passe",
            "Lösenord",
            "Adgangskode",
            "Passord",
            "Salasana",
            "Hasło",
            "Heslo",
            "Jelszó",
            "Parola",
            "Parool",
            "Mot de passe",
            "Contraseña",
            "Clave",
            "PIN",
            "initialPin",
            "passcode",
            "Secret",
            "Passphrase",
            "PW",
            "pwd",
            "Pass",
            "MDP",
            "mdp_initial",
            "Password1",
            "New PW",
            "密码",
            "パスワード",
            "Пароль",
            "Toegangscode",
            "Zugangscode",
        ] {
            assert!(speaks_of_passwords(name), "{name}");
        }
        for name in ["Passport", "Secretary", "Password never expires", "Compass group", "Spinning", "Name"] {
            assert!(!speaks_of_passwords(name), "{name}");
        }
    }
}
