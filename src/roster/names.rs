//! What a column's name says about its values, in the words of every tool that writes such files.
//!
//! Entra's and Microsoft 365's exports and templates, School Data Sync, PowerShell, and the labels that the admin centre
//! translates. It never looks at values.

/// What the values of a column are, going by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// Meant for the account: a user principal name, or what signs in.
    Account,
    /// An object id.
    ObjectId,
    /// A mail address, which often is the user principal name, and often is not.
    Mail,
    /// A person's name, or a part of it.
    PersonName,
    /// Anything else.
    Other,
}

const ACCOUNT: [&str; 18] = [
    "userprincipalname",
    "upn",
    "username",
    "userid",
    "memberobjectidorupn",
    "memberobjectidoruserprincipalname",
    "benutzername",
    "benutzerprinzipalname",
    "nomdutilisateur",
    "nomdutilisateurprincipal",
    "nombredeusuario",
    "nombreprincipaldeusuario",
    "nomeutente",
    "nomedeusuário",
    "nomedeutilizador",
    "gebruikersnaam",
    "användarnamn",
    "brugernavn",
];
const OBJECT_ID: [&str; 4] = ["objectid", "id", "memberobjectid", "userobjectid"];
const MAIL: [&str; 11] = [
    "mail",
    "email",
    "emailaddress",
    "mailaddress",
    "primaryemail",
    "primaryemailaddress",
    "primarysmtpaddress",
    "workemail",
    "workemailaddress",
    "emailadresse",
    "adresseemail",
];
const PERSON_NAME: [&str; 21] = [
    "displayname",
    "name",
    "fullname",
    "givenname",
    "firstname",
    "middlename",
    "surname",
    "lastname",
    "familyname",
    "preferredname",
    "anzeigename",
    "vorname",
    "nachname",
    "nomcomplet",
    "prénom",
    "nom",
    "nombreparamostrar",
    "nombre",
    "apellido",
    "apellidos",
    "cognome",
];

/// Which part of a person's name the values of a column are, going by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// All of it, or the family name where the given name stands apart.
    WholeOrFamily,
    /// All of it, or the given name where the family name stands apart.
    WholeOrGiven,
    Given,
    Family,
}

const GIVEN: [&str; 5] = ["givenname", "firstname", "middlename", "vorname", "prénom"];
const FAMILY: [&str; 7] = ["surname", "lastname", "familyname", "nachname", "apellido", "apellidos", "cognome"];

impl Part {
    /// Reads the name of a column of names.
    pub(super) fn of(name: &str) -> Self {
        let plain = normalise(name);
        match plain.as_str() {
            "name" | "nom" => Self::WholeOrFamily,
            "nombre" => Self::WholeOrGiven,
            plain if GIVEN.contains(&plain) => Self::Given,
            plain if FAMILY.contains(&plain) => Self::Family,
            _ => Self::Whole,
        }
    }
}

/// Parts of names of columns that hold passwords, or speak of them.
const PASSWORD: [&str; 6] = ["password", "passwort", "kennwort", "motdepasse", "contraseña", "pwd"];

impl Meaning {
    /// Reads a column's name.
    pub(super) fn of(name: &str) -> Self {
        let plain = normalise(name);
        let is_in = |list: &[&str]| list.contains(&plain.as_str());
        match () {
            () if is_in(&ACCOUNT) => Self::Account,
            () if is_in(&OBJECT_ID) => Self::ObjectId,
            () if is_in(&MAIL) => Self::Mail,
            () if is_in(&PERSON_NAME) => Self::PersonName,
            () => Self::Other,
        }
    }

    /// Whether such a column can name the account.
    pub(super) const fn is_account(self) -> bool {
        matches!(self, Self::Account | Self::ObjectId | Self::Mail)
    }
}

/// Whether a column by this name may hold passwords.
pub(super) fn speaks_of_passwords(name: &str) -> bool {
    let plain = normalise(name);
    PASSWORD.iter().any(|word| plain.contains(word))
}

/// The name without case, blanks and marks: `User name [userPrincipalName] Required` is `userprincipalname`.
pub(super) fn normalise(name: &str) -> String {
    let bracketed = name.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(inner, _)| inner);
    let plain = letters(bracketed.unwrap_or(name));
    match plain.strip_suffix("required") {
        Some(kept) if !kept.is_empty() => kept.to_owned(),
        _ => plain,
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
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
            ("Alternate email address", Meaning::Other),
            ("SIS ID", Meaning::Other),
            ("Required", Meaning::Other),
            ("", Meaning::Other),
        ] {
            assert_eq!(Meaning::of(name), meaning, "{name}");
        }
        assert!(speaks_of_passwords("Initial password [passwordProfile] Required") && speaks_of_passwords("Passwort"));
        assert!(!speaks_of_passwords("Passport"));
    }
}
