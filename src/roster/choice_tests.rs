//! Which column is taken, and what a refusal says: on whole files, since most of it depends on all rows.

use super::*;
use proptest::{
    prelude::*,
    sample::{Index, select, subsequence},
};

const ID: &str = "0b8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";
const OTHER_ID: &str = "1c8f2a6e-3c1d-4e5f-8a9b-0c1d2e3f4a5b";

type Column<'c> = (&'c str, &'c [&'c str]);

/// A file with these columns, shorter ones filled up with empty cells.
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

/// The name of the column that is taken, or why none is.
fn chosen(columns: &[Column<'_>]) -> Result<String, String> {
    told(columns, None)
}

fn told(columns: &[Column<'_>], upn_column: Option<&str>) -> Result<String, String> {
    let options = RosterOptions { upn_column: upn_column.map(str::to_owned), ..RosterOptions::default() };
    let roster = Roster::from_bytes("r.csv", table(columns).into_bytes(), &options);
    roster.map(|roster| roster.header()[roster.upn_column()].clone()).map_err(|error| error.to_string())
}

/// Refused, with all of `named` in the message, each with its flag.
fn is_refused_between(columns: &[Column<'_>], named: &[&str]) {
    let error = chosen(columns).expect_err(&format!("{columns:?}"));
    for name in named {
        assert!(error.contains(&format!("--upn-column \"{name}\"")), "{error}");
    }
    assert!(error.contains("nothing was sent") && error.matches("--upn-column").count() == named.len(), "{error}");
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
fn a_mail_column_never_beats_another_silently() {
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
fn two_columns_with_account_words_are_refused_unless_they_agree() {
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
    assert!(error.contains("first on line 301"), "{error}");
}

#[test]
fn an_account_word_without_one_good_value_is_none() {
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
    assert!(error.contains("--upn-column \"Id\""), "{error}");
}

#[test]
fn without_a_column_the_message_shows_the_way() {
    let error = chosen(&[("Login", &["a@c.com"]), ("Room", &["7"])]).expect_err("none");
    assert!(error.contains("--upn-column \"Login\"") && error.contains("Columns: \"Login\", \"Room\""), "{error}");
    let error = chosen(&[("username", &["ann"]), ("Login", &["a@c.com"])]).expect_err("a better one");
    assert!(error.contains("--upn-column \"Login\""), "{error}");
    is_refused_between(&[("A", &["a@c.com"]), ("B", &["a@c.com"]), ("Room", &["7"])], &["A", "B"]);
    let error = chosen(&[("Room", &["7"]), ("Recovery email", PUPILS)]).expect_err("none");
    assert!(!error.contains("look like"), "{error}");
}

#[test]
fn a_suggested_flag_works_when_pasted() {
    for (name, flag) in [
        ("Login", "--upn-column \"Login\""),
        ("Schul-E-Mail", "--upn-column \"Schul-E-Mail\""),
        ("$(reboot)", "--upn-column 1"),
        ("-x", "--upn-column 1"),
        ("", "--upn-column 1"),
        ("a\"b", "--upn-column 1"),
        ("Log\u{1b}in", "--upn-column 1"),
        ("Room", "--upn-column 1"),
    ] {
        let columns = [(name, PUPILS), ("Email", OTHERS), ("Room", &[])];
        let error = chosen(&columns).expect_err(name);
        assert!(error.contains(&format!("{flag} or")), "{error}");
        let wanted = flag.trim_start_matches("--upn-column ").trim_matches('"');
        assert_eq!(told(&columns, Some(wanted)), Ok(name.trim().to_owned()));
    }
}

#[test]
fn flags_are_matched_in_four_ways() {
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
    for (wanted, word) in [
        ("Upn", "more than one"),
        ("x", "number"),
        ("Mail", "more than one"),
        ("Lokin", "did you mean \"Log-in\""),
        ("Lgoin", "did you mean \"Log-in\""),
        ("12", "Columns: "),
        ("0", "no column"),
        ("", "column 7"),
        (" ", "no column"),
    ] {
        let error = told(columns, Some(wanted)).expect_err(wanted);
        assert!(error.contains(word) && error.contains("--upn-column"), "{error}");
    }
}

#[test]
fn a_first_row_that_may_be_data_is_not_shown() {
    let error = chosen(&[("ann", &["bob"]), ("Fiets-1234", &["Fiets-5678"])]).expect_err("no header");
    assert!(!error.contains("Fiets") && error.contains("column 2"), "{error}");
    let error = chosen(&[("ann", &["bob@c.com"]), ("Fiets-1234", &["Fiets-5678"])]).expect_err("no header");
    assert!(!error.contains("Fiets") && error.contains("--upn-column \"ann\""), "{error}");
    let error = chosen(&[("Email 2026", &["x"]), ("Office 365 name", &["y@c.com"])]).expect_err("no known name");
    assert!(error.contains("--upn-column 2"), "{error}");
}

/// A name of a column that no list has.
fn unknown_name() -> impl Strategy<Value = String> {
    let words = vec!["Zugang", "Cloud", "365", "schul", "AAD", "Ref", "Przedrostek", "xyz", "Kennung", "Student"];
    let name = proptest::collection::vec(select(words), 1..4).prop_map(|words| words.join(" "));
    name.prop_filter("unknown", |name| Meaning::of(name) == Meaning::Other)
}

/// A row of a table: who signs in, whose mail address it is, and whether each has one.
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
    fn no_mail_column_is_taken_while_another_may_sign_in(
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
    fn a_column_with_an_account_word_is_taken(name in unknown_name(), rows in rows(), at in any::<Index>()) {
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
