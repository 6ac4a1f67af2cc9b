//! Tests which column is chosen, and what a refusal says. They use whole files, because most of it depends on all rows.

use super::*;
use proptest::{
    prelude::*,
    sample::{Index, select, subsequence},
};

const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";
const OTHER_ID: &str = "1c8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

type Column<'c> = (&'c str, &'c [&'c str]);

/// A file with these columns; shorter ones are padded with empty cells.
fn table(columns: &[Column<'_>]) -> String {
    let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
    let line = |cells: Vec<&str>| cells.into_iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    let rows = columns.iter().map(|(_, values)| values.len()).max().unwrap_or_default();
    let mut text = line(columns.iter().map(|(name, _)| *name).collect());
    for row in 0..rows {
        text += &line(columns.iter().map(|(_, values)| values.get(row).copied().unwrap_or_default()).collect());
    }
    text
}

/// Why no column is chosen: the message, the columns that could be, and the one that may be meant.
#[derive(Debug, PartialEq, Eq)]
struct Refused {
    text: String,
    choices: Vec<String>,
    near: Option<String>,
}

impl From<RosterError> for Refused {
    fn from(error: RosterError) -> Self {
        let (text, choices) = (error.to_string(), error.choices().to_vec());
        let near = match error {
            RosterError::UnknownColumn { near, role: ColumnRole::Accounts, .. } => near,
            RosterError::NoColumn { near, .. } => near,
            _ => None,
        };
        Self { text, choices, near }
    }
}

/// The name of the chosen column, or why none is.
fn chosen(columns: &[Column<'_>]) -> Result<String, Refused> {
    told(columns, None)
}

fn told(columns: &[Column<'_>], upn_column: Option<&str>) -> Result<String, Refused> {
    let options = RosterOptions { upn_column: upn_column.map(str::to_owned), ..RosterOptions::default() };
    let roster = Roster::from_bytes("r.csv", table(columns).into_bytes(), &options);
    Ok(roster.map(|roster| roster.header()[roster.upn_column()].clone())?)
}

/// The roster is refused, and the error names exactly `named`, in the order of the file.
fn is_refused_between(columns: &[Column<'_>], named: &[&str]) {
    let error = chosen(columns).expect_err(&format!("{columns:?}"));
    assert_eq!(error.choices, named);
    assert!(named.iter().all(|name| error.text.contains(&format!("\"{name}\""))), "{error:?}");
}

const PUPILS: &[&str] = &["pupil1@c.com", "pupil2@c.com"];
const OTHERS: &[&str] = &["head@c.com", "tutor@c.com"];

#[test]
fn account_words_are_taken() {
    for (columns, name) in [
        (vec![("mail", OTHERS), ("id", &[ID, OTHER_ID]), ("userPrincipalName", PUPILS)], "userPrincipalName"),
        (vec![("Login", OTHERS), ("Username", PUPILS)], "Username"),
        (vec![("mail", PUPILS), ("id", &[ID, OTHER_ID])], "id"),
        (vec![("id", &["1", "2"]), ("mail", PUPILS)], "mail"),
        (vec![("username", &["jsmith"]), ("UPN", PUPILS)], "UPN"),
        (vec![("username", &["jsmith", "a@c.com"]), ("mail", PUPILS)], "username"),
        (vec![("UserId", &[ID, OTHER_ID]), ("User principal name", PUPILS)], "User principal name"),
        (vec![("UserId", &[ID, OTHER_ID]), ("mail", PUPILS)], "UserId"),
        (vec![("username", &["jsmith"])], "username"),
        (vec![("Email Address [Required]", PUPILS), ("Recovery Email", OTHERS)], "Email Address [Required]"),
        (vec![("Username", &["pupil1", "pupil2"]), ("Email", PUPILS)], "Email"),
        (vec![("Email", &["a@c.com", "Winter-2026!"]), ("Password", &["Sommer-2026!", "b@c.com"])], "Email"),
        (vec![("UPN", &["A123456789012", "B123456789012"]), ("Email", PUPILS)], "Email"),
        (vec![("ObjectId", &[ID, "x"]), ("ManagerId", &[OTHER_ID, ID])], "ObjectId"),
    ] {
        assert_eq!(chosen(&columns), Ok(name.to_owned()), "{columns:?}");
    }
}

#[test]
fn mail_column_never_wins_silently() {
    for other in
        ["Login", "Azure AD User Principal Name", "Schul-E-Mail", "Parent email", "Tutor email", "Name", "Notes"]
    {
        is_refused_between(&[(other, PUPILS), ("E-mail", OTHERS)], &[other, "E-mail"]);
        is_refused_between(&[("Email", OTHERS), (other, &["", "pupil2@c.com"])], &["Email", other]);
        assert_eq!(chosen(&[(other, PUPILS), ("E-mail", &["PUPIL1@C.com", "pupil2@c.com"])]), Ok("E-mail".into()));
    }
    is_refused_between(
        &[("Email", OTHERS), ("Login", PUPILS), ("Work mail", PUPILS)],
        &["Email", "Login", "Work mail"],
    );
    is_refused_between(&[("Email", PUPILS), ("Cloud id", &[ID, OTHER_ID])], &["Email", "Cloud id"]);
    is_refused_between(&[("Username", &["pupil1", "pupil2"]), ("Email", OTHERS)], &["Username", "Email"]);
    is_refused_between(&[("Login", &["pupil1", "pupil2"]), ("Email", OTHERS)], &["Login", "Email"]);
}

#[test]
fn two_account_columns_must_agree() {
    for [one, other] in [["User name", "UPN"], ["mail", "Work email"]] {
        is_refused_between(&[(one, PUPILS), (other, OTHERS)], &[one, other]);
        assert_eq!(chosen(&[(one, PUPILS), (other, PUPILS)]), Ok(one.to_owned()));
    }
    for [one, other] in [["Object Id", "AAD Object Id"], ["id", "UserId"], ["id", "ManagerId"]] {
        is_refused_between(&[(one, &[ID]), (other, &[OTHER_ID])], &[one, other]);
        assert_eq!(chosen(&[(one, &[ID]), (other, &[&ID.to_uppercase()])]), Ok(one.to_owned()));
    }
}

#[test]
fn rows_beyond_the_first_hundred_count() {
    let pupils: Vec<String> = (0..300).map(|nth| format!("pupil{nth}@c.com")).collect();
    let mut pupils: Vec<&str> = pupils.iter().map(String::as_str).collect();
    let mut late = vec![""; 299];
    late.push("head@c.com");
    is_refused_between(&[("Email", &pupils), ("Login", &late)], &["Email", "Login"]);
    is_refused_between(&[("Id", &[ID; 300]), ("Login", &late)], &["Id", "Login"]);
    let same = pupils.clone();
    assert_eq!(chosen(&[("Login", &same), ("Email", &pupils)]), Ok("Email".into()));
    pupils[299] = "head@c.com";
    let error = chosen(&[("Login", &same), ("Email", &pupils)]).expect_err("one row differs");
    assert!(error.text.contains("first on line 301"), "{error:?}");
}

#[test]
fn account_word_needs_good_values() {
    let numbers: &[&str] = &["A123456789012", "B123456789012"];
    is_refused_between(
        &[("UPN", numbers), ("School email", PUPILS), ("Home email", OTHERS)],
        &["School email", "Home email"],
    );
    is_refused_between(&[("UPN", &["A1", "A2", "a@c.com"]), ("Login", PUPILS)], &["UPN", "Login"]);
    let recipients: [Column<'_>; 3] =
        [("Id", &[ID, "Bob"]), ("Guid", &[OTHER_ID, ID]), ("ExternalDirectoryObjectId", &[ID, OTHER_ID])];
    assert_eq!(chosen(&recipients), Ok("ExternalDirectoryObjectId".into()));
    is_refused_between(&[("Id", &[ID, "Bob"]), ("PrimarySmtpAddress", PUPILS)], &["Id", "PrimarySmtpAddress"]);
    let error = chosen(&recipients[..2]).expect_err("mixed kinds");
    assert!(error.choices.contains(&"Id".to_owned()), "{error:?}");
}

#[test]
fn missing_column_message_helps() {
    let error = chosen(&[("Login", &["a@c.com"]), ("Room", &["7"])]).expect_err("none");
    assert!(error.text.contains("(columns: \"Login\", \"Room\"); the values of \"Login\" look like"), "{error:?}");
    assert_eq!((error.choices, error.near.as_deref()), (vec!["Login".to_owned()], Some("Login")));
    let error = chosen(&[("username", &["ann"]), ("Login", &["a@c.com"])]).expect_err("a better one");
    assert!(error.choices.contains(&"Login".to_owned()), "{error:?}");
    is_refused_between(&[("A", &["a@c.com"]), ("B", &["a@c.com"]), ("Room", &["7"])], &["A", "B"]);
    let error = chosen(&[("Room", &["7"]), ("Recovery email", PUPILS)]).expect_err("none");
    assert!(!error.text.contains("look like") && error.near.is_none(), "{error:?}");
}

#[test]
fn a_suggested_choice_works_when_pasted() {
    for (name, choice) in [
        ("Login", "Login"),
        ("Schul-E-Mail", "Schul-E-Mail"),
        ("$(reboot)", "1"),
        ("-x", "1"),
        ("", "1"),
        ("a\"b", "1"),
        ("Log\u{1b}in", "1"),
        ("Room", "1"),
    ] {
        let columns = [(name, PUPILS), ("Email", OTHERS), ("Room", &[])];
        let error = chosen(&columns).expect_err(name);
        assert_eq!(error.choices[0], choice, "{error:?}");
        assert_eq!(told(&columns, Some(choice)), Ok(name.trim().to_owned()));
    }
}

#[test]
fn names_are_matched_in_four_ways() {
    let columns: &[Column<'_>] = &[
        ("upn", &["x"]),
        ("UPN", &[]),
        ("3", &[]),
        ("Log-in", &[]),
        ("x", &[]),
        ("x", &[]),
        ("", &[]),
        ("Email Address [Required]", &[]),
        ("User name [userPrincipalName] Required", &[]),
        ("Mail (home)", &[]),
        ("Mail (school)", &[]),
    ];
    for (wanted, found) in [
        ("UPN", 1),
        ("upn", 0),
        ("3", 2),
        ("login", 3),
        ("log in ", 3),
        ("7", 6),
        ("4", 3),
        ("Email Address", 7),
        ("email address required", 7),
        ("userprincipalname", 8),
        ("User name", 8),
        ("mail home", 9),
    ] {
        assert_eq!(told(columns, Some(wanted)), Ok(columns[found].0.to_owned()), "{wanted}");
    }
    for (wanted, word, near) in [
        ("Upn", "more than one", None),
        ("x", "more than one", None),
        ("Mail", "more than one", None),
        ("Lokin", "no column \"Lokin\"", Some("Log-in")),
        ("Lgoin", "no column \"Lgoin\"", Some("Log-in")),
        ("12", "(columns: ", None),
        ("0", "no column", None),
        ("", "column 7", None),
        (" ", "no column", None),
    ] {
        let error = told(columns, Some(wanted)).expect_err(wanted);
        assert!(error.text.contains(word) && error.near.as_deref() == near, "{error:?}");
    }
}

#[test]
fn possible_data_rows_stay_hidden() {
    let error = chosen(&[("ann", &["bob"]), ("Fiets-1234", &["Fiets-5678"])]).expect_err("no header");
    assert!(!error.text.contains("Fiets") && error.text.contains("column 2"), "{error:?}");
    let error = chosen(&[("ann", &["bob@c.com"]), ("Fiets-1234", &["Fiets-5678"])]).expect_err("no header");
    assert!(!error.text.contains("Fiets") && error.near.as_deref() == Some("ann"), "{error:?}");
    let error = chosen(&[("Email 2026", &["x"]), ("Office 365 name", &["y@c.com"])]).expect_err("no known name");
    assert!(error.text.contains("the values of column 2 look") && error.near.as_deref() == Some("2"), "{error:?}");
}

/// A column name that is in no list.
fn unknown_name() -> impl Strategy<Value = String> {
    let words = vec!["Zugang", "Cloud", "365", "schul", "AAD", "Ref", "Przedrostek", "xyz", "Kennung", "Student"];
    let name = proptest::collection::vec(select(words), 1..4).prop_map(|words| words.join(" "));
    name.prop_filter("unknown", |name| Meaning::of(name) == Meaning::Other)
}

/// A row of a table: who signs in, who has the mail address, and whether each cell is filled.
fn rows() -> impl Strategy<Value = Vec<(String, String)>> {
    let address = || "[a-c]{1,2}@(c|d)\\.com|[A-C]@C\\.com||x";
    proptest::collection::vec((address(), address()), 1..12)
}

fn decorated(name: &str) -> impl Strategy<Value = String> + use<> {
    let name = name.to_owned();
    let remarks =
        vec!["[Required]", "[READ ONLY]", "(optional)", "*", "(Pflichtfeld)", "- required", "[lecture seule]", ""];
    select(remarks).prop_map(move |remark| format!("{name} {remark}"))
}

proptest! {
    #[test]
    fn mail_yields_to_sign_in_columns(
        name in unknown_name(),
        mail in select(vec!["E-mail", "Email", "mail", "E-Mail-Adresse", "Primary SMTP Address", "Courriel"]),
        rows in rows(),
        swapped in any::<bool>(),
    ) {
        let (logins, mails): (Vec<_>, Vec<_>) = rows.iter().map(|(one, other)| (one.as_str(), other.as_str())).unzip();
        let mut columns = vec![(name.as_str(), &logins[..]), (mail, &mails[..])];
        if swapped {
            columns.reverse();
        }
        let has_logins = logins.iter().any(|value| value.contains('@'));
        let are_same = rows.iter().all(|(one, other)| one.eq_ignore_ascii_case(other));
        if let Ok(taken) = chosen(&columns) {
            prop_assert!(taken == mail && (are_same || !has_logins), "{taken}: {rows:?}");
        }
    }

    #[test]
    fn account_word_column_is_chosen(name in unknown_name(), rows in rows(), at in any::<Index>()) {
        let accounts: Vec<String> = (0..rows.len()).map(|nth| format!("u{nth}@c.com")).collect();
        let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
        let (logins, mails): (Vec<_>, Vec<_>) = rows.iter().map(|(one, other)| (one.as_str(), other.as_str())).unzip();
        let mut columns = vec![(name.as_str(), &logins[..]), ("Email", &mails[..])];
        columns.insert(at.index(3), ("User principal name", &accounts));
        prop_assert_eq!(chosen(&columns), Ok("User principal name".to_owned()));
    }

    #[test]
    fn remarks_change_nothing(
        (plain, header) in subsequence(vec!["Email Address", "User name", "Login", "Id", "Recovery Email", "Vorname"], 1..5)
            .prop_flat_map(|names| {
                let decorated: Vec<_> = names.iter().map(|name| decorated(name)).collect();
                (Just(names), decorated)
            }),
        values in proptest::collection::vec(select(vec!["a@c.com", "b@c.com", "ann", ID]), 4),
    ) {
        let columns = |names: Vec<&str>| {
            let columns: Vec<_> = names.into_iter().zip(&values).map(|(name, value)| (name.to_owned(), [*value])).collect();
            let columns: Vec<Column<'_>> = columns.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
            let text = table(&columns);
            let roster = Roster::from_bytes("r.csv", text.into_bytes(), &RosterOptions::default());
            roster.map(|roster| (roster.upn_column(), roster.name_columns().to_vec(), roster.shows_refused())).ok()
        };
        prop_assert_eq!(columns(plain), columns(header.iter().map(String::as_str).collect()));
    }
}
